package kit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Stream keeps the books between Ask and Tell for an asynchronous algorithm: what is outstanding, with what the algorithm wants to
// remember of each proposal (T, a struct of exported fields). It is part of the algorithm's state.
type Stream[T any] struct {
	Ledger
	Open []Proposal[T] // in the order of their IDs
}

// Proposal is an outstanding individual.
type Proposal[T any] struct {
	ID   int64
	X    codec.Vector
	Memo T
}

// Answer is a result with the proposal that it answers.
type Answer[T any] struct {
	Proposal[T]
	optimizer.Evaluated
}

// Propose hands out a point.
func (s *Stream[T]) Propose(x []float64, memo T) optimizer.Candidate {
	c := optimizer.Candidate{ID: s.NextID, X: x}
	s.NextID++
	s.Open = append(s.Open, Proposal[T]{c.ID, x, memo})
	return c
}

// Tell takes results in and returns them, in the order in which they were told, with their proposals; or an error, and nothing has been
// taken in. Replace needs no care here: another individual is proposed in any case.
func (s *Stream[T]) Tell(results []optimizer.Evaluated, problem optimizer.Problem) ([]Answer[T], error) {
	answers := make([]Answer[T], len(results))
	taken := make(map[int]bool, len(results))
	for i, ev := range results {
		at, ok := slices.BinarySearchFunc(s.Open, ev.ID, func(p Proposal[T], id int64) int { return cmp.Compare(p.ID, id) })
		if !ok || taken[at] {
			return nil, fmt.Errorf("%w: %d", optimizer.ErrUnknown, ev.ID)
		}
		taken[at] = true
		ev, err := Checked(ev, problem)
		if err != nil {
			return nil, err
		}
		ev.Loss, ev.Outputs, ev.Targets = slices.Clone(ev.Loss), slices.Clone(ev.Outputs), slices.Clone(ev.Targets)
		answers[i] = Answer[T]{s.Open[at], ev}
	}
	for _, a := range answers {
		s.Take(a.Evaluated, a.X)
		s.Front.Prune(2 * optimizer.MaxFront)
		at, _ := slices.BinarySearchFunc(s.Open, a.Proposal.ID, func(p Proposal[T], id int64) int { return cmp.Compare(p.ID, id) })
		s.close(at)
	}
	return answers, nil
}

// close removes a proposal. It moves those on the shorter side: the first ones proposed are mostly the first to be told, and of thousands that are
// outstanding the others stay where they are.
func (s *Stream[T]) close(at int) {
	if at > len(s.Open)/2 {
		s.Open = slices.Delete(s.Open, at, at+1)
		return
	}
	copy(s.Open[1:at+1], s.Open[:at])
	s.Open[0] = Proposal[T]{}
	s.Open = s.Open[1:]
}

// Status fills in what the books know; results of a population's size count as a generation.
func (s *Stream[T]) Status(popSize int) optimizer.Status {
	return optimizer.Status{Generation: int(s.Told) / popSize, Told: s.Told, Best: s.Best, Front: s.Front}
}
