package nes

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func newES(t *testing.T, problem optimizer.Problem, seed uint64, change func(*ESParams)) *ES {
	t.Helper()
	par := ESDefaults()
	if change != nil {
		change(&par)
	}
	return rig.Made(NewES(problem, par, seed))(t)
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
		used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer {
			return newES(t, optimizer.Box(c.dim, -5, 5), seed, func(p *ESParams) { p.NoiseStd = 0.02 })
		}, c.loss, c.target, c.budget)
		if used > c.median {
			t.Errorf("%s in %d dimensions: %d evaluations to %g (median of 9), want at most %d", c.loss, c.dim, used, c.target, c.median)
		}
	}
}

func TestEvolutionStrategiesWithAStepThatAdaptsConverge(t *testing.T) {
	for _, c := range []struct {
		loss           string
		dim            int
		target         float64
		budget, median int
	}{
		{"sphere", 1, 1e-8, 1000, 400}, {"sphere", 5, 1e-8, 4000, 2500}, {"sphere", 20, 1e-4, 8000, 5500}, {"corner", 5, 1e-4, 8000, 3000},
	} {
		used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer { return newES(t, optimizer.Box(c.dim, -5, 5), seed, nil) },
			c.loss, c.target, c.budget)
		if used > c.median {
			t.Errorf("%s in %d dimensions: %d evaluations to %g (median of 9), want at most %d", c.loss, c.dim, used, c.target, c.median)
		}
	}
}

// Its valleys are about 1 apart and 3 deep: a step of a fiftieth of the box ends in the first.
func TestEvolutionStrategiesFindTheDeepestValleyOfAckley(t *testing.T) {
	ackley := func(x []float64) float64 {
		squares, cosines := 0.0, 0.0
		for _, v := range x {
			squares += (v - 0.3) * (v - 0.3) / float64(len(x))
			cosines += math.Cos(2*math.Pi*(v-0.3)) / float64(len(x))
		}
		return math.E + 20 - 20*math.Exp(-0.2*math.Sqrt(squares)) - math.Exp(cosines)
	}
	for _, width := range []float64{4, 10} {
		found := 0
		for seed := range uint64(20) {
			o := newES(t, optimizer.Box(2, -width/2, width/2), seed, nil)
			if _, best := rig.Minimise(t, o, ackley, 1e-6, 3000); best <= 1e-6 {
				found++
			}
		}
		if found < 18 {
			t.Errorf("in a box of width %v: found with %d of 20 seeds, want 18", width, found)
		}
	}
}

// Where losses say nothing, the step must be what it was, as far as chance allows: one that has vanished would never come back.
func TestEvolutionStrategiesStepDoesNotVanishInNoise(t *testing.T) {
	for _, dim := range []int{2, 20, 200} {
		rng := rand.New(rand.NewPCG(1, uint64(dim)))
		o := newES(t, optimizer.Box(dim, -5, 5), 1, nil)
		least, most := 1.0, 0.0
		for range 1000 {
			rig.Round(t, o, func([]float64) float64 { return rng.NormFloat64() })
			least, most = min(least, o.s.NoiseStd), max(most, o.s.NoiseStd)
		}
		if least < 1e-3 || most > mostStd {
			t.Errorf("%d dimensions: the step went from %g to %g widths in 1,000 generations of noise", dim, least, most)
		}
	}
}

// With thousands of parameters, and noise that is as large as the differences within a generation, the step stays one from which something can
// be learnt.
func TestEvolutionStrategiesLearnThousandsOfParametersFromNoisyLosses(t *testing.T) {
	const n = 2000
	rng := rand.New(rand.NewPCG(1, 1))
	o := newES(t, optimizer.Box(n, -5, 5), 1, func(p *ESParams) { p.PopSize = 60 })
	centre := func() float64 {
		return rig.Losses["sphere"](o.frame.Point(slices.Clone(o.s.Centre)))
	}
	before := centre()
	for range 100 {
		rig.Round(t, o, func(x []float64) float64 { return rig.Losses["sphere"](x) * (1 + 0.01*rng.NormFloat64()) })
	}
	if after := centre(); after > 0.7*before || o.s.NoiseStd < 0.03 {
		t.Errorf("after 100 generations the centre's loss is %g of %g, and the step %g widths", after, before, o.s.NoiseStd)
	}
}

// A configuration of before names noise_std and noise_decay, and means a step that it decides itself.
func TestEvolutionStrategiesKeepAStepThatIsGiven(t *testing.T) {
	o := newES(t, optimizer.Box(3, -5, 5), 1, func(p *ESParams) { p.NoiseStd, p.NoiseDecay = 0.02, 0.5 })
	for k := range 4 {
		rig.Near(t, "the step", o.s.NoiseStd, 0.02*math.Pow(0.5, float64(k)))
		rig.Round(t, o, rig.Losses["sphere"])
	}
	if len(o.s.Path) > 0 {
		t.Error("it follows a path, of which nothing depends")
	}
}

// The step by hand: of two mirrored pairs and one alone, weights of opposite directions belong together.
func TestEvolutionStrategiesStepFollowsThePath(t *testing.T) {
	const n, width = 3, 2e6
	o := newES(t, optimizer.Box(n, -width/2, width/2), 3, func(p *ESParams) { p.PopSize, p.Start = 6, "centre" })
	o.s.NoiseStd = 1e-4 // far from all bounds, so that points are θ + σ z
	loss := func(x []float64) float64 { return x[0] + 3*x[1] - x[2] }
	var path []float64
	for range 4 {
		sigma := o.s.NoiseStd
		cs := rig.Round(t, o, loss)
		theta := cs[5].X
		var order []int
		for i := range 5 {
			order = append(order, i)
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(loss(cs[a].X), loss(cs[b].X)) })
		w, sum := make([]float64, 5), 0.0
		for k, i := range order {
			w[i] = max(0, math.Log(3.5)-math.Log(float64(k+1)))
			sum += w[i]
		}
		g := make([]float64, n)
		for i := range w {
			w[i] = w[i]/sum - 0.2
			for j := range g {
				g[j] += w[i] * (cs[i].X[j] - theta[j]) / (sigma * width)
			}
		}
		norm := math.Sqrt((w[0]-w[1])*(w[0]-w[1]) + (w[2]-w[3])*(w[2]-w[3]) + w[4]*w[4])
		const mu = 1.25
		c := (mu + 2) / (n + mu + 5)
		decay, gain := 1-c, math.Sqrt(c*(2-c))
		if path == nil {
			path, decay, gain = make([]float64, n), 0, 1
		}
		for j := range path {
			path[j] = decay*path[j] + gain*g[j]/norm
		}
		expected := math.Sqrt(n) * (1 - 1.0/(4*n) + 1.0/(21*n*n))
		want := sigma * math.Exp(min(1, c/(1+c)*(math.Sqrt(path[0]*path[0]+path[1]*path[1]+path[2]*path[2])/expected-0.9)))
		if got := o.s.NoiseStd; math.Abs(got/want-1) > 1e-6 {
			t.Fatalf("the step is %v, want %v", got, want)
		}
	}
}

func TestEvolutionStrategiesWithDecayingNoiseConverge(t *testing.T) {
	o := newES(t, optimizer.Box(5, -5, 5), 1, func(p *ESParams) { p.NoiseStd, p.NoiseDecay = 0.05, 0.97 })
	if n, best := rig.Minimise(t, o, rig.Losses["sphere"], 1e-8, 20000); best > 1e-8 {
		t.Errorf("loss %g after %d evaluations, want 1e-8", best, n)
	}
}

func TestEvolutionStrategiesFindWholeNumbersAndChoices(t *testing.T) {
	for seed := range uint64(5) {
		o := newES(t, rig.MixedProblem, seed, nil)
		if n, best := rig.Minimise(t, o, rig.MixedLoss, 0.1, 10000); best > 0.1 {
			t.Errorf("seed %d: loss %g after %d evaluations, want 0.1", seed, best, n)
		}
	}
}

// The update in its plainest form, from the points that were evaluated: far from all bounds, they are θ + σ z.
func TestEvolutionStrategiesUpdateIsThatOfThePaper(t *testing.T) {
	const n, width, sigma, alpha = 3, 2e6, 1e-4, 0.7
	for _, shaping := range []bool{true, false} {
		o := newES(t, optimizer.Box(n, -width/2, width/2), 3, func(p *ESParams) {
			p.PopSize, p.NoiseStd, p.LearningRate, p.FitnessShaping, p.Start = 9, sigma, alpha, shaping, "centre"
		})
		loss := func(x []float64) float64 { return x[0] + 3*x[1]*x[1]/100 - x[2] }
		for range 5 {
			cs := rig.Round(t, o, loss)
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
				if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{float64(i)}}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestNESMirroredIndividualsLieOppositeToEachOther(t *testing.T) {
	o := newES(t, optimizer.Box(4, -5, 5), 3, func(p *ESParams) { p.PopSize, p.Start = 8, "centre" })
	cs := rig.Round(t, o, rig.Losses["sphere"]) // seven around the centre: three pairs, and one alone
	for i := 0; i < 6; i += 2 {
		for j := range 4 {
			rig.Near(t, "the middle of a pair", (cs[i].X[j]+cs[i+1].X[j])/2, cs[7].X[j])
		}
	}
}

// One generation, Ask and Tell, in 28,800 dimensions (the weights of the reservoir in the published digit task) with 98 individuals, and in a
// million dimensions.
func BenchmarkEvolutionStrategies(b *testing.B) {
	for _, c := range []struct{ dim, popSize int }{{28800, 98}, {1000000, 50}} {
		b.Run(fmt.Sprintf("n=%d,pop_size=%d", c.dim, c.popSize), func(b *testing.B) {
			par := ESDefaults()
			par.PopSize = c.popSize
			o, err := NewES(optimizer.Box(c.dim, -5, 5), par, 1)
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
					if err := o.Tell([]optimizer.Evaluated{{ID: cand.ID, Loss: []float64{cand.X[0]}}}); err != nil {
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

// Defect 14 of the Python L2L: it showed another individual's fitness as that of the centre, and left the centre out when it looked for the best.
func TestEvolutionStrategiesCentreIsEvaluatedAndCounts(t *testing.T) {
	o := newES(t, optimizer.Box(3, -5, 5), 1, nil)
	for i := range 5 {
		id := int64(-1)
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		for k, c := range cs {
			loss := float64(10 + k)
			if k == len(cs)-1 {
				loss, id = -float64(i), c.ID // the centre is the last, and here the best
			}
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{loss}}}); err != nil {
				t.Fatal(err)
			}
		}
		if st := o.Status(); st.Figures[1].Name != "centre_loss" || st.Figures[1].Value != -float64(i) || st.Best.ID != id {
			t.Fatalf("the best is %+v, and %+v is shown", st.Best, st.Figures)
		}
	}
}

// Defect 14 of the Python L2L: it learnt from perturbations that it had cut off before they were evaluated, so its centre walked out of the box.
// Here it stays where it is evaluated: after a long time at a bound it is back as soon as the loss calls it.
func TestEvolutionStrategiesCentreNeverLeavesTheBox(t *testing.T) {
	o := newES(t, optimizer.Box(2, -5, 5), 1, nil)
	away := func(x []float64) float64 { return -x[0] - x[1] }
	var centre []float64
	for range 500 {
		cs := rig.Round(t, o, away)
		centre = cs[len(cs)-1].X
	}
	if centre[0] < 4.5 || centre[1] < 4.5 {
		t.Fatalf("the centre is at %v, want it at the bounds", centre)
	}
	for range 60 {
		cs := rig.Round(t, o, func(x []float64) float64 { return -away(x) })
		centre = cs[len(cs)-1].X
	}
	if centre[0] > 1 || centre[1] > 1 {
		t.Errorf("60 generations later the centre is still at %v", centre)
	}
}

// Defect 15 of the Python L2L: its natural evolution strategy did not learn from the last individual.
func TestNESLearnsFromEveryIndividual(t *testing.T) {
	problem := optimizer.Box(3, -5, 5)
	mean := func(o optimizer.Optimizer) []float64 {
		switch o := o.(type) {
		case *SNES:
			return o.s.Mean
		case *XNES:
			return o.s.Mean
		}
		return o.(*ES).s.Centre
	}
	for name, start := range map[string]func() optimizer.Optimizer{
		"snes": func() optimizer.Optimizer { return newSNES(t, problem, 1) },
		"xnes": func() optimizer.Optimizer { return newXNES(t, problem, 1) },
		"evolution_strategies": func() optimizer.Optimizer {
			return newES(t, problem, 1, func(p *ESParams) { p.EvaluateCentre = false })
		},
	} {
		learnt := func(best int) []float64 {
			o := start()
			k := -1
			rig.Round(t, o, func([]float64) float64 {
				if k++; k == best {
					return -1
				}
				return float64(k)
			})
			return slices.Clone(mean(o))
		}
		cs, _ := start().Ask(0)
		for i := range cs {
			if i > 0 && slices.Equal(learnt(i), learnt(0)) {
				t.Errorf("%s: it makes no difference whether individual %d or 0 is the best", name, i)
			}
		}
	}
}

// Points that somebody believes in are evaluated first; then the search goes on from the best point that is known.
func TestNESBeginsAtTheBestPointOfAWarmStart(t *testing.T) {
	loss := rig.Losses["sphere"] // its minimum is at 1.5
	believed := [][]float64{{-4, -4}, {1.4, 1.6}, {3, 3}}
	for name, o := range map[string]optimizer.Optimizer{
		"es":   rig.Made(NewES(optimizer.Box(2, -5, 5), ESParams{LearningRate: 1, NoiseStd: 1e-6, NoiseDecay: 1, Start: "random"}, 1))(t),
		"snes": rig.Made(NewSNES(optimizer.Box(2, -5, 5), SNESParams{Sigma: 1e-6, LearningRateMu: 1, Start: "random"}, 1))(t),
		"xnes": rig.Made(NewXNES(optimizer.Box(2, -5, 5), XNESParams{Sigma: 1e-6, LearningRateMu: 1, Start: "random"}, 1))(t),
	} {
		known := []optimizer.Solution{{X: []float64{0, 0}, Loss: []float64{loss([]float64{0, 0})}}}
		for _, x := range believed {
			known = append(known, optimizer.Solution{X: x})
		}
		if err := o.(optimizer.WarmStarter).WarmStart(known); err != nil {
			t.Fatal(err)
		}
		first := rig.Round(t, o, loss)
		if len(first) != len(believed) {
			t.Fatalf("%s: %d individuals first, want the %d given ones", name, len(first), len(believed))
		}
		for i, c := range first {
			if !slices.Equal(c.X, believed[i]) {
				t.Errorf("%s: individual %d is %v, want %v", name, i, c.X, believed[i])
			}
		}
		for _, c := range rig.Round(t, o, loss) {
			if math.Abs(c.X[0]-1.4) > 1e-3 || math.Abs(c.X[1]-1.6) > 1e-3 {
				t.Fatalf("%s: after them it proposes %v, want points around the best one", name, c.X)
			}
		}
		if best := o.Status().Best; best.ID < 1 {
			t.Errorf("%s: the best is individual %d: known losses must not count", name, best.ID)
		}
	}
}

func TestNESStatesHoldNoPoints(t *testing.T) {
	const n, popSize = 1000, 40
	o := rig.Made(NewSNES(optimizer.Box(n, -5, 5), SNESParams{PopSize: popSize, Sigma: 0.2, LearningRateMu: 1, Start: "random"}, 1))(t)
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
