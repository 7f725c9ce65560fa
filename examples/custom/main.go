// Command custom is a program with an optimizee of its own: the thrower of a ball, who looks for the angle and the speed that carry it
// farthest into the wind for the least effort. It is every rank of a run, as l2l-mpi is: go run ./examples/custom --config examples/custom/run.yaml
package main

import (
	"context"
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/app"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// ball is the optimizee. Its tagged fields are its configuration.
type ball struct {
	Wind float64 `yaml:"wind" doc:"headwind" unit:"m/s" range:"[0, 20]"`
}

func (b *ball) Space() optimizee.Space {
	return optimizee.Space{
		{Name: "angle", Lower: 5, Upper: 85, Unit: "deg", Doc: "above the ground"},
		{Name: "speed", Lower: 1, Upper: 30, Unit: "m/s"},
	}
}

func (b *ball) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "reward", Direction: optimizee.Maximise, Unit: "m"}}
}

// Evaluate integrates the flight with drag and returns the distance less the price of the speed.
func (b *ball) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	const g, drag, dt = 9.81, 0.02, 1e-3 // m/s², 1/m, s
	angle, speed := e.Float("angle")*math.Pi/180, e.Float("speed")
	x, y, vx, vy := 0.0, 1.8, speed*math.Cos(angle), speed*math.Sin(angle)
	for y > 0 {
		rx := vx + b.Wind // relative to the air
		v := math.Hypot(rx, vy)
		vx, vy = vx-dt*drag*v*rx, vy-dt*(g+drag*v*vy)
		x, y = x+dt*vx, y+dt*vy
	}
	return optimizee.Outcome{Fitness: []float64{x - speed*speed/40}}, ctx.Err()
}

func main() {
	app.Main(optimizee.Type{Name: "ball", Title: "Ball thrown into the wind", New: func() optimizee.Optimizee { return &ball{Wind: 5} }})
}
