package kit

import "math"

// boundary maps the real line onto a coordinate's interval, so that a search with normal distributions never leaves the box: the
// identity inside, a parabola in a margin around each bound, which touches the bound smoothly, and periodic reflection
// beyond. With margin a at the lower bound l, u in [l−a, l+a] maps to l + (u−l+a)²/4a, and likewise at the upper one.
type boundary struct {
	lower, upper float64 // may be infinite
	margin       float64
}

// newBoundary makes the map for an interval of a coordinate whose natural length is width.
func newBoundary(lower, upper, width float64) boundary {
	return boundary{lower, upper, min((upper-lower)/2, width/20)}
}

// inside returns the image of u.
func (b boundary) inside(u float64) float64 {
	lo, hi := b.lower-b.margin, b.upper+b.margin
	if u >= b.lower+b.margin && u <= b.upper-b.margin {
		return u
	}
	if !math.IsInf(lo, 0) && !math.IsInf(hi, 0) && (u < lo || u > hi) {
		u = lo + math.Abs(math.Remainder(u-lo, 2*(hi-lo))) // reflected at both ends as often as needed
	} else if u < lo {
		u = 2*lo - u
	} else if u > hi {
		u = 2*hi - u
	}
	switch {
	case u < b.lower+b.margin:
		d := u - lo
		u = b.lower + d*d/(4*b.margin)
	case u > b.upper-b.margin:
		d := hi - u
		u = b.upper - d*d/(4*b.margin)
	}
	return min(max(u, b.lower), b.upper)
}

// preimage returns the u nearest to the interval with inside(u) = x, for x in the interval.
func (b boundary) preimage(x float64) float64 {
	switch {
	case x < b.lower+b.margin:
		return b.lower - b.margin + 2*math.Sqrt(b.margin*max(x-b.lower, 0))
	case x > b.upper-b.margin:
		return b.upper + b.margin - 2*math.Sqrt(b.margin*max(b.upper-x, 0))
	}
	return x
}
