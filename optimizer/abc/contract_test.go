package abc_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/abc"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestABCSMCKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, abc.Algorithms()) }
