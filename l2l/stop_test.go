package l2l_test

import (
	"math"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func TestStopGivesTheReasonOfTheRuleThatHolds(t *testing.T) {
	target := 1.0
	least, most := optimizee.Objective{Name: "error", Direction: optimizee.Minimise}, optimizee.Objective{Name: "rate", Direction: optimizee.Maximise}
	between := l2l.Progress{Between: true, Each: 2, Best: math.NaN(), Objective: least}
	with := func(change func(p *l2l.Progress)) l2l.Progress {
		p := between
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		stop l2l.Stop
		p    l2l.Progress
		want string
	}{
		"no rule":               {l2l.Stop{}, with(func(p *l2l.Progress) { p.Generation, p.Evaluations, p.Stale = 1e6, 1e6, 1e6 }), ""},
		"too few generations":   {l2l.Stop{Generations: 4}, with(func(p *l2l.Progress) { p.Generation = 3 }), ""},
		"generations":           {l2l.Stop{Generations: 4}, with(func(p *l2l.Progress) { p.Generation = 4 }), "generations: 4"},
		"in a generation":       {l2l.Stop{Generations: 4}, l2l.Progress{Generation: 4, UnderWay: 1, Each: 1}, ""},
		"evaluations":           {l2l.Stop{Evaluations: 9}, with(func(p *l2l.Progress) { p.Asked, p.Evaluations = 4, 8 }), "evaluations: 8"},
		"evaluations under way": {l2l.Stop{Evaluations: 9}, with(func(p *l2l.Progress) { p.Asked, p.UnderWay = 4, 1 }), ""},
		"room for one more":     {l2l.Stop{Evaluations: 10}, with(func(p *l2l.Progress) { p.Asked = 4 }), ""},
		"no best yet":           {l2l.Stop{Target: &target}, between, ""},
		"target not reached":    {l2l.Stop{Target: &target}, with(func(p *l2l.Progress) { p.Best = 1.5 }), ""},
		"target": {l2l.Stop{Target: &target, Generations: 1}, with(func(p *l2l.Progress) { p.Best, p.Generation = 1, 1 }),
			"target: error has reached 1"},
		"target of a maximum": {l2l.Stop{Target: &target}, with(func(p *l2l.Progress) { p.Best, p.Objective = 1.5, most }),
			"target: rate has reached 1"},
		"target below a maximum": {l2l.Stop{Target: &target}, with(func(p *l2l.Progress) { p.Best, p.Objective = 0.5, most }), ""},
		"stagnation": {l2l.Stop{Stagnation: 3}, with(func(p *l2l.Progress) { p.Best, p.Stale = 1, 3 }),
			"stagnation: no better individual for 3 generations"},
		"stagnation not yet": {l2l.Stop{Stagnation: 3}, with(func(p *l2l.Progress) { p.Best, p.Stale = 1, 2 }), ""},
	} {
		reason := c.stop.Reason(c.p)
		if got := reason.String(); got != c.want && !(c.want == "" && reason == l2l.StopReason{}) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if reason.Failed() || reason.Resumable() {
			t.Errorf("%s: %q is taken for a failure or an interruption", name, reason)
		}
	}
}

func TestStopHasABudgetOfWholeIndividuals(t *testing.T) {
	for _, c := range []struct{ evaluations, asked, each, reserved, want int64 }{
		{0, 7, 2, 0, -1}, {10, 0, 3, 0, 3}, {10, 3, 3, 0, 0}, {10, 2, 3, 0, 1}, {10, 50, 3, 0, 0}, {1, 0, 2, 0, 0},
		{0, 7, 2, 5, -1}, {10, 0, 3, 1, 3}, {10, 0, 3, 2, 2}, {10, 1, 3, 5, 0}, {10, 0, 1, 20, 0},
	} {
		if got := (l2l.Stop{Evaluations: c.evaluations}).Budget(c.asked, int(c.each), c.reserved); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
