package optimizer

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// Dominates reports whether loss a is nowhere larger than b, and smaller in at least one objective.
func Dominates(a, b []float64) bool {
	smaller := false
	for k := range a {
		if a[k] > b[k] {
			return false
		}
		smaller = smaller || a[k] < b[k]
	}
	return smaller
}

// Fronts sorts losses into fronts: the first holds the indices of those that no other dominates, the second of those that only losses of
// the first dominate, and so on; each in ascending order. It is the efficient non-dominated sort with binary search of Zhang, Tian,
// Cheng and Jin 2015, doi 10.1109/TEVC.2014.2308305: in lexicographic order no loss is dominated by a later one, so that each
// belongs to the first front of which no member dominates it. O(Mn log n) to O(Mn²) for n losses of M objectives.
func Fronts(losses [][]float64) [][]int {
	order := make([]int, len(losses))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(losses[a], losses[b]) })
	var sorted [][]int
	for _, i := range order {
		at := sort.Search(len(sorted), func(f int) bool {
			for _, j := range slices.Backward(sorted[f]) { // the last ones are the most alike
				if Dominates(losses[j], losses[i]) {
					return false
				}
			}
			return true
		})
		if at == len(sorted) {
			sorted = append(sorted, nil)
		}
		sorted[at] = append(sorted[at], i)
	}
	for _, f := range sorted {
		slices.Sort(f)
	}
	return sorted
}

// Normalised returns the losses moved and scaled so that each objective goes from 0, for the smallest, to 1; an objective that does not
// vary is 0.
func Normalised(losses [][]float64) [][]float64 {
	out := make([][]float64, len(losses))
	for i, l := range losses {
		out[i] = make([]float64, len(l))
	}
	for k := range losses[0] {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, l := range losses {
			lo, hi = min(lo, l[k]), max(hi, l[k])
		}
		if hi > lo {
			for i, l := range losses {
				out[i][k] = (l[k]/2 - lo/2) / (hi/2 - lo/2) // halves, as the range of huge numbers is infinite
			}
		}
	}
	return out
}

// Front is what Status.Front shows: solutions of which none dominates another, in the order of their IDs.
type Front []Solution

// MaxFront is how many solutions a front keeps. More say nothing to people, and the state of a search must not grow with it.
const MaxFront = 256

// Add takes a solution in, and gives up those that it dominates. Of equal losses the one with the smallest ID stays, so that the order of
// adding does not matter.
func (f *Front) Add(s Solution) {
	for _, g := range *f {
		if Dominates(g.Loss, s.Loss) || g.ID < s.ID && slices.Equal(g.Loss, s.Loss) {
			return
		}
	}
	kept := slices.DeleteFunc(*f, func(g Solution) bool { return Dominates(s.Loss, g.Loss) || slices.Equal(g.Loss, s.Loss) })
	at, _ := slices.BinarySearchFunc(kept, s.ID, func(g Solution, id int64) int { return cmp.Compare(g.ID, id) })
	*f = slices.Insert(kept, at, Solution{ID: s.ID, X: slices.Clone(s.X), Loss: slices.Clone(s.Loss)})
}

// Prune brings a front that has more than limit members back to MaxFront of them.
func (f *Front) Prune(limit int) {
	if len(*f) > limit {
		*f = Spread(*f, MaxFront)
	}
}

// Spread chooses at most n of the solutions, in their order, so that their losses are well spread: the ones with the smallest loss in
// each objective, and then again and again the one farthest from all chosen, where each objective is measured by its range (greedy
// choice of centres: Gonzalez 1985, doi 10.1016/0304-3975(85)90224-5). O(n) for each solution.
func Spread(solutions []Solution, n int) []Solution {
	if len(solutions) <= n {
		return solutions
	}
	losses := make([][]float64, len(solutions))
	for i, s := range solutions {
		losses[i] = s.Loss
	}
	losses = Normalised(losses)
	distance := slices.Repeat([]float64{math.Inf(1)}, len(losses)) // squared, to the nearest one chosen, which is at −1
	chosen := 0
	choose := func(c int) {
		if chosen == n || distance[c] < 0 {
			return
		}
		chosen++
		for i, l := range losses {
			sum := 0.0
			for k, v := range l {
				sum += (v - losses[c][k]) * (v - losses[c][k])
			}
			distance[i] = min(distance[i], sum)
		}
		distance[c] = -1
	}
	for k := range losses[0] {
		smallest := 0
		for i, l := range losses {
			if l[k] < losses[smallest][k] {
				smallest = i
			}
		}
		choose(smallest)
	}
	for chosen < n {
		farthest := 0
		for i, d := range distance {
			if d > distance[farthest] {
				farthest = i
			}
		}
		choose(farthest)
	}
	var out []Solution
	for i, s := range solutions {
		if distance[i] < 0 {
			out = append(out, s)
		}
	}
	return out
}
