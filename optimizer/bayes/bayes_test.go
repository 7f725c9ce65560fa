package bayes

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// evaluations runs a Bayesian optimisation until its best loss is at most target, and returns how many evaluations that took.
func evaluations(t *testing.T, problem optimizer.Problem, seed uint64, limit int, target float64, loss func(x []float64) float64) int {
	t.Helper()
	o, err := New(problem, Defaults(), seed)
	if err != nil {
		t.Fatal(err)
	}
	for o.Status().Told < int64(limit) && o.Status().Stop == "" {
		rig.Generations(t, o, 1, func(c optimizer.Candidate) optimizer.Evaluated {
			return optimizer.Evaluated{ID: c.ID, Loss: []float64{loss(c.X)}}
		})
		if o.Status().Best.Loss[0] <= target {
			return int(o.Status().Told)
		}
	}
	return limit + 1
}

func TestBayesSolvesBraninInSixtyEvaluations(t *testing.T) {
	t.Parallel()
	branin := func(x []float64) float64 {
		a := x[1] - 5.1/(4*math.Pi*math.Pi)*x[0]*x[0] + 5/math.Pi*x[0] - 6
		return a*a + 10*(1-1/(8*math.Pi))*math.Cos(x[0]) + 10
	}
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: -5, Upper: 10}, {Lower: 0, Upper: 15}}}
	var all []int
	for seed := range uint64(5) {
		all = append(all, evaluations(t, problem, seed, 80, 0.397887+0.01, branin))
	}
	if slices.Sort(all); all[2] > 60 {
		t.Errorf("%v evaluations to within 0.01 of the optimum, want a median of at most 60", all)
	}
}

func TestBayesSearchesAMixedSpaceInAHundredEvaluations(t *testing.T) {
	t.Parallel()
	// The least loss is 0, at the third category, 7, and 0.3; every other category is far worse.
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Categorical, Upper: 4},
		{Kind: optimizer.Integer, Lower: 0, Upper: 20}, {Lower: 0, Upper: 1}}}
	var all []int
	for seed := range uint64(5) {
		all = append(all, evaluations(t, problem, seed, 120, 0.01, func(x []float64) float64 {
			loss := (x[1]-7)*(x[1]-7)/50 + 4*(x[2]-0.3)*(x[2]-0.3)
			if x[0] != 2 {
				loss += 1 + x[0]/10
			}
			return loss
		}))
	}
	if slices.Sort(all); all[2] > 100 {
		t.Errorf("%v evaluations, want a median of at most 100", all)
	}
}

func TestBayesSavesEvaluationsByWhatIsKnown(t *testing.T) {
	problem := optimizer.Box(2, -5, 5)
	bowl := func(x []float64) float64 { return (x[0]-1)*(x[0]-1) + (x[1]+2)*(x[1]+2) }
	o, err := New(problem, Defaults(), 1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var known []optimizer.Solution
	for range 20 {
		x := problem.Draw(rng)
		known = append(known, optimizer.Solution{X: x, Loss: []float64{bowl(x)}})
	}
	if err := o.WarmStart(known); err != nil {
		t.Fatal(err)
	}
	rig.Generations(t, o, 3, func(c optimizer.Candidate) optimizer.Evaluated {
		return optimizer.Evaluated{ID: c.ID, Loss: []float64{bowl(c.X)}}
	})
	if best := o.Status().Best.Loss[0]; best > 0.05 {
		t.Errorf("a loss of %v after 9 evaluations, want 0.05", best)
	}
}

// What a search that has converged knows lies in one place. The best of it is evaluated first, so that no warm search is worse than what it knows,
// and the rest of the box is looked at as in a cold one, not its corners.
func TestBayesWarmStartFromAConvergedRunIsNoWorseThanACold(t *testing.T) {
	t.Parallel()
	problem := optimizer.Box(3, -5, 5)
	loss := rig.Losses["sphere"] // 0 at 1.5
	for _, spread := range []float64{1e-2, 1e-6} {
		rng := rand.New(rand.NewPCG(1, 2))
		var known []optimizer.Solution
		for range 100 {
			x := problem.Draw(rng)
			size := spread * math.Pow(10, 2*rng.Float64())
			for j := range x {
				x[j] = 1.51 + size*rng.NormFloat64() // not quite there
			}
			known = append(known, optimizer.Solution{X: x, Loss: []float64{loss(x)}})
		}
		best := slices.MinFunc(known, func(a, b optimizer.Solution) int { return cmp.Compare(a.Loss[0], b.Loss[0]) })
		run := func(known []optimizer.Solution) (least float64, bounds int) {
			o, err := New(problem, Defaults(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := o.WarmStart(known); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for o.Status().Told < 24 {
				for _, c := range rig.Round(t, o, loss) {
					if key := fmt.Sprint(c.X); seen[key] {
						t.Errorf("spread %g: %v is proposed twice", spread, c.X)
					} else {
						seen[key] = true
					}
					if c.ID == 0 && known != nil && !slices.Equal(c.X, best.X) {
						t.Errorf("spread %g: the first point is %v, want the best known, %v", spread, c.X, best.X)
					}
					for _, v := range c.X {
						if math.Abs(v) == 5 {
							bounds++
						}
					}
				}
			}
			return o.Status().Best.Loss[0], bounds
		}
		cold, _ := run(nil)
		warm, bounds := run(known)
		if warm > cold || warm > best.Loss[0] || bounds > 36 {
			t.Errorf("spread %g: warm %g with %d coordinates on bounds, cold %g, known %g", spread, warm, bounds, cold, best.Loss[0])
		}
	}
}

func TestBayesProposesNothingTwiceWithoutNoise(t *testing.T) {
	// A plane, whose least loss is in a corner, where proposals are cut off; and a space of 24 points, of which none is left in the end.
	few := optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Upper: 5}, {Kind: optimizer.Categorical, Upper: 3}}}
	for name, problem := range map[string]optimizer.Problem{"plane": optimizer.Box(3, 0, 1), "few": few} {
		par := Defaults()
		par.InitialSamples = 2
		o, err := New(problem, par, 3)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		designed := 2 // a Latin hypercube of whole numbers may have a point twice
		for o.Status().Told < 26 && o.Status().Stop == "" {
			for _, c := range rig.Round(t, o, func(x []float64) float64 { return x[0] + x[1] }) {
				if key := fmt.Sprint(c.X); int(c.ID) >= designed && int(c.ID) < 22 && seen[key] > 0 {
					t.Errorf("%s: individual %d is %v again", name, c.ID, c.X)
				}
				seen[fmt.Sprint(c.X)]++
			}
		}
	}
}

// Where one point has been seen with two losses, there is something to be learnt of a known one.
func TestBayesMayProposeAPointAgainWhereThereIsNoise(t *testing.T) {
	o, err := New(optimizer.Box(1, 0, 1), Defaults(), 1)
	if err != nil {
		t.Fatal(err)
	}
	o.keep(result{X: []float64{0.5}, Loss: 1})
	if known := o.known(nil); !known([]float64{0.5 + 1e-12}) || known([]float64{0.51}) {
		t.Error("without noise 0.5 is known and 0.51 is not")
	}
	if known := o.known([][]float64{{0.51}}); !known([]float64{0.51}) {
		t.Error("a point of the same batch is known")
	}
	o.keep(result{X: []float64{0.5}, Loss: 1.5})
	if o.known(nil)([]float64{0.5}) {
		t.Error("with noise 0.5 may be evaluated again")
	}
}

// The design with which a search begins ends when it has been evaluated, also where the model does not take all of it.
func TestBayesInitialDesignEndsAlsoAboveMaxPoints(t *testing.T) {
	par := Defaults()
	par.InitialSamples, par.MaxPoints = 60, 40
	o, err := New(optimizer.Box(2, -5, 5), par, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(rig.Round(t, o, rig.Losses["sphere"])); n != 60 {
		t.Fatalf("%d individuals first, want 60", n)
	}
	for range 3 {
		if n := len(rig.Round(t, o, rig.Losses["sphere"])); n != o.Params().PopSize {
			t.Errorf("%d individuals after the initial design, want %d", n, o.Params().PopSize)
		}
	}
	if best := o.Status().Best; best.ID < 60 {
		t.Errorf("the best is individual %d, of the initial design", best.ID)
	}
}

func TestBayesModelKeepsTheBestAndTheLatestResults(t *testing.T) {
	par := Defaults()
	par.MaxPoints = 20
	o, err := New(optimizer.Box(1, 0, 1), par, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		o.keep(result{X: []float64{float64(i) / 100}, Loss: math.Abs(float64(i) - 30)})
	}
	var kept []float64
	for _, r := range o.s.Results {
		kept = append(kept, math.Round(100*r.X[0]))
	}
	want := []float64{25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99}
	got := slices.Clone(kept)
	for i := range 10 { // either end of the ten best
		if math.Abs(got[i]-30) > 5 {
			t.Errorf("kept %v, want the ten nearest to 30, as %v", kept, want)
		}
	}
	if !slices.Equal(got[10:], want[10:]) {
		t.Errorf("kept %v, want %v", kept, want)
	}
}

func TestBayesExpectedImprovementIsRightWhereItIsTooSmallForANumber(t *testing.T) {
	for _, c := range []struct{ incumbent, mean, deviation, want float64 }{
		{0, 0, 1, math.Log(1 / math.Sqrt(2*math.Pi))},
		{1, 0, 2, math.Log(0.5*2*(1+math.Erf(0.5/math.Sqrt2))*0.5 + 2*math.Exp(-0.125)/math.Sqrt(2*math.Pi))},
		{5, 0, 1e-3, math.Log(5)},
	} {
		if got := logExpectedImprovement(c.incumbent, c.mean, c.deviation); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%+v: %v", c, got)
		}
	}
	// The series takes over without a step, and far beyond where exp gives 0.
	below, above := logExpectedImprovement(0, 25.0001, 1), logExpectedImprovement(0, 24.9999, 1)
	if d := above - below; math.Abs(d-25*0.0002) > 2e-4 {
		t.Errorf("log EI falls by %v between 24.9999 and 25.0001 standard deviations, want about 0.005", d)
	}
	if got := logExpectedImprovement(0, 1000, 1); math.Abs(got+500000+0.919+13.8) > 0.1 {
		t.Errorf("log EI 1000 standard deviations away: %v", got)
	}
}

// someData are values of a function of two numbers and a category.
func someData(n int) (category []bool, x [][]float64, y []float64) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range n {
		p := []float64{rng.Float64(), rng.Float64(), float64(rng.IntN(3))}
		x, y = append(x, p), append(y, math.Sin(5*p[0])+p[1]*p[2]+0.1*rng.NormFloat64())
	}
	return []bool{false, false, true}, x, y
}

func TestGaussianProcessGradientOfTheMarginalLikelihoodIsItsSlope(t *testing.T) {
	category, x, y := someData(25)
	theta := []float64{-0.5, 0.3, 0.2, 0.4, -3}
	_, grad := negativeLogPosterior(category, x, y, theta)
	for i := range theta {
		const h = 1e-5
		up, down := slices.Clone(theta), slices.Clone(theta)
		up[i] += h
		down[i] -= h
		a, _ := negativeLogPosterior(category, x, y, up)
		b, _ := negativeLogPosterior(category, x, y, down)
		if slope := (a - b) / (2 * h); math.Abs(slope-grad[i]) > 1e-4*(1+math.Abs(slope)) {
			t.Errorf("theta %d: gradient %v, slope %v", i, grad[i], slope)
		}
	}
}

func TestGaussianProcessPredictsAsTheFormula(t *testing.T) {
	category, x, y := someData(12)
	theta := []float64{-0.5, 0.3, 0.2, 0.4, -3}
	g, ok := newGaussianProcess(category, theta, x[:9], y[:9])
	if !ok {
		t.Fatal("it cannot be factored")
	}
	for i := range x[9:] {
		g.add(x[9+i], y[9+i]) // one by one
	}
	k := func(a, b []float64) float64 {
		v, _ := matern(g.signal(), g.distance(a, b))
		return v
	}
	n := len(x)
	K, at := mat.NewSymDense(n, nil), []float64{0.4, 0.6, 1}
	cross := mat.NewVecDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			K.SetSym(i, j, k(x[i], x[j]))
		}
		K.SetSym(i, i, K.At(i, i)+g.noise())
		cross.SetVec(i, k(x[i], at))
	}
	var weights mat.VecDense
	if err := weights.SolveVec(K, cross); err != nil {
		t.Fatal(err)
	}
	wantMean := mat.Dot(&weights, mat.NewVecDense(n, slices.Clone(y)))
	wantDeviation := math.Sqrt(k(at, at) - mat.Dot(&weights, cross))
	if mean, deviation := g.predict(at); math.Abs(mean-wantMean) > 1e-9 || math.Abs(deviation-wantDeviation) > 1e-9 {
		t.Errorf("predicted %v ± %v, want %v ± %v", mean, deviation, wantMean, wantDeviation)
	}
}

func TestBayesFollowsTheSlotsWhereItsBatchIsNotGiven(t *testing.T) {
	for _, c := range []struct{ parallel, given, size, searched, design int }{
		{0, 0, 4, 4, 8}, {16, 0, 4, 4, 8}, {17, 0, 17, 8, 17}, {1024, 0, 128, 8, 128}, {1024, 20, 20, 20, 8},
	} {
		problem := optimizer.Box(3, 0, 1)
		problem.Parallel = c.parallel
		par := Defaults()
		par.PopSize = c.given
		par = rig.Made(New(problem, par, 1))(t).Params()
		if par.PopSize != c.size || par.Searched != c.searched || par.InitialSamples != c.design {
			t.Errorf("%d in parallel, pop_size %d given: %d, of which %d are searched, after %d", c.parallel, c.given, par.PopSize, par.Searched,
				par.InitialSamples)
		}
	}
}

// valley is a search of a curved valley that has been told of so many random points.
func valley(t *testing.T, problem optimizer.Problem, points int) *Search {
	t.Helper()
	par := Defaults()
	par.InitialSamples = points
	o := rig.Made(New(problem, par, 4))(t)
	rig.Round(t, o, rig.Losses["rosenbrock"])
	return o
}

// Each point of a pool is that of which the most is expected, of those chosen after it too, if those before have the losses that are expected.
func TestBayesPoolChoosesAsIfThePointsBeforeWereKnown(t *testing.T) {
	o := valley(t, optimizer.Box(4, -5, 5), 30)
	rng := rand.New(rand.NewPCG(1, 2))
	m := o.model()
	xs := o.pooled(rng, m, nil, 12)
	m = o.model()
	for k, x := range xs {
		value := func(x []float64) float64 {
			mean, deviation := m.predict(o.scaled(x))
			return logExpectedImprovement(m.incumbent, mean, deviation)
		}
		for j, later := range xs[k+1:] {
			if a, b := value(x), value(later); a < b-1e-6 {
				t.Errorf("point %d: %v is expected, and %v of point %d", k, a, b, k+1+j)
			}
		}
		m.believe(o.scaled(x))
	}
}

func TestBayesPoolHasNoPointTwice(t *testing.T) {
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Upper: 9}, {Kind: optimizer.Integer, Upper: 9}}}
	o := valley(t, problem, 10)
	seen := map[string]bool{}
	for _, x := range o.pooled(rand.New(rand.NewPCG(1, 2)), o.model(), nil, 60) {
		if seen[fmt.Sprint(x)] {
			t.Errorf("%v is chosen again", x)
		}
		seen[fmt.Sprint(x)] = true
	}
}

// On 32 slots a batch of 32 must be worth something, over a batch of 4: there, 28 slots idle.
func TestBayesTakesFewerGenerationsOnMoreSlots(t *testing.T) {
	rig.Long(t)
	generations := func(parallel int) float64 {
		var all []float64
		for seed := range uint64(3) {
			problem := optimizer.Box(3, -5, 5)
			problem.Parallel = parallel
			o := rig.Made(New(problem, Defaults(), seed))(t)
			n := 0.0
			for o.Status().Best == nil || o.Status().Best.Loss[0] > 0.5 && n < 60 {
				rig.Round(t, o, rig.Losses["rosenbrock"])
				n++
			}
			all = append(all, n)
		}
		slices.Sort(all)
		return all[1]
	}
	few, many := generations(1), generations(32)
	if few < 2*many {
		t.Errorf("%v generations of 4, %v of 32", few, many)
	}
}
