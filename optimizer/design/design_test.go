package design

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// designs makes each of the designs.
func designs(t *testing.T, problem optimizer.Problem, popSize, samples int, seed uint64) map[string]optimizer.Optimizer {
	t.Helper()
	sobol, err := NewSobol(problem, SobolParams{popSize, samples}, seed)
	if err != nil {
		t.Fatal(err)
	}
	latin, err := NewLatinHypercube(problem, LatinHypercubeParams{popSize, samples}, seed)
	if err != nil {
		t.Fatal(err)
	}
	random, err := NewRandom(problem, RandomParams{popSize, samples}, seed)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]optimizer.Optimizer{"sobol": sobol, "latin_hypercube": latin, "random": random}
}

// points asks an optimizer for n individuals.
func points(t *testing.T, o optimizer.Optimizer, n int) [][]float64 {
	t.Helper()
	var xs [][]float64
	for len(xs) < n {
		cs, err := o.Ask(n - len(xs))
		if err != nil || len(cs) == 0 {
			t.Fatalf("%d individuals, %v", len(cs), err)
		}
		for _, c := range cs {
			xs = append(xs, c.X)
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{0}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return xs
}

// The values are those that another implementation gives with the same direction numbers (scipy 1.17.1, stats.qmc, unscrambled).
func TestSobolPointsAreThoseOfJoeAndKuo(t *testing.T) {
	v := sobolDirections(maxSobolDim)
	for n, want := range map[uint64][]float64{
		0: {0, 0, 0, 0, 0, 0, 0}, 1: {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, 2: {0.75, 0.25, 0.25, 0.75, 0.75, 0.25, 0.75},
		5:   {0.875, 0.875, 0.125, 0.125, 0.375, 0.125, 0.375},
		63:  {0.015625, 0.796875, 0.359375, 0.578125, 0.078125, 0.328125, 0.515625},
		100: {0.4140625, 0.2578125, 0.7734375, 0.6953125, 0.8828125, 0.4921875, 0.9453125},
		127: {0.0078125, 0.6640625, 0.5546875, 0.5390625, 0.3515625, 0.5859375, 0.2890625},
	} {
		for i, dim := range []int{1, 2, 3, 10, 100, 500, 1024} {
			if got := float64(sobolBits(v[dim-1], n)) / (1 << sobolDigits); got != want[i] {
				t.Errorf("point %d, dimension %d: %v, want %v", n, dim, got, want[i])
			}
		}
	}
}

// Each of the first 2^k points is alone in its part in every coordinate and, in the first two together, in every box of area 2^-k with sides
// that are powers of two.
func TestSobolPointsCoverEveryBoxOnceThoughScrambled(t *testing.T) {
	const k, n = 6, 1 << 6
	for seed := range uint64(20) {
		xs := points(t, designs(t, optimizer.Box(maxSobolDim, 0, 1), n, 0, seed)["sobol"], n)
		for dim := range maxSobolDim {
			alone(t, xs, func(x []float64) int { return int(x[dim] * n) })
		}
		for a := range k + 1 {
			alone(t, xs, func(x []float64) int { return int(x[0]*float64(int(1)<<a))<<(k-a) + int(x[1]*float64(int(1)<<(k-a))) })
		}
	}
}

func alone(t *testing.T, xs [][]float64, cell func(x []float64) int) {
	t.Helper()
	seen := map[int]bool{}
	for _, x := range xs {
		if seen[cell(x)] {
			t.Fatalf("cell %d has two points", cell(x))
		}
		seen[cell(x)] = true
	}
}

func TestSobolIntegratesBetterThanLatinHypercubesAndTheseBetterThanRandom(t *testing.T) {
	problem := optimizer.Box(5, 0, 1)
	squared := map[string]float64{} // error of the mean of a function whose integral is 0, over seeds
	for seed := range uint64(30) {
		for name, o := range designs(t, problem, 256, 0, seed) {
			sum := 0.0
			for _, x := range points(t, o, 256) {
				sum += x[0] - 0.5 + x[1]*x[1] - 1.0/3 + (x[2]-0.5)*(x[3]-0.5) + 0.3*math.Sin(2*math.Pi*x[4])
			}
			squared[name] += sum * sum
		}
	}
	if !(10*squared["sobol"] < squared["latin_hypercube"] && 10*squared["latin_hypercube"] < squared["random"]) {
		t.Errorf("squared errors %v, want each a tenth of the next at most", squared)
	}
}

func TestLatinHypercubeHasOnePointInEveryPart(t *testing.T) {
	normal := optimizer.Coordinate{Lower: math.Inf(-1), Upper: math.Inf(1), Mean: 3, Std: 2}
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: -2, Upper: 8}, {Kind: optimizer.Integer, Lower: 1, Upper: 20}, normal}}
	const n = 20
	o := designs(t, problem, n, 0, 1)["latin_hypercube"]
	for range 3 { // each generation is one
		xs := points(t, o, n)
		alone(t, xs, func(x []float64) int { return int((x[0] + 2) / 10 * n) })
		alone(t, xs, func(x []float64) int { return int(x[1]) })
		alone(t, xs, func(x []float64) int { return int(n * (1 + math.Erf((x[2]-3)/2/math.Sqrt2)) / 2) })
	}
}

func TestDesignsEndAfterTheirSamples(t *testing.T) {
	for name, o := range designs(t, optimizer.Box(2, 0, 1), 8, 20, 1) {
		var sizes []int
		for o.Status().Stop == "" {
			cs, err := o.Ask(0)
			if err != nil || len(cs) == 0 {
				t.Fatalf("%s: %d individuals, %v", name, len(cs), err)
			}
			sizes = append(sizes, len(cs))
			if o.Status().Stop != "" {
				t.Fatalf("%s: ends before its last results are told", name)
			}
			for _, c := range cs { // the first ones fail, and are replaced
				if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{1}, Failed: c.ID < 2, Replace: c.ID < 2}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if want := []int{8, 2, 8, 4}; !slices.Equal(sizes, want) || !strings.HasPrefix(o.Status().Stop, "samples: all 20") {
			t.Errorf("%s: batches of %v, want %v; it ended for %q", name, sizes, want, o.Status().Stop)
		}
		if cs, err := o.Ask(0); len(cs) > 0 || err != nil {
			t.Errorf("%s: it has ended, and proposes %d individuals, %v", name, len(cs), err)
		}
	}
}
