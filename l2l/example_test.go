package l2l_test

import (
	"context"
	"fmt"
	"log"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
)

// here is an Evaluator that evaluates one after the other, when it is asked for results.
type here struct{ waiting []l2l.Evaluation }

func (h *here) Capacity() int { return 1 }

func (h *here) Submit(evaluations []l2l.Evaluation) error {
	h.waiting = append(h.waiting, evaluations...)
	return nil
}

func (h *here) Next(ctx context.Context) ([]l2l.Result, error) {
	e := h.waiting[0]
	h.waiting = h.waiting[1:]
	x, y := e.X[0], e.X[1]
	return []l2l.Result{{
		Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt, Fitness: []float64{10 - (x-1)*(x-1) - (y-2)*(y-2)},
	}}, ctx.Err()
}

// A loop needs no more than an optimizer, rules, and somebody who evaluates. With a Recorder it could be resumed.
func ExampleLoop() {
	search, err := cmaes.New(optimizer.Box(2, -5, 5), cmaes.Defaults(), 1)
	if err != nil {
		log.Fatal(err)
	}
	loop := l2l.Loop{
		Search:    l2l.NewSearch(search, l2l.Rules{Seed: 1, Objectives: []optimizee.Objective{{Name: "height", Direction: optimizee.Maximise}}}),
		Evaluator: &here{},
		Stop:      l2l.Stop{Evaluations: 600},
	}
	summary, err := loop.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: height %.4f at %.3f\n", summary.Reason, summary.Best.Fitness[0], summary.Best.Individual.X)
	// Output: evaluations: 600: height 10.0000 at [1.000 2.000]
}
