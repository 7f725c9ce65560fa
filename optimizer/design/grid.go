package design

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"reflect"
	"slices"
	"strconv"

	"github.com/meta-optimization/l2l-mpi/l2l/splitmix"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// GridParams configures Grid.
type GridParams struct {
	Divisions []int   `yaml:"divisions" doc:"equal intervals that a coordinate is divided into, so that it has one point more, both bounds included: one number for all coordinates, or one for each. 0: all values, for whole numbers. Categorical coordinates always have all" range:"[0, 1e9]" auto:"10, and 0 for whole numbers"`
	Points    [][]any `yaml:"points" doc:"instead of divisions, a list of points for each coordinate, as values of its parameter: numbers, choices, true or false; an empty list for a coordinate that is divided"`
	Order     string  `yaml:"order" doc:"visit the points in random order, so that a search that ends early has seen all regions, or row by row, the last coordinate changing fastest" range:"shuffled | rows"`
	PopSize   int     `yaml:"pop_size" doc:"points per generation" range:"[1, 1e6]" auto:"256, or 8 times execution.parallel where that is more than 256"`
}

// GridDefaults returns the defaults of [GridParams].
func GridDefaults() GridParams { return GridParams{Order: "shuffled"} }

func (p *GridParams) resolve(problem optimizer.Problem) error {
	p.PopSize = cmp.Or(p.PopSize, usualBatch(256, problem))
	_, _, err := newGridAxes(problem, *p)
	return err
}

func gridAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "grid",
		Title: "Grid search",
		When: "for one to three parameters, to map how the loss depends on them, or to try a few given values; to find the best, random " +
			"search needs fewer points already with three parameters",
		Reference: "for what it costs: Bergstra and Bengio 2012, Random Search for Hyper-Parameter Optimization, JMLR 13",
		Cost:      "O(λn); the grid is never held in memory",
		Earlier:   []string{""}, // version 2: a point is the round number that it should be, to the last digit
		Parallelism: "pop_size at a time; with execution.parallel more than 256, 8 times as many as that says, so that the slots seldom wait for the last of a " +
			"generation; the points stay the same",
	}, GridDefaults, NewGrid)
}

// gridAxis is the points of one coordinate.
type gridAxis struct {
	coord  optimizer.Coordinate
	log    bool      // the coordinate is a logarithm
	points int64     // how many
	lo, hi float64   // the first and the last; the others lie at equal distances
	list   []float64 // given points; nil for a divided coordinate
}

// maxGrid is the largest number of points of a grid: at a million evaluations per second they take 285 years.
const maxGrid = 1 << 53

// newGridAxes returns the axes of the grid, and the number of its points.
func newGridAxes(problem optimizer.Problem, par GridParams) (axes []gridAxis, points int64, err error) {
	n := problem.Dim()
	if d := len(par.Divisions); d > 1 && d != n {
		return nil, 0, fmt.Errorf("divisions has %d numbers, want one, or one for each of the %d coordinates", d, n)
	}
	if len(par.Points) > 0 && len(par.Points) != n {
		return nil, 0, fmt.Errorf("points has %d lists, want one for each of the %d coordinates", len(par.Points), n)
	}
	product := 1.0
	for i, c := range problem.Coords {
		divisions := 10
		if c.Kind != optimizer.Continuous {
			divisions = 0
		}
		switch len(par.Divisions) {
		case 0:
		case 1:
			divisions = par.Divisions[0]
		default:
			divisions = par.Divisions[i]
		}
		a := gridAxis{coord: c, log: i < len(problem.Labels) && problem.Labels[i].Log}
		// A coordinate without bounds is divided where the uniform distribution of its mean and standard deviation lies.
		a.lo, a.hi = c.Lower, c.Upper
		if math.IsInf(c.Lower, 0) {
			a.lo = c.Clip(c.Mean - c.Width()/2)
		}
		if math.IsInf(c.Upper, 0) {
			a.hi = c.Clip(c.Mean + c.Width()/2)
		}
		switch values := a.hi - a.lo + 1; {
		case len(par.Points) > 0 && len(par.Points[i]) > 0:
			a.points = int64(len(par.Points[i]))
			for k, value := range par.Points[i] {
				x, err := encoded(problem, i, value)
				if err != nil {
					return nil, 0, fmt.Errorf("points[%d][%d]: %w", i, k, err)
				}
				a.list = append(a.list, x)
			}
		case c.Kind == optimizer.Continuous && divisions == 0:
			return nil, 0, fmt.Errorf("divisions = 0 for coordinate %d, want >= 1: only whole numbers have a list of all values", i)
		case c.Kind == optimizer.Continuous:
			a.points = int64(divisions) + 1
		case c.Kind == optimizer.Categorical || divisions == 0:
			a.points = int64(min(values, maxGrid))
		default:
			a.points = int64(min(float64(divisions)+1, values))
		}
		product *= float64(a.points)
		axes = append(axes, a)
	}
	if product > maxGrid {
		return nil, 0, fmt.Errorf("%w: its grid has %.3g points, want at most %.3g; give fewer divisions, or choose random",
			optimizer.ErrUnsuited, product, float64(maxGrid))
	}
	points = 1
	for _, a := range axes {
		points *= a.points
	}
	return axes, points, nil
}

// at is point k of the axis.
func (a gridAxis) at(k int64) float64 {
	if a.list != nil {
		return a.list[k]
	}
	if a.points == 1 {
		return a.coord.Clip(a.lo)
	}
	switch n := a.points - 1; {
	case k == 0:
		return a.coord.Clip(a.lo)
	case k == n:
		return a.coord.Clip(a.hi)
	case a.log:
		return a.coord.Clip(a.geometric(k, n))
	default:
		return a.coord.Clip(a.arithmetic(k, n))
	}
}

// arithmetic is lo + (hi − lo)·k/n for the decimal numbers that lo and hi are written as, rounded once: half of the way from 0.05 to 0.5 is
// 0.275, where the sum of floats is 0.27499999999999997.
func (a gridAxis) arithmetic(k, n int64) float64 {
	lo, hi := decimal(a.lo), decimal(a.hi)
	step := hi.Sub(hi, lo)
	x, _ := lo.Add(lo, step.Mul(step, big.NewRat(k, n))).Float64()
	return x
}

// decimal is the shortest decimal number that is read as x.
func decimal(x float64) *big.Rat {
	r, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'g', -1, 64)) // a finite number
	return r
}

// geometric is the logarithm lo + (hi − lo)·k/n, or, if it is that of a number of ten digits up to the rounding of this sum, the logarithm of that
// number: a sixth of the way from 0.001 to 1000 is 0.01.
func (a gridAxis) geometric(k, n int64) float64 {
	t := float64(k) / float64(n)
	c := (1-t)*a.lo + t*a.hi
	round, _ := strconv.ParseFloat(strconv.FormatFloat(math.Exp(c), 'e', 9, 64), 64)
	if of := math.Log(round); math.Abs(of-c) <= 4*0x1p-52*max(math.Abs(a.lo), math.Abs(a.hi)) {
		return of
	}
	return c
}

// encoded is the coordinate of a value of coordinate i.
func encoded(problem optimizer.Problem, i int, value any) (float64, error) {
	if problem.Encode != nil {
		return problem.Encode(i, value)
	}
	x, c := math.NaN(), problem.Coords[i]
	switch r := reflect.ValueOf(value); {
	case r.CanFloat():
		x = r.Float()
	case r.CanInt():
		x = float64(r.Int())
	}
	if c.Clip(x) != x {
		return 0, fmt.Errorf("%v, want values of coordinate %d: from %v to %v, whole ones unless it is continuous", value, i, c.Lower, c.Upper)
	}
	return x, nil
}

// Grid visits every point of a grid once, and then stops. The points lie at equal distances in the units in which a coordinate is searched, so
// on a logarithmic scale where the space has one; one that is a round number there is exactly that number. A failed point is not replaced: there is no other in its place.
type Grid struct {
	problem optimizer.Problem
	par     GridParams
	axes    []gridAxis
	points  int64
	s       gridState
}

type gridState struct {
	Gen  kit.Generation
	Key  uint64 // of the random order
	Next int64  // number of the next point, in the order of visiting
}

// NewGrid makes a grid search. It suits every problem whose grid is not too large.
func NewGrid(problem optimizer.Problem, par GridParams, seed uint64) (*Grid, error) {
	par, err := kit.Resolved(gridAlgorithm(), par, problem, (*GridParams).resolve)
	if err != nil {
		return nil, err
	}
	axes, points, err := newGridAxes(problem, par)
	if err != nil {
		return nil, err
	}
	return &Grid{problem: problem, par: par, axes: axes, points: points, s: gridState{Key: kit.NewSource(seed).Uint64()}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Grid) Params() GridParams { return o.par }

// point is the one that is visited as number k.
func (o *Grid) point(k int64) []float64 {
	if o.par.Order == "shuffled" {
		k = permuted(k, o.points, o.s.Key)
	}
	x := make([]float64, len(o.axes))
	for i := len(x) - 1; i >= 0; i-- {
		x[i] = o.axes[i].at(k % o.axes[i].points)
		k /= o.axes[i].points
	}
	return x
}

// permuted is the image of k, 0 <= k < n, under a random permutation of these numbers that needs no memory: a Feistel network of four rounds
// over the next even power of two (Luby and Rackoff 1988, doi 10.1137/0217022), applied until it leads back below n (Black and Rogaway
// 2002, doi 10.1007/3-540-45760-7_9).
func permuted(k, n int64, key uint64) int64 {
	half := max(1, (bits.Len64(uint64(n-1))+1)/2)
	mask := uint64(1)<<half - 1
	x := uint64(k)
	for {
		left, right := x>>half, x&mask
		for r := range uint64(4) {
			left, right = right, left^(splitmix.Mix(key+r<<32+right)&mask)
		}
		if x = left<<half | right; x < uint64(n) {
			return int64(x)
		}
	}
}

// Ask implements Optimizer.
func (o *Grid) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() && o.s.Next < o.points {
		xs := make([][]float64, min(int64(o.par.PopSize), o.points-o.s.Next))
		for i := range xs {
			xs[i] = o.point(o.s.Next)
			o.s.Next++
		}
		o.s.Gen.Begin(xs)
	}
	return o.s.Gen.Ask(max), nil
}

// Tell implements Optimizer.
func (o *Grid) Tell(results []optimizer.Evaluated) error {
	results = slices.Clone(results)
	for i := range results {
		results[i].Replace = false
	}
	complete, err := o.s.Gen.Tell(results, o.problem, nil)
	if complete {
		o.s.Gen.End()
	}
	return err
}

// Status implements Optimizer.
func (o *Grid) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Figures = []optimizer.Figure{{Name: "points", Value: float64(o.points)}}
	if o.s.Gen.Idle() && o.s.Next == o.points {
		st.Stop = fmt.Sprintf("grid: all %d points have been visited", o.points)
	}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Grid) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(gridAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Grid) UnmarshalBinary(b []byte) error {
	var s gridState
	if err := kit.DecodeState(gridAlgorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	if s.Next < 0 || s.Next > o.points {
		return fmt.Errorf("%w: it is at point %d of %d", optimizer.ErrState, s.Next, o.points)
	}
	o.s = s
	return nil
}
