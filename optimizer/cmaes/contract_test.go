package cmaes_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestCMAESKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, cmaes.Algorithms()) }

// With the parameters that choose another path through the code.
func TestCMAESVariantsKeepTheContract(t *testing.T) {
	run := func(name string, make optimizertest.Make) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			optimizertest.Run(t, make)
		})
	}
	for _, covariance := range []string{"diagonal", "low_rank"} {
		run(covariance, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := cmaes.Defaults()
			par.Covariance = covariance
			return cmaes.New(p, par, seed)
		})
	}
	run("parallel", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		p.Parallel = 100
		a := cmaes.Algorithms()[0]
		return a.New(p, a.Params(), seed)
	})
	run("parallel, of whole generations", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		p.Parallel, p.Quorum = 100, 1
		a := cmaes.Algorithms()[0]
		return a.New(p, a.Params(), seed)
	})
	run("quorum", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		p.Quorum = 0.6
		a := cmaes.Algorithms()[0]
		return a.New(p, a.Params(), seed)
	})
	run("quorum, initial samples, diagonal", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		p.Quorum = 0.9
		par := cmaes.Defaults()
		par.Covariance, par.InitialSamples = "diagonal", 10
		return cmaes.NewQuorate(p, par, seed)
	})
	run("quorum, parallel", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		p.Parallel, p.Quorum = 100, 0.5
		a := cmaes.Algorithms()[0]
		return a.New(p, a.Params(), seed)
	})
	run("adapted rates, async", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := cmaes.Defaults()
		par.AdaptRates, par.Active, par.InitialSamples = true, false, 10
		return cmaes.NewAsync(p, par, seed)
	})
}
