package de_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/de"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestDEKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, de.Algorithms()) }
