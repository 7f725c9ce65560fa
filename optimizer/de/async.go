package de

import (
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

func asyncAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "de_async",
		Title: "Adaptive differential evolution without generations",
		Reference: "Zhabitskaya and Zhabitsky 2013, Asynchronous Differential Evolution with Restart, LNCS 8236; operators and adaptation: " +
			"Zhang and Sanderson 2009, doi 10.1109/TEVC.2009.2014613",
		When: "as jade, where evaluations differ so much in time that the slowest would keep all others waiting; a run depends on who " +
			"finished first, so that it can be resumed and replayed, but not repeated",
		Cost: "O(n + λ log λ) for each individual; memory O(λn)",
		Parallelism: "any number at a time; more than pop_size make several trials for a member at once, which costs evaluations. It does not follow " +
			"execution.parallel",
	}, JADEDefaults, NewAsync)
}

// Async is [JADE] without generations: it makes trials for one member after the other, and a trial takes the place of its member, unless it
// is worse, as soon as it is told. After as many trials as there are members it learns from those that won, and begins again with
// another population where this one has converged.
type Async struct {
	problem optimizer.Problem
	par     JADEParams
	s       asyncState
}

type asyncState struct {
	Stream   kit.Stream[asyncTrial]
	Src      *kit.Source
	Start    []codec.Vector // points still to be proposed first: those of a warm start that have no loss
	Deme     deme           // none of its members failed
	Drawn    int            // random individuals of this run that did not fail, or may not
	Next     int            // member for whom the next trial is made
	Trials   int            // told since it learnt last
	Wins     []win          // of those
	Futile   int            // times that there was none
	Run      int            // runs ended
	Restarts optimizer.Restarts
}

// asyncTrial is what an individual was proposed for.
type asyncTrial struct {
	Run    int
	Member int // noMember: to become one
	tactic
}

const noMember = -1

// NewAsync makes an asynchronous differential evolution for a problem with one objective.
func NewAsync(problem optimizer.Problem, par JADEParams, seed uint64) (*Async, error) {
	par, err := kit.Resolved(asyncAlgorithm(), par, problem, (*JADEParams).resolve)
	if err != nil {
		return nil, err
	}
	return &Async{problem: problem, par: par, s: asyncState{Src: kit.NewSource(seed), Deme: deme{Memory: newMemory(1)}}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Async) Params() JADEParams { return o.par }

// Asynchronous implements Asynchronous.
func (o *Async) Asynchronous() {}

// WarmStart implements WarmStarter. Known losses are believed: the best of those solutions are in the population from the start.
func (o *Async) WarmStart(known []optimizer.Solution) error {
	w, err := kit.NewWarm(known, o.problem)
	for _, k := range w {
		if len(k.Loss) == 0 {
			o.s.Start = append(o.s.Start, k.X)
		} else {
			o.enter(kit.NewIndividual(k.X, k.Loss, false))
		}
	}
	o.s.Drawn = len(o.s.Deme.Population)
	return err
}

// Ask implements Optimizer.
func (o *Async) Ask(most int) ([]optimizer.Candidate, error) {
	s, rng := &o.s, rand.New(o.s.Src)
	out := make([]optimizer.Candidate, max(most, 1))
	for i := range out {
		x, memo := codec.Vector(nil), asyncTrial{Run: s.Run, Member: noMember}
		switch {
		case len(s.Start) > 0:
			x, s.Start = s.Start[0], s.Start[1:]
			s.Drawn++
		case s.Drawn < o.par.PopSize || len(s.Deme.Population) < minDeme:
			x = o.problem.Draw(rng)
			s.Drawn++
		default:
			s.Next %= len(s.Deme.Population)
			memo.Member, memo.tactic = s.Next, s.Deme.draw(rng)
			x = s.Deme.trial(rng, o.problem, s.Deme.elite(o.par.Greed), s.Next, memo.tactic)
			s.Next++
		}
		out[i] = s.Stream.Propose(x, memo)
	}
	return out, nil
}

// Tell implements Optimizer.
func (o *Async) Tell(results []optimizer.Evaluated) error {
	answers, err := o.s.Stream.Tell(results, o.problem)
	if err != nil {
		return err
	}
	s, rng := &o.s, rand.New(o.s.Src)
	for _, a := range answers {
		g := kit.NewIndividual(a.X, a.Loss, a.Failed)
		switch {
		case a.Memo.Run != s.Run: // of a population that is no more
		case a.Memo.Member == noMember && a.Failed:
			s.Drawn--
		case a.Memo.Member == noMember:
			o.enter(g)
		default:
			room := 0
			if o.par.Archive {
				room = o.par.PopSize
			}
			if w, won := s.Deme.contest(rng, a.Memo.Member, g, a.Memo.tactic, room); won {
				s.Wins = append(s.Wins, w)
			}
			if s.Trials++; s.Trials >= len(s.Deme.Population) {
				o.learn()
			}
		}
	}
	return nil
}

// enter takes a random individual into the population, if that is full in the place of the worst, unless it is worse.
func (o *Async) enter(g kit.Individual) {
	population := o.s.Deme.Population
	if len(population) < o.par.PopSize {
		o.s.Deme.Population = append(population, g)
		return
	}
	worst := 0
	for i := range population {
		if population[i].Compare(population[worst]) > 0 {
			worst = i
		}
	}
	if g.Compare(population[worst]) <= 0 {
		population[worst] = g
	}
}

// learn is done once for as many trials as there are members.
func (o *Async) learn() {
	s := &o.s
	s.Deme.learnJADE(s.Wins, o.par.LearningRate)
	s.Futile++
	if len(s.Wins) > 0 {
		s.Futile = 0
	}
	s.Trials, s.Wins = 0, nil
	if s.Futile == kit.Patience || kit.Collapsed(o.problem, s.Deme.Population) {
		s.Restarts.Add(optimizer.Restart{Told: s.Stream.Told, Reason: kit.EndOfRun(s.Futile == kit.Patience), PopSize: o.par.PopSize})
		s.Deme, s.Drawn, s.Next, s.Futile, s.Run = deme{Memory: newMemory(1)}, 0, 0, 0, s.Run+1
	}
}

// Status implements Optimizer.
func (o *Async) Status() optimizer.Status {
	st, tactic := o.s.Stream.Status(o.par.PopSize), o.s.Deme.Memory[0]
	st.Restarts = o.s.Restarts
	st.Figures = []optimizer.Figure{
		{Name: "scale_factor", Value: tactic.F}, {Name: "crossover_rate", Value: tactic.CR}, {Name: "run", Value: float64(o.s.Run + 1)},
	}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Async) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(asyncAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Async) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(asyncAlgorithm(), 1, o.problem, b, &o.s)
}
