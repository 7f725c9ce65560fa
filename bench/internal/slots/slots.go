// Package slots simulates the slots of a run: evaluations that take times of their own, as many of them under way as there are slots. Time is
// simulated, so that figures do not depend on the machine, and rank 0 and the network cost nothing.
package slots

import (
	"container/heap"
	"math"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Slots are what evaluations run on.
type Slots struct {
	Number int
	// Ratio is that of the run times' 95th to their 5th percentile, which are log-normal with the median 1; 1: all are equal.
	Ratio float64
}

// Outcome is how a search ended.
type Outcome struct {
	Evaluations int     // that ended
	Time        float64 // in medians of an evaluation's
	Busy        float64 // part of the slots' time in which they evaluated
	Reached     bool
}

// evaluation is one under way.
type evaluation struct {
	optimizer.Candidate
	began, ends float64
}

// queue is a heap of evaluations, the next to end first.
type queue []evaluation

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].ends < q[j].ends }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(evaluation)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// Run runs the search until evaluate, which fills in all of a result but its ID, says that the target is reached, so many evaluations have ended, or it
// stops. The search is asked whenever a slot is free. One that is not asynchronous proposes its next generation when it has been told all of the last one;
// its individuals are evaluated as slots become free. seed is that of the times.
func (s Slots) Run(o optimizer.Optimizer, evaluate func(x []float64) (told optimizer.Evaluated, reached bool), budget int, seed uint64) (out Outcome, err error) {
	sigma := math.Log(s.Ratio) / 2 / 1.6449 // of the logarithm; 1.6449: the 95th percentile of N(0, 1)
	rng := rand.New(rand.NewPCG(seed, 1))
	var under queue
	spent := 0.0
	defer func() {
		for _, e := range under {
			spent += out.Time - e.began
		}
		out.Busy = spent / (float64(s.Number) * out.Time)
	}()
	for {
		for len(under) < s.Number {
			candidates, err := o.Ask(s.Number - len(under))
			if err != nil {
				return out, err
			}
			for _, c := range candidates {
				heap.Push(&under, evaluation{c, out.Time, out.Time + math.Exp(sigma*rng.NormFloat64())})
			}
			if len(candidates) == 0 {
				break
			}
		}
		if len(under) == 0 {
			return out, nil // the search has stopped
		}
		next := heap.Pop(&under).(evaluation)
		spent += next.ends - next.began
		out.Time = next.ends
		out.Evaluations++
		told, reached := evaluate(next.X)
		if reached || out.Evaluations >= budget {
			out.Reached = reached
			return out, nil
		}
		told.ID = next.ID
		if err := o.Tell([]optimizer.Evaluated{told}); err != nil {
			return out, err
		}
	}
}
