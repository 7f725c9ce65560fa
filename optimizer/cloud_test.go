package optimizer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// cloudOf is a completed generation of directions with these losses; NaN is a failure.
func cloudOf(directions []direction, losses ...float64) *cloud {
	c := &cloud{Directions: directions}
	for _, l := range losses {
		m := member{Asked: true, Told: true, Failed: math.IsNaN(l)}
		if !m.Failed {
			m.Loss = []float64{l}
		}
		c.Members = append(c.Members, m)
	}
	return c
}

// By hand for n = 4: ln 3 − ln k is 1.098612, 0.405465, 0, −0.287682; the positive ones sum to 1.504077.
func TestUtilitiesAreThoseOfThePaper(t *testing.T) {
	nan := math.NaN()
	four := scatter(rand.New(rand.NewPCG(1, 1)), 4, false)
	const best, second, rest = 0.730423 - 0.25, 0.269577 - 0.25, -0.25
	for _, c := range []struct {
		what       string
		directions []direction
		losses     []float64
		want       []float64
	}{
		{"all different", four, []float64{3, -1, 7, 2}, []float64{rest, best, rest, second}},
		{"equals share", four, []float64{1, 1, 5, 9}, []float64{(best + second) / 2, (best + second) / 2, rest, rest}},
		{"a flat loss teaches nothing", four, []float64{5, 5, 5, 5}, []float64{0, 0, 0, 0}},
		{"the failed are the worst, and equals", four, []float64{nan, 8, nan, nan}, []float64{-best / 3, best, -best / 3, -best / 3}},
		{"all failed", four, []float64{nan, nan, nan, nan}, []float64{0, 0, 0, 0}},
		{"the centre is not learnt from", append(slices.Clone(four), direction{}), []float64{3, -1, 7, 2, -9}, []float64{rest, best, rest, second, 0}},
	} {
		got := cloudOf(c.directions, c.losses...).utilities()
		for i, want := range c.want {
			if math.Abs(got[i]-want) > 1e-6 {
				t.Errorf("%s: utilities %v, want %v", c.what, got, c.want)
				break
			}
		}
	}
}

func TestADirectionIsTheSameHoweverOftenItIsDrawn(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	ds := append(scatter(rng, 7, true), direction{})
	fresh := func(d direction) []float64 { return newNoise(50).of(d) }
	s := newNoise(50)
	for range 200 {
		d := ds[rng.IntN(len(ds))]
		if got := s.of(d); !slices.Equal(got, fresh(d)) {
			t.Fatalf("%+v after others differs from %+v alone", d, d)
		}
	}
	for i := 1; i < 7; i += 2 {
		a, b := fresh(ds[i-1]), fresh(ds[i])
		for j := range a {
			if a[j] != -b[j] {
				t.Fatalf("directions %d and %d are not opposite", i-1, i)
			}
		}
	}
	if slices.Equal(fresh(ds[0]), fresh(ds[2])) || slices.Max(fresh(ds[7])) != 0 {
		t.Error("pairs are equal, or the centre is none")
	}
}

// Points that somebody believes in are evaluated first; then the search goes on from the best point that is known.
func TestAWarmStartBeginsAtTheBestPointKnown(t *testing.T) {
	loss := losses["sphere"] // its minimum is at 1.5
	believed := [][]float64{{-4, -4}, {1.4, 1.6}, {3, 3}}
	for name, o := range map[string]Optimizer{
		"evolution_strategies": made(NewEvolutionStrategies(Box(2, -5, 5), EvolutionStrategiesParams{LearningRate: 1, NoiseStd: 1e-6, NoiseDecay: 1, Start: "random"}, 1))(t),
		"snes":                 made(NewSNES(Box(2, -5, 5), SNESParams{Sigma: 1e-6, LearningRateMu: 1, Start: "random"}, 1))(t),
		"xnes":                 made(NewXNES(Box(2, -5, 5), XNESParams{Sigma: 1e-6, LearningRateMu: 1, Start: "random"}, 1))(t),
	} {
		known := []Solution{{X: []float64{0, 0}, Loss: []float64{loss([]float64{0, 0})}}}
		for _, x := range believed {
			known = append(known, Solution{X: x})
		}
		if err := o.(WarmStarter).WarmStart(known); err != nil {
			t.Fatal(err)
		}
		first := round(t, o, loss)
		if len(first) != len(believed) {
			t.Fatalf("%s: %d individuals first, want the %d given ones", name, len(first), len(believed))
		}
		for i, c := range first {
			if !slices.Equal(c.X, believed[i]) {
				t.Errorf("%s: individual %d is %v, want %v", name, i, c.X, believed[i])
			}
		}
		for _, c := range round(t, o, loss) {
			if math.Abs(c.X[0]-1.4) > 1e-3 || math.Abs(c.X[1]-1.6) > 1e-3 {
				t.Fatalf("%s: after them it proposes %v, want points around the best one", name, c.X)
			}
		}
		if best := o.Status().Best; best.ID < 1 {
			t.Errorf("%s: the best is individual %d: known losses must not count", name, best.ID)
		}
	}
}

func TestACheckpointHoldsNoPoints(t *testing.T) {
	const n, popSize = 1000, 40
	o := made(NewSNES(Box(n, -5, 5), SNESParams{PopSize: popSize, Sigma: 0.2, LearningRateMu: 1, Start: "random"}, 1))(t)
	if _, err := o.Ask(0); err != nil {
		t.Fatal(err)
	}
	state, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if vectors := len(state) / (8 * n); vectors > 3 { // mean and sigma, and some bytes for each individual
		t.Errorf("%d bytes for %d individuals of %d coordinates", len(state), popSize, n)
	}
}

// Where all fail there is nothing to learn from: the search goes elsewhere, or back.
func TestASearchLeavesARegionWhereEverythingFails(t *testing.T) {
	problem := Box(2, -5, 5)
	corner := func(x []float64) float64 { // nine tenths of the box fail
		if x[0] > -4 {
			return math.NaN()
		}
		return (x[0]+4.5)*(x[0]+4.5) + x[1]*x[1]
	}
	for seed := range uint64(5) {
		for name, o := range map[string]Optimizer{
			"evolution_strategies": made(NewEvolutionStrategies(problem, DefaultEvolutionStrategies(), seed))(t),
			"snes":                 made(NewSNES(problem, DefaultSNES(), seed))(t),
			"xnes":                 made(NewXNES(problem, DefaultXNES(), seed))(t),
			"gradient":             made(NewGradient(problem, DefaultGradient(), seed))(t),
		} {
			if n, best := minimise(t, o, corner, 0.05, 5000); best > 0.05 {
				t.Errorf("%s, seed %d: loss %g after %d evaluations, want 0.05", name, seed, best, n)
			}
		}
	}
}
