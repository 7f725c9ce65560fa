package catalogue_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/bayes"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestEveryAlgorithmKeepsTheContract(t *testing.T) {
	for _, a := range catalogue.All() {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			optimizertest.Run(t, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
				params := a.Params()
				if b, ok := params.(*bayes.Params); ok {
					b.PopSize, b.MaxPoints = 4, 20 // it thinks about each proposal, and the suite asks for some ten thousand
				}
				return a.New(p, params, seed)
			})
		})
	}
}
