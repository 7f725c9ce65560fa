package pso_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
	"github.com/meta-optimization/l2l-mpi/optimizer/pso"
)

func TestPSOKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, pso.Algorithms()) }
