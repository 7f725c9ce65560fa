package catalogue

import (
	"math"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// start makes the algorithm of a name with its defaults.
func start(t *testing.T, name string, problem optimizer.Problem, seed uint64) optimizer.Optimizer {
	t.Helper()
	a, ok := Find(name)
	if !ok {
		t.Fatalf("%s is not in the catalogue", name)
	}
	return rig.Made(a.New(problem, a.Params(), seed))(t)
}

func TestCataloguePopulationsImproveOnEveryKindOfCoordinate(t *testing.T) {
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
	for _, name := range []string{"jade", "lshade", "de_async", "pso", "pso_async", "portfolio"} {
		for seed := range uint64(5) {
			o := start(t, name, problem, seed)
			if n, best := rig.Minimise(t, o, loss, 1e-8, 10_000); best > 1e-8 {
				t.Errorf("%s, seed %d: loss %g after %d evaluations, want 1e-8", name, seed, best, n)
			}
		}
	}
}

func TestCatalogueReplacesPopulationsThatHaveConverged(t *testing.T) {
	for _, name := range []string{"jade", "lshade", "de_async", "pso", "pso_async", "cmaes", "cmaes_async"} {
		o := start(t, name, optimizer.Box(2, -5, 5), 1)
		first := 1.0
		if strings.HasPrefix(name, "cmaes") {
			first = 0
		}
		run := func() float64 {
			for _, f := range o.Status().Figures {
				if f.Name == "run" {
					return f.Value
				}
			}
			t.Fatalf("%s does not show its run", name)
			return 0
		}
		loss := func(x []float64) float64 { return 1 + rig.Losses["sphere"](x) } // equal to rounding long before the points are
		used := 0
		for run() == first && used < 20_000 {
			n, _ := rig.Minimise(t, o, loss, 0, 100)
			used += n
		}
		if best := o.Status().Best.Loss[0]; run() == first || best > 1+1e-12 {
			t.Errorf("%s: run %v after %d evaluations, best loss 1 + %g", name, run(), used, best-1)
		}
		restarts := o.Status().Restarts
		if restarts.Count != 1 || len(restarts.Last) != 1 || restarts.Last[0].Reason == "" || restarts.Last[0].PopSize < 1 ||
			restarts.Last[0].Told < int64(used)/2 || restarts.Last[0].Told > int64(used) {
			t.Errorf("%s: after %d evaluations restarts are %+v", name, used, restarts)
		}
	}
}

// Where all fail there is nothing to learn from: the search goes elsewhere, or back.
func TestCatalogueLeavesARegionWhereEverythingFails(t *testing.T) {
	problem := optimizer.Box(2, -5, 5)
	corner := func(x []float64) float64 { // nine tenths of the box fail
		if x[0] > -4 {
			return math.NaN()
		}
		return (x[0]+4.5)*(x[0]+4.5) + x[1]*x[1]
	}
	for seed := range uint64(5) {
		for _, name := range []string{"evolution_strategies", "snes", "xnes", "gradient"} {
			o := start(t, name, problem, seed)
			if n, best := rig.Minimise(t, o, corner, 0.05, 5000); best > 0.05 {
				t.Errorf("%s, seed %d: loss %g after %d evaluations, want 0.05", name, seed, best, n)
			}
		}
	}
}
