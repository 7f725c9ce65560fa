package moo_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/moo"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestMOOKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, moo.Algorithms()) }
