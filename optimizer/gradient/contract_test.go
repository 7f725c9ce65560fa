package gradient_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/gradient"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestGradientKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, gradient.Algorithms()) }

// With the parameters that choose another path through the code.
func TestGradientVariantsKeepTheContract(t *testing.T) {
	run := func(name string, make optimizertest.Make) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			optimizertest.Run(t, make)
		})
	}
	for _, step := range []string{"plain", "stochastic", "momentum", "rmsprop", "adamax"} {
		run("gradient/"+step, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			par := gradient.Defaults()
			par.Step, par.MirroredSampling = step, false
			return gradient.New(p, par, seed)
		})
	}
}
