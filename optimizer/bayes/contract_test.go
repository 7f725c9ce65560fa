package bayes_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/bayes"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestBayesKeepsTheContract(t *testing.T) {
	rig.Long(t)
	optimizertest.Run(t, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := bayes.Defaults()
		par.MaxPoints = 20 // it thinks about each proposal, and the suite asks for some ten thousand
		return bayes.New(p, par, seed)
	})
}
