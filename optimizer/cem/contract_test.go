package cem_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cem"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestCEMKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, cem.Algorithms()) }

// With the parameters that choose another path through the code.
func TestCEMVariantsKeepTheContract(t *testing.T) {
	run := func(name string, make optimizertest.Make) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			optimizertest.Run(t, make)
		})
	}
	for _, distribution := range []string{"gaussian", "noisy_mixture"} {
		run("crossentropy/"+distribution, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := cem.Defaults()
			par.PopSize, par.Distribution, par.Covariance, par.TempDecay = 20, distribution, "full", 0.9
			return cem.New(p, par, seed)
		})
		run("face/"+distribution, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := cem.FACEDefaults()
			par.MinPopSize, par.Distribution, par.TempDecay = 20, distribution, 0.9
			return cem.NewFACE(p, par, seed)
		})
	}
}
