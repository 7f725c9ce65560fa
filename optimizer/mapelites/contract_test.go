package mapelites_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/mapelites"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestMAPElitesKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, mapelites.Algorithms()) }
