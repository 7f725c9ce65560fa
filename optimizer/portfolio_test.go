package optimizer

import (
	"math"
	"slices"
	"testing"
)

func newPortfolio(t *testing.T, problem Problem, seed uint64, members ...string) *Portfolio {
	t.Helper()
	par := DefaultPortfolio()
	par.Members = members
	o, err := NewPortfolio(problem, par, seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestSharesFollowSuccessAndNeverFallBelowTheLeast(t *testing.T) {
	o := newPortfolio(t, Box(2, -5, 5), 1, "cmaes", "lshade", "jade")
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

// spent is the part of the evaluations that the members of a default portfolio have had when it has reached the target.
func spent(t *testing.T, loss string, dim int) (cmaes, lshade float64) {
	t.Helper()
	o := newPortfolio(t, Box(dim, -5, 5), 1)
	if used, best := minimise(t, o, losses[loss], 1e-8, 100_000); best > 1e-8 {
		t.Fatalf("%s: %g after %d evaluations", loss, best, used)
	}
	all := float64(o.Status().Told)
	return float64(o.s.Members[0].Told) / all, float64(o.s.Members[1].Told) / all
}

func TestThePortfolioGivesTheEvaluationsToTheMemberThatEarnsThem(t *testing.T) {
	if cmaes, lshade := spent(t, "rosenbrock", 10); cmaes < 0.7 || lshade < 0.08 {
		t.Errorf("on a smooth loss cmaes had %v of the evaluations, lshade %v", cmaes, lshade)
	}
	if cmaes, lshade := spent(t, "rastrigin", 10); lshade < 0.55 || cmaes < 0.08 {
		t.Errorf("on one with many local minima lshade had %v of the evaluations, cmaes %v", lshade, cmaes)
	}
}

func TestMembersShareAlikeWhileNoneMakesProgress(t *testing.T) {
	o := newPortfolio(t, Box(5, -5, 5), 1)
	for o.Status().Told < 20_000 {
		minimise(t, o, func([]float64) float64 { return 1 }, 0, 1000)
	}
	part := float64(o.s.Members[0].Told) / float64(o.Status().Told)
	if part < 0.4 || part > 0.6 {
		t.Errorf("cmaes has had %v of the evaluations, want about half", part)
	}
}

func TestAMemberThatHasEndedBeginsAnew(t *testing.T) {
	o := newPortfolio(t, Box(1, -5, 5), 1, "cmaes")
	first := o.members[0]
	for o.members[0] == first {
		if o.Status().Told > 1_000_000 {
			t.Fatal("it has not ended")
		}
		if n, _ := minimise(t, o, func([]float64) float64 { return 1 }, 0, 1000); n == 0 {
			t.Fatalf("nothing is proposed any more after %d evaluations", o.Status().Told)
		}
	}
	if st := o.Status(); st.Stop != "" || first.Status().Stop == "" {
		t.Errorf("it stops with %q; the member had stopped with %q", st.Stop, first.Status().Stop)
	}
}

func TestAPortfolioOfUnknownOrTooManyMembersIsRefused(t *testing.T) {
	for name, change := range map[string]func(*PortfolioParams){
		"unknown":               func(p *PortfolioParams) { p.Members = []string{"sobol"} },
		"none":                  func(p *PortfolioParams) { p.Members = []string{} },
		"more than least_share": func(p *PortfolioParams) { p.LeastShare = 0.5 },
	} {
		par := DefaultPortfolio()
		change(&par)
		if _, err := NewPortfolio(Box(2, -5, 5), par, 1); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
