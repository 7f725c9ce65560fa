package nes

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func newSNES(t *testing.T, problem optimizer.Problem, seed uint64) *SNES {
	t.Helper()
	return rig.Made(NewSNES(problem, SNESDefaults(), seed))(t)
}

func TestSNESConvergesWhereCoordinatesDoNotDependOnEachOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		loss   string
		dim    int
		budget int
	}{
		{"sphere", 1, 250}, {"sphere", 5, 1200}, {"sphere", 20, 5000}, {"ellipsoid", 5, 1800}, {"ellipsoid", 20, 7500}, {"corner", 5, 1400},
	} {
		used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer { return newSNES(t, optimizer.Box(c.dim, -5, 5), seed) }, c.loss,
			1e-8, 2*c.budget)
		if used > c.budget {
			t.Errorf("%s in %d dimensions: %d evaluations to 1e-8 (median of 9), want at most %d", c.loss, c.dim, used, c.budget)
		}
	}
}

func TestSNESFindsWholeNumbersAndChoices(t *testing.T) {
	for seed := range uint64(5) {
		if n, best := rig.Minimise(t, newSNES(t, rig.MixedProblem, seed), rig.MixedLoss, 1e-3, 10000); best > 1e-3 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 1e-3", seed, best, n)
		}
	}
}

func TestSNESStopsWhenItsStepsAreTooSmall(t *testing.T) {
	o := newSNES(t, optimizer.Box(3, -5, 5), 1)
	rig.Minimise(t, o, rig.Losses["sphere"], math.Inf(-1), 20000)
	if stop := o.Status().Stop; !strings.HasPrefix(stop, "tol_x") {
		t.Errorf("stopped for %q, want tol_x", stop)
	}
}

// Algorithm 6 of the paper in its plainest form, from the points that were evaluated.
func TestSNESUpdateIsThatOfThePaper(t *testing.T) {
	const n, width = 3, 2e6
	par := SNESParams{PopSize: 6, Sigma: 1e-4, LearningRateMu: 0.8, LearningRateSigma: 0.3, Start: "centre"}
	o := rig.Made(NewSNES(optimizer.Box(n, -width/2, width/2), par, 2))(t)
	loss := func(x []float64) float64 { return x[0] + 5*x[1] - x[2] }
	for range 10 {
		mean, sigma := slices.Clone(o.s.Mean), slices.Clone(o.s.Sigma)
		cs := rig.Round(t, o, loss)
		slices.SortFunc(cs, func(a, b optimizer.Candidate) int { return int(math.Copysign(1, loss(a.X)-loss(b.X))) })
		sum := 0.0
		for k := 1; k <= 6; k++ {
			sum += math.Max(0, math.Log(4)-math.Log(float64(k)))
		}
		for j := range n {
			m, s := 0.0, 0.0
			for k, c := range cs {
				u := math.Max(0, math.Log(4)-math.Log(float64(k+1)))/sum - 1.0/6
				z := ((c.X[j]+width/2)/width - mean[j]) / sigma[j]
				m += u * z
				s += u * (z*z - 1)
			}
			if want := mean[j] + 0.8*sigma[j]*m; math.Abs(o.s.Mean[j]-want) > 1e-9 {
				t.Fatalf("mean %v, want %v", o.s.Mean[j], want)
			}
			if want := sigma[j] * math.Exp(0.3/2*s); math.Abs(o.s.Sigma[j]-want) > 1e-6*want {
				t.Fatalf("sigma %v, want %v", o.s.Sigma[j], want)
			}
		}
	}
}
