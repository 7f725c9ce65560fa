// Command e2e is l2l-mpi for its own end-to-end tests: its optimizee writes down which evaluations really ran.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/app"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// traced is the Rosenbrock function, slowly, with a line in a file for each evaluation that begins.
type traced struct {
	File  string        `yaml:"file" doc:"where each evaluation that begins writes the seed that names it"`
	Delay time.Duration `yaml:"delay" doc:"time an evaluation takes" resume:"free"`
	file  *os.File
}

func (o *traced) Open() (err error) {
	if o.File != "" {
		o.file, err = os.OpenFile(o.File, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	}
	return err
}

func (o *traced) Close() error {
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

func (o *traced) Space() optimizee.Space {
	return optimizee.Space{{Name: "x", Size: 4, Lower: -2, Upper: 2}, {Name: "n", Kind: optimizee.Int, Lower: 0, Upper: 5}}
}

func (o *traced) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "value", Direction: optimizee.Minimise}}
}

// Share implements optimizee.Shared.
func (o *traced) Share(int) error { return nil }

// Evaluate computes the terms of the sum on the ranks of the team in turn, and adds them up in their order: so it is the same for every team.
func (o *traced) Evaluate(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	me, ranks := e.Team.Rank(), e.Team.Size()
	if o.file != nil && me == 0 {
		if _, err := fmt.Fprintln(o.file, e.Seed); err != nil { // one write: lines of several ranks do not mix
			return optimizee.Outcome{}, err
		}
	}
	time.Sleep(o.Delay)
	x, sum := e.Vector("x"), float64(e.Int("n"))
	terms := make([]float64, len(x)-1)
	for i := range terms {
		if a, b := x[i+1]-x[i]*x[i], 1-x[i]; i%ranks == me {
			terms[i] = 100*a*a + b*b
		}
	}
	if err := e.Team.Allreduce(terms); err != nil {
		return optimizee.Outcome{}, err
	}
	for _, t := range terms {
		sum += t
	}
	return optimizee.Outcome{Fitness: []float64{sum}}, nil
}

func main() {
	app.Main(optimizee.Type{Name: "traced", Title: "Test function that tells what ran", New: func() optimizee.Optimizee { return &traced{} }})
}
