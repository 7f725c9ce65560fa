package main

import (
	"math"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// cell is a loss under noise.
type cell struct {
	name        string
	problem     optimizer.Problem
	evaluations int64
	replicates  int
	seed        uint64 // so that cells do not share their noise
	// noisy is the loss of x in a run, as an evaluation with a seed has it; true is its expectation.
	noisy func(x []float64, run int, seed uint64) float64
	true  func(x []float64, run int) float64
}

// dim is the number of coordinates of the functions, in a box from −5 to 5.
var dim = 10

// shift is the optimum of a function in a run, which peers.py computes likewise.
func shift(run, i int) float64 { return 2 * math.Sin(12.9898*float64(run+1)+78.233*float64(i)) }

var functions = []struct {
	name string
	of   func(z []float64) float64
}{
	{"sphere", func(z []float64) float64 {
		sum := 0.0
		for _, v := range z {
			sum += v * v
		}
		return sum
	}},
	{"ellipsoid", func(z []float64) float64 {
		sum := 0.0
		for i, v := range z {
			sum += math.Pow(10, 6*float64(i)/float64(len(z)-1)) * v * v
		}
		return sum
	}},
	{"rosenbrock", func(z []float64) float64 {
		sum := 0.0
		for i := range len(z) - 1 {
			a, b := z[i]+1, z[i+1]+1
			sum += 100*(a*a-b)*(a*a-b) + (1-a)*(1-a)
		}
		return sum
	}},
	{"rastrigin", func(z []float64) float64 {
		sum := 0.0
		for _, v := range z {
			sum += v*v + 10*(1-math.Cos(2*math.Pi*v))
		}
		return sum
	}},
}

// noises add to a loss what its expectation does not have.
var noises = []struct {
	name     string
	add, rel float64 // standard deviations, of which one is multiplied by the loss
}{
	{"+ N(0, 1)", 1, 0}, {"(1 + N(0, 1))", 0, 1}, {"(1 + 0.3 N(0, 1))", 0, 0.3},
}

// cells are all of them: twelve of functions, with so many evaluations, and the pendulum.
func cells(evaluations int64) (all []cell) {
	for _, n := range noises {
		for _, f := range functions {
			value := func(x []float64, run int) float64 {
				z := make([]float64, len(x))
				for i, v := range x {
					z[i] = v - shift(run, i)
				}
				return f.of(z)
			}
			all = append(all, cell{
				name: f.name + " " + n.name, problem: optimizer.Box(dim, -5, 5), evaluations: evaluations, replicates: 1, true: value,
				noisy: func(x []float64, run int, seed uint64) float64 {
					v := value(x, run)
					return v + (n.add+n.rel*v)*rand.New(rand.NewPCG(seed, 0)).NormFloat64()
				},
			})
		}
	}
	return append(all, cell{
		name: "pendulum", problem: optimizer.Box(hidden*5+1, -3, 3), evaluations: 4000, replicates: 4,
		noisy: func(x []float64, _ int, seed uint64) float64 { return swing(x, seed) },
		true: func(x []float64, run int) float64 {
			const starts = 4000
			sum := 0.0
			for i := range uint64(starts) {
				sum += swing(x, 1<<63+uint64(run)<<32+i) / starts
			}
			return sum
		},
	})
}

// hidden is the number of neurons of the pendulum's controller.
const hidden = 8

// swing is the cost of 200 steps of a pendulum that is to be swung up and held, from a start that depends on the seed, under a controller of one hidden
// layer with the weights w: the equations and the cost of Gymnasium's Pendulum-v1.
func swing(w []float64, seed uint64) (cost float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	angle, speed := math.Pi*(2*rng.Float64()-1), 2*rng.Float64()-1
	for range 200 {
		torque := w[len(w)-1]
		for k := range hidden {
			row := w[5*k : 5*k+5]
			torque += row[4] * math.Tanh(row[0]*math.Cos(angle)+row[1]*math.Sin(angle)+row[2]*speed/4+row[3])
		}
		torque = 2 * math.Tanh(torque)
		off := math.Mod(angle+math.Pi, 2*math.Pi)
		if off < 0 {
			off += 2 * math.Pi
		}
		off -= math.Pi
		cost += off*off + 0.1*speed*speed + 0.001*torque*torque
		speed = min(max(speed+(15*math.Sin(angle)+3*torque)*0.05, -8), 8)
		angle += speed * 0.05
	}
	return cost
}
