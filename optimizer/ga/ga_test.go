package ga

import (
	"reflect"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func newSearch(t *testing.T, problem optimizer.Problem, seed uint64, change func(*Params)) *Search {
	t.Helper()
	par := Defaults()
	if change != nil {
		change(&par)
	}
	o, err := New(problem, par, seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestGeneticImprovesOnEveryKindOfCoordinate(t *testing.T) {
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{
		{Lower: -5, Upper: 5}, {Kind: optimizer.Integer, Lower: -20, Upper: 20}, {Kind: optimizer.Categorical, Upper: 9},
		{Kind: optimizer.Integer, Upper: 1},
	}}
	loss := func(x []float64) float64 {
		l := (x[0]-1)*(x[0]-1) + (x[1]-7)*(x[1]-7)
		if x[2] != 6 {
			l += 5
		}
		return l + x[3]
	}
	for seed := range uint64(5) {
		if n, best := rig.Minimise(t, newSearch(t, problem, seed, nil), loss, 1e-3, 5000); best > 1e-3 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 1e-3", seed, best, n)
		}
	}
}

func TestGeneticFindsTheRightValleyOfRastrigin(t *testing.T) {
	used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer { return newSearch(t, optimizer.Box(5, -5, 5), seed, nil) },
		"rastrigin", 0.5, 20000)
	if used > 10000 {
		t.Errorf("%d evaluations to 0.5 (median of 9), want at most 10,000", used)
	}
}

func TestGeneticSeedDecidesEverything(t *testing.T) { // the Python L2L drew from Python's global generator
	run := func() []optimizer.Candidate {
		o := newSearch(t, optimizer.Box(3, -5, 5), 7, nil)
		var all []optimizer.Candidate
		for range 10 {
			cs, _ := o.Ask(0)
			for _, c := range cs {
				all = append(all, c)
				if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{rig.Losses["sphere"](c.X)}}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		return all
	}
	a, b := run(), run()
	if len(a) != len(b) {
		t.Fatalf("%d and %d individuals", len(a), len(b))
	}
	for i := range a {
		for j := range a[i].X {
			if a[i].X[j] != b[i].X[j] {
				t.Fatalf("individual %d differs", i)
			}
		}
	}
}

func TestGeneticBreedsOnlyWhenAsked(t *testing.T) { // the Python L2L bred one more generation than it evaluated
	o := newSearch(t, optimizer.Box(3, -5, 5), 1, nil)
	cs, _ := o.Ask(0)
	for _, c := range cs {
		if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{1 + c.X[0]*c.X[0]}}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range o.s.Population {
		if !g.Known {
			t.Fatal("the population holds an individual without a loss after the last result")
		}
	}
}

func TestGeneticKeepsTheLossOfACopyAndEvaluatesTheRest(t *testing.T) {
	o := newSearch(t, optimizer.Box(3, -5, 5), 1, func(p *Params) { p.CxProb, p.MutProb, p.Elite = 0.3, 0.1, 2 })
	evaluated := 0
	for g := range 20 {
		cs, _ := o.Ask(0)
		if len(cs) == 0 || g > 0 && len(cs) >= o.par.PopSize {
			t.Fatalf("generation %d evaluates %d of %d", g, len(cs), o.par.PopSize)
		}
		evaluated += len(cs)
		for _, c := range cs {
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{rig.Losses["sphere"](c.X)}}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, g := range o.s.Population {
			if want := rig.Losses["sphere"](g.X); g.Loss != want {
				t.Fatalf("a genome carries the loss %v, its own is %v", g.Loss, want)
			}
		}
	}
	if evaluated > 15*o.par.PopSize {
		t.Errorf("%d evaluations in 20 generations of %d: copies were evaluated again", evaluated, o.par.PopSize)
	}
}

func TestGeneticNeverPrefersAFailedIndividual(t *testing.T) {
	o := newSearch(t, optimizer.Box(2, -5, 5), 2, func(p *Params) { p.Elite, p.TournSize = 1, 50 })
	cs, _ := o.Ask(0)
	for _, c := range cs {
		ev := optimizer.Evaluated{ID: c.ID, Loss: []float64{1e300}, Failed: c.ID != 17}
		if err := o.Tell([]optimizer.Evaluated{ev}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Ask(0); err != nil {
		t.Fatal(err)
	}
	if elite := o.s.Population[0]; elite.Failed || elite.X[0] != cs[17].X[0] {
		t.Errorf("the elite is %+v, want the only individual that did not fail", elite)
	}
}

// Defect 9 of the Python L2L: its resumed genetic algorithm had lost survivors, their fitness and the random stream.
func TestGeneticResumedHasItsSurvivorsTheirLossesAndItsRandomStream(t *testing.T) {
	o := newSearch(t, optimizer.Box(3, -5, 5), 1, nil)
	for range 6 {
		rig.Round(t, o, rig.Losses["sphere"])
	}
	state, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	resumed := newSearch(t, optimizer.Box(3, -5, 5), 99, nil)
	if err := resumed.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(o.s.Population, resumed.s.Population) {
		t.Error("the population is another one")
	}
	for range 3 {
		a, b := rig.Round(t, o, rig.Losses["sphere"]), rig.Round(t, resumed, rig.Losses["sphere"])
		if !reflect.DeepEqual(a, b) {
			t.Fatal("it breeds other children")
		}
	}
	if !reflect.DeepEqual(o.Status(), resumed.Status()) {
		t.Error("its status is another one")
	}
}

// A defect of the Python L2L: where all of its offspring were clones, its next generation was empty.
func TestGeneticGenerationIsNeverEmpty(t *testing.T) {
	o := newSearch(t, optimizer.Box(2, -5, 5), 1, func(p *Params) { p.PopSize, p.Elite, p.CxProb, p.MutProb = 2, 0, 0.001, 0.001 })
	for i := range 200 {
		if cs := rig.Round(t, o, rig.Losses["sphere"]); len(cs) == 0 {
			t.Fatalf("generation %d is empty", i)
		}
	}
}
