package abc

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Regression adjustment (Beaumont, Zhang and Balding 2002, doi 10.1093/genetics/162.4.2025): the sample's outputs differ from their targets, and so
// its parameters differ from those of the posterior. How the one follows from the other is seen within the sample, as a regression of the
// parameters on the differences, and is taken back.

// adjusted returns the points and weights of a complete sample, moved to where they would lie if their outputs were their targets, and the
// factor by which that has made the sample narrower, the geometric mean over the coordinates that move. ok is false where nothing can be
// learnt: the model has no outputs, or too many for so small a sample.
//
// Weights are multiplied by the kernel of Epanechnikov, 1 − (d/ε)², where the losses are distances, that is, not negative. Continuous coordinates
// between two bounds are adjusted as their logits, so that they stay there; whole numbers and choices are not. The residuals are widened by what
// a regression on so many outputs makes them too narrow.
func (o *Search) adjusted(weights []float64) (points [][]float64, w []float64, narrower float64, ok bool) {
	sample, outputs := o.s.Sample, o.problem.Outputs
	if outputs == 0 || len(sample[0].Gap) != outputs {
		return nil, nil, 1, false
	}
	w = make([]float64, len(weights))
	sum, squares := 0.0, 0.0
	for i, p := range sample {
		w[i] = weights[i]
		if part := p.Loss[0] / o.threshold(); sample[0].Loss[0] >= 0 && o.threshold() > 0 {
			w[i] *= 1 - part*part
		}
		sum += w[i]
		squares += w[i] * w[i]
	}
	freedom := sum * sum / squares // individuals that the sample is worth
	if !(sum > 0) || float64(outputs+1) > freedom/2 {
		return nil, nil, 1, false
	}
	// Rows are weighted by √w; columns are centred, so that no intercept is needed, and have the length 1 where they vary.
	differences := mat.NewDense(len(sample), outputs, nil)
	column := make([]float64, len(sample))
	scale := make([]float64, outputs)
	means := make([]float64, outputs)
	for k := range outputs {
		for i, p := range sample {
			column[i] = p.Gap[k]
		}
		mean, variance := stat.PopMeanVariance(column, w)
		means[k], scale[k] = mean, math.Sqrt(variance)
		for i := range sample {
			if scale[k] > 0 {
				differences.Set(i, k, math.Sqrt(w[i]/sum)*(column[i]-mean)/scale[k])
			}
		}
	}
	var factors mat.SVD
	if !factors.Factorize(differences, mat.SVDThin) {
		return nil, nil, 1, false
	}
	rank := 0
	for _, v := range factors.Values(nil) {
		if v > 1e-6 {
			rank++
		}
	}
	points = make([][]float64, len(sample))
	for i, p := range sample {
		points[i] = append([]float64(nil), p.X...)
	}
	if rank == 0 {
		return points, w, 1, true
	}
	widen := math.Sqrt(freedom / (freedom - float64(rank) - 1))
	logs, moved := 0.0, 0
	var slopes mat.Dense
	for j, c := range o.problem.Coords {
		if c.Kind != optimizer.Continuous {
			continue
		}
		for i, p := range sample {
			column[i] = unbounded(c, p.X[j])
		}
		mean, before := stat.PopMeanVariance(column, w)
		if before == 0 {
			continue
		}
		right := mat.NewDense(len(sample), 1, nil)
		for i := range sample {
			right.Set(i, 0, math.Sqrt(w[i]/sum)*(column[i]-mean))
		}
		factors.SolveTo(&slopes, right, rank)
		centre := mean // where the outputs are their targets
		for k := range outputs {
			if scale[k] > 0 {
				centre -= slopes.At(k, 0) * means[k] / scale[k]
			}
		}
		after := 0.0
		for i, p := range sample {
			residual := column[i] - mean
			for k := range outputs {
				if scale[k] > 0 {
					residual -= slopes.At(k, 0) * (p.Gap[k] - means[k]) / scale[k]
				}
			}
			residual *= widen
			after += w[i] / sum * residual * residual
			points[i][j] = bounded(c, centre+residual)
		}
		logs += math.Log(after/before) / 2
		moved++
	}
	for i := range w {
		w[i] /= sum
	}
	return points, w, math.Exp(logs / float64(max(moved, 1))), true
}

// unbounded is the logit of where a value lies between two bounds; with one or none, the value.
func unbounded(c optimizer.Coordinate, x float64) float64 {
	if math.IsInf(c.Lower, 0) || math.IsInf(c.Upper, 0) {
		return x
	}
	part := min(max((x-c.Lower)/(c.Upper-c.Lower), 1e-12), 1-1e-12)
	return math.Log(part / (1 - part))
}

// bounded is the inverse of unbounded.
func bounded(c optimizer.Coordinate, u float64) float64 {
	if math.IsInf(c.Lower, 0) || math.IsInf(c.Upper, 0) {
		return c.Clip(u)
	}
	return c.Clip(c.Lower + (c.Upper-c.Lower)/(1+math.Exp(-u)))
}

// tightening is how much narrower the nearer half of the sample is than all of it, the geometric mean over the coordinates that are no choices:
// where the threshold is small beside what the model scatters, it is 1.
func (o *Search) tightening(weights []float64) float64 {
	half := len(o.s.Sample) / 2
	column := make([]float64, len(o.s.Sample))
	logs, n := 0.0, 0
	for j, c := range o.problem.Coords {
		for i, p := range o.s.Sample {
			column[i] = p.X[j]
		}
		_, all := stat.PopMeanVariance(column, weights)
		if _, near := stat.PopMeanVariance(column[:half], weights[:half]); c.Kind != optimizer.Categorical && all > 0 && near > 0 {
			logs += math.Log(near/all) / 2
			n++
		}
	}
	return math.Exp(logs / float64(max(n, 1)))
}

// What a posterior has to be worth for people to trust it.
const (
	leastSize      = 50   // individuals that its weights make it worth
	mostAcceptance = 0.2  // while more of the new individuals are nearer, the threshold still falls fast
	leastNarrower  = 0.5  // to what share of its width the regression may take it: a straight line is right for small differences
	leastTight     = 0.95 // to what share of its width the nearer half may take it, less three standard errors

	// In n dimensions half of a ball's volume lies beyond 0.5^(1/n) of its radius: with more parameters the nearer half is hardly nearer, and says
	// nothing of a sample that is too wide (bench/results/searches.txt has 1.4 times, of five parameters, which it did not notice).
	mostUnadjusted = 3
)

// doubts says why the posterior is not to be trusted; "" where nothing speaks against it.
func (o *Search) doubts(size, narrower, tight float64, isAdjusted bool) string {
	freedom := max(size, 1) * float64(o.problem.Dim())
	switch {
	case size < leastSize:
		return fmt.Sprintf("by its weights the sample is worth %.0f individuals, want %d: raise particles", size, leastSize)
	case o.s.Acceptance > mostAcceptance:
		return fmt.Sprintf("of the last new individuals %.0f %% were nearer than the threshold, want %.0f %% at most: it still falls, and the "+
			"posterior gets narrower; go on for more generations", 100*o.s.Acceptance, 100*mostAcceptance)
	case isAdjusted && narrower < leastNarrower:
		return fmt.Sprintf("the regression on the model's outputs made it narrower by a factor of %.2g, want %.2g at least: the threshold is too large "+
			"for a straight line; go on with a smaller min_acceptance, or more particles", narrower, leastNarrower)
	case !isAdjusted && tight < leastTight-3/math.Sqrt(4*freedom):
		return fmt.Sprintf("the nearer half of the sample is narrower than all of it by a factor of %.2g: the threshold is too large, and the posterior "+
			"too wide; go on with a smaller min_acceptance, or give the model outputs and targets, on which it can be adjusted", tight)
	case !isAdjusted && o.problem.Dim() > mostUnadjusted:
		return fmt.Sprintf("it has %d parameters and a distance alone, by which a posterior of more than %d is too wide, and by how much the sample cannot "+
			"tell: give the model outputs and targets, on which it can be adjusted", o.problem.Dim(), mostUnadjusted)
	}
	return ""
}
