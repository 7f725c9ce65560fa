// Command ranks is the program that bench/scaling starts: l2l-mpi with an optimizee more, one that computes for a time.
package main

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/app"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func main() {
	app.Main(optimizee.Type{Name: "spin", Title: "Computation that takes a time", New: func() optimizee.Optimizee { return &spin{} }})
}

// spin computes until its time is over, which is log-normally distributed as that of the function with a delay is.
type spin struct {
	Delay       time.Duration `yaml:"delay" doc:"mean duration of an evaluation" range:"[0, inf)"`
	DelaySpread float64       `yaml:"delay_spread" doc:"standard deviation of the logarithm of the duration" range:"[0, 3]"`
}

func (s *spin) Space() optimizee.Space {
	return optimizee.Space{{Name: "x", Size: 10, Lower: -5, Upper: 5}}
}

func (s *spin) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "value", Direction: optimizee.Minimise}}
}

func (s *spin) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	rng := rand.New(rand.NewPCG(e.Seed, 0))
	delay := float64(s.Delay) * math.Exp(s.DelaySpread*rng.NormFloat64()-s.DelaySpread*s.DelaySpread/2)
	sum := 0.0
	for began := time.Now(); time.Since(began) < time.Duration(delay) && ctx.Err() == nil; {
		for _, x := range e.Vector("x") {
			sum += x * x
		}
		sum /= 2
	}
	return optimizee.Outcome{Fitness: []float64{sum}}, ctx.Err()
}
