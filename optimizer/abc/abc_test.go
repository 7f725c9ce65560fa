package abc

import (
	"math"
	"math/rand/v2"
	"reflect"
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
