package statistics

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Column is a coordinate of a sample.
type Column struct {
	Values  []float64 // numbers, or indexes of Choices
	Choices int       // 0 for a number
	Lower   float64   // bounds of a number; where they are not finite, those of the values
	Upper   float64
}

// cells is the number of equal parts in which densities of numbers are computed.
const cells = 50

// Importance says how much the values of each column differ between the good points of a sample and all of it: PED-ANOVA (Watanabe, Bansal and
// Hutter 2023, the Pearson divergence of the two densities, with all of the sample as the base), by Gaussian kernels on 50 cells. good holds the
// rows of the good points. The values are >= 0 and not normalised: 0 is a column whose values are the same among the good ones, up to chance.
func Importance(columns []Column, good []int) []float64 {
	out := make([]float64, len(columns))
	for k := range columns {
		c := newGrid(columns[k])
		out[k] = divergence(c.density(good), c.density(nil), float64(len(good))/float64(max(len(c.at), 1)))
	}
	return out
}

// Resampled are importances of columns in resamples of the rows with replacement, column by resample (the bootstrap), and by how much each
// column would appear to matter if it had no influence: the 0.95-quantile over draws of as many rows as are good. loss orders the rows; share of
// them are good.
func Resampled(columns []Column, loss []float64, share float64, resamples int, seed uint64) (resampled [][]float64, chance []float64) {
	rng := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	n := len(loss)
	resampled, null := make([][]float64, len(columns)), make([][]float64, len(columns))
	for range resamples {
		rows := make([]int, n)
		for i := range rows {
			rows[i] = rng.IntN(n)
		}
		drawn := make([]Column, len(columns))
		of := make([]float64, n)
		for k, c := range columns {
			drawn[k] = c
			drawn[k].Values = pick(c.Values, rows)
		}
		for i, r := range rows {
			of[i] = loss[r]
		}
		again, by := Importance(drawn, Good(of, share)), Importance(columns, rng.Perm(n)[:len(Good(loss, share))])
		for k := range columns {
			resampled[k], null[k] = append(resampled[k], again[k]), append(null[k], by[k])
		}
	}
	for _, column := range null {
		slices.Sort(column)
		chance = append(chance, Quantile(column, 0.95))
	}
	return resampled, chance
}

func pick(values []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}

// Good are the rows with the smallest losses: a share of all, and at least one.
func Good(loss []float64, share float64) []int {
	order := make([]int, len(loss))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case loss[a] < loss[b]:
			return -1
		case loss[a] > loss[b]:
			return 1
		}
		return 0
	})
	return order[:min(len(loss), max(1, int(math.Ceil(share*float64(len(loss))))))]
}

// grid is a column in cells.
type grid struct {
	at     []int // the cell of each row
	values []float64
	n      int
	kernel bool
	width  float64 // of a cell, in units of the whole range
}

func newGrid(c Column) grid {
	if c.Choices > 0 {
		g := grid{n: c.Choices, at: make([]int, len(c.Values))}
		for i, v := range c.Values {
			g.at[i] = min(max(int(v), 0), c.Choices-1)
		}
		return g
	}
	low, high := c.Lower, c.Upper
	if math.IsInf(low, 0) || math.IsNaN(low) {
		low = slices.Min(c.Values)
	}
	if math.IsInf(high, 0) || math.IsNaN(high) {
		high = slices.Max(c.Values)
	}
	g := grid{n: cells, kernel: true, width: 1.0 / cells, at: make([]int, len(c.Values)), values: make([]float64, len(c.Values))}
	for i, v := range c.Values {
		if high > low {
			g.values[i] = min(max((v-low)/(high-low), 0), 1)
		}
		g.at[i] = min(int(g.values[i]*cells), cells-1)
	}
	return g
}

// density is the probability of each cell among some rows; nil means all.
func (g grid) density(rows []int) []float64 {
	count := make([]float64, g.n)
	total, sum, square := 0.0, 0.0, 0.0
	add := func(i int) {
		count[g.at[i]]++
		total++
		if g.kernel {
			sum += g.values[i]
			square += g.values[i] * g.values[i]
		}
	}
	if rows == nil {
		for i := range g.at {
			add(i)
		}
	}
	for _, i := range rows {
		add(i)
	}
	if !g.kernel { // every choice is counted as if it had been drawn once more
		for i := range count {
			count[i] = (count[i] + 1) / (total + float64(g.n))
		}
		return count
	}
	// The bandwidth is Silverman's, and at least a cell.
	spread := math.Sqrt(max(0, square/total-sum*sum/total/total))
	if iqr := g.width * (quartile(count, 0.75*total) - quartile(count, 0.25*total)) / 1.34; iqr > 0 {
		spread = min(spread, iqr)
	}
	h := max(1.06*spread*math.Pow(total, -0.2), g.width) / g.width // in cells
	weight := make([]float64, g.n)
	for d := range weight {
		weight[d] = math.Exp(-0.5 * float64(d*d) / (h * h))
	}
	out := make([]float64, g.n)
	for from, c := range count {
		if c == 0 {
			continue
		}
		mass := 0.0 // of the kernel within the bounds
		for to := range out {
			mass += weight[abs(to-from)]
		}
		for to := range out {
			out[to] += c / total * weight[abs(to-from)] / mass
		}
	}
	return out
}

// quartile is where, in cells, the count of values has reached a number.
func quartile(count []float64, until float64) float64 {
	for i, c := range count {
		if until <= c {
			return float64(i) + until/max(c, 1)
		}
		until -= c
	}
	return float64(len(count))
}

func abs(i int) int { return max(i, -i) }

// divergence is the Pearson divergence of two densities: the mean over the base of (good/base - 1)^2. The good rows are among all, as that share of them, so
// that the base is at least this share of their density. Kernels of other widths would have it otherwise far from all rows, where the base is nearly 0.
func divergence(good, base []float64, share float64) float64 {
	sum := 0.0
	for i, b := range base {
		if b = max(b, share*good[i]); b > 0 {
			d := good[i]/b - 1
			sum += b * d * d
		}
	}
	return sum
}
