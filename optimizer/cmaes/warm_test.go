package cmaes_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
	"github.com/meta-optimization/l2l-mpi/optimizer/de"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/nes"
)

// on searches for so many evaluations, and returns what was told, and the distance to the optimum of the best.
func on(t *testing.T, o optimizer.Optimizer, fn *functions.Function, evaluations int) (known []optimizer.Solution, gap float64) {
	t.Helper()
	gap = math.Inf(1)
	for len(known) < evaluations {
		cs, err := o.Ask(0)
		if err != nil || len(cs) == 0 {
			t.Fatalf("%d individuals, %v", len(cs), err)
		}
		var told []optimizer.Evaluated
		for _, c := range cs {
			loss := make([]float64, 1)
			fn.Eval(c.X, loss)
			gap = min(gap, fn.Gap(c.X))
			told = append(told, optimizer.Evaluated{ID: c.ID, Loss: loss})
			known = append(known, optimizer.Solution{X: slices.Clone(c.X), Loss: loss})
		}
		if err := o.Tell(told); err != nil {
			t.Fatal(err)
		}
	}
	return known, gap
}

// The old run is gone on with, for comparison, with the same number of evaluations.
func TestCMAESGoesOnFromWhereARunOfAnotherOptimizerHasCome(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	const n, evaluations = 10, 2000
	cold := func(p optimizer.Problem, seed uint64) optimizer.Optimizer {
		return rig.Made(cmaes.New(p, cmaes.Defaults(), seed))(t)
	}
	for name, source := range map[string]func(p optimizer.Problem, seed uint64) optimizer.Optimizer{
		"cmaes": cold,
		"xnes": func(p optimizer.Problem, seed uint64) optimizer.Optimizer {
			return rig.Made(nes.NewXNES(p, nes.XNESDefaults(), seed))(t)
		},
		"jade": func(p optimizer.Problem, seed uint64) optimizer.Optimizer {
			return rig.Made(de.NewJADE(p, de.JADEDefaults(), seed))(t)
		},
	} {
		for seed := range uint64(3) {
			fn, err := functions.New(functions.Spec{Name: "bbob_f10", Dim: n, Instance: int(seed) + 21})
			if err != nil {
				t.Fatal(err)
			}
			problem := optimizer.Box(n, fn.Lower, fn.Upper)
			old := source(problem, seed)
			known, at := on(t, old, fn, evaluations)
			slices.SortFunc(known, func(a, b optimizer.Solution) int { return cmp.Compare(a.Loss[0], b.Loss[0]) })
			warm := cold(problem, seed+100)
			if err := warm.(optimizer.WarmStarter).WarmStart(known[:100]); err != nil { // as a run hands them on
				t.Fatal(err)
			}
			_, gap := on(t, warm, fn, evaluations)
			_, goingOn := on(t, old, fn, evaluations)
			_, without := on(t, cold(problem, seed+100), fn, evaluations)
			// The gap falls by a factor of 100 in some 300 evaluations.
			if gap > 100*goingOn && gap > 1e-3 || gap > without/2 {
				t.Errorf("%s, seed %d: from %g a warm start comes to %g, going on to %g, a cold start to %g", name, seed, at, gap, goingOn, without)
			}
		}
	}
}

func TestCMAESWarmStartTakesCoordinatesThatAreAllOnABound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var known []optimizer.Solution
	loss := func(x []float64) float64 { return (x[0]-1)*(x[0]-1) + 100*(x[1]-x[0])*(x[1]-x[0]) - x[2] }
	for range 100 {
		a := 1 + 1e-3*rng.NormFloat64()
		x := []float64{a, a + 1e-4*rng.NormFloat64(), 5}
		known = append(known, optimizer.Solution{X: x, Loss: []float64{loss(x)}})
	}
	o := rig.Made(cmaes.New(optimizer.Box(3, -5, 5), cmaes.Defaults(), 1))(t)
	if err := o.WarmStart(known); err != nil {
		t.Fatal(err)
	}
	cs := rig.Round(t, o, loss)
	for _, c := range cs {
		if math.Abs(c.X[0]-1) > 0.01 || math.Abs(c.X[2]-5) > 0.01 {
			t.Errorf("%v, want points around (1, 1, 5), as near as those that are known", c.X)
		}
	}
	// All in one place they tell nothing of how far to look.
	o = rig.Made(cmaes.New(optimizer.Box(3, -5, 5), cmaes.Defaults(), 1))(t)
	if err := o.WarmStart(slices.Repeat(known[:1], 100)); err != nil {
		t.Fatal(err)
	}
	away := 0.0
	for _, c := range rig.Round(t, o, loss) {
		away = max(away, math.Abs(c.X[0]-known[0].X[0]))
	}
	if away < 0.1 {
		t.Errorf("the farthest is %g away", away)
	}
}
