package cmaes

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Quorate is [Search] that does not wait for the last results of a generation. PopSize individuals at most belong to a generation, and it is complete
// when a part of them, Problem.Quorum, has been told: the strategy learns from these, with the weights and the rates of a population of their number.
// The others belong to the next generation, which draws as many anew as have been told. For them it counts where they lie, seen from where the
// distribution is by then, as in Async: a quorum is what lies between that, which waits for nobody, and Search, which waits for all.
//
// So who is late has a part in the search, which can be resumed and replayed, but not repeated.
//
// A lane of Parallel whose quorum is left open is adaptive: its generations are whole, and those of Search, until it is hurried, as results come in late.
// Then seven tenths of one suffice, and individuals of generations before the last one are not learnt from.
type Quorate struct {
	*strategy
	asked Params
	s     quorateState
	under int // individuals of the present run that have not been told

	// Of lanes.
	adaptive bool    // its generations are whole unless it is hurried
	hurried  bool    // results come in late
	ahead    float64 // part of a generation that may be proposed beyond it
}

type quorateState struct {
	Async     asyncState
	Completed int // generations

	// Of one that is adaptive.
	Begun bool                  // individuals of the present generation have been drawn
	Drawn []kit.Proposal[place] // and not proposed yet
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
	for range min(max(most, 1), room) {
		p := o.next(room)
		out = append(out, o.s.Async.Stream.Propose(p.X, p.Memo))
		o.under++
	}
	return out, nil
}

// next draws an individual: one by one, so that calls may group them as they like, but for a whole generation, which is drawn at once, as that of Search
// is, where as many can be proposed.
func (o *Quorate) next(room int) kit.Proposal[place] {
	if len(o.s.Drawn) == 0 {
		count := 1
		if o.adaptive && !o.hurried && !o.s.Begun {
			count = room
		}
		for _, t := range o.propose(count) {
			at := o.placed(t.step)
			at.Since = o.s.Completed
			o.s.Drawn = append(o.s.Drawn, kit.Proposal[place]{X: t.X, Memo: at})
		}
		o.s.Begun = o.adaptive
	}
	p := o.s.Drawn[0]
	o.s.Drawn = o.s.Drawn[1:]
	return p
}

// hurry has it wait for the last results of a generation, or not, where it is adaptive. Where results come in late it proposes a few individuals beyond a
// generation, so many that its slots are busy while it waits for the part of a generation that suffices. Both numbers have been chosen by measurement
// (bench/results/quorum.txt). More individuals would be drawn from distributions that are out of date. With a smaller part a search is a little sooner at
// its target where there is one valley, and ends in a worse one where there are many.
func (o *Quorate) hurry(late bool) {
	o.hurried, o.ahead = late, 0
	if late {
		o.ahead = further
	}
}

const (
	further  = 0.4
	suffices = 0.7
	fewest   = 8 // individuals that are learnt from
)

// stale reports whether an individual is of a generation before the last one, and tells less of the present distribution than it would mislead.
func (o *Quorate) stale(a arrival) bool { return a.Place.Since < o.s.Completed-1 }

// enough is the number of results with which a generation is complete.
func (o *Quorate) enough() int {
	if o.adaptive && o.hurried && !o.state.Sampling {
		return quorumOf(suffices, o.size())
	}
	return o.size()
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
		if o.adaptive && a.Replace {
			continue // there is room for another one, of the same generation
		}
		arrived, run := append(o.s.Async.Arrived, arrival{kit.NewIndividual(a.X, a.Loss, a.Failed), a.Memo, a.Proposal.ID}), o.state.Run.Number
		if o.s.Async.Arrived = arrived; len(arrived) < o.enough() {
			continue
		}
		if o.adaptive {
			arrived = slices.DeleteFunc(arrived, o.stale)
			if len(arrived) < min(fewest, o.enough()) {
				o.s.Async.Arrived = arrived
				continue
			}
			slices.SortFunc(arrived, func(a, b arrival) int { return cmp.Compare(a.ID, b.ID) }) // equals are in the order of proposal
			o.learnWith(len(arrived))
		}
		o.s.Async.Arrived = nil
		o.learnFrom(arrived, o.stepTo)
		if o.s.Completed++; o.state.Run.Number != run {
			o.under, o.s.Drawn = 0, nil
		}
		o.s.Begun = false
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
	if slices.ContainsFunc(s.Books.Drawn, func(p kit.Proposal[place]) bool { return len(p.X) != o.problem.Dim() || o.misplaced(p.Memo) }) {
		return fmt.Errorf("%w: its individuals have other sizes", optimizer.ErrState)
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
