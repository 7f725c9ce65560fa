package optimizer_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestEveryAlgorithmKeepsTheContract(t *testing.T) {
	for _, a := range optimizer.Catalogue() {
		t.Run(a.Name, func(t *testing.T) {
			optimizertest.Run(t, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
				return a.New(p, a.Params(), seed)
			})
		})
	}
}
