package optimizer

import (
	"cmp"
	"slices"
)

// Hypervolume is the volume of what points dominate up to the reference point, the usual measure of a front: the larger the better. Points
// that are not below the reference in every objective add nothing. points is n×M, reference has M entries; neither is changed.
//
// It is exact: the recursion over exclusive volumes of While, Bradstreet and Barone 2012 (WFG), doi 10.1109/TEVC.2010.2077298, which drops
// one objective at each step, down to three. O(n log n) for two objectives, O(n²) for three, and exponential in their number:
// hundreds of points are quick up to five.
func Hypervolume(points [][]float64, reference []float64) float64 {
	var inside [][]float64
	for _, p := range points {
		below := true
		for k, r := range reference {
			below = below && p[k] < r
		}
		if below {
			inside = append(inside, p)
		}
	}
	return volume(inside, reference)
}

// volume is Hypervolume for points below the reference, which it reorders.
func volume(points [][]float64, reference []float64) float64 {
	last := len(reference) - 1
	switch {
	case len(points) == 0:
		return 0
	case last == 0:
		return reference[0] - slices.MinFunc(points, slices.Compare)[0]
	case last == 1:
		slices.SortFunc(points, slices.Compare)
		return area(points, reference)
	case last == 2:
		return stack(points, reference)
	}
	// Each point adds what it dominates and the later ones do not. The later ones are smaller in the last objective, so that within the
	// volume of the point there is nothing left to tell along it.
	slices.SortFunc(points, func(a, b []float64) int { return cmp.Compare(b[last], a[last]) })
	sum := 0.0
	for i, p := range points {
		own := 1.0
		for k, v := range p[:last] {
			own *= reference[k] - v
		}
		limited := make([][]float64, 0, len(points)-i-1)
		for _, q := range points[i+1:] {
			corner := make([]float64, last)
			for k := range corner {
				corner[k] = max(p[k], q[k])
			}
			limited = append(limited, corner)
		}
		sum += (reference[last] - p[last]) * (own - volume(minimal(limited), reference[:last]))
	}
	return sum
}

// stack is volume for three objectives: the sum of the slices between one point's height and the next one's.
func stack(points [][]float64, reference []float64) float64 {
	slices.SortFunc(points, func(a, b []float64) int { return cmp.Compare(a[2], b[2]) })
	var below [][]float64 // the points up to the present height, sorted
	sum := 0.0
	for i, p := range points {
		at, _ := slices.BinarySearchFunc(below, p, slices.Compare)
		below = slices.Insert(below, at, p)
		next := reference[2]
		if i+1 < len(points) {
			next = points[i+1][2]
		}
		sum += area(below, reference) * (next - p[2])
	}
	return sum
}

// area is the area that sorted points dominate in their first two objectives.
func area(points [][]float64, reference []float64) float64 {
	sum, top := 0.0, reference[1]
	for _, p := range points {
		if p[1] < top {
			sum += (reference[0] - p[0]) * (top - p[1])
			top = p[1]
		}
	}
	return sum
}

// minimal returns the points that no other dominates, each once.
func minimal(points [][]float64) [][]float64 {
	slices.SortFunc(points, slices.Compare)
	kept := points[:0]
	for _, p := range points { // one that dominates p, or equals it, comes before it
		if !slices.ContainsFunc(kept, func(q []float64) bool { return Dominates(q, p) || slices.Equal(q, p) }) {
			kept = append(kept, p)
		}
	}
	return kept
}
