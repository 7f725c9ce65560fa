package cmaes

import (
	"fmt"
	"math"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Quorate is [Search] that does not wait for the last results of a generation. PopSize individuals at most belong to a generation, and it is complete
// when a part of them, Problem.Quorum, has been told: the strategy learns from these, with the weights and the rates of a population of their number.
// The others belong to the next generation, which draws as many anew as have been told. For them it counts where they lie, seen from where the
// distribution is by then, as in Async: a quorum is what lies between that, which waits for nobody, and Search, which waits for all.
//
// So who is late has a part in the search, which can be resumed and replayed, but not repeated.
type Quorate struct {
	*strategy
	asked Params
	s     quorateState
	under int     // individuals of the present run that have not been told
	ahead float64 // part of a generation that may be proposed beyond it; 0 but where it is a lane
}

type quorateState struct {
	Async     asyncState
	Completed int // generations
}

// quorumOf is the number of individuals, of a generation of so many, with which it is complete.
func quorumOf(part float64, size int) int { return max(4, int(math.Round(part*float64(size)))) }

// NewQuorate makes a CMA-ES for a problem with one objective, whose generations are complete with Problem.Quorum of their results. It is of one run after
// the other: it does not heed Problem.Parallel.
func NewQuorate(problem optimizer.Problem, par Params, seed uint64) (*Quorate, error) {
	if par.Restarts == parallel {
		return nil, fmt.Errorf("optimizer: cmaes: restarts = %s, want one run after the other: none, ipop or bipop (NewParallel takes it)", parallel)
	}
	problem.Parallel = 0
	return newQuorate(problem, par, seed, byRestarts)
}

func newQuorate(problem optimizer.Problem, par Params, seed uint64, how chain) (*Quorate, error) {
	asked, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	par, problem.Noisy = asked, false // nothing of a generation would be last
	par.PopSize = quorumOf(part(problem), asked.PopSize)
	e, err := newStrategy(algorithm(), problem, par, seed, how)
	if err != nil {
		return nil, err
	}
	e.quorum = float64(par.PopSize) / float64(max(asked.PopSize, par.PopSize))
	return &Quorate{strategy: e, asked: asked}, nil
}

// part is the part of a generation with which it is complete, in (0, 1].
func part(problem optimizer.Problem) float64 {
	if problem.Quorum == 0 {
		return 1
	}
	return problem.Quorum
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Quorate) Params() Params { return o.asked }

// Asynchronous implements optimizer.Asynchronous: what it proposes depends on who was told first.
func (o *Quorate) Asynchronous() {}

// WarmStart implements optimizer.WarmStarter.
func (o *Quorate) WarmStart(known []optimizer.Solution) error { return o.warmStart(known) }

// Ask implements optimizer.Optimizer.
func (o *Quorate) Ask(most int) (out []optimizer.Candidate, err error) {
	if o.state.Stop != "" {
		return nil, nil
	}
	room := int((1+o.ahead)*float64(o.generation())) - len(o.s.Async.Arrived) - o.under
	for range min(max(most, 1), room) { // one by one, so that calls may group them as they like
		t := o.propose(1)[0]
		at := o.placed(t.step)
		at.Since = o.s.Completed
		out = append(out, o.s.Async.Stream.Propose(t.X, at))
		o.under++
	}
	return out, nil
}

// Tell implements optimizer.Optimizer.
func (o *Quorate) Tell(results []optimizer.Evaluated) error {
	answers, err := o.s.Async.Stream.Tell(results, o.problem)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.Memo.Run != o.state.Run.Number {
			continue // it tells of a distribution that is no more
		}
		if o.under--; o.state.Stop != "" || (a.Memo.U == nil) != o.state.Sampling {
			continue
		}
		o.s.Async.Arrived = append(o.s.Async.Arrived, arrival{kit.NewIndividual(a.X, a.Loss, a.Failed), a.Memo})
		if len(o.s.Async.Arrived) < o.size() {
			continue
		}
		arrived, run := o.s.Async.Arrived, o.state.Run.Number
		o.s.Async.Arrived = nil
		o.learnFrom(arrived, o.stepTo)
		if o.s.Completed++; o.state.Run.Number != run {
			o.under = 0
		}
	}
	return nil
}

// stepTo is the step that leads to a place: of an individual of this generation as it was drawn.
func (o *Quorate) stepTo(at place) step {
	if at.Since == o.s.Completed {
		return at.step
	}
	return o.strategy.stepTo(at)
}

// Status implements optimizer.Optimizer.
func (o *Quorate) Status() optimizer.Status {
	st := o.describe(o.s.Async.Stream.Status(o.size()))
	st.Generation = o.s.Completed
	return st
}

// layoutQuorate is that of the state: other than those of Search and of Parallel.
const layoutQuorate = 2001

// quorateSnapshot is a marshalled Quorate.
type quorateSnapshot struct {
	Books    quorateState
	Strategy strategyState
}

// MarshalBinary implements optimizer.Optimizer.
func (o *Quorate) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), layoutQuorate, o.problem, quorateSnapshot{o.s, o.state})
}

// UnmarshalBinary implements optimizer.Optimizer.
func (o *Quorate) UnmarshalBinary(b []byte) error {
	var s quorateSnapshot
	if err := kit.DecodeState(algorithm(), layoutQuorate, o.problem, b, &s); err != nil {
		return err
	}
	if err := o.asyncFits(&s.Books.Async); err != nil {
		return err
	}
	if err := o.restore(s.Strategy); err != nil {
		return err
	}
	o.s, o.under = s.Books, 0
	for _, p := range o.s.Async.Stream.Open {
		if p.Memo.Run == o.state.Run.Number {
			o.under++
		}
	}
	return nil
}
