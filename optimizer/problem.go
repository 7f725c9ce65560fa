package optimizer

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// Kind says what values a coordinate takes.
type Kind int

// The kinds. The zero Kind is Continuous.
const (
	Continuous  Kind = iota
	Integer          // whole numbers from Lower to Upper
	Categorical      // whole numbers from 0 to Upper, without an order
)

// Coordinate is one entry of the search vector.
type Coordinate struct {
	Kind         Kind
	Lower, Upper float64 // bounds, inclusive, Lower < Upper; infinite only where Std > 0
	Mean, Std    float64 // initial distribution: normal, cut at the bounds; Std = 0: uniform between the bounds
}

// Width is the coordinate's natural length: Upper − Lower where the initial distribution is uniform, and otherwise that of the
// uniform distribution with standard deviation Std. Step sizes are fractions of it, so that parameters of different units
// are searched alike.
func (c Coordinate) Width() float64 {
	if c.Std > 0 {
		return c.Std * math.Sqrt(12)
	}
	return c.Upper - c.Lower
}

// Clip returns x as a value that the coordinate may take.
func (c Coordinate) Clip(x float64) float64 {
	if c.Kind != Continuous {
		x = math.Round(x)
	}
	return min(max(x, c.Lower), c.Upper)
}

// Draw returns a random value from the initial distribution.
func (c Coordinate) Draw(rng *rand.Rand) float64 {
	switch {
	case c.Kind == Continuous && c.Std == 0:
		return c.Clip(c.Lower + (c.Upper-c.Lower)*rng.Float64())
	case c.Std == 0: // each whole number equally often
		return c.Clip(c.Lower + math.Floor((c.Upper-c.Lower+1)*rng.Float64()))
	}
	for range 100 {
		if x := c.Mean + c.Std*rng.NormFloat64(); c.Lower <= x && x <= c.Upper {
			return c.Clip(x)
		}
	}
	return c.Clip(c.Mean) // the bounds cut off nearly everything
}

// Quantile returns the value below which the part u of the initial distribution lies, 0 <= u <= 1: uniform u give values distributed
// like those of Draw.
func (c Coordinate) Quantile(u float64) float64 {
	u = min(max(u, 0x1p-53), 1-0x1p-53)
	switch {
	case c.Kind == Continuous && c.Std == 0:
		return c.Clip(c.Lower + (c.Upper-c.Lower)*u)
	case c.Std == 0:
		return c.Clip(c.Lower + math.Floor((c.Upper-c.Lower+1)*u))
	}
	normal := distuv.Normal{Mu: c.Mean, Sigma: c.Std}
	below, above := normal.CDF(c.Lower), normal.CDF(c.Upper)
	if x := normal.Quantile(below + (above-below)*u); !math.IsInf(x, 0) {
		return c.Clip(x)
	}
	return c.Clip(c.Mean) // the bounds cut off nearly everything
}

// Reach is the interval whose points Clip maps into the bounds evenly: whole numbers have half a step beyond the outermost.
func (c Coordinate) Reach() (lower, upper float64) {
	if c.Kind == Continuous {
		return c.Lower, c.Upper
	}
	return c.Lower - 0.5, c.Upper + 0.5
}

// Other draws one of the categories other than x, of a categorical coordinate with two or more.
func (c Coordinate) Other(rng *rand.Rand, x float64) float64 {
	return math.Mod(x+1+float64(rng.IntN(int(c.Upper))), c.Upper+1)
}

// Problem is what an optimizer knows of the search.
type Problem struct {
	Coords     []Coordinate
	Objectives int // length of a loss; 0 means 1
	Outputs    int // length of the model outputs, and of their targets; 0 where there are none

	// Parallel is the number of individuals whose evaluations can usefully be under way at a time; 0 or 1 where nothing is to be gained by more than
	// the algorithm proposes of its own accord. It is part of the search: another number is another search.
	Parallel int

	// Noisy says that the same point has another loss when it is evaluated again, so that a search may find out how far it can believe what it is told.
	// It is part of the search.
	Noisy bool

	// Quorum is the part of a generation's results, in (0, 1], with which it is complete: what comes in later belongs to the next one. 0 leaves it to the
	// algorithm: all, unless its description says otherwise.
	// It is part of the search, and for algorithms whose description says that they heed it ([Algorithm.Quorum]); to others it says nothing.
	Quorum float64

	// Encode translates a value of coordinate i, as a configuration has it, to the coordinate; nil where the values are the coordinates. It is for
	// parameters of an algorithm that are points.
	Encode func(i int, value any) (float64, error)

	// For optimizers that show the problem to somebody else, a program or people. No search depends on them, but for the grid's, whose points on a
	// log scale are round numbers.
	Labels []Label // of the coordinates, len(Coords); nil where nobody has named them
	Budget int64   // individuals that the run is going to evaluate; 0 where that is not known
}

// Label says what a coordinate is to people.
type Label struct {
	Name    string
	Unit    string // "" where it has none
	Log     bool   // the coordinate is the natural logarithm of the value
	Choices []any  // what a Categorical coordinate chooses from, of any types: its value is an index
}

// Box is the single-objective problem of n continuous coordinates between the same bounds.
func Box(n int, lower, upper float64) Problem {
	p := Problem{Coords: make([]Coordinate, n)}
	for i := range p.Coords {
		p.Coords[i] = Coordinate{Lower: lower, Upper: upper}
	}
	return p
}

// Dim is the length of the search vector.
func (p Problem) Dim() int { return len(p.Coords) }

// NumObjectives is the length of a loss, at least 1.
func (p Problem) NumObjectives() int { return max(p.Objectives, 1) }

// Check returns an error if the box is empty or a coordinate breaks a rule of [Coordinate].
func (p Problem) Check() error {
	if len(p.Coords) == 0 {
		return errors.New("optimizer: a problem without coordinates")
	}
	if p.Objectives < 0 || p.Outputs < 0 || p.Parallel < 0 {
		return fmt.Errorf("optimizer: %d objectives, %d outputs and %d in parallel, want >= 0", p.Objectives, p.Outputs, p.Parallel)
	}
	if !(p.Quorum >= 0 && p.Quorum <= 1) {
		return fmt.Errorf("optimizer: quorum = %v, want a part of a generation, in (0, 1], or 0 for all of it", p.Quorum)
	}
	for i, c := range p.Coords {
		infinite := math.IsInf(c.Lower, 0) || math.IsInf(c.Upper, 0)
		switch {
		case !(c.Lower < c.Upper):
			return fmt.Errorf("optimizer: coordinate %d: bounds [%v, %v], want lower < upper", i, c.Lower, c.Upper)
		case !(c.Std >= 0) || math.IsInf(c.Std, 0) || math.IsNaN(c.Mean) || math.IsInf(c.Mean, 0):
			return fmt.Errorf("optimizer: coordinate %d: mean %v and std %v, want finite numbers and std >= 0", i, c.Mean, c.Std)
		case infinite && c.Std == 0:
			return fmt.Errorf("optimizer: coordinate %d: bounds [%v, %v], want finite ones, or a mean and a std", i, c.Lower, c.Upper)
		case c.Kind != Continuous && !infinite && (c.Lower != math.Trunc(c.Lower) || c.Upper != math.Trunc(c.Upper)):
			return fmt.Errorf("optimizer: coordinate %d: bounds [%v, %v], want whole numbers", i, c.Lower, c.Upper)
		}
	}
	return nil
}

// Draw returns a random point of the initial distribution.
func (p Problem) Draw(rng *rand.Rand) []float64 {
	x := make([]float64, len(p.Coords))
	p.draw(rng, x)
	return x
}

// DrawAll returns n random points of the initial distribution, as Draw does one after the other. Some kilobytes of them lie in one piece of memory: who
// keeps one of them keeps no more than that.
func (p Problem) DrawAll(rng *rand.Rand, n int) [][]float64 {
	const piece = 2048 // numbers
	d := len(p.Coords)
	xs := make([][]float64, n)
	var free []float64
	for i := range xs {
		if len(free) < d {
			free = make([]float64, min(max(piece/d, 1), n-i)*d)
		}
		xs[i], free = free[:d:d], free[d:]
		p.draw(rng, xs[i])
	}
	return xs
}

// draw draws a point into x.
func (p *Problem) draw(rng *rand.Rand, x []float64) {
	for i := range x {
		c := &p.Coords[i]
		if c.Kind != Continuous || c.Std != 0 {
			x[i] = c.Draw(rng)
			continue
		}
		// What Coordinate.Draw does, without the calls, which cost several times as much as the number. It is never below the lower bound.
		if x[i] = c.Lower + (c.Upper-c.Lower)*rng.Float64(); x[i] > c.Upper {
			x[i] = c.Upper
		}
	}
}

// Clip moves x, in place, to the nearest point that the problem allows.
func (p Problem) Clip(x []float64) {
	for i, c := range p.Coords {
		x[i] = c.Clip(x[i])
	}
}
