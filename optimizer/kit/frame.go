package kit

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// Frame is the space in which an algorithm with continuous distributions works: vectors u of real numbers, without bounds, in which every
// coordinate of the problem has width 1, so that one step size suits all. Numbers are folded into their bounds (see boundary) or clipped to
// them, whole numbers after that rounded. The choices of a categorical coordinate have no order that a number could follow, so if there
// are more than two, each has a number of its own, and the largest wins.
//
// Folding keeps the loss a function of u without plateaus: right for an algorithm that learns from the u that it has drawn. Clipping is
// right for one that learns from individuals, which know no u beyond the bounds: only so can their mean come to lie on a bound.
type Frame struct {
	// Problem is what the frame was made for; read-only.
	Problem optimizer.Problem
	// Floor holds, for each number of u, the standard deviation below which a whole number or a choice would hardly ever change; 0 for
	// continuous ones. It is read-only.
	Floor []float64

	fold Fold
	axes []axis // one for each coordinate
}

// Fold says what a frame does with numbers beyond the bounds.
type Fold bool

// The two ways: see [Frame].
const (
	Folded  Fold = true
	Clipped Fold = false
)

// axis is how a coordinate lies in the frame: its value is origin + width · u, folded or clipped into the bounds.
type axis struct {
	bounds        boundary
	origin, width float64 // the origin is the lower bound, or the initial mean where there is none
	from, to      float64 // for continuous coordinates: where bounds.inside is the identity
	choices       int     // numbers that the coordinate has, if it has one for each choice; else 0
}

// NewFrame makes the frame of a problem.
func NewFrame(problem optimizer.Problem, fold Fold) *Frame {
	f := &Frame{Problem: problem, fold: fold, axes: make([]axis, problem.Dim())}
	discrete := 0
	for _, c := range problem.Coords {
		if c.Kind != optimizer.Continuous {
			discrete++
		}
	}
	// Whole numbers around the mean, and choices that lead by 1, together change in one individual of ten.
	change := 0.1 / float64(max(1, discrete))
	for i, c := range problem.Coords {
		a := axis{origin: c.Lower, width: c.Width()}
		if math.IsInf(c.Lower, 0) {
			a.origin = c.Mean
		}
		half := 0.0
		if c.Kind != optimizer.Continuous {
			half = 0.5 // so that rounding gives the outermost values their share
		}
		a.bounds = newBoundary((c.Lower-half-a.origin)/a.width, (c.Upper+half-a.origin)/a.width, 1)
		switch {
		case c.Kind == optimizer.Continuous:
			a.from, a.to = a.bounds.lower+a.bounds.margin, a.bounds.upper-a.bounds.margin
			f.Floor = append(f.Floor, 0)
		case c.Kind == optimizer.Integer || c.Upper == 1:
			a.from, a.to = math.Inf(1), math.Inf(-1)
			f.Floor = append(f.Floor, 0.5/normal.Quantile(1-change/2)/a.width)
		default:
			a.choices = int(c.Upper) + 1
			for range a.choices { // the difference of two numbers has √2 times their standard deviation
				f.Floor = append(f.Floor, 1/math.Sqrt2/normal.Quantile(1-change/c.Upper))
			}
		}
		f.axes[i] = a
	}
	return f
}

// Dim is the length of u.
func (f *Frame) Dim() int { return len(f.Floor) }

// Point returns the individual at u.
func (f *Frame) Point(u []float64) []float64 {
	x := make([]float64, len(f.axes))
	at := 0
	for i := range f.axes {
		a := &f.axes[i]
		switch {
		case a.choices > 0:
			x[i] = float64(floats.MaxIdx(u[at : at+a.choices]))
			at += a.choices
			continue
		case u[at] >= a.from && u[at] <= a.to: // the usual case, which is worth being fast
			x[i] = a.origin + a.width*u[at]
		default:
			v := u[at]
			if f.fold {
				v = a.bounds.inside(v)
			}
			x[i] = f.Problem.Coords[i].Clip(a.origin + a.width*v)
		}
		at++
	}
	return x
}

// Preimage returns the u whose individual is x, apart from rounding, for x in the problem's box.
func (f *Frame) Preimage(x []float64) []float64 {
	u := make([]float64, 0, f.Dim())
	for i, a := range f.axes {
		if a.choices > 0 {
			u = append(u, make([]float64, a.choices)...)
			u[len(u)-a.choices+int(x[i])] = 1
		} else {
			u = append(u, f.number(i, x[i]))
		}
	}
	return u
}

// number is the number of u that stands for the value x of coordinate i.
func (f *Frame) number(i int, x float64) float64 {
	a := &f.axes[i]
	u := (x - a.origin) / a.width
	if f.fold {
		u = a.bounds.preimage(u)
	}
	return u
}

// Start returns the u to begin at: the mean of each coordinate that has one; for others the centre of the box, or, where it is "random", a
// random point in its middle 80 %. No choice is preferred.
func (f *Frame) Start(where string, rng *rand.Rand) []float64 {
	u := make([]float64, 0, f.Dim())
	for i, a := range f.axes {
		c := f.Problem.Coords[i]
		x := (c.Lower + c.Upper) / 2
		switch {
		case a.choices > 0:
			u = append(u, make([]float64, a.choices)...)
			continue
		case c.Std > 0:
			x = min(max(c.Mean, c.Lower), c.Upper)
		case where == "random":
			x = c.Lower + (c.Upper-c.Lower)*(0.1+0.8*rng.Float64())
		}
		u = append(u, f.number(i, x))
	}
	return u
}

// Reflect puts what has left the bounds back onto them, with half its velocity, turned round.
func (f *Frame) Reflect(u, v []float64) {
	at := 0
	for _, a := range f.axes {
		if a.choices > 0 {
			at += a.choices
			continue
		}
		if u[at] < a.bounds.lower || u[at] > a.bounds.upper {
			u[at], v[at] = min(max(u[at], a.bounds.lower), a.bounds.upper), -v[at]/2
		}
		at++
	}
}
