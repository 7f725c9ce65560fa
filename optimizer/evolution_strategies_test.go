package optimizer

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func newEvolutionStrategies(t *testing.T, problem Problem, seed uint64, change func(*EvolutionStrategiesParams)) *EvolutionStrategies {
	t.Helper()
	par := DefaultEvolutionStrategies()
	if change != nil {
		change(&par)
	}
	return made(NewEvolutionStrategies(problem, par, seed))(t)
}

func TestEvolutionStrategiesComeWithinTheirNoiseOfTheMinimum(t *testing.T) {
	for _, c := range []struct {
		loss           string
		dim            int
		target         float64
		budget, median int
	}{
		{"sphere", 1, 1e-4, 500, 300}, {"sphere", 5, 1e-2, 2000, 800}, {"sphere", 20, 0.05, 6000, 3000}, {"corner", 5, 1e-2, 4000, 2000},
	} {
		used := medianEvaluations(t, func(seed uint64) Optimizer { return newEvolutionStrategies(t, Box(c.dim, -5, 5), seed, nil) }, c.loss, c.target, c.budget)
		if used > c.median {
			t.Errorf("%s in %d dimensions: %d evaluations to %g (median of 9), want at most %d", c.loss, c.dim, used, c.target, c.median)
		}
	}
}

func TestEvolutionStrategiesWithDecayingNoiseConverge(t *testing.T) {
	o := newEvolutionStrategies(t, Box(5, -5, 5), 1, func(p *EvolutionStrategiesParams) { p.NoiseStd, p.NoiseDecay = 0.05, 0.97 })
	if n, best := minimise(t, o, losses["sphere"], 1e-8, 20000); best > 1e-8 {
		t.Errorf("loss %g after %d evaluations, want 1e-8", best, n)
	}
}

func TestEvolutionStrategiesFindWholeNumbersAndChoices(t *testing.T) {
	for seed := range uint64(5) {
		o := newEvolutionStrategies(t, mixedProblem, seed, nil)
		if n, best := minimise(t, o, mixedLoss, 0.1, 10000); best > 0.1 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 0.1", seed, best, n)
		}
	}
}

// The update in its plainest form, from the points that were evaluated: far from all bounds, they are θ + σ z.
func TestTheUpdateOfEvolutionStrategiesIsThatOfThePaper(t *testing.T) {
	const n, width, sigma, alpha = 3, 2e6, 1e-4, 0.7
	for _, shaping := range []bool{true, false} {
		o := newEvolutionStrategies(t, Box(n, -width/2, width/2), 3, func(p *EvolutionStrategiesParams) {
			p.PopSize, p.NoiseStd, p.LearningRate, p.FitnessShaping, p.Start = 9, sigma, alpha, shaping, "centre"
		})
		loss := func(x []float64) float64 { return x[0] + 3*x[1]*x[1]/100 - x[2] }
		for range 5 {
			cs := round(t, o, loss)
			theta := cs[8].X // the centre is the last
			var all []float64
			for _, c := range cs[:8] {
				all = append(all, loss(c.X))
			}
			mean, squares := 0.0, 0.0
			for _, l := range all {
				mean += l / 8
			}
			for _, l := range all {
				squares += (l - mean) * (l - mean) / 8
			}
			want := slices.Clone(theta)
			for i, c := range cs[:8] {
				rank, sum := 1, 0.0
				for _, l := range all {
					if l < all[i] {
						rank++
					}
				}
				for k := 1; k <= 8; k++ {
					sum += math.Max(0, math.Log(5)-math.Log(float64(k)))
				}
				w := math.Max(0, math.Log(5)-math.Log(float64(rank)))/sum - 1.0/8
				if !shaping {
					w = -(all[i] - mean) / math.Sqrt(squares) / 8
				}
				for j := range want {
					want[j] += alpha * w * (c.X[j] - theta[j])
				}
			}
			next, err := o.Ask(0)
			if err != nil {
				t.Fatal(err)
			}
			for j := range want {
				if got := next[8].X[j]; math.Abs(got-want[j]) > 1e-9*width {
					t.Fatalf("shaping %v: the centre moves to %v, want %v", shaping, next[8].X, want)
				}
			}
			if got := o.Status().Figures[1].Value; got != loss(theta) {
				t.Errorf("the centre's loss is shown as %v, it is %v", got, loss(theta))
			}
			for i, c := range next { // and finish the generation
				if err := o.Tell([]Evaluated{{ID: c.ID, Loss: []float64{float64(i)}}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestMirroredIndividualsLieOppositeToEachOther(t *testing.T) {
	o := newEvolutionStrategies(t, Box(4, -5, 5), 3, func(p *EvolutionStrategiesParams) { p.PopSize, p.Start = 8, "centre" })
	cs := round(t, o, losses["sphere"]) // seven around the centre: three pairs, and one alone
	for i := 0; i < 6; i += 2 {
		for j := range 4 {
			near(t, "the middle of a pair", (cs[i].X[j]+cs[i+1].X[j])/2, cs[7].X[j])
		}
	}
}

// One generation, Ask and Tell, in 28,800 dimensions (the weights of the reservoir in the published digit task) with 98 individuals, and in a
// million dimensions.
func BenchmarkEvolutionStrategies(b *testing.B) {
	for _, c := range []struct{ dim, popSize int }{{28800, 98}, {1000000, 50}} {
		b.Run(fmt.Sprintf("n=%d,pop_size=%d", c.dim, c.popSize), func(b *testing.B) {
			par := DefaultEvolutionStrategies()
			par.PopSize = c.popSize
			o, err := NewEvolutionStrategies(Box(c.dim, -5, 5), par, 1)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				cs, err := o.Ask(0)
				if err != nil {
					b.Fatal(err)
				}
				for _, cand := range cs {
					if err := o.Tell([]Evaluated{{ID: cand.ID, Loss: []float64{cand.X[0]}}}); err != nil {
						b.Fatal(err)
					}
				}
			}
			state, err := o.MarshalBinary()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(state)), "checkpoint-B")
		})
	}
}
