package optimizee

import (
	"fmt"
	"slices"
)

// Team is the ranks that share one evaluation, as one of them sees it. Each of them calls Evaluate with the same [Evaluation], but for its Team, and
// what the one of rank 0 returns is the outcome. If one of them fails, the evaluation has failed: the calls of the others return an error then, which
// their Evaluate is to return, and their contexts end.
//
// A Team is for the goroutine that evaluates, until Evaluate returns. Data between two ranks arrive in the order in which they were sent; the calls of
// Bcast, Allreduce and Barrier are made by all ranks in the same order, and do not mix with Send and Recv. All of them end with the evaluation's context.
type Team interface {
	// Rank is this rank's number in the team, from 0 on. Size is the number of its ranks.
	Rank() int
	Size() int
	// Send gives a copy of data to rank to, itself included. It does not wait for that rank.
	Send(to int, data []float64) error
	// Recv waits for what rank from has sent, and fills data with it. What was sent must have the length of data.
	Recv(from int, data []float64) error
	// Bcast has data of all ranks be that of rank root. Its length is the same on all.
	Bcast(root int, data []float64) error
	// Allreduce has data of all ranks be the sum of theirs, element by element, which is added up in the order of ranks: so it is the same to the last
	// bit in every evaluation by a team of this size. Its length is the same on all.
	Allreduce(data []float64) error
	// Barrier waits until all ranks have called it.
	Barrier() error
}

// Alone is a team of one rank: for an evaluation that is not shared, so that an optimizee that can be needs no second way to evaluate.
func Alone() Team { return new(alone) }

// alone holds what the rank has sent to itself.
type alone struct{ sent [][]float64 }

func (*alone) Rank() int { return 0 }
func (*alone) Size() int { return 1 }

func (a *alone) Send(to int, data []float64) error {
	if to != 0 {
		return fmt.Errorf("optimizee: to = %d, want 0: the team has one rank", to)
	}
	a.sent = append(a.sent, slices.Clone(data))
	return nil
}

func (a *alone) Recv(from int, data []float64) error {
	switch {
	case from != 0:
		return fmt.Errorf("optimizee: from = %d, want 0: the team has one rank", from)
	case len(a.sent) == 0:
		return fmt.Errorf("optimizee: the team has one rank, which waits for what it has not sent")
	case len(a.sent[0]) != len(data):
		return fmt.Errorf("optimizee: rank 0 of the team has sent %d numbers, want %d", len(a.sent[0]), len(data))
	}
	copy(data, a.sent[0])
	a.sent = a.sent[1:]
	return nil
}

func (*alone) Bcast(root int, _ []float64) error {
	if root != 0 {
		return fmt.Errorf("optimizee: root = %d, want 0: the team has one rank", root)
	}
	return nil
}

func (*alone) Allreduce([]float64) error { return nil }
func (*alone) Barrier() error            { return nil }
