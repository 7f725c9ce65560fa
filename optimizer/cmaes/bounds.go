package cmaes

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// An individual beyond the bounds is drawn again, up to nine times, and one that stays beyond them is evaluated at the nearest point of the box. There
// are two ways to learn from it then.
//
// Penalised, its loss has a penalty for the distance added once the mean has left the box. So the distribution is nearly the one that there would be
// without bounds as long as these do not matter, and stays near a bound if the optimum lies there (Hansen, Niederberger, Guzzella and Koumoutsakos
// 2009, A Method for Handling Uncertainty in Evolutionary Optimization, doi 10.1109/TEVC.2008.924423).
//
// Projected, it is taught as it was drawn, so that a search whose optimum lies on bounds comes to lie on them exactly, and goes on as one of the
// other coordinates. What that needs:
//
//   - Near a bound the mean may leave the box, but only as far as some individuals still lie within: keepNear.
//   - Individuals beyond the bounds are drawn again only as long as the mean lies well within: mayRedraw.
//   - A coordinate in which individuals are cut says little of whether steps are too long or too short, so the path of σ takes it for less: bounded.
//
// It takes a third to a half of the evaluations where the optimum lies on bounds, and in thousands of coordinates, where nearly every individual
// leaves the box, the penalty brings the search to a halt. But of a coordinate that lies beyond a bound few individuals see more than the bound: while
// steps are long that is so by chance, and with many local minima the search ends in a worse one (bench/results/bounds.txt).
//
// Adaptive, a coordinate is penalised as long as its deviation is a part of its width to speak of, and which valley the search ends in is still
// open; it is projected from there on.
const (
	adaptive  = "adaptive"
	penalised = "penalised"
	projected = "projected"

	redraws = 9
	nearby  = 0.3  // projected: deviations from a bound at which individuals beyond it are no longer drawn again
	local   = 0.05 // adaptive: the part of a coordinate's width below which a deviation is projected; with 0.03 and 0.1 it is much the same
)

// projects reports, for coordinate j, whether individuals beyond its bounds are projected, and not penalised.
func (e *strategy) projects(j int, deviations []float64) bool {
	if e.par.Bounds == adaptive {
		return e.state.Sigma*deviations[j] < local
	}
	return e.par.Bounds == projected
}

// penaltyState is what the penalty has come to.
type penaltyState struct {
	Weights codec.Vector // γ, len n; nil while the mean has not left the box
	Spreads codec.Vector // interquartile ranges of the losses of the last generations
}

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

// penalise ranks individuals anew by their losses, which ascend, with the penalty. Individuals beyond the length of losses have failed and
// stay last.
func (e *strategy) penalise(ranked []trial, losses []float64) []trial {
	s, n, deviations := &e.state, len(e.ordered), e.state.Shape.model().deviations()
	e.adaptPenalty(losses, deviations)
	if s.Penalty.Weights == nil {
		return ranked
	}
	logs := 0.0
	for j := range n {
		logs += math.Log(deviations[j]) / float64(n)
	}
	weights := make([]float64, n)
	for j, gamma := range s.Penalty.Weights { // 0 where it is projected, otherwise γ/(n ξ), ξ = exp(0.9 (log C_jj − mean of log C))
		if e.projects(j, deviations) {
			continue
		}
		weights[j] = gamma / float64(n) / math.Exp(1.8*(math.Log(deviations[j])-logs))
	}
	type penalised struct {
		trial
		loss float64
	}
	all := make([]penalised, len(losses))
	for i, loss := range losses {
		for j, d := range ranked[i].Out {
			loss += weights[j] * d * d
		}
		all[i] = penalised{ranked[i], loss}
	}
	slices.SortStableFunc(all, func(a, b penalised) int { return cmp.Compare(a.loss, b.loss) })
	ranked = slices.Clone(ranked)
	for i := range all {
		ranked[i] = all[i].trial
	}
	return ranked
}

// adaptPenalty sets the weights when the mean leaves the box for the first time in a coordinate that is penalised, so that the penalty is of the size
// of the differences between losses, and raises those of coordinates in which it remains far outside.
func (e *strategy) adaptPenalty(losses, deviations []float64) {
	s, n := &e.state, len(e.ordered)
	p := &s.Penalty
	spread := losses[3*len(losses)/4] - losses[len(losses)/4]
	p.Spreads = last(append(p.Spreads, spread), 20+3*n/len(e.k.weights))
	out, within := e.outside(s.Mean), true
	for j := range out {
		if e.projects(j, deviations) {
			out[j] = 0
		}
		within = within && out[j] == 0
	}
	if within {
		return
	}
	if p.Weights == nil {
		variance := 0.0
		for j := range n {
			variance += deviations[j] * deviations[j] / float64(n)
		}
		gamma := 2 * medianOf(p.Spreads) / (s.Sigma * s.Sigma * variance)
		if gamma == 0 || math.IsInf(gamma, 0) || math.IsNaN(gamma) {
			return // a flat loss tells nothing of its size
		}
		p.Weights = slices.Repeat([]float64{gamma}, n)
	}
	far := 3 * s.Sigma * max(1, math.Sqrt(float64(n))/e.k.muEff)
	for j, d := range out {
		if math.Abs(d) > far*deviations[j] {
			p.Weights[j] *= math.Pow(1.1, max(1, e.k.muEff/float64(10*n)))
		}
	}
}

// mayRedraw reports whether the mean lies well within all bounds that an individual is beyond and that are projected; for a penalty, individuals are
// always drawn again.
func (e *strategy) mayRedraw(out, deviations []float64) bool {
	s := &e.state
	for j, d := range out {
		if d != 0 && e.projects(j, deviations) && min(s.Mean[j]-e.lower[j], e.upper[j]-s.Mean[j]) < nearby*s.Sigma*deviations[j] {
			return false
		}
	}
	return true
}

// keepNear moves the mean of continuous coordinates that are projected back to where individuals lie within the bounds with a probability of 1/(n+2) at least: as the
// margin of whole numbers (see keepMargin) it keeps a way back open. Where all coordinates are on bounds, one individual of three lies on all of
// them; with a higher probability the search would not come to rest there, with a lower one it would find the way back late.
func (e *strategy) keepNear(deviations []float64) {
	s := &e.state
	quantile := normal.UpperQuantile(1 / float64(len(e.ordered)+2))
	for j, i := range e.ordered {
		if e.problem.Coords[i].Kind == optimizer.Continuous && e.projects(j, deviations) {
			furthest := quantile * s.Sigma * deviations[j]
			s.Mean[j] = min(max(s.Mean[j], e.lower[j]-furthest), e.upper[j]+furthest)
		}
	}
}

// bounded returns what the path of σ learns from a step y, which is the weighted mean of the individuals' steps: A⁻¹F y, F being the parts of the
// individuals that lie within the bounds, in each coordinate that is projected. It is lengthened so that the steps of individuals that were chosen at random
// would have the length that the path compares with.
func (e *strategy) bounded(y []float64, ranked []trial) []float64 {
	model, n := e.state.Shape.model(), len(y)
	deviations := model.deviations()
	part := make([]float64, n)
	for _, t := range ranked {
		for j := range part {
			if t.Out == nil || t.Out[j] == 0 || !e.projects(j, deviations) {
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
