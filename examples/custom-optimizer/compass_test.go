package main

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

func TestCompassKeepsTheContract(t *testing.T) {
	optimizertest.Algorithms(t, []optimizer.Algorithm{algorithm()})
}

func TestCompassGoesToTheBestOfWhatItSeesAndElseHalvesItsStep(t *testing.T) {
	o, err := newCompass(optimizer.Box(2, -4, 4), Params{Samples: 1, Step: 0.125, Tolerance: 0.1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.WarmStart([]optimizer.Solution{{X: []float64{1.5, 0}}}); err != nil {
		t.Fatal(err)
	}
	want := [][][]float64{
		{{1.5, 0}},
		{{2.5, 0}, {0.5, 0}, {1.5, 1}, {1.5, -1}},
		{{1.5, 0}, {-0.5, 0}, {0.5, 1}, {0.5, -1}}, // around 0.5, 0; the -0.5 is as good, not better
		{{1, 0}, {0, 0}, {0.5, 0.5}, {0.5, -0.5}},
	}
	for generation, points := range want {
		candidates, err := o.Ask(0)
		if err != nil || len(candidates) != len(points) {
			t.Fatalf("generation %d: %d individuals, %v", generation, len(candidates), err)
		}
		for i, c := range candidates {
			if c.X[0] != points[i][0] || c.X[1] != points[i][1] {
				t.Errorf("generation %d, individual %d: %v, want %v", generation, i, c.X, points[i])
			}
			loss := c.X[0]*c.X[0] + c.X[1]*c.X[1]
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{loss}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
