package ga_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/ga"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestGeneticKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, ga.Algorithms()) }
