package cmaes

import (
	"cmp"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// An individual beyond the bounds is drawn again, up to nine times. One that stays beyond them is evaluated at the nearest point of the box, and
// once the mean has left the box, a penalty for the distance is added to its loss. So the distribution is nearly the one that there would be
// without bounds as long as these do not matter, and stays near a bound if the optimum lies there (the penalty: Hansen, Niederberger, Guzzella and
// Koumoutsakos 2009, A Method for Handling Uncertainty in Evolutionary Optimization, doi 10.1109/TEVC.2008.924423).
const redraws = 9

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
	e.adaptPenalty(losses)
	s, n := &e.state, len(e.ordered)
	if s.Penalty.Weights == nil {
		return ranked
	}
	model, logs := s.Shape.model(), 0.0
	for j := range n {
		logs += math.Log(model.deviation(j)) / float64(n)
	}
	weights := make([]float64, n)
	for j, gamma := range s.Penalty.Weights { // γ/(n ξ), ξ = exp(0.9 (log C_jj − mean of log C))
		weights[j] = gamma / float64(n) / math.Exp(1.8*(math.Log(model.deviation(j))-logs))
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

// adaptPenalty sets the weights when the mean leaves the box for the first time, so that the penalty is of the size of the differences
// between losses, and raises those of coordinates in which it remains far outside.
func (e *strategy) adaptPenalty(losses []float64) {
	s, n := &e.state, len(e.ordered)
	p, model := &s.Penalty, s.Shape.model()
	spread := losses[3*len(losses)/4] - losses[len(losses)/4]
	p.Spreads = last(append(p.Spreads, spread), 20+3*n/len(e.k.weights))
	out := e.outside(s.Mean)
	if out == nil {
		return
	}
	if p.Weights == nil {
		variance := 0.0
		for j := range n {
			variance += model.deviation(j) * model.deviation(j) / float64(n)
		}
		gamma := 2 * medianOf(p.Spreads) / (s.Sigma * s.Sigma * variance)
		if gamma == 0 || math.IsInf(gamma, 0) || math.IsNaN(gamma) {
			return // a flat loss tells nothing of its size
		}
		p.Weights = slices.Repeat([]float64{gamma}, n)
	}
	far := 3 * s.Sigma * max(1, math.Sqrt(float64(n))/e.k.muEff)
	for j, d := range out {
		if math.Abs(d) > far*model.deviation(j) {
			p.Weights[j] *= math.Pow(1.1, max(1, e.k.muEff/float64(10*n)))
		}
	}
}
