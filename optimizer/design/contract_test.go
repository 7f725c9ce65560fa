package design_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/design"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestDesignKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, design.Algorithms()) }
