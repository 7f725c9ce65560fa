package cmaes

import (
	"fmt"
	"math"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/lanes"
)

// parallel is the word for restarts at the same time.
const parallel = "parallel"

// manyTimes the population that is the default is what can be under way where runs one after the other no longer have use for it.
const manyTimes = 4

// Parallel is [Search] for many evaluations at a time: runs of different populations side by side, each a lane of its own, that share the slots. It
// is the strategy of K-distributed IPOP-CMA-ES (Redon, Fortin, Derbel, Tsuji and Sato 2024, Massively Parallel CMA-ES with Increasing Population,
// arXiv:2409.11765): a population of the size of the slots takes the least time where one will do, and nobody knows beforehand whether it will.
//
// The first lane has a good half of the slots, or almost all where these are few for so many coordinates; the next one has a good half of what is left, and
// so on down to PopSize. The first run of the first lane learns the covariance fast, unless Learning says otherwise: where there is one valley, it is the
// search. A run that has converged is followed in its lane by another one elsewhere, of the same population, every second time with smaller steps. The
// second lane is for losses that want a larger population than there are slots: it grows within a run, as updates disagree (see sizing), and has twice the
// population after each. The first lane goes on with small populations, as BIPOP does, and lanes are added, most of them small, which have what it leaves,
// and AddedShare of the slots at least from the end of the second lane's first run on.
//
// Where evaluations differ in time, lanes of whole generations wait for the slowest. So each is a [Quorate], unless Problem.Quorum is 1: with one that is
// below 1 it does not wait; where it is left open a lane waits as long as results come in about as they were proposed, and is then the same whoever
// finishes first, and no longer where they do not.
type Parallel struct {
	*lanes.Set
	problem optimizer.Problem
	par     Params
}

// share is the part of the slots, of those that are left, that a lane takes.
const share = 0.6

// Where the first lane learns fast, it takes up to mostShare of the slots, as long as it has less than wellFed individuals for each coordinate. More would
// hardly make it faster, and fewer do make it slower (bench/results/rates.txt).
const (
	mostShare = 0.95
	wellFed   = 25
)

// worthAnother is the population, in individuals for each coordinate, from which on a first run that has learnt fast is followed by one with standard rates:
// where there are many local minima, such a population finds what the first run has been too hasty for.
const worthAnother = 15

// populations are those of the lanes, for so many individuals under way, the smallest population, and the population that the first lane has use for.
func populations(slots, smallest, first int) (sizes []int) {
	for {
		part := int(math.Round(share * float64(slots)))
		if most := min(int(mostShare*float64(slots)), slots-smallest); len(sizes) == 0 && first > part && most > part {
			part = min(first, most)
		}
		size := max(smallest, part)
		sizes = append(sizes, size)
		if slots -= size; slots < smallest {
			return sizes
		}
	}
}

// oversubscribed is how many times as many lanes there may be as fill the slots, where evaluations take so unequally long that lanes wait.
const oversubscribed = 8

// chain says what follows a run that has converged.
type chain int

const (
	byRestarts chain = iota // what Params.Restarts says
	growing                 // a run of twice the population
	steady                  // a run of the same population
	shrinking               // a run of a small one: what a large population can do, another lane goes on with
)

// member is a lane.
type member struct {
	run
	of *strategy
}

// run is Search or Quorate.
type run interface {
	optimizer.WarmStarter
	optimizer.Recommender
}

// Size implements lanes.Member.
func (m member) Size() int { return m.of.generation() }

// Level implements lanes.Member.
func (m member) Level() float64 {
	if m.of.leads() {
		return m.of.level()
	}
	return m.of.state.Settled.Level
}

// early is a lane that does not wait for the last results of a generation.
type early struct {
	member
	search *Quorate
}

// Hurry implements lanes.Early.
func (m early) Hurry(late bool) { m.search.hurry(late) }

// suited makes the search that the parameters, and the evaluations that can be under way, ask for.
func suited(problem optimizer.Problem, par Params, seed uint64) (search, error) {
	settled, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	switch {
	case settled.Restarts == parallel:
		return NewParallel(problem, par, seed)
	case part(problem) < 1:
		return NewQuorate(problem, par, seed)
	}
	return New(problem, par, seed)
}

// search is Search, Quorate or Parallel.
type search interface {
	optimizer.Optimizer
	Params() Params
}

// NewParallel makes a CMA-ES of runs side by side for a problem with one objective, whatever Restarts is. Problem.Parallel says for how many
// evaluations at a time.
func NewParallel(problem optimizer.Problem, par Params, seed uint64) (*Parallel, error) {
	par, rules, err := parallelRules(problem, par)
	if err != nil {
		return nil, err
	}
	return &Parallel{lanes.New(problem, rules, seed), problem, par}, nil
}

// Lanes are those of [Parallel], for a search that has others beside them.
func Lanes(problem optimizer.Problem, par Params) (lanes.Rules, error) {
	_, rules, err := parallelRules(problem, par)
	return rules, err
}

// parallelRules settles the parameters, and says which lanes there are.
func parallelRules(problem optimizer.Problem, par Params) (Params, lanes.Rules, error) {
	par.Restarts = parallel
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return par, lanes.Rules{}, err
	}
	n, first, again, total := problem.Dim(), 0, 0, 0
	if par.hasty() {
		first = wellFed * n
	}
	sizes := populations(problem.Parallel, par.PopSize, first)
	for _, size := range sizes {
		total += size
	}
	if len(sizes) == 1 {
		par.Learning = standard // its population grows
	}
	if par.hasty() && sizes[0] >= worthAnother*n && newConstants(n, sizes[0], par, true).cm > newConstants(n, sizes[0], par, false).cm {
		again = 1
	}
	return par, lanes.Rules{
		Base: sizes, Most: oversubscribed * len(sizes), Open: max(problem.Parallel, total), Again: again, Added: par.AddedShare,
		New: func(n int, seed uint64) (lanes.Member, error) { return newMember(problem, par, n, sizes, again, seed) },
	}, nil
}

// newMember makes lane n, of those that begin with these populations.
func newMember(problem optimizer.Problem, all Params, n int, sizes []int, again int, seed uint64) (lanes.Member, error) {
	par := all
	par.Restarts = "ipop"
	how := steady
	par.PopSize = sizes[(n-1)%len(sizes)]
	if rest := sizes[min(1, len(sizes)-1):]; n > len(sizes) { // those that are added are the others once more
		par.PopSize = rest[(n-1-len(sizes))%len(rest)]
	}
	if n == 1 {
		how = shrinking
	}
	if n == min(2, len(sizes)) { // where there is one lane, it is this
		how = growing
	}
	if n > 1 {
		par.Start, par.Learning = "random", standard
	}
	e, err := newQuorate(problem, par, seed, how)
	if err != nil {
		return nil, fmt.Errorf("lane %d: %w", n, err)
	}
	e.again, e.smallest = again, quorumOf(e.quorum, all.PopSize)
	if e.adaptive = problem.Quorum == 0; e.adaptive || e.quorum < 1 {
		return early{member{e, e.strategy}, e}, nil
	}
	return member{&Search{strategy: e.strategy}, e.strategy}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Parallel) Params() Params { return o.par }

// layoutParallel is that of the state: other than those of Search.
const layoutParallel = 1002

// MarshalBinary implements optimizer.Optimizer.
func (o *Parallel) MarshalBinary() ([]byte, error) {
	s, err := o.Snapshot()
	if err != nil {
		return nil, err
	}
	return kit.EncodeState(algorithm(), layoutParallel, o.problem, s)
}

// UnmarshalBinary implements optimizer.Optimizer.
func (o *Parallel) UnmarshalBinary(b []byte) error {
	var s lanes.State
	if err := kit.DecodeState(algorithm(), layoutParallel, o.problem, b, &s); err != nil {
		return err
	}
	return o.Restore(s)
}
