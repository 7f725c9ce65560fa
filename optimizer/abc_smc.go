package optimizer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// ABCSMCParams configures ABCSMC.
type ABCSMCParams struct {
	Particles     int     `yaml:"particles" doc:"individuals that make up the posterior sample" range:"[10, 1e5]"`
	PopSize       int     `yaml:"pop_size" doc:"new individuals per generation; the nearest ones of these and of the sample become the next sample" range:"[1, 1e6]" auto:"particles"`
	MinAcceptance float64 `yaml:"min_acceptance" doc:"stop when less than this share of the new individuals is nearer than the threshold" range:"[0, 1)"`
	Threshold     float64 `yaml:"threshold" doc:"stop when the whole sample has a loss of at most this; 0 is no rule" range:"[0, inf)"`
}

// DefaultABCSMC returns the defaults of ABCSMCParams.
func DefaultABCSMC() ABCSMCParams { return ABCSMCParams{Particles: 200, MinAcceptance: 0.03} }

func (p *ABCSMCParams) resolve(problem Problem) error {
	if p.PopSize == 0 {
		p.PopSize = p.Particles
	}
	return single(problem)
}

func abcSMCAlgorithm() Algorithm {
	return Describe(Algorithm{
		Name:  "abc_smc",
		Title: "Approximate Bayesian computation by sequential Monte Carlo (ABC-SMC)",
		Reference: "Beaumont, Cornuet, Marin and Robert 2009, Adaptive approximate Bayesian computation, doi 10.1093/biomet/asp052; thresholds: Lenormand, Jabot and " +
			"Deffuant 2013, doi 10.1007/s00180-013-0428-3; see Toni et al. 2009, doi 10.1098/rsif.2008.0172",
		When: "for a posterior instead of a point: which parameters of a stochastic model are compatible with what was measured, and how certain each of them is. The " +
			"loss is the distance between simulated and measured data, the initial distribution of the parameters is the prior",
		Cost:        "O(λNn) for N particles; memory O((λ + N) n)",
		Parallelism: "pop_size at a time",
	}, DefaultABCSMC, NewABCSMC)
}

// ABCSMC holds a sample of parameters whose simulations are near the data. It begins with draws from the prior. Each generation draws
// parameters of the sample by their weights, moves them by a random kernel, and simulates; of the sample and the new ones it keeps the
// nearest, so that the threshold ε below which they all are falls from generation to generation. The weights,
// prior over proposal density, make up for the moves: the sample with its weights, Status.Posterior, is one of the posterior given that the
// distance is at most ε.
//
// Kernels are independent for each coordinate, and cut at its bounds: normal with twice the sample's variance; the same, rounded, for
// integers; and an arbitrary category with probability 0.3.
type ABCSMC struct {
	problem Problem
	par     ABCSMCParams
	s       abcState
	shown   []Weighted // Status.Posterior; derived from s
}

type abcState struct {
	Gen        generation
	Src        *source
	Sample     []weighted   // from the nearest to the farthest; as long as there are fewer than Particles, draws from the prior
	Kernel     codec.Vector // standard deviation in each coordinate; nil until the sample is complete
	Acceptance float64      // share of the last generation that was nearer than the threshold before it
	Stop       string
}

// weighted is an individual of the sample.
type weighted struct {
	Solution
	LogWeight float64 // logarithm of prior density over proposal density
}

// NewABCSMC makes an ABC-SMC for a problem with one objective.
func NewABCSMC(problem Problem, par ABCSMCParams, seed uint64) (*ABCSMC, error) {
	par, err := resolved(abcSMCAlgorithm(), par, problem, (*ABCSMCParams).resolve)
	if err != nil {
		return nil, err
	}
	return &ABCSMC{problem: problem, par: par, s: abcState{Src: newSource(seed), Acceptance: 1}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *ABCSMC) Params() ABCSMCParams { return o.par }

// complete reports whether the sample has all its particles.
func (o *ABCSMC) complete() bool { return len(o.s.Sample) == o.par.Particles }

// threshold is ε, the largest distance in the sample.
func (o *ABCSMC) threshold() float64 {
	if !o.complete() {
		return math.Inf(1)
	}
	return o.s.Sample[o.par.Particles-1].Loss[0]
}

// weights are those of the sample, with sum 1.
func (o *ABCSMC) weights() []float64 {
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
func (o *ABCSMC) Ask(max int) ([]Candidate, error) {
	if o.s.Gen.idle() && o.s.Stop == "" {
		size := o.par.PopSize
		if !o.complete() {
			size = o.par.Particles
		}
		weights := o.weights()
		xs := make([][]float64, size)
		for i := range xs {
			xs[i] = o.propose(weights)
		}
		o.s.Gen.begin(xs)
	}
	return o.s.Gen.ask(max), nil
}

// propose draws from the prior, or, once it is complete, from the sample and the kernel.
func (o *ABCSMC) propose(weights []float64) []float64 {
	rng := rand.New(o.s.Src)
	if !o.complete() {
		return o.problem.Draw(rng)
	}
	x := slices.Clone(o.s.Sample[pick(weights, rng.Float64())].X)
	for i, c := range o.problem.Coords {
		x[i] = moved(rng, c, x[i], o.s.Kernel[i])
	}
	return x
}

const newCategory = 0.3 // probability that a category is drawn anew

// moved draws from the kernel.
func moved(rng *rand.Rand, c Coordinate, from, std float64) float64 {
	if c.Kind == Categorical {
		if rng.Float64() < newCategory {
			return c.draw(rng)
		}
		return from
	}
	for range 1000 {
		to := from + std*rng.NormFloat64()
		if c.Kind == Integer {
			to = math.Round(to)
		}
		if c.Lower <= to && to <= c.Upper {
			return to
		}
	}
	return from // hardly ever: where the kernel is much wider than the box
}

// logKernel is the logarithm of the kernel's density, or probability.
func logKernel(c Coordinate, from, to, std float64) float64 {
	mass := func(a, b float64) float64 { return normal.Between((a-from)/std, (b-from)/std) }
	switch c.Kind {
	case Categorical:
		p := newCategory / (c.Upper + 1)
		if from == to {
			p += 1 - newCategory
		}
		return math.Log(p)
	case Integer:
		return math.Log(mass(to-0.5, to+0.5) / mass(c.Lower-0.5, c.Upper+0.5))
	}
	return normal.LogDensity((to-from)/std) - math.Log(std*mass(c.Lower, c.Upper))
}

// logPrior is the logarithm of the density, or probability, of the initial distribution.
func logPrior(c Coordinate, x float64) float64 {
	mass := func(a, b float64) float64 { return normal.Between((a-c.Mean)/c.Std, (b-c.Mean)/c.Std) }
	switch {
	case c.Std == 0 && c.Kind == Continuous:
		return -math.Log(c.Upper - c.Lower)
	case c.Std == 0:
		return -math.Log(c.Upper - c.Lower + 1)
	case c.Kind == Continuous:
		return normal.LogDensity((x-c.Mean)/c.Std) - math.Log(c.Std*mass(c.Lower, c.Upper))
	}
	return math.Log(mass(max(x-0.5, c.Lower), min(x+0.5, c.Upper)) / mass(c.Lower, c.Upper))
}

// logWeight is the logarithm of the prior's density at x over that of the proposals.
func (o *ABCSMC) logWeight(x, weights []float64) float64 {
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
func (o *ABCSMC) Tell(results []Evaluated) error {
	complete, err := o.s.Gen.tell(results, o.problem, func(int) []float64 { return o.propose(o.weights()) })
	if !complete {
		return err
	}
	o.update()
	o.s.Gen.end()
	return nil
}

// update makes the next sample, and decides whether it is the last.
func (o *ABCSMC) update() {
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
			sample = append(sample, weighted{Solution{ID: m.ID, X: m.X, Loss: m.Loss}, w})
		}
	}
	slices.SortStableFunc(sample, func(a, b weighted) int { return a.Standing().Compare(b.Standing()) })
	o.s.Sample = sample[:min(len(sample), o.par.Particles)]
	if !o.complete() {
		return
	}
	o.adapt()
	o.show()
	if moving {
		o.s.Acceptance = float64(nearer) / float64(o.par.PopSize)
	}
	switch {
	case o.par.Threshold > 0 && o.threshold() <= o.par.Threshold:
		o.s.Stop = fmt.Sprintf("threshold: the whole sample has a loss of at most %g", o.par.Threshold)
	case o.s.Acceptance < o.par.MinAcceptance:
		o.s.Stop = fmt.Sprintf("min_acceptance: less than %g of the new individuals are nearer", o.par.MinAcceptance)
	}
}

// adapt makes the kernel's variance twice that of the sample (Beaumont et al., section 2).
func (o *ABCSMC) adapt() {
	weights := o.weights()
	o.s.Kernel = make([]float64, o.problem.Dim())
	column := make([]float64, len(o.s.Sample))
	for i, c := range o.problem.Coords {
		for j, p := range o.s.Sample {
			column[j] = p.X[i]
		}
		_, variance := stat.PopMeanVariance(column, weights)
		least := 1e-12 * c.Width()
		if c.Kind == Integer {
			least = 0.5
		}
		o.s.Kernel[i] = max(math.Sqrt(2*variance), least)
	}
}

// show makes the posterior of a complete sample.
func (o *ABCSMC) show() {
	o.shown = make([]Weighted, len(o.s.Sample))
	for i, w := range o.weights() {
		o.shown[i] = Weighted{o.s.Sample[i].Solution, w}
	}
}

// Status implements Optimizer.
func (o *ABCSMC) Status() Status {
	st := o.s.Gen.status()
	st.Stop = o.s.Stop
	st.Posterior = o.shown
	st.Figures = []Figure{{"acceptance", o.s.Acceptance}}
	if o.complete() {
		squares := 0.0
		for _, p := range o.shown {
			squares += p.Weight * p.Weight
		}
		st.Figures = append(st.Figures, Figure{"threshold", o.threshold()}, Figure{"effective_size", 1 / squares})
	}
	return st
}

// MarshalBinary implements Optimizer.
func (o *ABCSMC) MarshalBinary() ([]byte, error) {
	return encodeState(abcSMCAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *ABCSMC) UnmarshalBinary(b []byte) error {
	var s abcState
	if err := decodeState(abcSMCAlgorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	n := o.problem.Dim()
	wrong := func(p weighted) bool { return len(p.X) != n || len(p.Loss) != 1 }
	if s.Src == nil || len(s.Sample) > o.par.Particles || len(s.Sample) == o.par.Particles && len(s.Kernel) != n || slices.ContainsFunc(s.Sample, wrong) {
		return fmt.Errorf("%w: its sample has another size", ErrState)
	}
	o.s, o.shown = s, nil
	if o.complete() {
		o.show()
	}
	return nil
}
