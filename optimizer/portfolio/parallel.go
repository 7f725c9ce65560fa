package portfolio

import (
	"errors"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/lanes"
)

// Parallel is a portfolio whose members search at the same time. Each has the same part of the slots: what counts is the time, in which a member that
// finds nothing costs the others little, as half the slots take hardly longer than all (bench/results/speedup.txt). The members are lanes, so that
// none waits for another's last results, and what each proposes follows from its own results alone.
type Parallel struct {
	*lanes.Set
	problem optimizer.Problem
	par     Params
}

// suited makes the portfolio that the parameters, and the evaluations that can be under way, ask for.
func suited(problem optimizer.Problem, par Params, seed uint64) (search, error) {
	settled, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	if settled.Turns == atOnce {
		return NewParallel(problem, par, seed)
	}
	return New(problem, par, seed)
}

// search is Search or Parallel.
type search interface {
	optimizer.Optimizer
	Params() Params
}

// NewParallel makes a portfolio of members at the same time for a problem with one objective, whatever Turns is. Problem.Parallel says for how many
// evaluations at a time.
func NewParallel(problem optimizer.Problem, par Params, seed uint64) (*Parallel, error) {
	par.Turns = atOnce
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	var names []string
	var unsuited error
	for _, name := range par.Members {
		switch _, err := firstGeneration(problem, name); {
		case errors.Is(err, optimizer.ErrUnsuited):
			unsuited = err
		case err != nil:
			return nil, err
		default:
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, unsuited
	}
	var all []lanes.Rules
	for i, name := range names {
		part := problem
		part.Quorum = 1 // what a member proposes follows from its own results alone
		part.Parallel = max(1, problem.Parallel*(i+1)/len(names)-problem.Parallel*i/len(names))
		r, err := memberLanes(part, name, par.Learning)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return &Parallel{lanes.New(problem, lanes.Together(all...), seed), problem, par}, nil
}

// firstGeneration is the number of individuals in a member's first generation.
func firstGeneration(problem optimizer.Problem, name string) (int, error) {
	problem.Parallel = 0
	a := memberAlgorithm(name)
	o, err := a.New(problem, a.Params(), 0)
	if err != nil {
		return 0, err
	}
	first, err := o.Ask(0)
	return len(first), err
}

// firstGenerations is the number of individuals in the first generations of all members that the problem suits.
func firstGenerations(problem optimizer.Problem, members []string) (sum int) {
	for _, name := range members {
		if n, err := firstGeneration(problem, name); err == nil {
			sum += n
		}
	}
	return sum
}

// oversubscribed is how many times as many lanes there may be as fill the slots, where evaluations take so unequally long that lanes wait.
const oversubscribed = 8

// memberLanes are the lanes that a member has on its part of the slots. cmaes has runs of different populations; of another one there are as many
// searches as the slots have room for, each from elsewhere.
func memberLanes(problem optimizer.Problem, name, learning string) (lanes.Rules, error) {
	if name == "cmaes" {
		par := cmaes.Defaults()
		par.Learning = learning
		return cmaes.Lanes(problem, par)
	}
	size, err := firstGeneration(problem, name)
	if err != nil {
		return lanes.Rules{}, err
	}
	n := max(1, problem.Parallel/size)
	r := lanes.Rules{Most: oversubscribed * n, Open: max(problem.Parallel, n*size)}
	for range n {
		r.Base = append(r.Base, size)
	}
	a := memberAlgorithm(name)
	r.New = func(_ int, seed uint64) (lanes.Member, error) {
		return lanes.NewChain(a, a.Params(), problem, size, seed)
	}
	return r, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Parallel) Params() Params { return o.par }

// layoutParallel is that of the state: another one than that of Search.
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
