package cmaes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// strategy is the evolution strategy itself, which Search and Async keep the books for: the distribution that individuals are drawn
// from, and how it learns from them. Equation numbers refer to the tutorial (see algorithm).
//
// It works in n coordinates u, those of the problem that have an order, divided by their widths, so that one step size suits all.
type strategy struct {
	problem  optimizer.Problem
	par      Params
	chain    chain
	smallest int       // population of a chain that shrinks
	again    int       // runs of its first population that follow the first one
	quorum   float64   // part of a generation that is learnt from, in (0, 1]
	ordered  []int     // the problem's coordinates that u stands for, len n
	choices  []int     // the others, which are categorical
	width    []float64 // of each ordered coordinate, len n
	lower    []float64 // bounds of u, len n; whole numbers have none, as they are rounded to the nearest that is allowed
	upper    []float64
	k        constants // for the present run's population
	state    strategyState
}

// strategyState is all that changes.
type strategyState struct {
	Src      *kit.Source
	Run      runState
	Stop     string         // why the last run has ended
	Known    []codec.Vector // points to propose before any other
	Sampling bool           // the present generation is that of the initial samples
	Mean     codec.Vector   // m, len n
	Sigma    float64        // σ
	Pc, Ps   codec.Vector   // evolution paths: of C, and of σ in the coordinates of z, len n
	Updates  int            // generations learnt from in this run
	Shape    shape          // C
	Stretch  codec.Vector   // factors by which whole numbers' steps are lengthened, len n; nil where there are none
	Choice   *choiceState   // nil without categorical coordinates
	Rates    *learningRates // nil unless learning rates are adapted
	Sizing   *sizing        // nil unless the population is
	Noise    *disturbance   // nil unless the population is adapted to noise
	Penalty  penaltyState   // of individuals beyond the bounds
	Past     pastLosses     // losses, for the rules that end a run
	Average  kit.Average    // of the means of this run
	Restarts optimizer.Restarts
	Settled  *settled // where the best of the runs before this one has ended; nil in the first one
}

// step is what is remembered of a proposed individual.
type step struct {
	Run   int          // the run that it belongs to; results that come in after its end teach nothing
	Y     codec.Vector // y: u = m + σy, len n; nil for initial samples
	Norm  float64      // ‖A⁻¹y‖², for C = A Aᵀ
	Drawn codec.Vector // y as it was drawn, where m and σ have moved on since, len n; nil if it is Y
	Out   codec.Vector // how far u lies beyond the bounds, len n; nil if it is within
}

func (s step) drawn() []float64 {
	if s.Drawn != nil {
		return s.Drawn
	}
	return s.Y
}

// trial is a proposed individual.
type trial struct {
	X []float64
	step
}

func newStrategy(algorithm optimizer.Algorithm, problem optimizer.Problem, par Params, seed uint64, how chain) (*strategy, error) {
	par, err := kit.Resolved(algorithm, par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	e := &strategy{problem: problem, par: par, chain: how, quorum: 1}
	for i, c := range problem.Coords {
		if c.Kind == optimizer.Categorical {
			e.choices = append(e.choices, i)
			continue
		}
		w, lower, upper := c.Width(), math.Inf(-1), math.Inf(1)
		if c.Kind == optimizer.Continuous {
			lower, upper = c.Lower/w, c.Upper/w
		}
		e.ordered, e.width, e.lower, e.upper = append(e.ordered, i), append(e.width, w), append(e.lower, lower), append(e.upper, upper)
	}
	e.state.Src = kit.NewSource(seed)
	e.state.Sampling = par.InitialSamples > 0
	e.begin(runState{PopSize: par.PopSize, Sigma: par.Sigma, Small: true, Best: math.Inf(1), Record: math.Inf(1)})
	return e, nil
}

// size is the number of individuals that the strategy learns from at a time.
func (e *strategy) size() int {
	if e.state.Sampling {
		return e.par.InitialSamples
	}
	return e.state.Run.PopSize
}

// generation is the number of individuals that belong to a generation, of which the strategy learns from those that are told first, its size.
func (e *strategy) generation() int {
	if e.state.Sampling {
		return e.size()
	}
	return e.whole(e.state.Run.PopSize)
}

// whole is the number of individuals of a generation of which so many are learnt from.
func (e *strategy) whole(size int) int { return int(math.Round(float64(size) / e.quorum)) }

// learnWith sets the constants for so many individuals that are learnt from at a time.
func (e *strategy) learnWith(size int) {
	if size != len(e.k.weights) {
		e.k = e.constants(size)
	}
}

// constants are those of the present run for so many individuals.
func (e *strategy) constants(size int) constants {
	return newConstants(len(e.ordered), size, e.par, e.par.hasty() && e.state.Run.Number == 0)
}

// stretch is the factor of σ y_j.
func (e *strategy) stretch(j int) float64 {
	if e.state.Stretch == nil {
		return 1
	}
	return e.state.Stretch[j]
}

// propose returns the next individuals: points to be proposed first, then draws.
func (e *strategy) propose(count int) []trial {
	s, rng := &e.state, rand.New(e.state.Src)
	trials := make([]trial, 0, count)
	for ; count > 0 && len(s.Known) > 0; count-- {
		trials = append(trials, e.injected(s.Known[0]))
		s.Known = s.Known[1:]
	}
	if s.Sampling {
		for range count {
			trials = append(trials, trial{X: e.problem.Draw(rng), step: step{Run: s.Run.Number}})
		}
		return trials
	}
	n := len(e.ordered)
	ys := make([]float64, count*n)
	norms := e.draw(ys, rng)
	again := redraws
	var deviations []float64 // made when one is needed
	for i, norm := range norms {
		y := ys[i*n : (i+1)*n : (i+1)*n]
		x, out := e.point(y, rng)
		if out != nil && deviations == nil {
			deviations = s.Shape.model().deviations()
		}
		for left := again; out != nil && left > 0 && e.mayRedraw(out, deviations); left-- {
			norm = e.draw(y, rng)[0]
			x, out = e.point(y, rng)
		}
		if out != nil {
			again = 0 // much of the distribution lies beyond the bounds
		}
		trials = append(trials, trial{x, step{Run: s.Run.Number, Y: y, Norm: norm, Out: out}})
	}
	return trials
}

// draw overwrites each of the vectors y, one after the other in ys, by a step, and returns ‖A⁻¹y‖² of each.
func (e *strategy) draw(ys []float64, rng *rand.Rand) []float64 {
	n := len(e.ordered)
	norms := make([]float64, len(ys)/n)
	for i := range ys {
		ys[i] = rng.NormFloat64() //                                             z ~ N(0, I)                  (38)
	}
	for i := range norms {
		z := ys[i*n : (i+1)*n]
		norms[i] = floats.Dot(z, z)
	}
	e.state.Shape.model().steps(ys) //                                           y = A z                      (39)
	return norms
}

// point returns the individual of step y, and how far u lies beyond the bounds.
func (e *strategy) point(y []float64, rng *rand.Rand) (x, out []float64) {
	s := &e.state
	x, u := make([]float64, e.problem.Dim()), make([]float64, len(y))
	for j, i := range e.ordered {
		u[j] = s.Mean[j] + s.Sigma*e.stretch(j)*y[j] //                          x = m + σy                   (40)
		x[i] = e.problem.Coords[i].Clip(e.width[j] * u[j])
	}
	e.choose(x, rng)
	return x, e.outside(u)
}

// learn takes in a generation, ranked from best to worst, failed ones last; losses are those of the individuals that did not fail.
func (e *strategy) learn(ranked []trial, losses []float64) {
	s := &e.state
	s.Run.Evaluations += int64(len(ranked))
	if len(losses) == 0 {
		return // nothing to learn: sample again
	}
	if s.Sampling {
		for j, i := range e.ordered {
			s.Mean[j] = ranked[0].X[i] / e.width[j]
		}
		s.Sampling = false
		e.keepMargin(s.Shape.model().deviations())
		return
	}
	if e.par.Bounds != projected {
		ranked = e.penalise(ranked, losses)
	}
	// A failed individual is worse than all others, but never one to move to.
	w, ok := e.k.weights, len(losses)
	if ok < e.k.mu {
		w = slices.Clone(w)
		clear(w[ok:e.k.mu])
		floats.Scale(1/floats.Sum(w[:ok]), w[:ok])
	}
	var exhausted string
	switch {
	case s.Sizing != nil:
		exhausted = e.updateSized(ranked, w)
	case s.Rates != nil:
		exhausted = e.updateAdaptively(ranked, w)
	default:
		exhausted = e.update(ranked, w)
	}
	e.learnChoices(ranked, w[:e.k.mu])
	deviations := s.Shape.model().deviations()
	if exhausted == "" { // otherwise they may be no numbers
		e.keepMargin(deviations)
		if e.par.Bounds != penalised {
			e.keepNear(deviations)
		}
	}
	s.Average.Add(s.Mean)
	if reason := e.over(losses, deviations, exhausted); reason != "" {
		e.restart(reason)
	} else if s.Sizing != nil {
		e.become(int(math.Round(s.Sizing.Size)))
	} else if s.Noise != nil {
		e.become(int(math.Round(s.Noise.Size)))
	}
}

// update moves the distribution, with weights w for the ranks. It names the limit that the covariance has come to, if it has.
func (e *strategy) update(ranked []trial, w []float64) (exhausted string) {
	n, k, s := len(e.ordered), &e.k, &e.state
	yw, drawn := make([]float64, n), make([]float64, n)
	for i, wi := range w[:k.mu] {
		if wi > 0 {
			floats.AddScaled(yw, wi, ranked[i].Y) //                             y_w = Σ w_i y_i:λ            (41)
			floats.AddScaled(drawn, wi, ranked[i].drawn())
		}
	}
	floats.AddScaled(s.Mean, s.Sigma, yw) //                                     m ← m + σ y_w                (42)

	// The paths sum steps that were selected. Individuals that were drawn before the mean moved lie behind it, seen from now, and would shorten
	// the paths; as they were drawn, they tell twice of the same way, and would lengthen that of σ, of which half of each is taken.
	zw := slices.Clone(yw)
	floats.Add(zw, drawn)
	floats.Scale(0.5, zw)
	path := zw
	if e.par.Bounds != penalised && slices.ContainsFunc(ranked, func(t trial) bool { return t.Out != nil }) {
		path = e.bounded(zw, ranked)
	}
	s.Shape.model().whiten(zw) //                                                C^{-1/2} y_w, up to a rotation, as A is no symmetric root
	floats.Scale(1-k.cs, s.Ps)
	floats.AddScaled(s.Ps, math.Sqrt(k.cs*(2-k.cs)*k.muEff), path) //            p_σ                          (43)
	norm := floats.Norm(s.Ps, 2)
	s.Updates++
	stalled := norm/math.Sqrt(1-math.Pow(1-k.cs, 2*float64(s.Updates))) >= (1.4+2/(float64(n)+1))*k.chiN
	s.Sigma *= math.Exp(min(1, k.cs/k.ds*(norm/k.chiN-1))) //                    σ                            (44)

	floats.Scale(1-k.cc, s.Pc)
	lost := k.cc * (2 - k.cc) // variance that p_c lacks while h_σ = 0
	if !stalled {
		floats.AddScaled(s.Pc, math.Sqrt(k.cc*(2-k.cc)*k.muEff), drawn) //       p_c, h_σ = 1                 (45)
		lost = 0
	}
	l := lesson{decay: 1 + k.c1*lost - k.c1 - k.cm*floats.Sum(w), path: s.Pc, white: zw}
	for i, wi := range w { //                                                    w°                           (46)
		if wi < 0 {
			wi *= float64(n) / ranked[i].Norm
		}
		if wi != 0 {
			l.steps, l.weights = append(l.steps, ranked[i].Y), append(l.weights, wi)
		}
	}
	return s.Shape.model().learn(l, k) //                                        C                            (47)
}

// describe adds what is worth watching to the books' status.
func (e *strategy) describe(st optimizer.Status) optimizer.Status {
	s := &e.state
	st.Stop, st.Restarts = s.Stop, s.Restarts
	st.Figures = []optimizer.Figure{
		{Name: "sigma", Value: s.Sigma}, {Name: "axis_ratio", Value: s.Shape.model().axisRatio()},
		{Name: "population", Value: float64(e.whole(s.Run.PopSize))}, {Name: "run", Value: float64(s.Run.Number)},
	}
	return st
}

// restore continues from a state; it returns ErrState if that has other sizes.
func (e *strategy) restore(s strategyState) error {
	n, fits := len(e.ordered), true
	for _, v := range []codec.Vector{s.Mean, s.Pc, s.Ps} {
		fits = fits && len(v) == n
	}
	for _, x := range s.Known {
		fits = fits && len(x) == e.problem.Dim()
	}
	if s.Settled != nil {
		for _, x := range s.Settled.Points {
			fits = fits && len(x) == e.problem.Dim()
		}
	}
	fits = fits && (s.Average.T == 0 || len(s.Average.X) == n)
	fits = fits && (s.Penalty.Weights == nil || len(s.Penalty.Weights) == n) && len(s.Stretch) == len(e.state.Stretch) && s.Src != nil &&
		s.Run.PopSize >= 4 && s.Run.PopSize <= e.largest()
	if !fits || !s.Shape.fits(e.par.Covariance, n) || !s.Choice.fits(e.state.Choice) || !s.Rates.fits(e.state.Rates) || !s.Sizing.fits(n) ||
		(s.Sizing == nil) != (e.state.Sizing == nil) || (s.Noise == nil) != (e.state.Noise == nil) {
		return fmt.Errorf("%w: its matrices have other sizes", optimizer.ErrState)
	}
	e.state = s
	e.k = e.constants(s.Run.PopSize)
	return nil
}

// largest is the largest population that there can be.
func (e *strategy) largest() int {
	if e.state.Sizing != nil || e.state.Noise != nil {
		return e.par.PopSize << e.par.MaxRestarts * mostTimes
	}
	return e.par.PopSize << e.par.MaxRestarts
}

// stepsFit reports whether the steps have the length they should have.
func (e *strategy) stepsFit(steps []step) bool {
	return !slices.ContainsFunc(steps, func(s step) bool {
		return s.Y != nil && len(s.Y) != len(e.ordered) || s.Drawn != nil && len(s.Drawn) != len(e.ordered) ||
			s.Out != nil && len(s.Out) != len(e.ordered)
	})
}
