package kit

import (
	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Average is the mean of a sequence of vectors in which late ones count more: the t-th with about t³. Where noise has the centre of a search wander
// around the optimum, the average of its last stretch is nearer to it than the centre itself. It needs no memory of the sequence, and no decision
// on where the stretch begins (polynomial-decay averaging: Shamir and Zhang 2013, Stochastic Gradient Descent for Non-smooth Optimization, ICML,
// section 4). It is part of an algorithm's state; the zero Average is that of nothing.
type Average struct {
	T int          // vectors
	X codec.Vector // their mean; nil of none
}

// decay is the exponent, η in the paper.
const decay = 3

// Add takes one more vector in: x̄ ← (1 − (η+1)/(t+η)) x̄ + (η+1)/(t+η) x.
func (a *Average) Add(x []float64) {
	if len(a.X) != len(x) {
		a.T, a.X = 0, make([]float64, len(x))
	}
	a.T++
	share := float64(decay+1) / float64(a.T+decay)
	floats.Scale(1-share, a.X)
	floats.AddScaled(a.X, share, x)
}
