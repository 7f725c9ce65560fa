package statistics

import (
	"cmp"
	"math"
	"slices"
)

// MannWhitney tests whether values of x are smaller, or larger, than those of y (Mann and Whitney 1947). smaller is the probability, as
// estimated, that a value of x is smaller than one of y, ties counting half; p is two-sided, exact without ties where both have at most 30 values, and
// else by the normal approximation with correction for ties and continuity. Without values, p is 1 and smaller is 1/2.
func MannWhitney(x, y []float64) (smaller, p float64) {
	n, m := len(x), len(y)
	if n == 0 || m == 0 {
		return 0.5, 1
	}
	all := slices.Concat(x, y)
	ranks := Ranks(all)
	sum := 0.0
	for _, r := range ranks[:n] {
		sum += r
	}
	u := sum - float64(n*(n+1))/2 // pairs in which x is the larger
	pairs := float64(n * m)
	smaller = 1 - u/pairs
	slices.Sort(all)
	ties := 0.0 // the sum of t^3 - t
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j] == all[i] {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	least := min(u, pairs-u)
	const exact = 30
	if ties == 0 && n <= exact && m <= exact {
		return smaller, min(1, 2*shareUpTo(n, m, int(least)))
	}
	total := float64(n + m)
	variance := pairs / 12 * (total + 1 - ties/(total*(total-1)))
	if variance <= 0 {
		return smaller, 1 // all values are equal
	}
	z := max(0, pairs/2-least-0.5) / math.Sqrt(variance)
	return smaller, min(1, math.Erfc(z/math.Sqrt2))
}

// shareUpTo is the share of the orders of n and m values in which the statistic U is at most u. The number of orders with a given U follows
// count(n, m, u) = count(n-1, m, u-m) + count(n, m-1, u): the largest of all values is one of x, or one of y.
func shareUpTo(n, m, u int) float64 {
	size := n*m + 1
	rows := make([][]float64, m+1) // by the number of y, at the present number of x
	for j := range rows {
		rows[j] = make([]float64, size)
		rows[j][0] = 1
	}
	for range n {
		next := make([][]float64, m+1)
		next[0] = make([]float64, size)
		next[0][0] = 1
		for j := 1; j <= m; j++ {
			next[j] = slices.Clone(next[j-1])
			for k := j; k < size; k++ {
				next[j][k] += rows[j][k-j]
			}
		}
		rows = next
	}
	below, all := 0.0, 0.0
	for k, c := range rows[m] {
		all += c
		if k <= u {
			below += c
		}
	}
	return below / all
}

// Holm corrects the p values of several tests for their number (Holm 1979): that of a test is then the smallest level at which it is
// rejected while any false rejection among all is no more likely than the level.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	least := 0.0
	for k, i := range order {
		least = max(least, min(1, p[i]*float64(len(p)-k)))
		out[i] = least
	}
	return out
}
