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

// keepBusy runs an asynchronous search with as many evaluations under way as there are workers, which end in random order, some of them only
// after very many others; it returns the evaluations to the target, or the budget.
func keepBusy(t *testing.T, o Optimizer, workers int, loss func([]float64) float64, target float64, budget int) int {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	type job struct {
		Candidate
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
		if err := o.Tell([]Evaluated{{ID: j.ID, Loss: []float64{loss(j.X)}}}); err != nil {
			t.Fatal(err)
		}
		if o.Status().Best.Loss[0] <= target {
			return used + 1
		}
	}
	return budget
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
