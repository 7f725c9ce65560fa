package cmaes

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

func asyncAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "cmaes_async",
		Title: "Covariance matrix adaptation evolution strategy (CMA-ES) without generations",
		Reference: algorithm().Reference + "; individuals from a distribution that has moved on: Hansen 2011, Injecting External Solutions Into " +
			"CMA-ES, arXiv:1110.4181",
		When: "as cmaes, where evaluations differ so much in time that the slowest would keep all others waiting; a run depends on who " +
			"finished first, so that it can be resumed and replayed, but not repeated",
		Cost:    "as cmaes, and O(n²) more for each individual with full covariance",
		Earlier: earlier,
		Parallelism: "any number at a time; with more than pop_size, most results are out of date when they come in, so that with " +
			"execution.parallel more than 4 default populations pop_size is half of that",
	}, Defaults, NewAsync)
}

// Async is [Search] without generations: an individual is drawn whenever one is asked for, and as soon as as many have been told as there
// are in a population, the strategy learns from these. Some of them were drawn before it learnt last: for them it counts where they
// lie, seen from where the distribution is now.
type Async struct {
	*strategy
	s asyncState
}

type asyncState struct {
	Stream  kit.Stream[place]
	Arrived []arrival // told since the strategy learnt last
}

// place is where an individual was drawn.
type place struct {
	step
	U     codec.Vector // in the strategy's coordinates, before it is rounded or brought into the box, len n; nil for initial samples
	Since int          // generations completed then, of Quorate
}

// arrival is an individual that has been told.
type arrival struct {
	Told  kit.Individual
	Place place
	ID    int64 // its number, of Quorate
}

// NewAsync makes an asynchronous CMA-ES for a problem with one objective. Where many more individuals can be under way than are in a population, most
// would be drawn long before their results are learnt from: a population that is left to be chosen is then half as large as there are individuals
// under way, which is best by measurement (bench/results/speedup.txt).
func NewAsync(problem optimizer.Problem, par Params, seed uint64) (*Async, error) {
	if par.Restarts == parallel {
		return nil, fmt.Errorf("optimizer: cmaes_async: restarts = %s, want one run after the other: none, ipop or bipop", parallel)
	}
	if par.PopSize == 0 && problem.Parallel > manyTimes*defaultPopSize(problem.Dim()) {
		par.PopSize = problem.Parallel / 2
		par.Learning = cmp.Or(par.Learning, fast)
	}
	problem.Parallel, problem.Quorum, problem.Noisy = 0, 0, false
	e, err := newStrategy(asyncAlgorithm(), problem, par, seed, byRestarts)
	if err != nil {
		return nil, err
	}
	return &Async{strategy: e}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Async) Params() Params { return o.par }

// Asynchronous implements Asynchronous.
func (o *Async) Asynchronous() {}

// WarmStart implements WarmStarter.
func (o *Async) WarmStart(known []optimizer.Solution) error { return o.warmStart(known) }

// Ask implements Optimizer.
func (o *Async) Ask(most int) ([]optimizer.Candidate, error) {
	if o.state.Stop != "" {
		return nil, nil
	}
	var out []optimizer.Candidate
	for _, t := range o.propose(max(most, 1)) {
		out = append(out, o.s.Stream.Propose(t.X, o.placed(t.step)))
	}
	return out, nil
}

// placed is where a step leads to from where the distribution is now.
func (e *strategy) placed(t step) place {
	at := place{step: t}
	if t.Y != nil {
		at.U = make([]float64, len(t.Y))
		for j, y := range t.Y {
			at.U[j] = e.state.Mean[j] + e.state.Sigma*e.stretch(j)*y
		}
	}
	return at
}

// Tell implements Optimizer.
func (o *Async) Tell(results []optimizer.Evaluated) error {
	answers, err := o.s.Stream.Tell(results, o.problem)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if o.state.Stop != "" || a.Memo.Run != o.state.Run.Number || (a.Memo.U == nil) != o.state.Sampling {
			continue // it tells of a distribution that is no more
		}
		o.s.Arrived = append(o.s.Arrived, arrival{kit.NewIndividual(a.X, a.Loss, a.Failed), a.Memo, 0})
		if len(o.s.Arrived) >= o.size() {
			o.learnFrom(o.s.Arrived, o.stepTo)
			o.s.Arrived = nil
		}
	}
	return nil
}

// learnFrom lets the strategy learn from as many individuals as there are in a population, to each of which there is a step.
func (e *strategy) learnFrom(arrived []arrival, to func(place) step) {
	slices.SortStableFunc(arrived, func(a, b arrival) int { return a.Told.Compare(b.Told) })
	ranked, losses := make([]trial, len(arrived)), make([]float64, 0, len(arrived))
	for i, a := range arrived {
		ranked[i] = trial{X: a.Told.X, step: to(a.Place)}
		if !a.Told.Failed {
			losses = append(losses, a.Told.Loss)
		}
	}
	e.learn(ranked, losses)
}

// stepTo is the step that leads to a place from where the distribution is now.
func (e *strategy) stepTo(at place) step {
	if at.U == nil {
		return at.step
	}
	now := at.step
	now.Y, now.Drawn = slices.Clone(at.U), at.Y
	floats.Sub(now.Y, e.state.Mean)
	for j := range now.Y {
		now.Y[j] /= e.state.Sigma * e.stretch(j)
	}
	return e.shortened(now)
}

// Status implements Optimizer.
func (o *Async) Status() optimizer.Status {
	return o.describe(o.s.Stream.Status(o.par.PopSize))
}

// asyncFits returns ErrState for books of individuals of other sizes.
func (e *strategy) asyncFits(s *asyncState) error {
	if slices.ContainsFunc(s.Stream.Open, func(p kit.Proposal[place]) bool { return e.misplaced(p.Memo) }) ||
		slices.ContainsFunc(s.Arrived, func(a arrival) bool { return e.misplaced(a.Place) || len(a.Told.X) != e.problem.Dim() }) {
		return fmt.Errorf("%w: its individuals have other sizes", optimizer.ErrState)
	}
	return nil
}

// misplaced reports whether a place is one in another number of coordinates.
func (e *strategy) misplaced(p place) bool {
	return p.U != nil && (len(p.U) != len(e.ordered) || len(p.Y) != len(e.ordered)) || !e.stepsFit([]step{p.step})
}

// asyncSnapshot is a marshalled Async.
type asyncSnapshot struct {
	Books    asyncState
	Strategy strategyState
}

// MarshalBinary implements Optimizer.
func (o *Async) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(asyncAlgorithm(), 2, o.problem, asyncSnapshot{o.s, o.state})
}

// UnmarshalBinary implements Optimizer.
func (o *Async) UnmarshalBinary(b []byte) error {
	var s asyncSnapshot
	if err := kit.DecodeState(asyncAlgorithm(), 2, o.problem, b, &s); err != nil {
		return err
	}
	if err := o.asyncFits(&s.Books); err != nil {
		return err
	}
	if err := o.restore(s.Strategy); err != nil {
		return err
	}
	o.s = s.Books
	return nil
}
