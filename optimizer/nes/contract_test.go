package nes_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/nes"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestNESKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, nes.Algorithms()) }

// With the parameters that choose another path through the code.
func TestNESVariantsKeepTheContract(t *testing.T) {
	run := func(name string, make optimizertest.Make) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			optimizertest.Run(t, make)
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
}
