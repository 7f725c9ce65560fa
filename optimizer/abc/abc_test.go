package abc

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// posterior runs an ABC-SMC to its end.
func posterior(t *testing.T, problem optimizer.Problem, par Params, seed uint64,
	distance func(x []float64, rng *rand.Rand) float64) []optimizer.Weighted {
	t.Helper()
	o, err := New(problem, par, seed)
	if err != nil {
		t.Fatal(err)
	}
	for o.Status().Stop == "" && o.Status().Told < 200_000 {
		rig.Generations(t, o, 1, func(c optimizer.Candidate) optimizer.Evaluated {
			return optimizer.Evaluated{ID: c.ID, Loss: []float64{distance(c.X, rand.New(rand.NewPCG(seed, uint64(c.ID))))}}
		})
	}
	if o.Status().Stop == "" {
		t.Fatalf("no end after %d individuals: %+v", o.Status().Told, o.Status().Figures)
	}
	return o.Status().Posterior
}

// coordinate is one coordinate of a posterior, with the weights.
func coordinate(sample []optimizer.Weighted, i int) (values, weights []float64) {
	for _, p := range sample {
		values, weights = append(values, p.X[i]), append(weights, p.Weight)
	}
	return values, weights
}

func TestABCSMCHasTheAnalyticMeanAndVarianceOfANormalModel(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	// Prior N(0, 1), datum y ~ N(θ, 0.5²), measured 1.2: the posterior is N(0.96, 0.2).
	const measured, noise = 1.2, 0.5
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: math.Inf(-1), Upper: math.Inf(1), Std: 1}}}
	var means, variances []float64
	for seed := range uint64(4) {
		sample := posterior(t, problem, Params{Particles: 400, MinAcceptance: 0.05}, seed, func(x []float64, rng *rand.Rand) float64 {
			return math.Abs(x[0] + noise*rng.NormFloat64() - measured)
		})
		mean, variance := stat.PopMeanVariance(coordinate(sample, 0))
		means, variances = append(means, mean), append(variances, variance)
	}
	wantVariance := 1 / (1 + 1/(noise*noise))
	wantMean := measured / (noise * noise) * wantVariance
	// The standard error of a mean of 4 × 400 draws is 0.011, more as their weights differ; of a variance, 4 %.
	if mean := stat.Mean(means, nil); math.Abs(mean-wantMean) > 0.03 {
		t.Errorf("mean %v (%v), want %v", mean, means, wantMean)
	}
	if variance := stat.Mean(variances, nil); math.Abs(variance-wantVariance) > 0.12*wantVariance {
		t.Errorf("variance %v (%v), want %v", variance, variances, wantVariance)
	}
}

func TestABCSMCCutsThePosteriorUnderAUniformPriorAtItsBounds(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	// θ uniform in [0, 1], y ~ N(θ, 0.5²), measured 0: half a normal distribution, cut at 1.
	sample := posterior(t, optimizer.Box(1, 0, 1), Params{Particles: 800, MinAcceptance: 0.1}, 1, func(x []float64, rng *rand.Rand) float64 {
		return math.Abs(x[0] + 0.5*rng.NormFloat64())
	})
	mean, variance := stat.PopMeanVariance(coordinate(sample, 0))
	var mass, first, second float64 // by numerical integration
	for i := range 10000 {
		x := (float64(i) + 0.5) / 10000
		p := math.Exp(-2 * x * x)
		mass, first, second = mass+p, first+p*x, second+p*x*x
	}
	wantMean := first / mass
	wantVariance := second/mass - wantMean*wantMean
	if math.Abs(mean-wantMean) > 0.03 || math.Abs(variance-wantVariance) > 0.15*wantVariance {
		t.Errorf("mean %v and variance %v, want %v and %v", mean, variance, wantMean, wantVariance)
	}
}

func TestABCSMCHasThePosteriorOfBayesForIntegersAndCategories(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	// A datum y ~ N(n + c, 1), n from 0 to 3, c one of 0, 1, 2: measured 4.
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Upper: 3}, {Kind: optimizer.Categorical, Upper: 2}}}
	sample := posterior(t, problem, Params{Particles: 1000, MinAcceptance: 0.1}, 1, func(x []float64, rng *rand.Rand) float64 {
		return math.Abs(x[0] + x[1] + rng.NormFloat64() - 4)
	})
	got, want, mass := map[[2]float64]float64{}, map[[2]float64]float64{}, 0.0
	for _, p := range sample {
		got[[2]float64{p.X[0], p.X[1]}] += p.Weight
	}
	for n := range 4 {
		for c := range 3 {
			d := float64(n + c - 4)
			want[[2]float64{float64(n), float64(c)}] = math.Exp(-d * d / 2)
			mass += math.Exp(-d * d / 2)
		}
	}
	for x, w := range want {
		if math.Abs(got[x]-w/mass) > 0.04 {
			t.Errorf("probability of %v: %v, want %v", x, got[x], w/mass)
		}
	}
}

func TestABCSMCKernelsAndPriorsAddUpToOne(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []optimizer.Coordinate{
		{Lower: -1, Upper: 3}, {Lower: -inf, Upper: inf, Mean: 1, Std: 2}, {Lower: 0, Upper: inf, Mean: 1, Std: 1},
		{Kind: optimizer.Integer, Lower: -2, Upper: 5}, {Kind: optimizer.Integer, Lower: -inf, Upper: inf, Mean: 0.3, Std: 2},
		{Kind: optimizer.Integer, Lower: -1, Upper: 4, Mean: 0, Std: 3},
		{Kind: optimizer.Categorical, Upper: 3},
	} {
		step := 1.0
		if c.Kind == optimizer.Continuous {
			step = 1e-3
		}
		from, kernel, prior := c.Clip(0), 0.0, 0.0
		for x := max(c.Lower, -30) + step/2*float64(1-min(int(c.Kind), 1)); x <= min(c.Upper, 30); x += step {
			kernel += step * math.Exp(logKernel(c, from, x, 1.7))
			prior += step * math.Exp(logPrior(c, x))
		}
		if math.Abs(kernel-1) > 1e-3 || math.Abs(prior-1) > 1e-3 {
			t.Errorf("%+v: the kernel adds up to %v, the prior to %v", c, kernel, prior)
		}
	}
}

// Defect 22 of the Python L2L: its inference did not use its seed.
func TestABCSMCDependsOnItsSeed(t *testing.T) {
	first := func(seed uint64) []optimizer.Candidate {
		cs, err := rig.Made(New(optimizer.Box(2, -5, 5), Defaults(), seed))(t).Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		return cs
	}
	if !reflect.DeepEqual(first(1), first(1)) || reflect.DeepEqual(first(1), first(2)) {
		t.Error("the same seed gives other individuals, or another seed the same ones")
	}
}

// linear is a model of as many outputs as parameters, which are the parameters and normal noise, under a normal prior: its posterior is known.
type linear struct{ measured, noise float64 }

func (m linear) problem(dim int) optimizer.Problem {
	p := optimizer.Problem{Outputs: dim}
	for range dim {
		p.Coords = append(p.Coords, optimizer.Coordinate{Lower: math.Inf(-1), Upper: math.Inf(1), Std: 1})
	}
	return p
}

// analytic is the mean and the standard deviation of the posterior, of each coordinate.
func (m linear) analytic() (mean, std float64) {
	variance := 1 / (1 + 1/(m.noise*m.noise))
	return m.measured / (m.noise * m.noise) * variance, math.Sqrt(variance)
}

// search runs an ABC-SMC to its end.
func (m linear) search(t *testing.T, dim int, par Params, seed uint64, outputs bool) *Search {
	t.Helper()
	problem := m.problem(dim)
	if !outputs {
		problem.Outputs = 0
	}
	o, err := New(problem, par, seed)
	if err != nil {
		t.Fatal(err)
	}
	for o.Status().Stop == "" && o.Status().Told < 50_000 {
		rig.Generations(t, o, 1, func(c optimizer.Candidate) optimizer.Evaluated {
			rng := rand.New(rand.NewPCG(seed, uint64(c.ID)))
			ev := optimizer.Evaluated{ID: c.ID, Loss: []float64{0}}
			for _, v := range c.X {
				y := v + m.noise*rng.NormFloat64()
				ev.Loss[0] += (y - m.measured) * (y - m.measured)
				if outputs {
					ev.Outputs, ev.Targets = append(ev.Outputs, y), append(ev.Targets, m.measured)
				}
			}
			ev.Loss[0] = math.Sqrt(ev.Loss[0])
			return ev
		})
	}
	return o
}

// widths are the mean distance of the coordinates' means from the analytic one, and the mean of their standard deviations, both in those of the
// analytic posterior.
func (m linear) widths(sample []optimizer.Weighted) (off, width float64) {
	mean, std := m.analytic()
	dim := len(sample[0].X)
	for j := range dim {
		got, variance := stat.PopMeanVariance(coordinate(sample, j))
		off += math.Abs(got-mean) / std / float64(dim)
		width += math.Sqrt(variance) / std / float64(dim)
	}
	return off, width
}

func TestABCSMCAdjustsThePosteriorOfManyParametersToItsAnalyticWidth(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	m := linear{measured: 0.5, noise: 0.3}
	o := m.search(t, 5, Defaults(), 1, true)
	off, width := m.widths(o.Status().Posterior)
	if off > 0.3 || width < 1/1.2 || width > 1.2 || o.Status().Warning != "" {
		t.Errorf("the mean is off by %.2f analytic standard deviations, and the width is %.2f of them, want 0.3 and within 1.2; %s", off, width,
			o.Status().Warning)
	}
	plain := m.search(t, 5, Defaults(), 1, false)
	if plain.Status().Told != o.Status().Told {
		t.Errorf("%d simulations with outputs and %d without: the adjustment changes the search", o.Status().Told, plain.Status().Told)
	}
	_, raw := m.widths(plain.Status().Posterior)
	if warning := plain.Status().Warning; raw < 1.3 || !strings.Contains(warning, "the posterior too wide") {
		t.Errorf("without outputs the width is %.2f analytic standard deviations, and the warning %q, want a warning", raw, warning)
	}
}

func TestABCSMCWarnsOfAPosteriorThatIsNotToBeTrusted(t *testing.T) {
	m := linear{measured: 0.5, noise: 0.3}
	o, err := New(m.problem(2), Params{Particles: 100, MinAcceptance: 0.03}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if o.Status().Warning != "" {
		t.Errorf("before there is a posterior: %q", o.Status().Warning)
	}
	for _, c := range []struct {
		size, acceptance, narrower, tight float64
		adjusted                          bool
		want                              string
	}{
		{49, 0.02, 1, 1, true, "is worth 49 individuals, want 50"},
		{90, 0.3, 1, 1, true, "30 % were nearer than the threshold"},
		{90, 0.02, 0.4, 1, true, "narrower by a factor of 0.4"},
		{90, 0.02, 1, 0.7, false, "half of the sample is narrower than all of it by a factor of 0.7"},
		{90, 0.02, 0.8, 0.7, true, ""},
		{90, 0.02, 1, 0.9, false, ""}, // as a sample of 90 may be by chance
	} {
		o.s.Acceptance = c.acceptance
		if got := o.doubts(c.size, c.narrower, c.tight, c.adjusted); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// The sample of five parameters is 1.3 to 1.5 times too wide, and nothing in it says so: its nearer half is hardly nearer.
func TestABCSMCWarnsOfADistanceAloneWhereThereAreManyParameters(t *testing.T) {
	m := linear{measured: 0.5, noise: 0.3}
	for dim, want := range map[int]string{3: "", 4: "it has 4 parameters and a distance alone"} {
		o, err := New(m.problem(dim), Defaults(), 1)
		if err != nil {
			t.Fatal(err)
		}
		o.s.Acceptance = 0.02
		if got := o.doubts(90, 1, 1, false); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%d parameters: %q, want %q", dim, got, want)
		}
		if got := o.doubts(90, 1, 1, true); got != "" {
			t.Errorf("%d parameters, adjusted: %q", dim, got)
		}
	}
}

// The regression by hand: with one output that is a straight line of the parameter, all individuals lie where the line meets the target.
func TestABCSMCAdjustmentTakesBackWhatTheOutputsSay(t *testing.T) {
	problem := optimizer.Problem{Outputs: 1, Coords: []optimizer.Coordinate{
		{Lower: math.Inf(-1), Upper: math.Inf(1), Std: 1}, {Lower: 0, Upper: 1}, {Kind: optimizer.Integer, Lower: 0, Upper: 9}}}
	o, err := New(problem, Params{Particles: 40, MinAcceptance: 0.03}, 1)
	if err != nil {
		t.Fatal(err)
	}
	weights := make([]float64, 40)
	for i := range weights {
		weights[i] = 1.0 / 40
		g := (float64(i) - 15) / 40 // the output less its target
		logit := 0.5 - 2*g
		o.s.Sample = append(o.s.Sample, weighted{Solution: optimizer.Solution{ID: int64(i), Loss: []float64{0.1 + float64(i)/100},
			X: []float64{3 + 4*g, 1 / (1 + math.Exp(-logit)), float64(i % 10)}}, Gap: []float64{g}})
	}
	points, w, narrower, ok := o.adjusted(weights)
	if !ok || narrower > 1e-6 {
		t.Fatalf("adjusted: %v, narrower by %v", ok, narrower)
	}
	sum := 0.0
	for i, p := range points {
		rig.Near(t, "a free parameter", p[0], 3)
		rig.Near(t, "a bounded one", p[1], 1/(1+math.Exp(-0.5)))
		if p[2] != float64(i%10) {
			t.Errorf("a whole number is moved from %d to %v", i%10, p[2])
		}
		part := (0.1 + float64(i)/100) / (0.1 + 0.39)
		rig.Near(t, "a weight", w[i]/w[0], (1-part*part)/(1-(0.1/0.49)*(0.1/0.49)))
		sum += w[i]
	}
	rig.Near(t, "the sum of weights", sum, 1)
	o.problem.Outputs = 30 // as many as the sample is worth
	for i := range o.s.Sample {
		o.s.Sample[i].Gap = make([]float64, 30)
	}
	if _, _, _, ok := o.adjusted(weights); ok {
		t.Error("a regression on 30 outputs of a sample of 40")
	}
}
