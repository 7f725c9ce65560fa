package enkf_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/enkf"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestEnKFKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, enkf.Algorithms()) }
