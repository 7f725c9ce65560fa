package mcmc_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/mcmc"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestMCMCKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, mcmc.Algorithms()) }

// With the parameters that choose another path through the code.
func TestMCMCVariantsKeepTheContract(t *testing.T) {
	run := func(name string, make optimizertest.Make) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			optimizertest.Run(t, make)
		})
	}
	for _, schedule := range []string{"logarithmic", "exponential_additive"} {
		run("annealing/"+schedule, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := mcmc.AnnealingDefaults()
			par.Chains, par.Schedule, par.Steps = 1, schedule, 20
			return mcmc.NewAnnealing(p, par, seed)
		})
	}
	run("parallel_tempering/posterior", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := mcmc.ParallelTemperingDefaults()
		par.Chains, par.TLow, par.SwapInterval = 3, 1, 2
		return mcmc.NewParallelTempering(p, par, seed)
	})
	run("parallel_tempering/several ladders", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := mcmc.ParallelTemperingDefaults()
		par.Chains, par.Ladders = 3, 4
		return mcmc.NewParallelTempering(p, par, seed)
	})
}
