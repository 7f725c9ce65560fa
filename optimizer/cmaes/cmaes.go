// Package cmaes is the covariance matrix adaptation evolution strategy (CMA-ES): individuals are drawn from a normal distribution that
// learns where the good ones lie, how far apart they are, and how coordinates depend on each other; when it has converged, the search starts
// again. It is the first choice for continuous parameters, also among whole numbers and choices.
//
// [New] makes the one with generations, to be preferred where evaluations take about equally long. [NewParallel] makes several of it side by side,
// for many more evaluations at a time than there are individuals in a generation. [NewQuorate] makes one that does not wait for the last results of a
// generation. [NewAsync] makes the one without generations, for evaluations that
// differ so much in time that the slowest would keep all others waiting.
//
// Not its business: several objectives (package moo), spaces of choices alone (package ga), and more coordinates than some thousands unless
// covariance is diagonal or low_rank.
package cmaes

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Params configures [Search] and [Async].
type Params struct {
	PopSize        int     `yaml:"pop_size" doc:"individuals per generation, λ, of the first run" range:"[4, 1e6]" auto:"4 + floor(3 ln n), divided by execution.quorum; without generations, where execution.parallel is more than 4 times as many, half of that"`
	Sigma          float64 `yaml:"sigma" doc:"initial step size, as a fraction of each coordinate's width (upper − lower, or √12 std)" range:"(0, 10]"`
	Start          string  `yaml:"start" doc:"initial mean of the first run: the centre of the box, or a random point in its middle 80 %; a coordinate with a given mean starts there" range:"random | centre"`
	InitialSamples int     `yaml:"initial_samples" doc:"draw and evaluate this many random individuals first and start at the best of them" range:"[0, inf)"`
	Covariance     string  `yaml:"covariance" doc:"what is learnt of the coordinates' scales and dependencies: all of it (memory n²), scales only, or scales and dependencies along some 4 + 3 ln n directions" range:"full | diagonal | low_rank" auto:"full up to 500 coordinates, above that low_rank, or diagonal where some are whole numbers"`
	Bounds         string  `yaml:"bounds" doc:"how it is learnt from individuals beyond the bounds, which are evaluated at the nearest point of the box: with a penalty for the distance; as they were drawn, which is up to three times faster where the optimum lies on bounds, and misled where there are many local minima; or first with the penalty and, where steps have become short, as they were drawn" range:"adaptive | penalised | projected" auto:"adaptive with full covariance, otherwise projected"`
	Active         bool    `yaml:"active" doc:"learn from the worse half too, by negative weights"`
	Learning       string  `yaml:"learning" doc:"how much of the covariance the first run learns from a generation: as much as the population can bear, up to nine tenths where it has many times as many individuals as there are coordinates, so that a valley takes half as many generations, and many local minima may take another run; or as much as all other runs. With full covariance, without adapt_rates" range:"fast | standard" auto:"fast where the population follows from execution.parallel, otherwise standard" before:"standard"`
	AdaptRates     bool    `yaml:"adapt_rates" doc:"learn more slowly where losses are noisy or have many local minima, as much as is needed; with full covariance only"`
	Noise          string  `yaml:"noise" doc:"what is done where evaluations are noisy: some individuals are evaluated twice, and the population grows while noise has the larger part in their order; or nothing. Not with adapt_rates, a quorum, or runs side by side" range:"grow | ignore" auto:"grow" before:"ignore"`
	Restarts       string  `yaml:"restarts" doc:"what follows when a run has converged: nothing; runs of twice the population each time; such runs and others of small populations and steps, where the kind that has found the best so far gets twice the evaluations of the other; or runs of many populations at the same time" range:"none | ipop | bipop | parallel" auto:"parallel where more than 4 pop_size evaluations can be under way, otherwise bipop"`
	MaxRestarts    int     `yaml:"max_restarts" doc:"times the population is doubled, with parallel the largest one, before the search ends" range:"[0, 30]"`
	AddedShare     float64 `yaml:"added_share" doc:"restarts: parallel: lanes are added when the first one has converged, most of them of small populations; this is the part of the slots that they have once the second one has converged, too, where all others have use for the rest, and twice this where one of them has found the best" range:"[0, 0.5)" before:"0"`
	TolX           float64 `yaml:"tol_x" doc:"a run has converged when the step in every coordinate has fallen below this fraction of the initial one" range:"[0, 1)"`
	TolFun         float64 `yaml:"tol_fun" doc:"a run has converged when the losses of the last generations differ by no more than this, in the unit of the loss, or by rounding alone" range:"[0, inf)"`
}

// Above autoFull coordinates a full covariance matrix is not the default: it takes n² evaluations and more to learn. Above maxFull there is
// none: two matrices of 200 MB each.
const (
	autoFull = 500
	maxFull  = 5000
)

// grow is a value of Noise.
const grow = "grow"

// fast and standard are the values of Learning.
const (
	fast     = "fast"
	standard = "standard"
)

// hasty reports whether the first run learns fast.
func (p *Params) hasty() bool { return p.Learning == fast && p.Covariance == "full" && !p.AdaptRates }

// Defaults returns the defaults of [Params].
func Defaults() Params {
	return Params{Sigma: 0.2, Start: "random", Active: true, MaxRestarts: 9, AddedShare: 0.33, TolX: 1e-12}
}

func defaultPopSize(n int) int { return 4 + int(3*math.Log(float64(n))) }

func (p *Params) resolve(problem optimizer.Problem) error {
	n := problem.Dim()
	has := func(k optimizer.Kind) bool {
		return slices.ContainsFunc(problem.Coords, func(c optimizer.Coordinate) bool { return c.Kind == k })
	}
	if p.PopSize == 0 {
		p.PopSize = int(math.Round(float64(defaultPopSize(n)) / part(problem)))
	}
	if p.Noise == "" {
		p.Noise = grow
	}
	if p.Restarts == "" {
		p.Restarts = "bipop"
		if problem.Parallel > manyTimes*p.PopSize {
			p.Restarts = parallel
		}
	}
	if p.Learning == "" {
		p.Learning = standard
		if p.Restarts == parallel {
			p.Learning = fast
		}
	}
	if p.Covariance == "" {
		switch {
		case n <= autoFull:
			p.Covariance = "full"
		case has(optimizer.Integer):
			p.Covariance = "diagonal"
		default:
			p.Covariance = "low_rank"
		}
	}
	if p.Bounds == "" {
		p.Bounds = projected
		if p.Covariance == "full" {
			p.Bounds = adaptive
		}
	}
	switch {
	case !has(optimizer.Continuous) && !has(optimizer.Integer):
		return fmt.Errorf("%w: all its coordinates are categorical, want one with an order at least (choose genetic)", optimizer.ErrUnsuited)
	case p.Covariance == "full" && n > maxFull:
		return fmt.Errorf("%w: it has %d coordinates, want at most %d for covariance = full: the matrix has n² entries", optimizer.ErrUnsuited, n,
			maxFull)
	case p.Covariance == "low_rank" && has(optimizer.Integer):
		return fmt.Errorf("%w: it has whole numbers, want none for covariance = low_rank, which does not know their spread (choose diagonal)",
			optimizer.ErrUnsuited)
	case p.Covariance == "low_rank" && n == 1:
		return fmt.Errorf("%w: it has one coordinate, want two at least for covariance = low_rank (choose full)", optimizer.ErrUnsuited)
	case p.AdaptRates && p.Covariance != "full":
		return fmt.Errorf("adapt_rates = true, want false for covariance = %s", p.Covariance)
	}
	return kit.SingleObjective(problem)
}

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm(), asyncAlgorithm()}
}

// earlier: version 1 took losses that differed by 1e-9 for equal, had another path of σ where the covariance is not full, and penalised all that lay
// beyond the bounds.
var earlier = []string{""}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "cmaes",
		Title: "Covariance matrix adaptation evolution strategy (CMA-ES) with restarts",
		Reference: "Hansen 2016, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772v2; restarts: Auger and Hansen 2005, doi " +
			"10.1109/CEC.2005.1554902, Hansen 2009, doi 10.1145/1570256.1570333, and Loshchilov et al. 2012, doi " +
			"10.1007/978-3-642-32937-1_30; whole numbers: Hamano et al. 2022, doi 10.1145/3512290.3528827; categories: Hamano et al. " +
			"2024, arXiv:2405.09962; low_rank: Loshchilov et al. 2019, doi 10.1109/TEVC.2018.2855049; adapt_rates: Nomura et al. 2023, " +
			"doi 10.1145/3583131.3590358",
		When: "first, for continuous parameters, 2 to some thousands of them, that may depend on each other and differ in scale, alone or " +
			"among whole numbers and choices; needs 100 n evaluations or more; with many local minima raise pop_size or set adapt_rates",
		Cost: "O(λn²), and O(n³) every few generations, memory O(n² + λn), with full covariance; O(λn) with diagonal; O(λn ln n) with " +
			"low_rank",
		Parallelism: "with execution.parallel more than 4 pop_size, as many as that says, in runs of different populations, of which the first " +
			"learns fast; otherwise pop_size at a time, and twice as many after each restart",
		Noise: "of each generation, or every third one, a tenth of the individuals are evaluated twice, and the population grows as long as their order is for the " +
			"larger part noise; not with adapt_rates or a quorum, nor where runs are side by side",
		Quorum:  true,
		Earlier: earlier,
	}, Defaults, suited)
}

// constants are the strategy parameters of the tutorial's table 1, for n coordinates and a population of λ.
type constants struct {
	weights    []float64 // w, len λ, descending; the first mu sum to 1, the others are <= 0
	mu         int
	muEff      float64 // variance effective selection mass of the first mu
	cc, c1, cm float64 // learning rates: cumulation for C, rank-one update, rank-μ update c_μ
	cs, ds     float64 // cumulation for and damping of the step size
	chiN       float64 // E‖N(0, I)‖
	lazy       int     // updates of C between factorisations
	history    int     // generations over which the loss must have stopped changing
}

// mostLearnt is the largest c_μ of a run that is hasty: with more, hardly anything is left of what generations before the last one have told, and among many
// local minima the run ends early in a poor one.
const mostLearnt = 0.9

// newConstants are those for so many coordinates and individuals. The standard rate learns C from about n²/2 selected individuals. A run that is hasty learns
// it from n^1.5, which is as fast as populations of a few times n can bear (bench/results/rates.txt).
func newConstants(dim, lambda int, par Params, hasty bool) constants {
	n := float64(dim)
	k := constants{mu: lambda / 2, weights: make([]float64, lambda)}
	for i := range k.weights {
		k.weights[i] = math.Log(float64(lambda+1)/2) - math.Log(float64(i+1)) // (49)
	}
	positive, negative := k.weights[:k.mu], k.weights[k.mu:]
	mass := func(w []float64) float64 { s := floats.Sum(w); return s * s / floats.Dot(w, w) }
	muEffNeg := mass(negative)
	k.muEff = mass(positive)

	damping := 1 + 2*max(0, math.Sqrt((k.muEff-1)/(n+1))-1)
	k.cs = (k.muEff + 2) / (n + k.muEff + 5)                               // (55)
	k.ds = damping + k.cs                                                  // (55)
	k.cc = (4 + k.muEff/n) / (n + 4 + 2*k.muEff/n)                         // (56)
	k.c1 = 2 / ((n+1.3)*(n+1.3) + k.muEff)                                 // (57)
	k.cm = min(1-k.c1, 2*(0.25+k.muEff+1/k.muEff-2)/((n+2)*(n+2)+k.muEff)) // (58)
	if hasty {
		k.cm = max(k.cm, min(mostLearnt, 1-k.c1, k.muEff/math.Pow(n, 1.5)))
	}
	k.chiN = math.Sqrt(n) * (1 - 1/(4*n) + 1/(21*n*n)) // after (44)
	switch par.Covariance {
	case "diagonal": // has n numbers to learn, not n²/2 (Ros and Hansen 2008, doi 10.1007/978-3-540-87700-4_30, section 3)
		k.c1 *= (n + 2) / 3
		k.cm = min(1-k.c1, k.cm*(n+2)/3)
	case "low_rank": // Loshchilov et al. 2019, algorithm 1
		k.cs = min(0.5, 2*float64(lambda)/n)
		k.ds = damping
	}
	if dim > autoFull && par.Covariance != "full" {
		// In thousands of coordinates a path as long as (55) makes it follows too late a step size that must shrink at the pace at which
		// the optimum can be approached. Its length and the damping were chosen by measurement (bench/bounds).
		k.cs = min(0.5, math.Sqrt(k.muEff/n))
		k.ds = damping - 0.8 + k.cs
	}
	alphaMu := 1 + k.c1/k.cm                                                            // (50)
	alphaMuEff := 1 + 2*muEffNeg/(k.muEff+2)                                            // (51)
	alphaPosDef := (1 - k.c1 - k.cm) / (n * k.cm)                                       // (52)
	floats.Scale(1/floats.Sum(positive), positive)                                      // (53)
	floats.Scale(-min(alphaMu, alphaMuEff, alphaPosDef)/floats.Sum(negative), negative) // (53)
	if !par.Active {
		clear(negative)
	}
	k.lazy = max(1, int(1/(5*n*(k.c1+k.cm)))) // the tutorial has 10 (B.2); 5 saves every second factorisation in 100 dimensions
	k.history = 10 + int(math.Ceil(30*n/float64(lambda)))
	return k
}

// Search samples generations of individuals from a normal distribution whose mean, step size and covariance it adapts, and starts again,
// with another population size, when that has converged. Bounds hold (see bounds.go).
type Search struct {
	*strategy
	s state
}

type state struct {
	Gen   kit.Generation
	Steps []step // of the generation's members
}

// New makes a CMA-ES for a problem with one objective, of one run after the other, and of whole generations: it heeds neither Problem.Parallel nor
// Problem.Quorum.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	if par.Restarts == parallel {
		return nil, fmt.Errorf("optimizer: cmaes: restarts = %s, want one run after the other: none, ipop or bipop (NewParallel takes it)", parallel)
	}
	problem.Parallel, problem.Quorum = 0, 0
	e, err := newStrategy(algorithm(), problem, par, seed, byRestarts)
	if err != nil {
		return nil, err
	}
	return &Search{strategy: e}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() && o.state.Stop == "" {
		var xs [][]float64
		for _, t := range o.propose(o.size()) {
			xs, o.s.Steps = append(xs, t.X), append(o.s.Steps, t.step)
		}
		for i := range o.repeated() {
			xs, o.s.Steps = append(xs, xs[i]), append(o.s.Steps, o.s.Steps[i])
		}
		o.s.Gen.Begin(xs)
	}
	return o.s.Gen.Ask(max), nil
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, func(i int) []float64 {
		t := o.propose(1)[0]
		o.s.Steps[i] = t.step
		return t.X
	})
	if !complete {
		return err
	}
	o.heedNoise()
	order, ok := o.s.Gen.Ranking()
	ranked, losses := make([]trial, len(order)), make([]float64, ok)
	for rank, i := range order {
		m := &o.s.Gen.Members[i]
		ranked[rank] = trial{m.X, o.s.Steps[i]}
		if rank < ok {
			losses[rank] = m.Loss[0]
		}
	}
	o.s.Gen.End()
	o.s.Steps = nil
	o.learn(ranked, losses)
	return nil
}

// WarmStart implements WarmStarter.
func (o *Search) WarmStart(known []optimizer.Solution) error { return o.warmStart(known) }

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status { return o.describe(o.s.Gen.Status()) }

// snapshot is a marshalled Search.
type snapshot struct {
	Books    state
	Strategy strategyState
}

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 3, o.problem, snapshot{o.s, o.state})
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	var s snapshot
	if err := kit.DecodeState(algorithm(), 3, o.problem, b, &s); err != nil {
		return err
	}
	if len(s.Books.Steps) != len(s.Books.Gen.Members) || !o.stepsFit(s.Books.Steps) {
		return fmt.Errorf("%w: its steps do not match its generation", optimizer.ErrState)
	}
	if err := o.restore(s.Strategy); err != nil {
		return err
	}
	o.s = s.Books
	return nil
}
