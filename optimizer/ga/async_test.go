package ga

import (
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func newAsync(t *testing.T, problem optimizer.Problem, seed uint64) *Async {
	t.Helper()
	o, err := NewAsync(problem, AsyncDefaults(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestGeneticAsyncNeverWaitsAndFindsTheRightValleyOfRastrigin(t *testing.T) {
	for seed := range uint64(5) {
		if used := rig.KeepBusy(t, newAsync(t, optimizer.Box(5, -5, 5), seed), 16, rig.Losses["rastrigin"], 0.5, 10_000); used == 10_000 {
			t.Errorf("seed %d: not within 10,000 evaluations", seed)
		}
	}
}

func TestGeneticAsyncKeepsTheBestAndNeverOneThatFailed(t *testing.T) {
	o := newAsync(t, optimizer.Box(3, -5, 5), 2)
	all := []float64{}
	for range 400 {
		cs, _ := o.Ask(3)
		for _, c := range cs {
			ev := optimizer.Evaluated{ID: c.ID, Loss: []float64{rig.Losses["sphere"](c.X)}, Failed: c.ID%3 == 0}
			if !ev.Failed {
				all = append(all, ev.Loss[0])
			}
			if err := o.Tell([]optimizer.Evaluated{ev}); err != nil {
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
	o := newAsync(t, optimizer.Box(3, -5, 5), 3)
	var known []optimizer.Solution
	for range 60 {
		x := o.problem.Draw(rand.New(rand.NewPCG(uint64(len(known)), 1)))
		known = append(known, optimizer.Solution{X: x, Loss: []float64{rig.Losses["sphere"](x)}})
	}
	if err := o.WarmStart(known); err != nil {
		t.Fatal(err)
	}
	cold := newAsync(t, optimizer.Box(3, -5, 5), 3)
	warm, without := rig.KeepBusy(t, o, 4, rig.Losses["sphere"], 0.1, 5000), rig.KeepBusy(t, cold, 4, rig.Losses["sphere"], 0.1, 5000)
	if warm+20 > without {
		t.Errorf("%d evaluations with 60 known solutions, %d without", warm, without)
	}
}
