package moo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func TestIBEAIndicatorByHand(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2}, []float64{1, 2}, 0}, {[]float64{1, 2}, []float64{2, 3}, -1}, {[]float64{0, 5}, []float64{2, 3}, 2},
		{[]float64{3, 3, 1}, []float64{2, 1, 9}, 2},
	} {
		if got := epsilon(c.a, c.b); got != c.want {
			t.Errorf("from %v to %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

// The twin computes all fitness values anew, by the paper's sum, before each removal.
func TestIBEARemovesTheLeastFitOneByOne(t *testing.T) {
	o, err := NewIBEA(optimizer.Problem{Coords: optimizer.Box(3, 0, 1).Coords, Objectives: 3}, IBEADefaults(), 1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		losses := make([][]float64, 30)
		for i := range losses {
			losses[i] = []float64{rng.Float64(), 10 * rng.Float64(), rng.ExpFloat64()}
		}
		scaled := optimizer.Normalised(losses)
		c := 0.0
		for _, a := range scaled {
			for _, b := range scaled {
				c = max(c, math.Abs(epsilon(a, b)))
			}
		}
		left := make([]int, len(losses))
		for i := range left {
			left[i] = i
		}
		for len(left) > 12 {
			worst, least := 0, math.Inf(1)
			for at, x := range left {
				fitness := 0.0
				for _, y := range left {
					if y != x {
						fitness -= math.Exp(-epsilon(scaled[y], scaled[x]) / (c * 0.05))
					}
				}
				if fitness < least {
					worst, least = at, fitness
				}
			}
			left = slices.Delete(left, worst, worst+1)
		}
		if got := names(o.fittest(nil, poolOf(losses...), 12)); !slices.Equal(got, left) {
			t.Fatalf("%v survive, want %v", got, left)
		}
	}
}
