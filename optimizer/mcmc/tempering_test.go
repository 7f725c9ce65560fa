package mcmc

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mathext"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func newParallelTempering(t *testing.T, problem optimizer.Problem, seed uint64, change func(*ParallelTemperingParams)) *ParallelTempering {
	t.Helper()
	par := ParallelTemperingDefaults()
	if change != nil {
		change(&par)
	}
	return rig.Made(NewParallelTempering(problem, par, seed))(t)
}

// normalProblem has n coordinates without bounds; with the loss x²/2 the stationary distribution at T is normal with variance T.
func normalProblem(n int) optimizer.Problem {
	p := optimizer.Problem{Coords: make([]optimizer.Coordinate, n)}
	for i := range p.Coords {
		p.Coords[i] = optimizer.Coordinate{Lower: math.Inf(-1), Upper: math.Inf(1), Std: 1}
	}
	return p
}

func normalLoss(x []float64) float64 { return floats.Dot(x, x) / 2 }

// The loss of n normal coordinates at T has the distribution Gamma(n/2, T). For E₁ at T₁ and E₂ at T₂ > T₁, the smaller of the densities of
// (E₁, E₂) and of (E₂, E₁) is the first where E₁ > E₂, so that the mean of min(1, ratio) is 2 P(E₁ > E₂) = 2 P(T₁G₁ > T₂G₂) with G₁ and G₂ of
// Gamma(n/2, 1). G₁/(G₁ + G₂) has the distribution Beta(n/2, n/2), so this is 2 I_x(n/2, n/2) at x = T₁/(T₁ + T₂). See Kofke 2002,
// doi 10.1063/1.1507776, and Predescu, Predescu and Ciobanu 2004, doi 10.1063/1.1644093.
func TestParallelTemperingSwapsAtTheRateOfTheory(t *testing.T) {
	rig.Long(t)
	for _, c := range []struct {
		dim         int
		low, high   float64
		chains      int
		generations int
	}{{1, 1, 100, 3, 30000}, {4, 1, 16, 5, 30000}, {12, 0.5, 8, 6, 30000}} {
		o := newParallelTempering(t, normalProblem(c.dim), 1,
			func(p *ParallelTemperingParams) { p.TLow, p.THigh, p.Chains = c.low, c.high, c.chains })
		for range 1000 {
			rig.Round(t, o, normalLoss)
		}
		clear(o.s.Tried)
		clear(o.s.Swapped)
		for range c.generations {
			rig.Round(t, o, normalLoss)
		}
		a := float64(c.dim) / 2
		for i := range c.chains - 1 {
			want := 2 * mathext.RegIncBeta(a, a, o.s.Temperatures[i]/(o.s.Temperatures[i]+o.s.Temperatures[i+1]))
			got := float64(o.s.Swapped[i]) / float64(o.s.Tried[i])
			if o.s.Tried[i] < int64(c.generations/2-1) || math.Abs(got-want) > 0.05*want {
				t.Errorf("%d dimensions, chains %d and %d: %d of %d swaps succeed, a share of %.4f, theory says %.4f",
					c.dim, i, i+1, o.s.Swapped[i], o.s.Tried[i], got, want)
			}
		}
	}
}

func TestParallelTemperingChainsHaveTheirStationaryDistributions(t *testing.T) {
	const dim, generations = 3, 60000
	o := newParallelTempering(t, normalProblem(dim), 2, func(p *ParallelTemperingParams) { p.TLow, p.THigh, p.Chains = 0.5, 8, 4 })
	for range 1000 {
		rig.Round(t, o, normalLoss)
	}
	mean, variance, loss := make([]float64, 4), make([]float64, 4), make([]float64, 4)
	for range generations {
		rig.Round(t, o, normalLoss)
		for i, w := range o.s.Chains {
			mean[i] += floats.Sum(w.X) / dim / generations
			variance[i] += floats.Dot(w.X, w.X) / dim / generations
			loss[i] += w.Loss / generations
		}
	}
	for i, temperature := range o.s.Temperatures {
		if math.Abs(mean[i]) > 0.05*math.Sqrt(temperature) || math.Abs(variance[i]/temperature-1) > 0.05 ||
			math.Abs(loss[i]/(dim*temperature/2)-1) > 0.05 {
			t.Errorf("at T = %.3f: mean %.4f, variance %.4f, mean loss %.4f, want 0, %.3f, %.4f", temperature, mean[i], variance[i], loss[i],
				temperature, dim*temperature/2)
		}
	}
}

// Bounds, whole numbers and choices: their distributions can be counted.
func TestParallelTemperingIsStationaryOnEveryKindOfCoordinate(t *testing.T) {
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: 0, Upper: 1}, {Kind: optimizer.Integer, Lower: -2, Upper: 3},
		{Kind: optimizer.Categorical, Upper: 2}}}
	parts := []func(v float64) float64{
		func(v float64) float64 { return 2 * v },
		func(v float64) float64 { return v * v / 2 },
		func(v float64) float64 { return []float64{0, 1, 0.5}[int(v)] },
	}
	loss := func(x []float64) float64 { return parts[0](x[0]) + parts[1](x[1]) + parts[2](x[2]) }
	o := newParallelTempering(t, problem, 3, func(p *ParallelTemperingParams) { p.TLow, p.THigh, p.Chains = 1, 4, 2 })
	const generations = 120000
	bins := [][]float64{make([]float64, 5), make([]float64, 6), make([]float64, 3)} // of the cold chain
	for i := range generations + 1000 {
		rig.Round(t, o, loss)
		if i >= 1000 {
			x := o.s.Chains[0].X
			bins[0][min(int(5*x[0]), 4)] += 1.0 / generations
			bins[1][int(x[1])+2] += 1.0 / generations
			bins[2][int(x[2])] += 1.0 / generations
		}
	}
	for k := range bins {
		want := make([]float64, len(bins[k]))
		for i := range want {
			v := float64(i)
			switch k {
			case 0: // the integral of exp(−2v) over a fifth
				want[i] = math.Exp(-2*v/5) - math.Exp(-2*(v+1)/5)
				continue
			case 1:
				v -= 2
			}
			want[i] = math.Exp(-parts[k](v))
		}
		floats.Scale(1/floats.Sum(want), want)
		for i := range want {
			if math.Abs(bins[k][i]-want[i]) > 0.01 {
				t.Errorf("coordinate %d: shares %.4f, want %.4f", k, bins[k], want)
				break
			}
		}
	}
}

// The sets of chains do not hear of each other, so that ten times as many samples come in the same number of generations.
func TestParallelTemperingLaddersSampleTheSameDistributions(t *testing.T) {
	const dim, generations, ladders = 3, 2000, 30
	o := newParallelTempering(t, normalProblem(dim), 2, func(p *ParallelTemperingParams) {
		p.TLow, p.THigh, p.Chains, p.Ladders = 0.5, 8, 4, ladders
	})
	for range 500 {
		rig.Round(t, o, normalLoss)
	}
	loss := make([]float64, 4)
	for range generations {
		rig.Round(t, o, normalLoss)
		for i, w := range o.s.Chains {
			loss[i%4] += w.Loss / generations / ladders
		}
	}
	for i, temperature := range o.s.Temperatures {
		if math.Abs(loss[i]/(dim*temperature/2)-1) > 0.05 {
			t.Errorf("at T = %.3f: mean loss %.4f, want %.4f", temperature, loss[i], dim*temperature/2)
		}
	}
	for i, tried := range o.s.Tried {
		if part := float64(o.s.Swapped[i]) / float64(tried); tried < ladders*(generations+490)/2 || part < 0.1 || part > 0.9 {
			t.Errorf("of %d swaps between %d and %d %.2f succeeded", tried, i, i+1, part)
		}
	}
}

func TestChainsFollowTheSlotsWhereTheyAreNotGiven(t *testing.T) {
	for _, c := range []struct{ parallel, annealing, chains, ladders int }{{0, 8, 13, 1}, {32, 8, 13, 1}, {52, 52, 13, 1}, {53, 53, 13, 4}, {1024, 1024, 13, 78}} {
		problem := optimizer.Box(10, -5, 5)
		problem.Parallel = c.parallel
		a := rig.Made(NewAnnealing(problem, AnnealingDefaults(), 1))(t).Params()
		p := rig.Made(NewParallelTempering(problem, ParallelTemperingDefaults(), 1))(t).Params()
		if a.Chains != c.annealing || p.Chains != c.chains || p.Ladders != c.ladders {
			t.Errorf("%d in parallel: annealing has %d chains, want %d; parallel tempering %d times %d, want %d times %d", c.parallel, a.Chains,
				c.annealing, p.Ladders, p.Chains, c.ladders, c.chains)
		}
	}
	given := AnnealingDefaults()
	given.Chains = 3
	problem := optimizer.Box(10, -5, 5)
	problem.Parallel = 1024
	if a := rig.Made(NewAnnealing(problem, given, 1))(t).Params(); a.Chains != 3 {
		t.Errorf("3 chains are given, and there are %d", a.Chains)
	}
}

func TestParallelTemperingHasChainsOfWhichOneSwapInFiveSucceeds(t *testing.T) {
	for _, n := range []int{2, 5, 20, 60} {
		chains := chainsFor(n, 1e-4)
		ratio := math.Pow(1e4, 1/float64(chains-1))
		a := float64(n) / 2
		if rate := 2 * mathext.RegIncBeta(a, a, 1/(1+ratio)); rate < 0.15 || rate > 0.4 {
			t.Errorf("%d dimensions: with %d chains a share of %.3f of the swaps succeeds", n, chains, rate)
		}
	}
}

func TestParallelTemperingConverges(t *testing.T) {
	for _, c := range []struct {
		loss   string
		dim    int
		target float64
		budget int
	}{{"sphere", 1, 1e-4, 1500}, {"sphere", 5, 1e-2, 2500}, {"corner", 2, 1e-2, 1600}, {"rastrigin", 2, 1e-2, 3000}} {
		used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer {
			return newParallelTempering(t, optimizer.Box(c.dim, -5, 5), seed, nil)
		}, c.loss, c.target, 2*c.budget)
		if used > c.budget {
			t.Errorf("%s in %d dimensions: %d evaluations to %g (median of 9), want at most %d", c.loss, c.dim, used, c.target, c.budget)
		}
	}
}

func TestParallelTemperingFindsWholeNumbersAndChoices(t *testing.T) {
	for seed := range uint64(5) {
		if n, best := rig.Minimise(t, newParallelTempering(t, rig.MixedProblem, seed, nil), rig.MixedLoss, 0.1, 10000); best > 0.1 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 0.1", seed, best, n)
		}
	}
}

// Defect 20 of the Python L2L: its chains never swapped (see TestParallelTemperingSwapsAtTheRateOfTheory), by a ratio that was wrong, and lost
// their temperatures.
func TestParallelTemperingSwapsInTheRatioOfDetailedBalance(t *testing.T) {
	for _, c := range []struct{ cold, hot, want float64 }{
		{5, 3, 1}, {3, 3, 1}, {3, 4, math.Exp(-0.5)}, {0, 4, math.Exp(-2)}, // (1/1 − 1/2)(E_cold − E_hot)
	} {
		o := newParallelTempering(t, optimizer.Box(1, -5, 5), 1, func(p *ParallelTemperingParams) { p.Chains, p.TLow, p.THigh = 2, 1, 2 })
		rig.Round(t, o, rig.Losses["sphere"])
		rng := rand.New(rand.NewPCG(1, 1))
		const draws = 20000
		swapped := 0.0
		for range draws {
			o.s.Chains[0] = walker{X: []float64{0}, Loss: c.cold, Step: 0.1}
			o.s.Chains[1] = walker{X: []float64{1}, Loss: c.hot, Step: 0.5}
			o.swap(rng)
			if o.s.Chains[0].X[0] == 1 {
				swapped += 1.0 / draws
				if o.s.Chains[0].Loss != c.hot || o.s.Chains[1].Loss != c.cold || o.s.Chains[0].Step != 0.1 {
					t.Fatalf("swapped to %+v", o.s.Chains)
				}
			}
		}
		if math.Abs(swapped-c.want) > 0.012 {
			t.Errorf("losses %v and %v at temperatures 1 and 2 swap in a share of %.4f, want %.4f", c.cold, c.hot, swapped, c.want)
		}
	}
}

// Defect 20 of the Python L2L: see above.
func TestParallelTemperingTemperaturesStay(t *testing.T) {
	o := newParallelTempering(t, optimizer.Box(3, -5, 5), 1, func(p *ParallelTemperingParams) { p.Chains, p.TLow, p.THigh = 4, 0.1, 100 })
	for range 200 {
		rig.Round(t, o, rig.Losses["sphere"])
	}
	for i, want := range []float64{0.1, 1, 10, 100} {
		rig.Near(t, "temperature", o.s.Temperatures[i], want)
		if i < 3 && (o.s.Tried[i] < 99 || o.s.Swapped[i] == 0) {
			t.Errorf("chains %d and %d swapped %d times of %d", i, i+1, o.s.Swapped[i], o.s.Tried[i])
		}
	}
}
