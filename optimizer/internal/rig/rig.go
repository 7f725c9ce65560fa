// Package rig is what tests of algorithms share: losses, and loops that search them. Whether an algorithm keeps its contract is for package
// optimizertest.
package rig

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// MixedProblem has a coordinate of each kind; MixedLoss is its loss, with the minimum 0 at mixedBest.
var (
	MixedProblem = optimizer.Problem{Coords: []optimizer.Coordinate{
		{Lower: -5, Upper: 5}, {Kind: optimizer.Integer, Lower: -20, Upper: 20}, {Kind: optimizer.Categorical, Upper: 4},
		{Kind: optimizer.Integer, Upper: 1},
		{Lower: math.Inf(-1), Upper: math.Inf(1), Mean: 3, Std: 2},
	}}
	mixedBest = []float64{1, 7, 3, 1, 0}
)

// MixedLoss is the loss of MixedProblem.
func MixedLoss(x []float64) float64 {
	l := (x[0]-1)*(x[0]-1) + (x[1]-7)*(x[1]-7)/10 + 2*(1-x[3]) + x[4]*x[4]
	if x[2] != mixedBest[2] {
		l += 3
	}
	return l
}

// Long skips a test that takes more than two seconds where -short is given.
func Long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes more than two seconds")
	}
}

// Made fails the test where an optimizer could not be made.
func Made[O any](o O, err error) func(t *testing.T) O {
	return func(t *testing.T) O {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
}

// Round asks for a generation, tells the losses of all its individuals and returns them. A loss that is NaN is told as a failure.
func Round(t *testing.T, o optimizer.Optimizer, loss func(x []float64) float64) []optimizer.Candidate {
	t.Helper()
	cs, err := o.Ask(0)
	if err != nil {
		t.Fatal(err)
	}
	var evs []optimizer.Evaluated
	for _, c := range cs {
		evs = append(evs, optimizer.Evaluated{ID: c.ID, Loss: []float64{loss(c.X)}})
	}
	if err := o.Tell(evs); err != nil {
		t.Fatal(err)
	}
	return cs
}

// Near reports numbers that differ by more than a relative, or absolute, tolerance of 1e-9.
func Near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// Losses are those that convergence is tested on, each with its minimum 0 off the centre of [-5, 5]^n.
var Losses = map[string]func(x []float64) float64{
	"sphere": func(x []float64) float64 {
		s := 0.0
		for _, v := range x {
			s += (v - 1.5) * (v - 1.5)
		}
		return s
	},
	"ellipsoid": func(x []float64) float64 { // condition 1e6
		s := 0.0
		for i, v := range x {
			s += math.Pow(1e6, float64(i)/float64(len(x)-1)) * (v + 2) * (v + 2)
		}
		return s
	},
	"rosenbrock": func(x []float64) float64 {
		s := 0.0
		for i := range len(x) - 1 {
			a, b := x[i]+1, x[i+1]+1
			s += 100*(b-a*a)*(b-a*a) + (1-a)*(1-a)
		}
		return s
	},
	"corner": func(x []float64) float64 { // the minimum lies in a corner of the box
		s := 0.0
		for i, v := range x {
			s += float64(i+1) * math.Abs(v-5)
		}
		return s
	},
	"rastrigin": func(x []float64) float64 {
		s := 0.0
		for _, v := range x {
			v -= 1.5
			s += v*v + 10*(1-math.Cos(2*math.Pi*v))
		}
		return s
	},
}

// Minimise runs the optimizer until the loss is at most target, it stops, or the budget is used up; it returns the evaluations used.
func Minimise(t *testing.T, o optimizer.Optimizer, loss func([]float64) float64, target float64, budget int) (evaluations int, best float64) {
	t.Helper()
	best = math.Inf(1)
	for evaluations < budget {
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		if len(cs) == 0 {
			break
		}
		for _, c := range cs {
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{loss(c.X)}}}); err != nil {
				t.Fatal(err)
			}
		}
		evaluations += len(cs)
		if b := o.Status().Best; b != nil {
			best = b.Loss[0]
		}
		if best <= target {
			break
		}
	}
	return evaluations, best
}

// MedianEvaluations is the median over seeds of the evaluations to the target; a search that does not reach it counts as the budget.
func MedianEvaluations(t *testing.T, make func(seed uint64) optimizer.Optimizer, loss string, target float64, budget int) int {
	t.Helper()
	var used []int
	for seed := range uint64(9) {
		n, best := Minimise(t, make(seed), Losses[loss], target, budget)
		if best > target {
			n = budget
		}
		used = append(used, n)
	}
	slices.Sort(used)
	return used[len(used)/2]
}

// OneAtATime asks for one individual when asked for any number.
type OneAtATime struct{ optimizer.Optimizer }

// Ask implements Optimizer.
func (o OneAtATime) Ask(int) ([]optimizer.Candidate, error) { return o.Optimizer.Ask(1) }

// KeepBusy runs an asynchronous search with as many evaluations under way as there are workers, which end in random order, some of them only
// after very many others; it returns the evaluations to the target, or the budget.
func KeepBusy(t *testing.T, o optimizer.Optimizer, workers int, loss func([]float64) float64, target float64, budget int) int {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	type job struct {
		optimizer.Candidate
		ends float64
	}
	var busy []job
	now := 0.0
	for used := range budget {
		for len(busy) < workers {
			cs, err := o.Ask(1)
			if err != nil || len(cs) != 1 {
				t.Fatalf("with %d under way: %d individuals, %v", len(busy), len(cs), err)
			}
			busy = append(busy, job{cs[0], now + rng.ExpFloat64()*rng.ExpFloat64()})
		}
		first := 0
		for i, j := range busy {
			if j.ends < busy[first].ends {
				first = i
			}
		}
		j := busy[first]
		now = j.ends
		busy = append(busy[:first], busy[first+1:]...)
		if err := o.Tell([]optimizer.Evaluated{{ID: j.ID, Loss: []float64{loss(j.X)}}}); err != nil {
			t.Fatal(err)
		}
		if o.Status().Best.Loss[0] <= target {
			return used + 1
		}
	}
	return budget
}

// Share is the part of n draws for which holds is true.
func Share(n int, holds func() bool) float64 {
	count := 0
	for range n {
		if holds() {
			count++
		}
	}
	return float64(count) / float64(n)
}

// Generations runs whole generations.
func Generations(t *testing.T, o optimizer.Optimizer, n int, evaluate func(optimizer.Candidate) optimizer.Evaluated) {
	t.Helper()
	for range n {
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		var evs []optimizer.Evaluated
		for _, c := range cs {
			evs = append(evs, evaluate(c))
		}
		if err := o.Tell(evs); err != nil {
			t.Fatal(err)
		}
	}
}
