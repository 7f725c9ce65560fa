package mcmc

import (
	"fmt"
	"math"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

var schedules = []string{
	"geometric", "exponential", "logarithmic", "linear_multiplicative", "quadratic_multiplicative",
	"linear_additive", "quadratic_additive", "exponential_additive", "trigonometric_additive",
}

func newAnnealing(t *testing.T, problem optimizer.Problem, seed uint64, change func(*AnnealingParams)) *Annealing {
	t.Helper()
	par := AnnealingDefaults()
	if change != nil {
		change(&par)
	}
	return rig.Made(NewAnnealing(problem, par, seed))(t)
}

// Each formula at k = 0, 4 and 10 for n = 10, T₀ = 100, T_n = 1, by hand.
func TestAnnealingSchedulesFollowTheirFormulas(t *testing.T) {
	for _, c := range []struct {
		schedule string
		alpha    float64
		want     [3]float64
	}{
		{"geometric", 0.5, [3]float64{100, 6.25, 0.09765625}},                               // 0.5⁴ = 0.0625
		{"exponential", 0.85, [3]float64{100, 52.200625, 19.6874404}},                       // 0.85⁴ = 0.52200625
		{"logarithmic", 2, [3]float64{100, 23.7029958, 17.2539016}},                         // 1 + 2 ln 5 = 4.2188758, 1 + 2 ln 11 = 5.79579055
		{"linear_multiplicative", 0.5, [3]float64{100, 100.0 / 3, 100.0 / 6}},               // 1 + 0.5·4
		{"quadratic_multiplicative", 0.5, [3]float64{100, 100.0 / 9, 100.0 / 51}},           // 1 + 0.5·16
		{"linear_additive", 0, [3]float64{100, 60.4, 1}},                                    // 1 + 99·0.6
		{"quadratic_additive", 0, [3]float64{100, 36.64, 1}},                                // 1 + 99·0.36
		{"exponential_additive", 0, [3]float64{99.01, 1 + 99/(1+math.Pow(99, -0.2)), 1.99}}, // 2 ln 99/10·(4 − 5) = −0.2 ln 99
		{"trigonometric_additive", 0, [3]float64{100, 65.7963412, 1}},                       // cos 0.4π = 0.309016994
	} {
		for i, k := range []float64{0, 4, 10} {
			if got := temperature(c.schedule, k, 10, 100, 1, c.alpha); math.Abs(got-c.want[i]) > 1e-6*c.want[i] {
				t.Errorf("%s: T_%v = %v, want %v", c.schedule, k, got, c.want[i])
			}
		}
	}
}

// Whatever the unit of the loss, every schedule falls from the spread of the losses towards its end, and never rises.
func TestAnnealingTemperaturesFallWithEverySchedule(t *testing.T) {
	for _, unit := range []float64{1e-12, 1, 1e12} {
		for _, schedule := range schedules {
			o := newAnnealing(t, optimizer.Box(2, -5, 5), 1, func(p *AnnealingParams) { p.Schedule, p.Steps, p.TEnd = schedule, 50, 1e-4 })
			loss := func(x []float64) float64 { return unit * rig.Losses["sphere"](x) }
			rig.Round(t, o, loss)
			begin := o.s.TStart
			last := math.Inf(1)
			for range 60 {
				rig.Round(t, o, loss)
				now := o.s.Temperature
				if !(now > 0) || now > last {
					t.Fatalf("%s, unit %g: from %g to %g", schedule, unit, last, now)
				}
				last = now
			}
			if begin < 5*unit || begin > 50*unit || schedule != "exponential" && math.Abs(last/begin/1e-4-1) > 1.0001 {
				t.Errorf("%s, unit %g: from %g to %g, want to 1e-4 of it, or twice that", schedule, unit, begin, last)
			}
		}
	}
}

// With nothing but its name given, a schedule is a schedule: the first step does not take the temperature to its end, and no two are the same search.
func TestAnnealingSchedulesDoNotCollapseAtTheFirstStep(t *testing.T) {
	for _, steps := range []int{300, 10_000} {
		found := map[string]string{}
		for _, schedule := range schedules {
			o := newAnnealing(t, optimizer.Box(2, -5, 5), 1, func(p *AnnealingParams) { p.Schedule, p.Steps = schedule, steps })
			var temperatures []float64
			for range 151 {
				rig.Round(t, o, rig.Losses["rastrigin"])
				temperatures = append(temperatures, o.s.Temperature)
			}
			if fall := temperatures[2] / temperatures[1]; fall < 0.25 {
				t.Errorf("%s, %d steps: the first step takes the temperature to %.2g of what it was", schedule, steps, fall)
			}
			chains := fmt.Sprint(o.s.Chains)
			if other, is := found[chains]; is && steps == 300 { // of ten thousand steps the first ones are equally hot
				t.Errorf("%s and %s are the same search", schedule, other)
			}
			found[chains] = schedule
		}
	}
}

// What the run of an earlier version has written down, with every key, means what it did.
func TestAnnealingTakesAFinalTemperatureThatIsGiven(t *testing.T) {
	for schedule, alpha := range map[string]float64{"geometric": math.Pow(1e-8, 1.0/300), "logarithmic": (1e8 - 1) / math.Log(301),
		"linear_multiplicative": (1e8 - 1) / 300, "quadratic_multiplicative": (1e8 - 1) / 9e4} {
		o := newAnnealing(t, optimizer.Box(2, -5, 5), 1, func(p *AnnealingParams) { p.Schedule, p.TEnd = schedule, 1e-8 })
		if got := o.Params(); got.TEnd != 1e-8 || math.Abs(got.Alpha/alpha-1) > 1e-12 {
			t.Errorf("%s: alpha = %v and t_end = %v, want %v and 1e-8", schedule, got.Alpha, got.TEnd, alpha)
		}
	}
}

func TestAnnealingConvergesWithEverySchedule(t *testing.T) {
	for _, schedule := range schedules {
		target := 1e-4
		if schedule == "logarithmic" { // it stays warm
			target = 1e-2
		}
		used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer {
			return newAnnealing(t, optimizer.Box(2, -5, 5), seed, func(p *AnnealingParams) { p.Schedule = schedule })
		}, "sphere", target, 8000)
		if used > 4000 {
			t.Errorf("%s: %d evaluations to %g (median of 9), want at most 4,000", schedule, used, target)
		}
	}
	used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer { return newAnnealing(t, optimizer.Box(5, -5, 5), seed, nil) },
		"sphere", 1e-6, 10000)
	if used > 5000 {
		t.Errorf("5 dimensions: %d evaluations to 1e-6 (median of 9), want at most 5,000", used)
	}
}

func TestAnnealingLeavesLocalMinima(t *testing.T) {
	used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer { return newAnnealing(t, optimizer.Box(2, -5, 5), seed, nil) },
		"rastrigin", 1e-2, 8000)
	if used > 3000 {
		t.Errorf("%d evaluations to 1e-2 (median of 9), want at most 3,000", used)
	}
}

func TestAnnealingFindsWholeNumbersAndChoices(t *testing.T) {
	for seed := range uint64(5) {
		if n, best := rig.Minimise(t, newAnnealing(t, rig.MixedProblem, seed, nil), rig.MixedLoss, 0.1, 10000); best > 0.1 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 0.1", seed, best, n)
		}
	}
}

func TestAnnealingWithOneChain(t *testing.T) {
	o := newAnnealing(t, optimizer.Box(2, -5, 5), 1, func(p *AnnealingParams) { p.Chains, p.Steps = 1, 2000 })
	if n, best := rig.Minimise(t, o, rig.Losses["sphere"], 1e-4, 3000); best > 1e-4 {
		t.Errorf("loss %g after %d evaluations, want 1e-4", best, n)
	}
}

// The size of steps follows what is accepted: at a temperature that stays, it settles where 0.44 or 0.234 of the proposals are.
func TestAnnealingStepsFollowAcceptanceNotTemperature(t *testing.T) {
	for _, c := range []struct {
		dim  int
		want float64
	}{{1, 0.44}, {10, 0.2546}} {
		o := newAnnealing(t, optimizer.Box(c.dim, -500, 500), 1, func(p *AnnealingParams) {
			p.Chains, p.TStart, p.TEnd, p.Schedule = 10, 1, 0.999999, "linear_additive"
		})
		accepted, rounds := 0.0, 0.0
		for i := range 3000 {
			rig.Round(t, o, rig.Losses["sphere"])
			if i > 500 {
				accepted += float64(o.s.Accepted) / 10
				rounds++
			}
		}
		if got := accepted / rounds; math.Abs(got-c.want) > 0.02 {
			t.Errorf("%d dimensions: a share of %.3f is accepted, want %.3f", c.dim, got, c.want)
		}
	}
}

// Defect 19 of the Python L2L: its additive schedules began at the current temperature instead of T₀, so they fell to 0 in one step, and divided
// by it.
func TestAnnealingAdditiveSchedulesFallOverAllSteps(t *testing.T) {
	for _, schedule := range schedules[5:] {
		o := newAnnealing(t, optimizer.Box(2, -5, 5), 1, func(p *AnnealingParams) { p.Schedule, p.Steps, p.TStart, p.TEnd = schedule, 10, 8, 0.01 })
		rig.Round(t, o, rig.Losses["sphere"])
		for k := range 15 {
			rig.Round(t, o, rig.Losses["sphere"])
			want := 0.08 * temperature(schedule, float64(min(k, 10)), 10, 100, 1, 0)
			if math.Abs(o.s.Temperature-want) > 1e-9 || !(o.s.Temperature > 0) {
				t.Errorf("%s: temperature %v in step %d, want %v", schedule, o.s.Temperature, k, want)
			}
		}
	}
}

// Defect 19 of the Python L2L, and section 1.10 (step sizes that vanish with the temperature): it applied the step twice at first, and
// multiplied it with the temperature.
func TestAnnealingFirstProposalsHaveTheStepThatWasGiven(t *testing.T) {
	for _, hot := range []float64{1e-9, 1, 1e9} {
		o := newAnnealing(t, optimizer.Box(20, -500, 500), 1, func(p *AnnealingParams) { p.Chains, p.Step, p.TStart = 100, 0.01, hot })
		rig.Round(t, o, rig.Losses["sphere"])
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		squares := 0.0
		for i, c := range cs {
			for j := range c.X {
				d := c.X[j] - o.s.Chains[i].X[j]
				squares += d * d / 2000
			}
		}
		if std := math.Sqrt(squares); math.Abs(std-10) > 0.5 {
			t.Errorf("at a temperature of %g proposals lie %v from their chains, want 1 %% of the width, 10", hot, std)
		}
	}
}
