// Command cell is the guide's neuron as an optimizee in Go, in a program of its own.
package main

import (
	"context"
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/app"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// cell is a leaky neuron whose firing rate was measured at some currents. Its tagged field is its configuration.
type cell struct {
	Refractory float64 `yaml:"refractory" doc:"after a spike" unit:"ms" range:"[0, 10]"`
}

func (c *cell) Space() optimizee.Space {
	return optimizee.Space{
		{Name: "rheobase", Lower: 0.1, Upper: 2, Log: true, Unit: "nA"},
		{Name: "tau", Lower: 5, Upper: 50, Log: true, Unit: "ms"},
	}
}

func (c *cell) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise, Unit: "Hz"}}
}

// Evaluate may write to c: each slot has a cell of its own.
func (c *cell) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	currents := []float64{0.4, 0.6, 0.8, 1.2, 2, 4} // nA
	measured := []float64{18, 41, 61, 88, 129, 181} // Hz
	rheobase, tau := e.Float("rheobase"), e.Float("tau")
	sum := 0.0
	for i, current := range currents {
		rate := 0.0
		if current > rheobase {
			rate = 1000 / (c.Refractory + tau*math.Log(current/(current-rheobase)))
		}
		sum += (rate - measured[i]) * (rate - measured[i])
	}
	return optimizee.Outcome{Fitness: []float64{math.Sqrt(sum / float64(len(currents)))}}, ctx.Err()
}

func main() {
	app.Main(optimizee.Type{Name: "cell", Title: "Leaky neuron", New: func() optimizee.Optimizee { return &cell{Refractory: 3} }})
}
