package cmaes

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

var (
	_ optimizer.Recommender = (*Search)(nil)
	_ optimizer.Recommender = (*Async)(nil)
)

// settled is where a run has ended.
type settled struct {
	Points []codec.Vector // recommended
	Level  float64        // of the losses there
}

// levelled is the number of generations whose losses say how good a distribution is.
const levelled = 10

// level is how good the present distribution is: the median, over the last generations, of the median loss. Chance has less of a part in it than
// in the best loss. It is +Inf where nothing has been learnt yet.
func (e *strategy) level() float64 {
	recent := last(e.state.Past.Median, levelled)
	if len(recent) == 0 {
		return math.Inf(1)
	}
	return medianOf(recent)
}

// leads reports whether the present run has come further than those before it.
func (e *strategy) leads() bool { return e.state.Settled == nil || e.level() <= e.state.Settled.Level }

// individual is the individual at u, in the box and whole where it has to be, with the likeliest of each choice.
func (e *strategy) individual(u []float64) []float64 {
	x := make([]float64, e.problem.Dim())
	for j, i := range e.ordered {
		x[i] = e.problem.Coords[i].Clip(e.width[j] * u[j])
	}
	for a, i := range e.choices {
		x[i] = float64(floats.MaxIdx(e.state.Choice.Q[a]))
	}
	return x
}

// centres are the distribution's mean, and the average of its means, as individuals.
func (e *strategy) centres() []codec.Vector {
	return []codec.Vector{e.individual(e.state.Mean), e.individual(e.state.Average.X)}
}

// Recommend implements optimizer.Recommender: it is the mean of the distribution of the run that has come furthest, and the average of that run's
// means. With recombination the mean of good individuals is better than the best of them where losses are noisy (Arnold and Beyer 2002, doi
// 10.1023/A:1015059928466).
func (e *strategy) Recommend() [][]float64 {
	var points []codec.Vector
	switch {
	case e.state.Settled != nil && !e.leads():
		points = e.state.Settled.Points
	case e.state.Average.T > 0:
		points = e.centres()
	}
	out := make([][]float64, len(points))
	for i, x := range points {
		out[i] = slices.Clone(x)
	}
	return out
}
