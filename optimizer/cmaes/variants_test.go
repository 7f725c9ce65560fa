package cmaes

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// newSearch makes a CMA-ES with some parameters changed.
func newSearch(t *testing.T, problem optimizer.Problem, seed uint64, change func(*Params)) *Search {
	t.Helper()
	par := Defaults()
	if change != nil {
		change(&par)
	}
	o, err := New(problem, par, seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// runsOf lists the runs that a search has gone through after some evaluations.
func runsOf(t *testing.T, o *Search, loss func([]float64) float64, evaluations int) (runs []runState) {
	t.Helper()
	for n := 0; n < evaluations && o.state.Stop == ""; {
		if len(runs) == 0 || runs[len(runs)-1].Number != o.state.Run.Number {
			runs = append(runs, o.state.Run)
		}
		used, _ := rig.Minimise(t, o, loss, math.Inf(-1), 1)
		n += used
	}
	return runs
}

func TestCMAESWithIPOPDoublesThePopulationEachTimeAndEndsAfterMaxRestarts(t *testing.T) {
	o := newSearch(t, optimizer.Box(2, -5, 5), 1, func(p *Params) { p.Restarts, p.MaxRestarts = "ipop", 3 })
	var sizes []int
	for _, r := range runsOf(t, o, rig.Losses["rastrigin"], 1e6) {
		sizes = append(sizes, r.PopSize)
	}
	if !slices.Equal(sizes, []int{6, 12, 24, 48}) {
		t.Errorf("populations %v, want 6, 12, 24, 48", sizes)
	}
	if !strings.HasSuffix(o.Status().Stop, "after 3 restarts") {
		t.Errorf("stopped for %q", o.Status().Stop)
	}
}

func TestCMAESWithBIPOPGivesTheKindOfRunsThatFoundTheBestTwiceAsMuchAsTheOther(t *testing.T) {
	o := newSearch(t, optimizer.Box(3, -5, 5), 2, nil)
	for _, r := range runsOf(t, o, rig.Losses["rastrigin"], 60_000) {
		if r.Small && (r.Sigma < 0.002 || r.Sigma > 0.2 || r.PopSize > 7<<r.Doublings/2+7) || !r.Small && r.Sigma != 0.2 {
			t.Errorf("run %+v", r)
		}
	}
	for leads, want := range map[bool]float64{true: 2, false: 0.5} {
		o := newSearch(t, optimizer.Box(2, -5, 5), 3, nil)
		o.state.Run.Record, o.state.Run.SmallLeads = -1, leads // of which nothing better is found
		runs := runsOf(t, o, rig.Losses["rastrigin"], 60_000)
		last := runs[len(runs)-1]
		if ratio := float64(last.SpentSmall) / float64(last.SpentLarge); ratio < want/1.6 || ratio > want*1.6 {
			t.Errorf("small populations have spent %d, large ones %d, want %g times as much", last.SpentSmall, last.SpentLarge, want)
		}
	}
}

func TestCMAESGivesUpARunThatSettlesAboveAnEarlierOne(t *testing.T) {
	// Two bowls; the deeper one is found from most starts. A run in the other would need some 100 generations more to converge.
	bowls := func(x []float64) float64 {
		deep, shallow := 0.0, 5.0
		for _, v := range x {
			deep += (v + 2) * (v + 2)
			shallow += 4 * (v - 3) * (v - 3)
		}
		return min(deep, shallow)
	}
	run := func(record float64) int {
		o := newSearch(t, optimizer.Box(4, -5, 5), 3, func(p *Params) { p.Start, p.Sigma = "centre", 0.01 })
		o.state.Mean = []float64{0.3, 0.3, 0.3, 0.3} // in the shallow bowl
		o.state.Run.Record = record
		n := 0
		for o.state.Run.Number == 0 {
			used, _ := rig.Minimise(t, o, bowls, math.Inf(-1), 1)
			n += used
		}
		return n
	}
	free, beaten := run(math.Inf(1)), run(0)
	if 2*beaten > free {
		t.Errorf("given up after %d evaluations, a run of its own ends after %d", beaten, free)
	}
}

func TestCMAESFindsWholeNumbersAndChoicesTogetherWithTheRest(t *testing.T) {
	problem := optimizer.Problem{}
	for range 4 {
		problem.Coords = append(problem.Coords, optimizer.Coordinate{Lower: -5, Upper: 5},
			optimizer.Coordinate{Kind: optimizer.Integer, Lower: -10, Upper: 10},
			optimizer.Coordinate{Kind: optimizer.Categorical, Lower: 0, Upper: 3})
	}
	loss := func(x []float64) float64 {
		s := 0.0
		for i := 0; i < len(x); i += 3 {
			s += (x[i]-1)*(x[i]-1) + (x[i+1]-3)*(x[i+1]-3)
			if x[i+2] != 2 {
				s++
			}
		}
		return s
	}
	solved := 0
	for seed := range uint64(10) {
		if _, best := rig.Minimise(t, newSearch(t, problem, seed, nil), loss, 1e-8, 12_000); best <= 1e-8 {
			solved++
		}
	}
	if solved < 9 {
		t.Errorf("solved %d of 10", solved)
	}
}

func TestCMAESMarginKeepsBothNeighboursPossible(t *testing.T) {
	const alpha = 0.01
	for _, c := range []struct{ mean, deviation float64 }{{0, 1e-9}, {0.3, 0.01}, {-0.49, 0.2}, {0.1, 3}} {
		m, d := withMargin(c.mean, c.deviation, -0.5, 0.5, alpha)
		below, above := normal.Above((m+0.5)/d), normal.Above((0.5-m)/d)
		if below < 0.999*alpha/2 || above < 0.999*alpha/2 {
			t.Errorf("mean %g, deviation %g: neighbours have probabilities %g and %g, want %g at least", c.mean, c.deviation, below, above, alpha/2)
		}
	}
	if m, d := withMargin(0.1, 3, -0.5, 0.5, alpha); m != 0.1 || d != 3 {
		t.Errorf("a wide distribution has been moved to %g, %g", m, d)
	}
}

// meanOf is the mean of the distribution.
func meanOf(o *Search) []float64 {
	mean := slices.Clone(o.state.Mean)
	for j := range mean {
		mean[j] *= o.width[j]
	}
	return mean
}

func TestCMAESRatesAdaptToNoise(t *testing.T) {
	noisy := func(adapt bool) float64 {
		rng := rand.New(rand.NewPCG(1, 2))
		o := newSearch(t, optimizer.Box(5, -5, 5), 4, func(p *Params) { p.AdaptRates, p.Restarts = adapt, "none" })
		rig.Minimise(t, o, func(x []float64) float64 { return rig.Losses["sphere"](x) + rng.NormFloat64() }, math.Inf(-1), 20_000)
		return rig.Losses["sphere"](meanOf(o))
	}
	if with, without := noisy(true), noisy(false); with > without/10 {
		t.Errorf("the mean's true loss is %g with adapted rates, %g without", with, without)
	}
}

func TestCMAESWithAdaptedRatesFindsTheDeepestOfManyMinimaWithASmallPopulation(t *testing.T) {
	for seed := range uint64(3) {
		o := newSearch(t, optimizer.Box(5, -5, 5), seed, func(p *Params) { p.AdaptRates, p.Restarts = true, "none" })
		rig.Minimise(t, o, rig.Losses["rastrigin"], math.Inf(-1), 20_000)
		for j, m := range meanOf(o) {
			if math.Abs(m-1.5) > 0.4 {
				t.Errorf("seed %d: coordinate %d of the mean is %.2f, want 1.5 ± 0.4; the next minima are at 0.5 and 2.5", seed, j, m)
			}
		}
	}
}

func TestCMAESLowRankLearnsTheDirectionsThatMatter(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	// A cigar along (1, 1, …, 1): without dependencies, what a single direction needs would have to be learnt in all of them.
	const n = 60
	cigar := func(x []float64) float64 {
		along, all := 0.0, 0.0
		for _, v := range x {
			along += (v - 1) / math.Sqrt(n)
			all += (v - 1) * (v - 1)
		}
		return along*along + 1e4*max(0, all-along*along)
	}
	need := func(covariance string) int {
		o := newSearch(t, optimizer.Box(n, -5, 5), 5, func(p *Params) { p.Covariance, p.Restarts = covariance, "none" })
		used, best := rig.Minimise(t, o, cigar, 1e-6, 200_000)
		if best > 1e-6 {
			return 200_000
		}
		return used
	}
	low, diagonal := need("low_rank"), need("diagonal")
	if 2*low > diagonal {
		t.Errorf("low_rank needs %d evaluations, diagonal %d", low, diagonal)
	}
}

func TestCMAESDiagonalLearnsScalesFasterThanFull(t *testing.T) {
	need := func(covariance string) int {
		used, best := rig.Minimise(t, newSearch(t, optimizer.Box(30, -5, 5), 6, func(p *Params) { p.Covariance = covariance }),
			rig.Losses["ellipsoid"], 1e-8, 100_000)
		if best > 1e-8 {
			t.Errorf("%s ends at %g", covariance, best)
		}
		return used
	}
	if diagonal, full := need("diagonal"), need("full"); 2*diagonal > full {
		t.Errorf("diagonal needs %d evaluations, full %d", diagonal, full)
	}
}

func TestCMAESAsyncWithOneSlotNeedsWhatTheGenerationsNeed(t *testing.T) {
	for _, loss := range []string{"sphere", "ellipsoid", "rosenbrock"} {
		with := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer { return newSearch(t, optimizer.Box(5, -5, 5), seed, nil) }, loss,
			1e-8, 20_000)
		var without []int
		for seed := range uint64(9) {
			o, err := NewAsync(optimizer.Box(5, -5, 5), Defaults(), seed)
			if err != nil {
				t.Fatal(err)
			}
			used, _ := rig.Minimise(t, rig.OneAtATime{Optimizer: o}, rig.Losses[loss], 1e-8, 20_000)
			without = append(without, used)
		}
		slices.Sort(without)
		if got := without[4]; math.Abs(float64(got-with)) > 0.2*float64(with) {
			t.Errorf("%s: %d evaluations, cmaes %d", loss, got, with)
		}
	}
}

func TestCMAESAsyncLearnsFromLateResults(t *testing.T) {
	// Of 16 slots, each holds its individual until 15 others have been told.
	o, err := NewAsync(optimizer.Box(5, -5, 5), Defaults(), 7)
	if err != nil {
		t.Fatal(err)
	}
	var open []optimizer.Candidate
	for n := 0; n < 10_000; n++ {
		for len(open) < 16 {
			cs, err := o.Ask(1)
			if err != nil || len(cs) != 1 {
				t.Fatal(len(cs), err)
			}
			open = append(open, cs...)
		}
		if err := o.Tell([]optimizer.Evaluated{{ID: open[0].ID, Loss: []float64{rig.Losses["ellipsoid"](open[0].X)}}}); err != nil {
			t.Fatal(err)
		}
		open = open[1:]
		if o.Status().Best.Loss[0] <= 1e-8 {
			return
		}
	}
	t.Errorf("best %g after 10,000 evaluations", o.Status().Best.Loss[0])
}
