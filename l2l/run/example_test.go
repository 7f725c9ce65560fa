package run_test

import (
	"context"
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// parabola is an optimizee: the number whose square is nearest to 2.
type parabola struct{}

func (parabola) Space() optimizee.Space { return optimizee.Space{{Name: "x", Lower: 0, Upper: 2}} }

func (parabola) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}}
}

func (parabola) Evaluate(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	d := e.Float("x")*e.Float("x") - 2
	return optimizee.Outcome{Fitness: []float64{d * d}}, nil
}

// A run without a configuration file, in memory, on the slots of this process.
func ExampleRun() {
	c := config.Defaults()
	c.Stop.Evaluations = 200
	model := optimizee.Type{Name: "parabola", New: func() optimizee.Optimizee { return parabola{} }}
	plan, err := config.New(c, model, catalogue.All()[0], nil) // CMA-ES with its defaults
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := run.Run(context.Background(), mpi.Local(1)[0], plan, run.InMemory())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: x = %.4f\n", result.Reason, result.Best.Individual.X[0])
	// Output: evaluations: 200: x = 1.4142
}
