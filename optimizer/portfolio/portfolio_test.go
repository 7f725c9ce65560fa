package portfolio

import (
	"math"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func newSearch(t *testing.T, problem optimizer.Problem, seed uint64, members ...string) *Search {
	t.Helper()
	par := Defaults()
	par.Members = members
	o, err := New(problem, par, seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestPortfolioSharesFollowSuccessAndNeverFallBelowTheLeast(t *testing.T) {
	o := newSearch(t, optimizer.Box(2, -5, 5), 1, "cmaes", "lshade", "jade")
	for _, c := range []struct{ success, want []float64 }{
		{[]float64{0, 0, 0}, []float64{1. / 3, 1. / 3, 1. / 3}},
		{[]float64{1, 1, 1}, []float64{1. / 3, 1. / 3, 1. / 3}},
		{[]float64{0, 1, 1}, []float64{0.1, 0.45, 0.45}},
		{[]float64{0, 0, 1}, []float64{2. / 13, 2. / 13, 9. / 13}}, // ε = 0.2 / 0.7 = 2/7
	} {
		for i := range c.success {
			o.s.Members[i].Success = c.success[i]
		}
		got := o.shares()
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("successes %v: shares %v, want %v", c.success, got, c.want)
		}
	}
}

func TestPortfolioGivesTheEvaluationsToTheMemberThatEarnsThem(t *testing.T) {
	for _, c := range []struct {
		loss   string
		earner int
	}{{"rosenbrock", 0}, {"rastrigin", 1}} { // smooth: cmaes; with many local minima: lshade
		o := newSearch(t, optimizer.Box(10, -5, 5), 1)
		if used, best := rig.Minimise(t, o, rig.Losses[c.loss], 1e-8, 100_000); best > 1e-8 {
			t.Fatalf("%s: %g after %d evaluations", c.loss, best, used)
		}
		if share := o.shares()[c.earner]; share < 0.6 {
			t.Errorf("%s: at the end %s has a share of %v", c.loss, o.s.Members[c.earner].Name, share)
		}
		for _, m := range o.s.Members {
			if part := float64(m.Told) / float64(o.Status().Told); part < 0.08 {
				t.Errorf("%s: %s has had %v of the evaluations", c.loss, m.Name, part)
			}
		}
	}
}

func TestPortfolioMembersShareAlikeWhileNoneMakesProgress(t *testing.T) {
	o := newSearch(t, optimizer.Box(5, -5, 5), 1)
	for o.Status().Told < 20_000 {
		rig.Minimise(t, o, func([]float64) float64 { return 1 }, 0, 1000)
	}
	part := float64(o.s.Members[0].Told) / float64(o.Status().Told)
	if part < 0.4 || part > 0.6 {
		t.Errorf("cmaes has had %v of the evaluations, want about half", part)
	}
}

func TestPortfolioMemberThatHasEndedBeginsAnew(t *testing.T) {
	o := newSearch(t, optimizer.Box(1, -5, 5), 1, "cmaes")
	first := o.members[0]
	for o.members[0] == first {
		if o.Status().Told > 1_000_000 {
			t.Fatal("it has not ended")
		}
		if n, _ := rig.Minimise(t, o, func([]float64) float64 { return 1 }, 0, 1000); n == 0 {
			t.Fatalf("nothing is proposed any more after %d evaluations", o.Status().Told)
		}
	}
	if st := o.Status(); st.Stop != "" || first.Status().Stop == "" {
		t.Errorf("it stops with %q; the member had stopped with %q", st.Stop, first.Status().Stop)
	}
}

func TestPortfolioOfUnknownOrTooManyMembersIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"unknown":               func(p *Params) { p.Members = []string{"sobol"} },
		"none":                  func(p *Params) { p.Members = []string{} },
		"more than least_share": func(p *Params) { p.LeastShare = 0.5 },
	} {
		par := Defaults()
		change(&par)
		if _, err := New(optimizer.Box(2, -5, 5), par, 1); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
