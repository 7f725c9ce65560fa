package catalogue_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cem"
	"github.com/meta-optimization/l2l-mpi/optimizer/gradient"
	"github.com/meta-optimization/l2l-mpi/optimizer/mcmc"
	"github.com/meta-optimization/l2l-mpi/optimizer/nes"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
	"github.com/meta-optimization/l2l-mpi/optimizer/portfolio"
)

// The catalogue's defaults are tested by TestEveryAlgorithmKeepsTheContract; here the parameters that choose another code path.
func TestEveryVariantKeepsTheContract(t *testing.T) {
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
	for _, step := range []string{"plain", "stochastic", "momentum", "rmsprop", "adamax"} {
		run("gradient/"+step, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := gradient.Defaults()
			par.Step, par.MirroredSampling = step, false
			return gradient.New(p, par, seed)
		})
	}
	run("evolution_strategies/losses", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := nes.ESDefaults()
		par.FitnessShaping, par.MirroredSampling, par.EvaluateCentre = false, false, false
		return nes.NewES(p, par, seed)
	})
	run("snes/mirrored", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := nes.SNESDefaults()
		par.MirroredSampling = true
		return nes.NewSNES(p, par, seed)
	})
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
	run("portfolio/every member", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := portfolio.Defaults()
		par.Members = []string{"cmaes", "xnes", "snes", "lshade", "jade", "pso", "genetic"}
		return portfolio.New(p, par, seed)
	})
}
