package optimizer

import (
	"math"
	"strings"
	"testing"
)

func newCrossEntropy(t *testing.T, problem Problem, seed uint64, change func(*CrossEntropyParams)) *CrossEntropy {
	t.Helper()
	par := DefaultCrossEntropy()
	if change != nil {
		change(&par)
	}
	return made(NewCrossEntropy(problem, par, seed))(t)
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
		used := medianEvaluations(t, func(seed uint64) Optimizer { return newCrossEntropy(t, Box(c.dim, -5, 5), seed, nil) }, c.loss, c.target, 2*c.budget)
		if used > c.budget {
			t.Errorf("%s in %d dimensions: %d evaluations to %g (median of 9), want at most %d", c.loss, c.dim, used, c.target, c.budget)
		}
	}
}

func TestEveryDistributionOfCrossEntropyConverges(t *testing.T) {
	t.Parallel()
	for _, distribution := range []string{"gaussian", "noisy_gaussian", "mixture", "noisy_mixture"} {
		for _, covariance := range []string{"diagonal", "full"} {
			used := medianEvaluations(t, func(seed uint64) Optimizer {
				return newCrossEntropy(t, Box(2, -5, 5), seed, func(p *CrossEntropyParams) {
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
		if n, best := minimise(t, newCrossEntropy(t, mixedProblem, seed, nil), mixedLoss, 1e-3, 10000); best > 1e-3 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 1e-3", seed, best, n)
		}
	}
}

// Two wells, equally deep: a mixture keeps samples in both, where a single normal distribution has to choose one.
func TestAMixtureKeepsSeveralGoodRegions(t *testing.T) {
	wells := func(x []float64) float64 {
		a, b := 0.0, 0.0
		for _, v := range x {
			a += (v - 3) * (v - 3)
			b += (v + 3) * (v + 3)
		}
		return min(a, b)
	}
	o := newCrossEntropy(t, Box(2, -5, 5), 1, func(p *CrossEntropyParams) {
		p.Distribution, p.Components, p.PopSize, p.Smoothing = "mixture", 2, 200, 0.7
	})
	var last []Candidate
	for range 12 {
		last = round(t, o, wells)
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
	o := newCrossEntropy(t, Box(2, -5, 5), 1, nil)
	minimise(t, o, losses["sphere"], math.Inf(-1), 50000)
	if stop := o.Status().Stop; !strings.HasPrefix(stop, "tol_x") {
		t.Errorf("stopped for %q, want tol_x", stop)
	}
}

func TestCrossEntropyBeginsWithWhatIsKnown(t *testing.T) {
	o := newCrossEntropy(t, Box(2, -5, 5), 1, nil)
	if err := o.WarmStart([]Solution{{X: []float64{1, 2}, Loss: []float64{3}}, {X: []float64{-7, 0}}}); err != nil {
		t.Fatal(err)
	}
	first := round(t, o, losses["sphere"])
	if len(first) != 100 || first[0].X[0] != -5 || first[1].X[1] != 2 {
		t.Errorf("%d individuals, the first %v and %v, want those given, in the box", len(first), first[0], first[1])
	}
}

// 35, and section 1.3 (an elite of none): upstream's covariance of an elite of one was not a number.
func TestAnEliteOfOneOrNoneKeepsAVariance(t *testing.T) {
	for _, distribution := range []string{"gaussian", "noisy_gaussian", "mixture", "noisy_mixture"} {
		for _, covariance := range []string{"full", "diagonal"} {
			// A rho of which nothing is left of a small population, and generations in which one individual succeeds, or none.
			o := newCrossEntropy(t, Box(3, -5, 5), 1, func(p *CrossEntropyParams) {
				p.PopSize, p.Rho, p.Distribution, p.Covariance = 10, 0.01, distribution, covariance
			})
			for i := range 60 {
				k := 0
				cs := round(t, o, func(x []float64) float64 {
					if k++; i%3 == 1 && k != 4 || i%3 == 2 {
						return math.NaN()
					}
					return losses["sphere"](x)
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

// 31 of upstream's defects: its cross-entropy methods refused a single parameter.
func TestOneParameterIsEnoughForEveryDistribution(t *testing.T) {
	for _, distribution := range []string{"gaussian", "noisy_gaussian", "mixture", "noisy_mixture"} {
		for _, covariance := range []string{"full", "diagonal"} {
			o := newCrossEntropy(t, Box(1, -5, 5), 1, func(p *CrossEntropyParams) { p.Distribution, p.Covariance = distribution, covariance })
			if n, best := minimise(t, o, losses["sphere"], 1e-4, 5000); best > 1e-4 {
				t.Errorf("crossentropy, %s, %s: loss %g after %d evaluations, want 1e-4", distribution, covariance, best, n)
			}
		}
	}
}
