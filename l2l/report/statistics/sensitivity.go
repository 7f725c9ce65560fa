package statistics

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// FirstOrder are the first-order sensitivity indices of y: of each column, what part of the variance of y is explained by that column alone, from 0 to
// 1 (Sobol' 1993; estimated from any sample of independent columns by the means of y in classes of the column, Plischke, Borgonovo and Smith 2013,
// doi 10.1016/j.ejor.2012.11.047, section 3). As each class mean has an error, so has the variance of these means; it is taken off as in the adjusted coefficient of
// determination. NaN where y does not vary or there are fewer than four rows to a class.
func FirstOrder(columns []Column, y []float64) []float64 {
	out := make([]float64, len(columns))
	for k, c := range columns {
		of, n := classes(c)
		out[k] = explained(of, n, y, nil)
	}
	return out
}

// FirstOrderResampled are, by column, indices of resamples of the rows with replacement (the bootstrap).
func FirstOrderResampled(columns []Column, y []float64, resamples int, seed uint64) [][]float64 {
	rng := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	out := make([][]float64, len(columns))
	of, n := make([][]int, len(columns)), make([]int, len(columns))
	for k, c := range columns {
		of[k], n[k] = classes(c)
	}
	rows := make([]int, len(y))
	for range resamples {
		for i := range rows {
			rows[i] = rng.IntN(len(y))
		}
		for k := range columns {
			out[k] = append(out[k], explained(of[k], n[k], y, rows))
		}
	}
	return out
}

// classes puts each row of a column into one of n classes: a choice each, or as many equally filled ones as is a compromise between the error of their
// means, which few classes keep small, and what varies within them.
func classes(c Column) (of []int, n int) {
	rows := len(c.Values)
	of = make([]int, rows)
	if c.Choices > 0 {
		for i, v := range c.Values {
			of[i] = min(max(int(v), 0), c.Choices-1)
		}
		return of, c.Choices
	}
	order := make([]int, rows)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.Values[a], c.Values[b]) })
	n = max(2, int(2*math.Cbrt(float64(rows))))
	for place, i := range order {
		of[i] = place * n / rows
		if place > 0 && c.Values[i] == c.Values[order[place-1]] { // equal values are in one class
			of[i] = of[order[place-1]]
		}
	}
	return of, n
}

// explained is the part of the variance of y, in some rows, nil being all, that its means in classes explain.
func explained(of []int, n int, y []float64, rows []int) float64 {
	count, sum := make([]float64, n), make([]float64, n)
	total, mean, square := 0.0, 0.0, 0.0
	add := func(i int) {
		count[of[i]]++
		sum[of[i]] += y[i]
		total++
		delta := y[i] - mean // Welford's way: y may be large beside what it varies by
		mean += delta / total
		square += delta * (y[i] - mean)
	}
	if rows == nil {
		for i := range y {
			add(i)
		}
	}
	for _, i := range rows {
		add(i)
	}
	between, filled := 0.0, 0.0
	for j := range count {
		if count[j] > 0 {
			d := sum[j]/count[j] - mean
			between += count[j] * d * d
			filled++
		}
	}
	if square == 0 || total < 4*filled {
		return math.NaN()
	}
	return min(max(1-(1-between/square)*(total-1)/(total-filled), 0), 1)
}
