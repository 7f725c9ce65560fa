// Package bayes is Bayesian optimisation with a Gaussian process: a model of the loss says where an improvement is to be expected. It is for
// expensive evaluations, of which there can be tens to some hundreds, and up to about 20 parameters of any kind. It takes much longer over a
// proposal than all other packages.
package bayes

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// Params configures [Search].
type Params struct {
	PopSize        int     `yaml:"pop_size" doc:"individuals proposed at a time" range:"[1, 1000]" auto:"4, or execution.parallel where that is more than 4 times as many, but at most 128"`
	Searched       int     `yaml:"searched" doc:"of those, how many are each found by a search of its own; the others are chosen from a pool of random points, in a hundredth of the time" range:"[1, 1000]" auto:"pop_size; where that follows execution.parallel, 8"`
	InitialSamples int     `yaml:"initial_samples" doc:"individuals of a Latin hypercube with which the search begins" range:"[2, 1e5]" auto:"2 (n + 1), at least 4, and at least pop_size where that follows execution.parallel"`
	MaxPoints      int     `yaml:"max_points" doc:"most results that the model is made of; of more it takes the best, half this many, and the latest" range:"[20, 5000]"`
	TolImprovement float64 `yaml:"tol_improvement" doc:"a run has converged when, for three generations, the improvement expected anywhere has been below this fraction of the standard deviation of its losses; for ten, where restarts are none" range:"[0, 1)"`
	Restarts       string  `yaml:"restarts" doc:"what follows when a run has converged: nothing; or a run from another initial design, whose model is of its own results alone" range:"none | fresh" auto:"fresh" before:"none"`
	MaxRestarts    int     `yaml:"max_restarts" doc:"times the search begins again before it ends" range:"[0, 1000]"`
}

// Defaults returns the defaults of [Params].
func Defaults() Params { return Params{MaxPoints: 500, TolImprovement: 1e-4, MaxRestarts: 9} }

// The individuals at a time where none are given, on few slots, and at most: 128 are a quarter of what the model is made of by default.
const (
	usualBatch = 4
	mostBatch  = 128
)

const (
	maxDim     = 200
	patience   = 3   // generations of TolImprovement
	lastly     = 10  // the same, where no other run follows
	refits     = 100 // results that length scales are found from, at most
	candidates = 100 // random points that a proposal is chosen from, and as many near the best
)

// Values of Params.Restarts.
const (
	none  = "none"
	fresh = "fresh"
)

func (p *Params) resolve(problem optimizer.Problem) error {
	if n := problem.Dim(); n > maxDim {
		return fmt.Errorf("%w: it has %d coordinates, want at most %d: the model is of distances, which say little in more",
			optimizer.ErrUnsuited, n, maxDim)
	}
	design := max(2*(problem.Dim()+1), 4)
	if p.PopSize == 0 {
		if p.PopSize = kit.Usual(usualBatch, problem, mostBatch); p.PopSize > usualBatch {
			design = max(design, p.PopSize)
			p.Searched = cmp.Or(p.Searched, 8)
		}
	}
	p.Restarts = cmp.Or(p.Restarts, fresh)
	p.Searched = cmp.Or(p.Searched, p.PopSize)
	p.InitialSamples = cmp.Or(p.InitialSamples, design)
	return kit.SingleObjective(problem)
}

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "bayes",
		Title: "Bayesian optimisation with a Gaussian process",
		Reference: "Jones, Schonlau and Welch 1998, doi 10.1023/A:1008306431147 (expected improvement); Snoek, Larochelle and Adams 2012, " +
			"arXiv:1206.2944 (Matérn 5/2); Ament et al. 2023, arXiv:2310.20708 (its logarithm); Ginsbourger, Le Riche and Carraro 2010, " +
			"doi 10.1007/978-3-642-10701-6_6 (batches); large batches: Desautels, Krause and Burdick 2014, JMLR 15, 4053-4103; " +
			"restarts: Eriksson et al. 2019, arXiv:1910.01739",
		When: "for expensive evaluations, minutes to hours, of which there can be tens to some hundreds, and up to about 20 parameters of " +
			"any kind. It finds what other methods find with a tenth of the evaluations, but takes its time over each. With many local minima give it " +
			"evaluations for some runs: one converges in some 60 to 100, at one of them",
		Earlier: []string{""}, // version 1 believed all of a warm start, and proposed points twice
		Cost: "O(N³ + λ c N²) for N results of a run, at most max_points, and c = 320 + 30 n points looked at; in six dimensions, with λ = 4, 0.06 " +
			"s for N = 50, 0.2 s for 120, 0.6 s for 500; memory O(N²)",
		Parallelism: "pop_size at a time; with execution.parallel more than 16, as many as that says, up to 128, of which all but 8 are chosen from a " +
			"pool. Larger batches take more evaluations, and less time where the slots are there",
	}, Defaults, New)
}

// Search models the loss by a Gaussian process and proposes the point where the model expects the largest improvement on the best, weighing
// what is promising against what is unknown. The further points of a batch are found as if the ones before had been evaluated, and had the loss
// that the model expects (kriging believer). Integers are modelled by their distance, categories by being equal or not.
//
// Losses are standardised for the model. Those much worse than the median are cut, so that the model spends nothing on how bad is bad; a failed
// individual counts as one of the worst, so that the search stays away from where models fail.
//
// A search is made of runs: see file restart.go.
type Search struct {
	problem  optimizer.Problem
	par      Params
	category []bool
	s        state
}

type state struct {
	Gen         kit.Generation
	Src         *kit.Source
	Warm        kit.Warm
	Results     []result     // what the model is made of, in the order of telling generations
	Theta       codec.Vector // of the model
	Fitted      int          // results from which Theta is
	Total       int          // results of the run that have been in Results
	Design      int          // results that the initial design has, or that are as good: those of a warm start that lie far apart
	Improvement float64      // expected of the last generation's first point, in standard deviations of the losses
	Idle        int          // generations for which it has been below the tolerance
	Stop        string
	Restarts    optimizer.Restarts
	Past        []result // of the runs before, the latest max_points, which are not proposed again
	Ends        []end    // of the runs before, the least loss first
}

// result is an individual that has been evaluated.
type result struct {
	X      codec.Vector
	Loss   float64
	Failed bool
}

// Standing is the individual's.
func (r result) Standing() optimizer.Standing {
	return optimizer.Standing{Loss: r.Loss, Failed: r.Failed}
}

// New makes a Bayesian optimisation for a problem with one objective.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	o := &Search{problem: problem, par: par, s: state{Src: kit.NewSource(seed), Theta: usualTheta(problem.Dim())}}
	for _, c := range problem.Coords {
		o.category = append(o.category, c.Kind == optimizer.Categorical)
	}
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// WarmStart implements WarmStarter. Known losses are believed, of points that lie apart: most of a search that has converged lie in one place, and
// say nothing of the others, so that the initial design is not shortened by them either. The best point is evaluated again, first.
func (o *Search) WarmStart(known []optimizer.Solution) (err error) {
	warm, err := kit.NewWarm(known, o.problem)
	if err != nil {
		return err
	}
	o.s.Warm = nil
	var results []result
	for _, k := range warm {
		switch {
		case len(k.Loss) == 0:
			o.s.Warm = append(o.s.Warm, k)
		case !math.IsNaN(k.Loss[0]) && !math.IsInf(k.Loss[0], 0):
			results = append(results, result{X: k.X, Loss: k.Loss[0]})
		}
	}
	o.s.Design = max(0, len(o.apart(results, 0.25))-1) // the best counts when it is told
	for i, r := range o.apart(results, 0.05) {
		if i == 0 {
			o.s.Warm = append(o.s.Warm, optimizer.Solution{X: r.X})
		} else {
			o.keep(r)
		}
	}
	return nil
}

// apart returns results from the best to the worst, without those that lie near a better one, within this fraction of the box's diagonal.
func (o *Search) apart(results []result, radius float64) (spread []result) {
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b result) int { return a.Standing().Compare(b.Standing()) })
	for _, r := range sorted {
		p := o.scaled(r.X)
		if !slices.ContainsFunc(spread, func(better result) bool { return o.distance(p, o.scaled(better.X)) < radius }) {
			spread = append(spread, r)
		}
	}
	return spread
}

// keep takes a result in, and gives up others if there are too many: from the latest ones, the oldest.
func (o *Search) keep(r result) {
	o.s.Total++
	o.s.Results = append(o.s.Results, r)
	if len(o.s.Results) <= o.par.MaxPoints {
		return
	}
	order := make([]int, len(o.s.Results))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return o.s.Results[a].Standing().Compare(o.s.Results[b].Standing()) })
	oldest := slices.Min(order[o.par.MaxPoints/2:])
	o.s.Results = slices.Delete(o.s.Results, oldest, oldest+1)
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() && o.s.Stop == "" {
		rng := rand.New(o.s.Src)
		switch missing := o.par.InitialSamples - o.s.Design; {
		case len(o.s.Warm) > 0:
			o.s.Gen.Begin(o.s.Warm.Population(o.problem, rng, len(o.s.Warm)))
			o.s.Warm = nil
		case missing > 0:
			o.s.Gen.Begin(kit.LatinHypercube(o.problem, rng, missing))
		default:
			o.s.Gen.Begin(o.propose(rng))
		}
	}
	return o.s.Gen.Ask(max), nil
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, func(int) []float64 { return o.problem.Draw(rand.New(o.s.Src)) })
	if !complete {
		return err
	}
	for _, m := range o.s.Gen.Members {
		r := result{X: m.X, Failed: m.Failed}
		if !m.Failed {
			r.Loss = m.Loss[0]
		}
		o.keep(r)
	}
	o.s.Design += len(o.s.Gen.Members)
	o.s.Gen.End()
	o.endRun()
	return nil
}

// propose returns the points of a generation.
func (o *Search) propose(rng *rand.Rand) [][]float64 {
	m := o.model()
	if m == nil {
		return kit.LatinHypercube(o.problem, rng, o.par.PopSize)
	}
	var xs [][]float64
	for k := range min(o.par.PopSize, o.par.Searched) {
		x, improvement := o.search(rng, m, xs)
		if k == 0 {
			o.s.Improvement = improvement
			if o.s.Idle++; improvement >= o.par.TolImprovement {
				o.s.Idle = 0
			}
		}
		xs = append(xs, x)
		m.believe(o.scaled(x))
	}
	return append(xs, o.pooled(rng, m, xs, o.par.PopSize-len(xs))...)
}

// model is a Gaussian process with what a search in it needs.
type model struct {
	*gaussianProcess
	incumbent float64   // the least of its values at its points, so that the luckiest of noisy losses is not taken at its word
	best      []float64 // where that is
}

// model makes the model of the results; nil where it cannot be.
func (o *Search) model() *model {
	points, values, _ := o.data()
	// Theta changes little from one generation to the next: it is fitted again after a tenth more results.
	if o.s.Fitted == 0 || o.s.Total-o.s.Fitted >= max(o.par.PopSize, o.s.Total/10) {
		from := max(0, len(points)-refits)
		o.s.Theta = fitTheta(o.category, points[from:], values[from:], o.s.Theta, usualTheta(o.problem.Dim()))
		o.s.Fitted = o.s.Total
	}
	process, ok := newGaussianProcess(o.category, o.s.Theta, points, values)
	if !ok {
		o.s.Theta = usualTheta(o.problem.Dim())
		if process, ok = newGaussianProcess(o.category, o.s.Theta, points, values); !ok {
			return nil
		}
	}
	m := &model{process, math.Inf(1), nil}
	for i, p := range points {
		if mean, _ := m.predict(p); mean < m.incumbent {
			m.incumbent, m.best = mean, o.s.Results[i].X
		}
	}
	return m
}

// believe takes a point in as if it had been evaluated, and had the loss that is expected.
func (m *model) believe(p []float64) {
	mean, _ := m.predict(p)
	m.add(p, mean)
	m.incumbent = min(m.incumbent, mean)
}

// distance is that of two scaled points, as a fraction of the box's diagonal.
func (o *Search) distance(p, q []float64) float64 {
	squares := 0.0
	for i := range p {
		d := p[i] - q[i]
		if o.category[i] && d != 0 {
			d = 1
		}
		squares += d * d / float64(len(p))
	}
	return math.Sqrt(squares)
}

// data are what the model is made of: the points in its coordinates, and the losses in its unit.
func (o *Search) data() (points [][]float64, values []float64, in unit) {
	for _, r := range o.s.Results {
		points = append(points, o.scaled(r.X))
	}
	values, in = standardised(o.s.Results)
	return points, values, in
}

// unit is what losses are measured in by the model: (loss/Largest − Mean)/Std.
type unit struct {
	Largest, Mean, Std float64
}

// loss is the loss of a value.
func (u unit) loss(value float64) float64 { return u.Largest * (u.Mean + u.Std*value) }

// standardised are the losses with mean 0 and standard deviation 1, the bad ones cut: those that are above the median by more than three times what
// the best is below it.
func standardised(results []result) (y []float64, in unit) {
	y = make([]float64, len(results))
	var good []float64
	for _, r := range results {
		if !r.Failed {
			good = append(good, r.Loss)
			in.Largest = max(in.Largest, math.Abs(r.Loss))
		}
	}
	if in.Largest == 0 {
		return y, in
	}
	for i := range good {
		good[i] /= in.Largest // so that nothing overflows
	}
	slices.Sort(good)
	median := good[len(good)/2]
	top := good[len(good)-1]
	if reach := median - good[0]; reach > 0 {
		top = min(top, median+3*reach)
	}
	for i, r := range results {
		y[i] = top
		if !r.Failed {
			y[i] = min(r.Loss/in.Largest, top)
		}
	}
	in.Mean, in.Std = stat.MeanStdDev(y, nil)
	if !(in.Std > 0) {
		in.Std = 1
	}
	for i := range y {
		y[i] = (y[i] - in.Mean) / in.Std
	}
	return y, in
}

// scaled is a point in the model's coordinates: from 0 to 1 over the width of each; categories as they are.
func (o *Search) scaled(x []float64) []float64 {
	p := slices.Clone(x)
	for i, c := range o.problem.Coords {
		switch {
		case o.category[i]:
		case c.Std > 0:
			p[i] = (x[i]-c.Mean)/c.Width() + 0.5
		default:
			p[i] = (x[i] - c.Lower) / c.Width()
		}
	}
	return p
}

// search returns a point where the expected improvement on the incumbent is large, and that improvement: it climbs, by its logarithm, from the best
// ones of random points and of points near the best individual, by random steps whose size adapts. It takes steps and not gradients since that
// serves all kinds of coordinates. The point is none that has been evaluated, or is among others, as long as there is another.
func (o *Search) search(rng *rand.Rand, m *model, others [][]float64) (x []float64, improvement float64) {
	type point struct {
		x     []float64
		value float64
		step  float64 // in widths
	}
	known := o.known(others)
	at := func(x []float64, step float64) point {
		if known(x) {
			return point{x, math.Inf(-1), step}
		}
		mean, deviation := m.predict(o.scaled(x))
		return point{x, logExpectedImprovement(m.incumbent, mean, deviation), step}
	}
	var points []point
	for range candidates {
		points = append(points, at(o.problem.Draw(rng), 0.1))
		step := math.Pow(10, -3*rng.Float64())
		points = append(points, at(o.step(rng, m.best, step), step/4))
	}
	const climbs = 3
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(b.value, a.value) })
	winner := points[0]
	for _, p := range points[:climbs] {
		for range 40 + 10*o.problem.Dim() {
			// A step that succeeds makes the next ones larger, one that fails smaller; a fifth of them is to succeed.
			if q := at(o.step(rng, p.x, p.step), p.step); q.value > p.value {
				p = point{q.x, q.value, min(2*p.step, 0.5)}
			} else {
				p.step = max(p.step*0.84, 1e-6)
			}
		}
		if p.value > winner.value {
			winner = p
		}
	}
	if math.IsInf(winner.value, -1) { // nothing is to be gained anywhere
		winner.x = o.unknown(rng, known)
	}
	return winner.x, math.Exp(winner.value)
}

// unknown is a random point that is not known, if one is found in as many draws as there are candidates.
func (o *Search) unknown(rng *rand.Rand, known func(x []float64) bool) []float64 {
	x := o.problem.Draw(rng)
	for range candidates {
		if !known(x) {
			break
		}
		x = o.problem.Draw(rng)
	}
	return x
}

// known tells whether a point has been evaluated, or is among others, so that nothing would be learnt by evaluating it: up to a billionth of the
// widths. Where one point has been seen with two losses, none is known.
func (o *Search) known(others [][]float64) func(x []float64) bool {
	same := func(a, b []float64) bool {
		for i, c := range o.problem.Coords {
			if a[i] != b[i] && (c.Kind != optimizer.Continuous || !(math.Abs(a[i]-b[i]) <= 1e-9*c.Width())) {
				return false
			}
		}
		return true
	}
	results := slices.Concat(o.s.Past, o.s.Results)
	for i, a := range results {
		for _, b := range results[:i] {
			if !a.Failed && !b.Failed && a.Loss != b.Loss && slices.Equal(a.X, b.X) {
				return func([]float64) bool { return false }
			}
		}
	}
	return func(x []float64) bool {
		return slices.ContainsFunc(results, func(r result) bool { return same(r.X, x) }) ||
			slices.ContainsFunc(others, func(y []float64) bool { return same(y, x) })
	}
}

// step is a point near x: each coordinate is changed with a probability that leaves about two, or all; by a normal step of so many
// widths, by at least one if it is an integer, or to any category.
func (o *Search) step(rng *rand.Rand, x []float64, size float64) []float64 {
	y := slices.Clone(x)
	share := 1.0
	if rng.IntN(2) == 0 {
		share = min(1, 2/float64(len(x)))
	}
	for i, c := range o.problem.Coords {
		if rng.Float64() >= share {
			continue
		}
		switch d := size * c.Width() * rng.NormFloat64(); {
		case c.Kind == optimizer.Categorical:
			if rng.Float64() < 0.2 {
				y[i] = c.Draw(rng)
			}
		case c.Kind == optimizer.Integer && math.Abs(d) < 1:
			y[i] = c.Clip(x[i] + math.Copysign(1, d)*math.Round(rng.Float64()))
		default:
			y[i] = c.Clip(x[i] + d)
		}
	}
	return y
}

// logExpectedImprovement is log E max(incumbent − f, 0) for f ~ N(mean, deviation²), also where it is too small for a number (Ament et al.,
// equation 9); −∞ where the deviation is 0.
func logExpectedImprovement(incumbent, mean, deviation float64) float64 {
	if deviation == 0 {
		return math.Inf(-1)
	}
	z := (incumbent - mean) / deviation
	density := normal.LogDensity(z)
	if z < -25 {
		return math.Log(deviation) + density - 2*math.Log(-z) + math.Log1p(-3/(z*z)) // an asymptotic series
	}
	return math.Log(deviation) + math.Log(math.Exp(density)+z*normal.Below(z))
}

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Stop, st.Restarts = o.s.Stop, o.s.Restarts
	st.Figures = []optimizer.Figure{{Name: "expected_improvement", Value: o.s.Improvement}, {Name: "model_points", Value: float64(len(o.s.Results))}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	var s state
	if err := kit.DecodeState(algorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	n := o.problem.Dim()
	size := func(r result) bool { return len(r.X) != n }
	if s.Src == nil || len(s.Theta) != n+2 || slices.ContainsFunc(s.Results, size) || slices.ContainsFunc(s.Past, size) ||
		slices.ContainsFunc(s.Ends, func(e end) bool { return len(e.X) != n }) {
		return fmt.Errorf("%w: its model has other sizes", optimizer.ErrState)
	}
	o.s = s
	return nil
}
