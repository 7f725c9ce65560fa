package optimizer

import (
	"math"
	"testing"
)

// mixedProblem has a coordinate of each kind; mixedLoss is its loss, with the minimum 0 at mixedBest.
var (
	mixedProblem = Problem{Coords: []Coordinate{
		{Lower: -5, Upper: 5}, {Kind: Integer, Lower: -20, Upper: 20}, {Kind: Categorical, Upper: 4}, {Kind: Integer, Upper: 1},
		{Lower: math.Inf(-1), Upper: math.Inf(1), Mean: 3, Std: 2},
	}}
	mixedBest = []float64{1, 7, 3, 1, 0}
)

func mixedLoss(x []float64) float64 {
	l := (x[0]-1)*(x[0]-1) + (x[1]-7)*(x[1]-7)/10 + 2*(1-x[3]) + x[4]*x[4]
	if x[2] != mixedBest[2] {
		l += 3
	}
	return l
}

// made fails the test where an optimizer could not be made.
func made[O any](o O, err error) func(t *testing.T) O {
	return func(t *testing.T) O {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
}

// round asks for a generation, tells the losses of all its individuals and returns them. A loss that is NaN is told as a failure.
func round(t *testing.T, o Optimizer, loss func(x []float64) float64) []Candidate {
	t.Helper()
	cs, err := o.Ask(0)
	if err != nil {
		t.Fatal(err)
	}
	var evs []Evaluated
	for _, c := range cs {
		evs = append(evs, Evaluated{ID: c.ID, Loss: []float64{loss(c.X)}})
	}
	if err := o.Tell(evs); err != nil {
		t.Fatal(err)
	}
	return cs
}

// near reports numbers that differ by more than a relative, or absolute, tolerance of 1e-9.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
