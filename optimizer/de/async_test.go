package de

import (
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

func newAsync(t *testing.T, problem optimizer.Problem, seed uint64) *Async {
	t.Helper()
	o, err := NewAsync(problem, JADEDefaults(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDEAsyncNeedsHardlyMoreEvaluationsThoughManyAreUnderWay(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	evaluations := func(workers int) (sum int) {
		for seed := range uint64(5) {
			sum += rig.KeepBusy(t, newAsync(t, optimizer.Box(5, -5, 5), seed), workers, rig.Losses["rastrigin"], 1e-8, 40_000)
		}
		return sum / 5
	}
	if one, many := evaluations(1), evaluations(16); many > one*3/2 {
		t.Errorf("%d evaluations with 16 under way, %d with one", many, one)
	}
}

func TestDEAsyncIgnoresLateResultsOfAnEarlierPopulation(t *testing.T) {
	o := newAsync(t, optimizer.Box(1, -5, 5), 1)
	late, _ := o.Ask(1)
	for o.s.Run == 0 {
		cs, _ := o.Ask(1)
		if err := o.Tell([]optimizer.Evaluated{{ID: cs[0].ID, Loss: []float64{rig.Losses["sphere"](cs[0].X)}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Tell([]optimizer.Evaluated{{ID: late[0].ID, Loss: []float64{-1}}}); err != nil {
		t.Fatal(err)
	}
	if len(o.s.Deme.Population) != 0 {
		t.Errorf("the new population has %d members", len(o.s.Deme.Population))
	}
	if best := o.Status().Best; best.ID != late[0].ID {
		t.Errorf("the best is %+v, want the late one", best)
	}
}

func TestDEAsyncReplacesStartersThatFailed(t *testing.T) {
	o := newAsync(t, optimizer.Box(3, -5, 5), 1)
	for range 300 {
		cs, _ := o.Ask(4)
		for _, c := range cs {
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{rig.Losses["sphere"](c.X)}, Failed: c.ID%3 == 0}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(o.s.Deme.Population); n != o.par.PopSize {
		t.Errorf("%d members, want %d", n, o.par.PopSize)
	}
	if slices.ContainsFunc(o.s.Deme.Population, func(g kit.Individual) bool { return g.Failed }) {
		t.Error("a member has failed")
	}
}
