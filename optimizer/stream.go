package optimizer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// stream keeps the books between Ask and Tell for an asynchronous algorithm: what is outstanding, with what the algorithm wants to
// remember of each proposal (T, a struct of exported fields). It is part of the algorithm's state.
type stream[T any] struct {
	ledger
	Open []proposal[T] // in the order of their IDs
}

// proposal is an outstanding individual.
type proposal[T any] struct {
	ID   int64
	X    codec.Vector
	Memo T
}

// answer is a result with the proposal that it answers.
type answer[T any] struct {
	proposal[T]
	Evaluated
}

// propose hands out a point.
func (s *stream[T]) propose(x []float64, memo T) Candidate {
	c := Candidate{ID: s.NextID, X: x}
	s.NextID++
	s.Open = append(s.Open, proposal[T]{c.ID, x, memo})
	return c
}

// tell takes results in and returns them, in the order in which they were told, with their proposals; or an error, and nothing has been
// taken in. Replace needs no care here: another individual is proposed in any case.
func (s *stream[T]) tell(results []Evaluated, problem Problem) ([]answer[T], error) {
	answers := make([]answer[T], len(results))
	taken := make(map[int]bool, len(results))
	for i, ev := range results {
		at, ok := slices.BinarySearchFunc(s.Open, ev.ID, func(p proposal[T], id int64) int { return cmp.Compare(p.ID, id) })
		if !ok || taken[at] {
			return nil, fmt.Errorf("%w: %d", ErrUnknown, ev.ID)
		}
		taken[at] = true
		ev, err := checked(ev, problem)
		if err != nil {
			return nil, err
		}
		ev.Loss, ev.Outputs, ev.Targets = slices.Clone(ev.Loss), slices.Clone(ev.Outputs), slices.Clone(ev.Targets)
		answers[i] = answer[T]{s.Open[at], ev}
	}
	for _, a := range answers {
		s.take(a.Evaluated, a.X)
		s.Front.prune(2 * maxFront)
		at, _ := slices.BinarySearchFunc(s.Open, a.proposal.ID, func(p proposal[T], id int64) int { return cmp.Compare(p.ID, id) })
		s.Open = slices.Delete(s.Open, at, at+1)
	}
	return answers, nil
}
