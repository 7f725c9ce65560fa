package cem

import (
	"math"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func newSearch(t *testing.T, problem optimizer.Problem, seed uint64, change func(*Params)) *Search {
	t.Helper()
	par := Defaults()
	if change != nil {
		change(&par)
	}
	return rig.Made(New(problem, par, seed))(t)
}

func TestCrossEntropyConverges(t *testing.T) {
	for _, c := range []struct {
		loss   string
		dim    int
		target float64
		budget int
	}{
		{"sphere", 1, 1e-8, 1000}, {"sphere", 5, 1e-8, 4000}, {"sphere", 20, 1e-8, 9000}, {"ellipsoid", 5, 1e-8, 5500}, {"corner", 5, 1e-8, 2500},
		{"rastrigin", 2, 1e-2, 3500}, {"rastrigin", 5, 1e-2, 7500},
	} {
		used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer { return newSearch(t, optimizer.Box(c.dim, -5, 5), seed, nil) },
			c.loss, c.target, 2*c.budget)
		if used > c.budget {
			t.Errorf("%s in %d dimensions: %d evaluations to %g (median of 9), want at most %d", c.loss, c.dim, used, c.target, c.budget)
		}
	}
}

func TestCrossEntropyConvergesWithEveryDistribution(t *testing.T) {
	t.Parallel()
	for _, distribution := range []string{"gaussian", "noisy_gaussian", "mixture", "noisy_mixture"} {
		for _, covariance := range []string{"diagonal", "full"} {
			used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer {
				return newSearch(t, optimizer.Box(2, -5, 5), seed, func(p *Params) {
					p.Distribution, p.Covariance, p.Rho, p.NoiseDecay = distribution, covariance, 0.4, 0.7
				})
			}, "sphere", 1e-6, 12000)
			if used > 6000 {
				t.Errorf("%s, %s: %d evaluations to 1e-6 (median of 9), want at most 6,000", distribution, covariance, used)
			}
		}
	}
}

func TestCrossEntropyFindsWholeNumbersAndChoices(t *testing.T) {
	for seed := range uint64(5) {
		if n, best := rig.Minimise(t, newSearch(t, rig.MixedProblem, seed, nil), rig.MixedLoss, 1e-3, 10000); best > 1e-3 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 1e-3", seed, best, n)
		}
	}
}

// Two wells, equally deep: a mixture keeps samples in both, where a single normal distribution has to choose one.
func TestCrossEntropyKeepsSeveralGoodRegionsInAMixture(t *testing.T) {
	wells := func(x []float64) float64 {
		a, b := 0.0, 0.0
		for _, v := range x {
			a += (v - 3) * (v - 3)
			b += (v + 3) * (v + 3)
		}
		return min(a, b)
	}
	o := newSearch(t, optimizer.Box(2, -5, 5), 1, func(p *Params) {
		p.Distribution, p.Components, p.PopSize, p.Smoothing = "mixture", 2, 200, 0.7
	})
	var last []optimizer.Candidate
	for range 12 {
		last = rig.Round(t, o, wells)
	}
	a, b := 0, 0
	for _, c := range last {
		switch {
		case math.Hypot(c.X[0]-3, c.X[1]-3) < 0.5:
			a++
		case math.Hypot(c.X[0]+3, c.X[1]+3) < 0.5:
			b++
		}
	}
	if a < 30 || b < 30 || a+b < 180 {
		t.Errorf("%d and %d of 200 individuals are in the two wells", a, b)
	}
}

func TestCrossEntropyStopsWhenItsDistributionHasContracted(t *testing.T) {
	o := newSearch(t, optimizer.Box(2, -5, 5), 1, nil)
	rig.Minimise(t, o, rig.Losses["sphere"], math.Inf(-1), 50000)
	if stop := o.Status().Stop; !strings.HasPrefix(stop, "tol_x") {
		t.Errorf("stopped for %q, want tol_x", stop)
	}
}

func TestCrossEntropyBeginsWithWhatIsKnown(t *testing.T) {
	o := newSearch(t, optimizer.Box(2, -5, 5), 1, nil)
	if err := o.WarmStart([]optimizer.Solution{{X: []float64{1, 2}, Loss: []float64{3}}, {X: []float64{-7, 0}}}); err != nil {
		t.Fatal(err)
	}
	first := rig.Round(t, o, rig.Losses["sphere"])
	if len(first) != 100 || first[0].X[0] != -5 || first[1].X[1] != 2 {
		t.Errorf("%d individuals, the first %v and %v, want those given, in the box", len(first), first[0], first[1])
	}
}

// Defect 35 of the Python L2L, and section 1.3 (an elite of none): its covariance of an elite of one was not a number.
func TestCrossEntropyKeepsAVarianceWithAnEliteOfOneOrNone(t *testing.T) {
	for _, distribution := range []string{"gaussian", "noisy_gaussian", "mixture", "noisy_mixture"} {
		for _, covariance := range []string{"full", "diagonal"} {
			// A rho of which nothing is left of a small population, and generations in which one individual succeeds, or none.
			o := newSearch(t, optimizer.Box(3, -5, 5), 1, func(p *Params) {
				p.PopSize, p.Rho, p.Distribution, p.Covariance = 10, 0.01, distribution, covariance
			})
			for i := range 60 {
				k := 0
				cs := rig.Round(t, o, func(x []float64) float64 {
					if k++; i%3 == 1 && k != 4 || i%3 == 2 {
						return math.NaN()
					}
					return rig.Losses["sphere"](x)
				})
				for _, c := range cs {
					for _, x := range c.X {
						if math.IsNaN(x) {
							t.Fatalf("%s, %s: generation %d proposes %v", distribution, covariance, i, c.X)
						}
					}
				}
				for _, c := range o.s.Distribution.Components {
					for j := range 3 {
						if v := c.Cov[o.distribution.diagonal(j)]; !(v > 0) || math.IsInf(v, 0) {
							t.Fatalf("%s, %s: generation %d leaves a variance of %v", distribution, covariance, i, v)
						}
					}
				}
			}
		}
	}
}

// Defect 31 of the Python L2L: its cross-entropy methods refused a single parameter.
func TestCrossEntropySearchesOneParameterWithEveryDistribution(t *testing.T) {
	for _, distribution := range []string{"gaussian", "noisy_gaussian", "mixture", "noisy_mixture"} {
		for _, covariance := range []string{"full", "diagonal"} {
			o := newSearch(t, optimizer.Box(1, -5, 5), 1, func(p *Params) { p.Distribution, p.Covariance = distribution, covariance })
			if n, best := rig.Minimise(t, o, rig.Losses["sphere"], 1e-4, 5000); best > 1e-4 {
				t.Errorf("crossentropy, %s, %s: loss %g after %d evaluations, want 1e-4", distribution, covariance, best, n)
			}
		}
	}
}
