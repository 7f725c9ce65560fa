package optimizer_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
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
			par := optimizer.DefaultCrossEntropy()
			par.PopSize, par.Distribution, par.Covariance, par.TempDecay = 20, distribution, "full", 0.9
			return optimizer.NewCrossEntropy(p, par, seed)
		})
		run("face/"+distribution, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := optimizer.DefaultFACE()
			par.MinPopSize, par.Distribution, par.TempDecay = 20, distribution, 0.9
			return optimizer.NewFACE(p, par, seed)
		})
	}
	for _, step := range []string{"plain", "stochastic", "momentum", "rmsprop", "adamax"} {
		run("gradient/"+step, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := optimizer.DefaultGradient()
			par.Step, par.MirroredSampling = step, false
			return optimizer.NewGradient(p, par, seed)
		})
	}
	run("evolution_strategies/losses", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := optimizer.DefaultEvolutionStrategies()
		par.FitnessShaping, par.MirroredSampling, par.EvaluateCentre = false, false, false
		return optimizer.NewEvolutionStrategies(p, par, seed)
	})
	run("snes/mirrored", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := optimizer.DefaultSNES()
		par.MirroredSampling = true
		return optimizer.NewSNES(p, par, seed)
	})
	for _, schedule := range []string{"logarithmic", "exponential_additive"} {
		run("annealing/"+schedule, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := optimizer.DefaultAnnealing()
			par.Chains, par.Schedule, par.Steps = 1, schedule, 20
			return optimizer.NewAnnealing(p, par, seed)
		})
	}
	run("parallel_tempering/posterior", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := optimizer.DefaultParallelTempering()
		par.Chains, par.TLow, par.SwapInterval = 3, 1, 2
		return optimizer.NewParallelTempering(p, par, seed)
	})
	run("portfolio/every member", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := optimizer.DefaultPortfolio()
		par.Members = []string{"cmaes", "xnes", "snes", "lshade", "jade", "pso", "genetic"}
		return optimizer.NewPortfolio(p, par, seed)
	})
}
