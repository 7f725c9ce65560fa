package cmaes_test

import (
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
)

func TestRecommendedPointIsThatOfTheBestRunAfterARestart(t *testing.T) {
	o, err := cmaes.New(optimizer.Box(3, -5, 5), cmaes.Defaults(), 3)
	if err != nil {
		t.Fatal(err)
	}
	run := func() float64 { return o.Status().Figures[3].Value }
	for range 20_000 {
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{floats.Dot(c.X, c.X)}}}); err != nil {
				t.Fatal(err)
			}
		}
		if run() < 1 {
			continue
		}
		if x := optimizer.Recommended(o)[0]; floats.Norm(x, 2) > 1e-3 {
			t.Fatalf("in run %v it recommends %v, and not where the run before has ended", run(), x)
		}
		if run() == 3 {
			return
		}
	}
	t.Fatal("there was no third restart")
}
