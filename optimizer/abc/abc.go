// Package abc is approximate Bayesian computation by sequential Monte Carlo (ABC-SMC): a weighted sample of the parameters with which a model's
// simulations are near to what was measured (Status.Posterior). The loss is the distance, the problem's initial distribution is the prior. For
// the one best point other packages need fewer evaluations.
package abc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// Params configures [Search].
type Params struct {
	Particles     int     `yaml:"particles" doc:"individuals that make up the posterior sample" range:"[10, 1e5]"`
	PopSize       int     `yaml:"pop_size" doc:"new individuals per generation; the nearest ones of these and of the sample become the next sample" range:"[1, 1e6]" auto:"particles, or execution.parallel where that is more than 4 times as many"`
	MinAcceptance float64 `yaml:"min_acceptance" doc:"stop when less than this share of the new individuals is nearer than the threshold" range:"[0, 1)"`
	Threshold     float64 `yaml:"threshold" doc:"stop when the whole sample has a loss of at most this; 0 is no rule" range:"[0, inf)"`
}

// Defaults returns the defaults of [Params].
func Defaults() Params { return Params{Particles: 200, MinAcceptance: 0.03} }

func (p *Params) resolve(problem optimizer.Problem) error {
	if p.PopSize == 0 {
		p.PopSize = kit.Usual(p.Particles, problem, 1_000_000)
	}
	return kit.SingleObjective(problem)
}

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "abc_smc",
		Title: "Approximate Bayesian computation by sequential Monte Carlo (ABC-SMC)",
		Reference: "Beaumont, Cornuet, Marin and Robert 2009, Adaptive approximate Bayesian computation, doi 10.1093/biomet/asp052; " +
			"thresholds: Lenormand, Jabot and Deffuant 2013, doi 10.1007/s00180-013-0428-3; regression adjustment: Beaumont, Zhang and " +
			"Balding 2002, doi 10.1093/genetics/162.4.2025; see Toni et al. 2009, doi 10.1098/rsif.2008.0172",
		When: "for a posterior instead of a point: which parameters of a stochastic model are compatible with what was measured, and how " +
			"certain each of them is. The loss is the distance between simulated and measured data, the initial distribution of the " +
			"parameters is the prior. With more than two or three parameters give the model outputs and targets, summaries of the data: a " +
			"distance alone leaves the posterior too wide, and the run says so",
		Cost: "O(λNn) for N particles; memory O((λ + N) n)",
		Parallelism: "pop_size at a time; with execution.parallel more than 4 times particles, as many as that says, of which the sample takes the nearest, so that " +
			"it narrows in fewer generations",
	}, Defaults, New)
}

// Search holds a sample of parameters whose simulations are near the data. It begins with draws from the prior. Each generation draws
// parameters of the sample by their weights, moves them by a random kernel, and simulates; of the sample and the new ones it keeps the
// nearest, so that the threshold ε below which they all are falls from generation to generation. The weights,
// prior over proposal density, make up for the moves: the sample with its weights, Status.Posterior, is one of the posterior given that the
// distance is at most ε. Where the model has outputs, the posterior shown is adjusted to an ε of 0: see adjusted. The search is not.
//
// Kernels are independent for each coordinate, and cut at its bounds: normal with twice the sample's variance; the same, rounded, for
// integers; and an arbitrary category with probability 0.3.
type Search struct {
	problem optimizer.Problem
	par     Params
	s       state
	// Derived from s, once the sample is complete:
	shown    []optimizer.Weighted // Status.Posterior
	size     float64              // individuals that its weights make it worth
	narrower float64              // what the adjustment has made of its width; 1 where there is none
	warning  string
}

type state struct {
	Gen        kit.Generation
	Src        *kit.Source
	Sample     []weighted   // from the nearest to the farthest; as long as there are fewer than Particles, draws from the prior
	Kernel     codec.Vector // standard deviation in each coordinate; nil until the sample is complete
	Acceptance float64      // share of the last generation that was nearer than the threshold before it
	Stop       string
}

// weighted is an individual of the sample.
type weighted struct {
	optimizer.Solution
	LogWeight float64      // logarithm of prior density over proposal density
	Gap       codec.Vector // outputs less targets; none where the model has no outputs
}

// New makes an ABC-SMC for a problem with one objective.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	return &Search{problem: problem, par: par, s: state{Src: kit.NewSource(seed), Acceptance: 1}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// complete reports whether the sample has all its particles.
func (o *Search) complete() bool { return len(o.s.Sample) == o.par.Particles }

// threshold is ε, the largest distance in the sample.
func (o *Search) threshold() float64 {
	if !o.complete() {
		return math.Inf(1)
	}
	return o.s.Sample[o.par.Particles-1].Loss[0]
}

// weights are those of the sample, with sum 1.
func (o *Search) weights() []float64 {
	w := make([]float64, len(o.s.Sample))
	largest := math.Inf(-1)
	for _, p := range o.s.Sample {
		largest = max(largest, p.LogWeight)
	}
	for i, p := range o.s.Sample {
		w[i] = math.Exp(p.LogWeight - largest)
	}
	floats.Scale(1/floats.Sum(w), w)
	return w
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() && o.s.Stop == "" {
		size := o.par.PopSize
		if !o.complete() {
			size = o.par.Particles
		}
		weights := o.weights()
		xs := make([][]float64, size)
		for i := range xs {
			xs[i] = o.propose(weights)
		}
		o.s.Gen.Begin(xs)
	}
	return o.s.Gen.Ask(max), nil
}

// propose draws from the prior, or, once it is complete, from the sample and the kernel.
func (o *Search) propose(weights []float64) []float64 {
	rng := rand.New(o.s.Src)
	if !o.complete() {
		return o.problem.Draw(rng)
	}
	x := slices.Clone(o.s.Sample[kit.Pick(weights, rng.Float64())].X)
	for i, c := range o.problem.Coords {
		x[i] = moved(rng, c, x[i], o.s.Kernel[i])
	}
	return x
}

const newCategory = 0.3 // probability that a category is drawn anew

// moved draws from the kernel.
func moved(rng *rand.Rand, c optimizer.Coordinate, from, std float64) float64 {
	if c.Kind == optimizer.Categorical {
		if rng.Float64() < newCategory {
			return c.Draw(rng)
		}
		return from
	}
	for range 1000 {
		to := from + std*rng.NormFloat64()
		if c.Kind == optimizer.Integer {
			to = math.Round(to)
		}
		if c.Lower <= to && to <= c.Upper {
			return to
		}
	}
	return from // hardly ever: where the kernel is much wider than the box
}

// logKernel is the logarithm of the kernel's density, or probability.
func logKernel(c optimizer.Coordinate, from, to, std float64) float64 {
	mass := func(a, b float64) float64 { return normal.Between((a-from)/std, (b-from)/std) }
	switch c.Kind {
	case optimizer.Categorical:
		p := newCategory / (c.Upper + 1)
		if from == to {
			p += 1 - newCategory
		}
		return math.Log(p)
	case optimizer.Integer:
		return math.Log(mass(to-0.5, to+0.5) / mass(c.Lower-0.5, c.Upper+0.5))
	}
	return normal.LogDensity((to-from)/std) - math.Log(std*mass(c.Lower, c.Upper))
}

// logPrior is the logarithm of the density, or probability, of the initial distribution.
func logPrior(c optimizer.Coordinate, x float64) float64 {
	mass := func(a, b float64) float64 { return normal.Between((a-c.Mean)/c.Std, (b-c.Mean)/c.Std) }
	switch {
	case c.Std == 0 && c.Kind == optimizer.Continuous:
		return -math.Log(c.Upper - c.Lower)
	case c.Std == 0:
		return -math.Log(c.Upper - c.Lower + 1)
	case c.Kind == optimizer.Continuous:
		return normal.LogDensity((x-c.Mean)/c.Std) - math.Log(c.Std*mass(c.Lower, c.Upper))
	}
	return math.Log(mass(max(x-0.5, c.Lower), min(x+0.5, c.Upper)) / mass(c.Lower, c.Upper))
}

// logWeight is the logarithm of the prior's density at x over that of the proposals.
func (o *Search) logWeight(x, weights []float64) float64 {
	if !o.complete() {
		return 0 // proposals come from the prior
	}
	prior := 0.0
	for i, c := range o.problem.Coords {
		prior += logPrior(c, x[i])
	}
	terms := make([]float64, len(o.s.Sample))
	for j, p := range o.s.Sample {
		terms[j] = math.Log(weights[j])
		for i, c := range o.problem.Coords {
			terms[j] += logKernel(c, p.X[i], x[i], o.s.Kernel[i])
		}
	}
	return prior - floats.LogSumExp(terms)
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, func(int) []float64 { return o.propose(o.weights()) })
	if !complete {
		return err
	}
	o.update()
	o.s.Gen.End()
	return nil
}

// update makes the next sample, and decides whether it is the last.
func (o *Search) update() {
	moving, threshold, weights := o.complete(), o.threshold(), o.weights()
	sample := slices.Clone(o.s.Sample)
	nearer := 0
	for _, m := range o.s.Gen.Members {
		if m.Failed {
			continue
		}
		if m.Loss[0] < threshold {
			nearer++
		}
		if w := o.logWeight(m.X, weights); !math.IsNaN(w) && !math.IsInf(w, 0) {
			p := weighted{Solution: optimizer.Solution{ID: m.ID, X: m.X, Loss: m.Loss}, LogWeight: w}
			if len(m.Outputs) > 0 {
				p.Gap = make([]float64, len(m.Outputs))
				floats.SubTo(p.Gap, m.Outputs, m.Targets)
			}
			sample = append(sample, p)
		}
	}
	slices.SortStableFunc(sample, func(a, b weighted) int { return a.Standing().Compare(b.Standing()) })
	o.s.Sample = sample[:min(len(sample), o.par.Particles)]
	if !o.complete() {
		return
	}
	o.adapt()
	if moving {
		o.s.Acceptance = float64(nearer) / float64(o.par.PopSize)
	}
	o.show()
	switch {
	case o.par.Threshold > 0 && o.threshold() <= o.par.Threshold:
		o.s.Stop = fmt.Sprintf("threshold: the whole sample has a loss of at most %g", o.par.Threshold)
	case o.s.Acceptance < o.par.MinAcceptance:
		o.s.Stop = fmt.Sprintf("min_acceptance: less than %g of the new individuals are nearer", o.par.MinAcceptance)
	}
}

// adapt makes the kernel's variance twice that of the sample (Beaumont et al., section 2).
func (o *Search) adapt() {
	weights := o.weights()
	o.s.Kernel = make([]float64, o.problem.Dim())
	column := make([]float64, len(o.s.Sample))
	for i, c := range o.problem.Coords {
		for j, p := range o.s.Sample {
			column[j] = p.X[i]
		}
		_, variance := stat.PopMeanVariance(column, weights)
		least := 1e-12 * c.Width()
		if c.Kind == optimizer.Integer {
			least = 0.5
		}
		o.s.Kernel[i] = max(math.Sqrt(2*variance), least)
	}
}

// show makes the posterior of a complete sample.
func (o *Search) show() {
	weights := o.weights()
	points, adjusted, narrower, ok := o.adjusted(weights)
	tight := o.tightening(weights)
	if ok {
		weights = adjusted
	}
	squares := 0.0
	o.shown = make([]optimizer.Weighted, len(o.s.Sample))
	for i, w := range weights {
		o.shown[i] = optimizer.Weighted{Solution: o.s.Sample[i].Solution, Weight: w}
		if ok {
			o.shown[i].X = points[i]
		}
		squares += w * w
	}
	o.size, o.narrower = 1/squares, narrower
	o.warning = o.doubts(o.size, narrower, tight, ok)
}

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Stop = o.s.Stop
	st.Posterior = o.shown
	st.Figures = []optimizer.Figure{{Name: "acceptance", Value: o.s.Acceptance}}
	if o.complete() {
		st.Warning = o.warning
		st.Figures = append(st.Figures, optimizer.Figure{Name: "threshold", Value: o.threshold()},
			optimizer.Figure{Name: "effective_size", Value: o.size})
		if o.problem.Outputs > 0 {
			st.Figures = append(st.Figures, optimizer.Figure{Name: "adjusted_width", Value: o.narrower})
		}
	}
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
	wrong := func(p weighted) bool {
		return len(p.X) != n || len(p.Loss) != 1 || len(p.Gap) != 0 && len(p.Gap) != o.problem.Outputs
	}
	if s.Src == nil || len(s.Sample) > o.par.Particles || len(s.Sample) == o.par.Particles && len(s.Kernel) != n ||
		slices.ContainsFunc(s.Sample, wrong) {
		return fmt.Errorf("%w: its sample has another size", optimizer.ErrState)
	}
	o.s, o.shown = s, nil
	if o.complete() {
		o.show()
	}
	return nil
}
