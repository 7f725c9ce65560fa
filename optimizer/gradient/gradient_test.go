package gradient

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

var gradientSteps = []string{"plain", "stochastic", "momentum", "rmsprop", "adam", "adamax"}

func newSearch(t *testing.T, problem optimizer.Problem, seed uint64, change func(*Params)) *Search {
	t.Helper()
	par := Defaults()
	if change != nil {
		change(&par)
	}
	return rig.Made(New(problem, par, seed))(t)
}

func TestGradientDescendsWithEveryStep(t *testing.T) {
	for _, step := range gradientSteps {
		for _, c := range []struct {
			loss   string
			dim    int
			target float64
			budget int
		}{{"sphere", 1, 1e-4, 200}, {"sphere", 5, 1e-2, 500}, {"corner", 5, 1e-2, 700}} {
			used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer {
				return newSearch(t, optimizer.Box(c.dim, -5, 5), seed, func(p *Params) { p.Step = step })
			}, c.loss, c.target, 2*c.budget)
			if used > c.budget {
				t.Errorf("%s, %s in %d dimensions: %d evaluations to %g (median of 9), want at most %d", step, c.loss, c.dim, used, c.target,
					c.budget)
			}
		}
	}
}

func TestGradientWithAdamConvergesOnScalesThatDiffer(t *testing.T) {
	used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer { return newSearch(t, optimizer.Box(5, -5, 5), seed, nil) },
		"ellipsoid", 1e-6, 5000)
	if used > 2500 {
		t.Errorf("%d evaluations to 1e-6 (median of 9), want at most 2,500", used)
	}
}

func TestGradientDoesNotCareAboutTheUnitOfTheLoss(t *testing.T) {
	for _, step := range gradientSteps {
		run := func(unit float64) float64 {
			o := newSearch(t, optimizer.Box(4, -5, 5), 2, func(p *Params) { p.Step = step })
			for range 20 {
				rig.Round(t, o, func(x []float64) float64 { return unit * rig.Losses["sphere"](x) })
			}
			return o.Status().Best.Loss[0] / unit
		}
		one := run(1)
		for _, unit := range []float64{1e-200, 1e-9, 1e9, 1e200} {
			if got := run(unit); math.Abs(got-one) > 1e-6*one {
				t.Errorf("%s: best loss %g in units of %g, and %g in units of 1", step, got, unit, one)
			}
		}
	}
}

func TestGradientFindsWholeNumbersAndChoices(t *testing.T) {
	for seed := range uint64(5) {
		if n, best := rig.Minimise(t, newSearch(t, rig.MixedProblem, seed, nil), rig.MixedLoss, 1, 10000); best > 1 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 1", seed, best, n)
		}
	}
}

// The slope of a linear loss is exact, whoever fails, and the centre need not lie on the plane.
func TestGradientSlopeIsThatOfThePlaneThroughTheProbes(t *testing.T) {
	want := []float64{3, -2, 0.5}
	for _, c := range []struct {
		name     string
		mirrored bool
		change   func(members []kit.Member) // of the six probes, and the centre
	}{
		{"all are told", false, func([]kit.Member) {}},
		{"a probe failed", false, func(ms []kit.Member) { ms[1].Failed = true }},
		{"the centre failed", false, func(ms []kit.Member) { ms[6].Failed = true }},
		{"the centre is below the plane", true, func(ms []kit.Member) { ms[6].Loss[0] -= 0.01 }},
		{"the loss is curved", true, func(ms []kit.Member) {
			for i := range ms {
				ms[i].Loss[0] += math.Pow(ms[i].X[0]-0.5, 2) + 10*(ms[i].X[1]-0.5)*(ms[i].X[2]-0.5)
			}
		}},
	} {
		o := newSearch(t, optimizer.Box(3, 0, 1), 1, func(p *Params) { p.Probes, p.Start, p.MirroredSampling = 6, "centre", c.mirrored })
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		for i, cand := range cs {
			o.s.Cloud.Members[i].Loss = []float64{1000 + 3*cand.X[0] - 2*cand.X[1] + 0.5*cand.X[2]}
		}
		c.change(o.s.Cloud.Members)
		for j, g := range o.slope() {
			if math.Abs(g-want[j]) > 1e-6 {
				t.Errorf("%s: slope %d is %v, want %v", c.name, j, g, want[j])
			}
		}
	}
}

// With fewer probes than coordinates the slope lies in the space that they span and explains their losses.
func TestGradientSlopeOfFewProbesIsTheShortestThatFits(t *testing.T) {
	const n, probes = 40, 6
	o := newSearch(t, optimizer.Box(n, 0, 1), 3, func(p *Params) { p.Probes, p.Start, p.MirroredSampling = probes, "centre", false })
	linear := func(x []float64) float64 { return 7 + 2*x[0] - x[1] + x[30] }
	cs, _ := o.Ask(0)
	for i, c := range cs {
		o.s.Cloud.Members[i].Loss = []float64{linear(c.X)}
	}
	g := o.slope()
	centre := cs[probes].X
	for _, c := range cs[:probes] {
		predicted := 0.0
		for j := range g {
			predicted += g[j] * (c.X[j] - centre[j])
		}
		rig.Near(t, "predicted difference", predicted, linear(c.X)-linear(centre))
	}
	if short, long := floats.Norm(g, 2), math.Sqrt(6); !(short < long) {
		t.Errorf("the slope has length %v, the one of all coordinates %v", short, long)
	}
}

// Two steps of each rule for the slope (1, −0.5), then (0.5, 0.25), with a learning rate of 0.1, computed by hand.
func TestGradientStepsAreThoseOfTheirPapers(t *testing.T) {
	first, second := []float64{1, -0.5}, []float64{0.5, 0.25}
	for _, c := range []struct {
		step          string
		first, second []float64
	}{
		{"plain", []float64{-0.1, 0.05}, []float64{-0.05, -0.025}},
		{"stochastic", []float64{-0.1, 0.05}, []float64{-0.05, -0.025}},             // with a deviation of 0
		{"momentum", []float64{-0.1, 0.05}, []float64{-0.05 - 0.08, -0.025 + 0.04}}, // 0.8 of the first, and the second slope's
		// v = 0.1 g² and 0.09 g₁² + 0.1 g₂², divided by 1 − 0.9 and 1 − 0.81: 0.115/0.19 and 0.02875/0.19
		{"rmsprop", []float64{-0.1, 0.1}, []float64{-0.05 / math.Sqrt(0.115/0.19), -0.025 / math.Sqrt(0.02875/0.19)}},
		// m = 0.2 g and 0.16 g₁ + 0.2 g₂, divided by 1 − 0.8 and 1 − 0.64: 0.26/0.36 and −0.03/0.36
		{"adam", []float64{-0.1, 0.1}, []float64{-0.1 * 0.26 / 0.36 / math.Sqrt(0.115/0.19), 0.1 * 0.03 / 0.36 / math.Sqrt(0.02875/0.19)}},
		// u = max(0.9 u, |g|): 0.9 and 0.45
		{"adamax", []float64{-0.1, 0.1}, []float64{-0.1 * 0.26 / 0.36 / 0.9, 0.1 * 0.03 / 0.36 / 0.45}},
	} {
		o := newSearch(t, optimizer.Box(2, 0, 1), 1, func(p *Params) {
			p.Step, p.LearningRate, p.Momentum, p.Beta1, p.Beta2, p.Deviation = c.step, 0.1, 0.8, 0.8, 0.9, 0
		})
		for k, pair := range [][2][]float64{{first, c.first}, {second, c.second}} {
			o.s.Steps++
			for j, got := range o.step(pair[0]) {
				if math.Abs(got-pair[1][j]) > 1e-9 {
					t.Errorf("%s: step %d of coordinate %d is %v, want %v", c.step, k+1, j, got, pair[1][j])
				}
			}
		}
	}
}

func TestGradientNoiseOfStochasticStepsDecays(t *testing.T) {
	o := newSearch(t, optimizer.Box(2, 0, 1), 1, func(p *Params) {
		p.Step, p.LearningRate, p.Deviation, p.DeviationDecay = "stochastic", 1, 0.5, 0.1
	})
	for _, c := range []struct {
		step int
		want float64 // the slope's root mean square is 1
	}{{1, 0.5}, {2, 0.05}, {3, 0.005}} {
		squares := 0.0
		const draws = 4000
		for range draws {
			o.s.Steps = c.step
			d := o.step([]float64{1, 1})[0] + 1
			squares += d * d / draws
		}
		if got := math.Sqrt(squares); math.Abs(got-c.want) > 0.05*c.want {
			t.Errorf("in step %d the noise has a standard deviation of %v, want %v", c.step, got, c.want)
		}
	}
}

func TestGradientStepsAreNoLongerThanAllowed(t *testing.T) {
	o := newSearch(t, optimizer.Box(3, 0, 1), 1, func(p *Params) { p.Step, p.LearningRate, p.MaxStep, p.Start = "plain", 10, 0.03, "centre" })
	before := append([]float64(nil), o.s.Centre...)
	rig.Round(t, o, rig.Losses["sphere"])
	for j := range before {
		if moved := math.Abs(o.s.Centre[j] - before[j]); moved > 0.03+1e-12 || moved < 0.02 {
			t.Errorf("coordinate %d moves by %v, want 0.03", j, moved)
		}
	}
}

// Defect 16 of the Python L2L: its examples climbed the cost. Here an optimizer only ever sees losses, and descends.
func TestGradientDescendsByEveryStep(t *testing.T) {
	for _, step := range gradientSteps {
		o := newSearch(t, optimizer.Box(3, -5, 5), 1, func(p *Params) { p.Step = step })
		cs := rig.Round(t, o, rig.Losses["sphere"])
		begin := rig.Losses["sphere"](cs[len(cs)-1].X)
		for range 30 {
			cs = rig.Round(t, o, rig.Losses["sphere"])
		}
		if end := rig.Losses["sphere"](cs[len(cs)-1].X); end > begin/10 {
			t.Errorf("%s: the centre's loss goes from %g to %g", step, begin, end)
		}
	}
}

// Defect 17 of the Python L2L, of packed gradient descent: it measured displacements from the current point and losses from the best one. See
// TestGradientSlopeIsThatOfThePlaneThroughTheProbes; here a loss whose best probe is far from the centre's loss.
func TestGradientSlopeDoesNotDependOnWhichProbeIsTheBest(t *testing.T) {
	slope := func(offset float64) []float64 {
		o := newSearch(t, optimizer.Box(2, 0, 1), 1, func(p *Params) { p.Probes, p.Start, p.MirroredSampling = 5, "centre", false })
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range cs {
			o.s.Cloud.Members[i].Loss = []float64{offset + 2*c.X[0] - 3*c.X[1]}
		}
		return o.slope()
	}
	for _, offset := range []float64{-1000, 0, 1000} {
		g := slope(offset)
		if math.Abs(g[0]-2) > 1e-6 || math.Abs(g[1]+3) > 1e-6 {
			t.Errorf("slope %v with an offset of %v, want 2 and -3", g, offset)
		}
	}
}

// A defect of the Python L2L: where a coordinate had no slope, its AdaMax divided by zero.
func TestGradientLeavesACoordinateWithoutASlopeWhereItIs(t *testing.T) {
	for _, step := range gradientSteps {
		o := newSearch(t, optimizer.Box(2, -5, 5), 1, func(p *Params) { p.Step, p.Deviation = step, 0 })
		for _, g := range [][]float64{{0, 1}, {0, 0.5}} {
			o.s.Steps++
			if d := o.step(g); d[0] != 0 || math.IsNaN(d[1]) {
				t.Errorf("%s: the slope %v gives the step %v", step, g, d)
			}
		}
	}
}
