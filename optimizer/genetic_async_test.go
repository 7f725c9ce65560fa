package optimizer

import (
	"math/rand/v2"
	"testing"
)

func newGeneticAsync(t *testing.T, problem Problem, seed uint64) *GeneticAsync {
	t.Helper()
	o, err := NewGeneticAsync(problem, DefaultGeneticAsync(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestGeneticAsyncNeverWaitsAndFindsTheRightValleyOfRastrigin(t *testing.T) {
	for seed := range uint64(5) {
		if used := keepBusy(t, newGeneticAsync(t, Box(5, -5, 5), seed), 16, losses["rastrigin"], 0.5, 10_000); used == 10_000 {
			t.Errorf("seed %d: not within 10,000 evaluations", seed)
		}
	}
}

func TestGeneticAsyncKeepsTheBestAndNeverOneThatFailed(t *testing.T) {
	o := newGeneticAsync(t, Box(3, -5, 5), 2)
	all := []float64{}
	for range 400 {
		cs, _ := o.Ask(3)
		for _, c := range cs {
			ev := Evaluated{ID: c.ID, Loss: []float64{losses["sphere"](c.X)}, Failed: c.ID%3 == 0}
			if !ev.Failed {
				all = append(all, ev.Loss[0])
			}
			if err := o.Tell([]Evaluated{ev}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(o.s.Population) != o.par.PopSize {
		t.Fatalf("%d in the population, want %d", len(o.s.Population), o.par.PopSize)
	}
	worst := o.s.Population[len(o.s.Population)-1]
	better := 0
	for _, l := range all {
		if l < worst.Loss {
			better++
		}
	}
	if better >= o.par.PopSize || worst.Failed {
		t.Errorf("%d results are better than the worst of %d that are kept", better, o.par.PopSize)
	}
}

func TestGeneticAsyncBelievesKnownLosses(t *testing.T) {
	o := newGeneticAsync(t, Box(3, -5, 5), 3)
	var known []Solution
	for range 60 {
		x := o.problem.Draw(rand.New(rand.NewPCG(uint64(len(known)), 1)))
		known = append(known, Solution{X: x, Loss: []float64{losses["sphere"](x)}})
	}
	if err := o.WarmStart(known); err != nil {
		t.Fatal(err)
	}
	cold := newGeneticAsync(t, Box(3, -5, 5), 3)
	warm, without := keepBusy(t, o, 4, losses["sphere"], 0.1, 5000), keepBusy(t, cold, 4, losses["sphere"], 0.1, 5000)
	if warm+20 > without {
		t.Errorf("%d evaluations with 60 known solutions, %d without", warm, without)
	}
}
