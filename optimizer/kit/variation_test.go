package kit

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// line is one coordinate without bounds, of width 1.
var line = optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: math.Inf(-1), Upper: math.Inf(1), Std: 1 / math.Sqrt(12)}}}

// Without bounds, the spread β = |children| / |parents| has the density ½ (η+1) β^η up to 1 and ½ (η+1) / β^(η+2) beyond, so that half the
// children lie between their parents, and P(β < b) = b^(η+1)/2 for b < 1.
func TestSimulatedBinaryCrossoverHasItsDistribution(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const eta, n = 3.0, 40000
	spread := func() float64 {
		for {
			c, d := SimulatedBinaryCrossover(rng, line, eta, []float64{-1}, []float64{1})
			if c[0] != -1 { // it was crossed
				if math.Abs(c[0]+d[0]) > 1e-12 {
					t.Fatalf("children %v and %v are not around the middle of their parents", c[0], d[0])
				}
				return math.Abs(c[0]-d[0]) / 2
			}
		}
	}
	for _, b := range []float64{0.5, 0.8, 0.93, 1} {
		if got, want := rig.Share(n, func() bool { return spread() < b }), math.Pow(b, eta+1)/2; math.Abs(got-want) > 0.01 {
			t.Errorf("P(β < %v) = %v, want %v", b, got, want)
		}
	}
	for _, b := range []float64{1.2, 2} {
		if got, want := rig.Share(n, func() bool { return spread() > b }), math.Pow(b, -eta-1)/2; math.Abs(got-want) > 0.01 {
			t.Errorf("P(β > %v) = %v, want %v", b, got, want)
		}
	}
}

// Without bounds, P(|δ| < t) = 1 − (1−t)^(η+1) for a step of δ widths.
func TestPolynomialMutationHasItsDistribution(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	const eta, n = 4.0, 40000
	for _, limit := range []float64{0.05, 0.2, 0.5, 1} {
		got := rig.Share(n, func() bool { return math.Abs(PolynomialMutation(rng, line, eta, 1, []float64{7})[0]-7) < limit })
		if want := 1 - math.Pow(1-limit, eta+1); math.Abs(got-want) > 0.01 {
			t.Errorf("P(|δ| < %v) = %v, want %v", limit, got, want)
		}
	}
	if got := rig.Share(n, func() bool { return PolynomialMutation(rng, line, eta, 1, []float64{7})[0] < 7 }); math.Abs(got-0.5) > 0.01 {
		t.Errorf("%v of the steps go down, want half", got)
	}
	if got := rig.Share(n, func() bool { return PolynomialMutation(rng, line, eta, 0.3, []float64{7})[0] != 7 }); math.Abs(got-0.3) > 0.01 {
		t.Errorf("%v of the genes change, want 0.3", got)
	}
}

func TestVariationReachesEveryValueAndNothingElse(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{
		{Kind: optimizer.Integer, Lower: -2, Upper: 3}, {Kind: optimizer.Integer, Upper: 1}, {Kind: optimizer.Categorical, Upper: 4},
		{Lower: 1, Upper: 2},
		{Lower: 0, Upper: math.Inf(1), Mean: 1, Std: 1},
	}}
	bounds := func(x []float64) {
		for i, c := range problem.Coords {
			if x[i] != c.Clip(x[i]) {
				t.Fatalf("coordinate %d = %v, want %+v", i, x[i], c)
			}
		}
	}
	for name, mutate := range map[string]func(x []float64) []float64{
		"polynomial": func(x []float64) []float64 { return PolynomialMutation(rng, problem, 20, 1, x) },
		"gaussian":   func(x []float64) []float64 { return GaussianMutation(rng, problem, 0.1, 1, x) },
	} {
		seen := make([]map[float64]bool, len(problem.Coords))
		for i := range seen {
			seen[i] = map[float64]bool{}
		}
		x := problem.Draw(rng)
		for range 2000 {
			y := mutate(x)
			bounds(y)
			for i, c := range problem.Coords {
				if c.Kind != optimizer.Continuous && y[i] == x[i] {
					t.Fatalf("%s: coordinate %d does not change from %v", name, i, x[i])
				}
				seen[i][y[i]] = true
			}
			x = y
		}
		for i, want := range []int{6, 2, 5} {
			if len(seen[i]) != want {
				t.Errorf("%s: coordinate %d took %d values, want %d", name, i, len(seen[i]), want)
			}
		}
	}
	for range 2000 {
		a, b := problem.Draw(rng), problem.Draw(rng)
		for _, cross := range []func() ([]float64, []float64){
			func() ([]float64, []float64) { return SimulatedBinaryCrossover(rng, problem, 2, a, b) },
			func() ([]float64, []float64) { return BlendCrossover(rng, problem, 0.5, a, b) },
		} {
			c, d := cross()
			bounds(c)
			bounds(d)
			if !(c[2] == a[2] && d[2] == b[2] || c[2] == b[2] && d[2] == a[2]) {
				t.Fatalf("categories %v and %v of parents with %v and %v", c[2], d[2], a[2], b[2])
			}
		}
	}
}
