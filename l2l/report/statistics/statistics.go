// Package statistics has what figures of a run are computed by: quantiles, rank correlation, the importance of parameters, and tests of which
// of several runs are better. Everything is deterministic; what is drawn is drawn from a seed.
package statistics

import (
	"cmp"
	"math"
	"slices"
)

// Quantile is the p-quantile, 0 <= p <= 1, of values in ascending order, linear between them; NaN of none.
func Quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := p * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(low)
	if part == 0 {
		return sorted[low]
	}
	return sorted[low]*(1-part) + sorted[low+1]*part
}

// Ranks are the ranks of values, from 1 on; equal ones share the mean of theirs.
func Ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranks := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			ranks[k] = float64(i+j+1) / 2
		}
		i = j
	}
	return ranks
}

// Spearman is the rank correlation of two columns of the same length, in [-1, 1]; NaN where one of them does not vary.
func Spearman(x, y []float64) float64 { return pearson(Ranks(x), Ranks(y)) }

func pearson(x, y []float64) float64 {
	n := float64(len(x))
	var mx, my, xx, yy, xy float64
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	for i := range x {
		xx += (x[i] - mx) * (x[i] - mx)
		yy += (y[i] - my) * (y[i] - my)
		xy += (x[i] - mx) * (y[i] - my)
	}
	if xx == 0 || yy == 0 {
		return math.NaN()
	}
	return min(max(xy/math.Sqrt(xx*yy), -1), 1)
}
