package cmaes

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// An individual beyond the bounds is evaluated at the nearest point of the box, and taught as it was drawn: so a search whose optimum lies on bounds
// comes to lie on them exactly, and goes on as one of the other coordinates. What it needs for that:
//
//   - Near a bound the mean may leave the box, but only as far as some individuals still lie within: keepNear.
//   - As long as it lies well within, individuals beyond the bounds are drawn again, as there is no need to cut them: mayRedraw.
//   - A coordinate in which individuals are cut says little of whether steps are too long or too short, so the path of σ takes it for less: bounded.
//
// No loss is changed, so no scale of losses is needed.
const (
	redraws = 9
	nearby  = 0.3 // deviations from a bound at which individuals beyond it are no longer drawn again
)

// outside returns how far u lies beyond the bounds, or nil if it is within.
func (e *strategy) outside(u []float64) (out []float64) {
	for j, v := range u {
		if d := v - min(max(v, e.lower[j]), e.upper[j]); d != 0 {
			if out == nil {
				out = make([]float64, len(u))
			}
			out[j] = d
		}
	}
	return out
}

// mayRedraw reports whether the mean lies well within all bounds that an individual is beyond.
func (e *strategy) mayRedraw(out, deviations []float64) bool {
	s := &e.state
	for j, d := range out {
		if d != 0 && min(s.Mean[j]-e.lower[j], e.upper[j]-s.Mean[j]) < nearby*s.Sigma*deviations[j] {
			return false
		}
	}
	return true
}

// keepNear moves the mean of continuous coordinates back to where individuals lie within the bounds with a probability of 1/(n+2) at least: as the
// margin of whole numbers (see keepMargin) it keeps a way back open. Where all coordinates are on bounds, one individual of three lies on all of
// them; with a higher probability the search would not come to rest there, with a lower one it would find the way back late.
func (e *strategy) keepNear(deviations []float64) {
	s := &e.state
	quantile := normal.UpperQuantile(1 / float64(len(e.ordered)+2))
	for j, i := range e.ordered {
		if e.problem.Coords[i].Kind == optimizer.Continuous {
			furthest := quantile * s.Sigma * deviations[j]
			s.Mean[j] = min(max(s.Mean[j], e.lower[j]-furthest), e.upper[j]+furthest)
		}
	}
}

// bounded returns what the path of σ learns from a step y, which is the weighted mean of the individuals' steps: A⁻¹F y, F being the parts of the
// individuals that lie within the bounds, in each coordinate. It is lengthened so that the steps of individuals that were chosen at random
// would have the length that the path compares with.
func (e *strategy) bounded(y []float64, ranked []trial) []float64 {
	model, n := e.state.Shape.model(), len(y)
	part := make([]float64, n)
	for _, t := range ranked {
		for j := range part {
			if t.Out == nil || t.Out[j] == 0 {
				part[j] += 1 / float64(len(ranked))
			}
		}
	}
	step, squares := make([]float64, n), 0.0
	for _, t := range ranked {
		floats.MulTo(step, part, t.drawn())
		model.whiten(step)
		squares += floats.Dot(step, step) / float64(len(ranked))
	}
	floats.MulTo(step, part, y)
	model.whiten(step)
	if squares > 0 {
		floats.Scale(math.Sqrt(float64(n)/squares), step)
	}
	return step
}
