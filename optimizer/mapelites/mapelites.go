// Package mapelites is MAP-Elites: instead of one best individual, the best of each kind, where a few features say what kinds there are. The
// features are coordinates, or outputs of the model with ranges that are known beforehand; it does not find them.
package mapelites

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Params configures [Search].
type Params struct {
	PopSize  int       `yaml:"pop_size" doc:"individuals per generation; the first generation is drawn at random" range:"[1, 1e6]" auto:"100, or execution.parallel where that is more than 4 times as many"`
	Describe string    `yaml:"describe" doc:"what individuals are told apart by: their parameters, or the model's outputs" range:"parameters | outputs"`
	Features []int     `yaml:"features" doc:"which of them, counted from 0: coordinates of the search vector, or outputs" range:"[0, inf)" auto:"the first two"`
	Lower    []float64 `yaml:"lower" doc:"lower end of each feature's range; what is below belongs to the first cell" range:"(-inf, inf)" auto:"the coordinate's bound, or its mean − 2 std; outputs have none"`
	Upper    []float64 `yaml:"upper" doc:"upper end of each feature's range; what is above belongs to the last cell" range:"(-inf, inf)" auto:"the coordinate's bound, or its mean + 2 std; outputs have none"`
	Cells    []int     `yaml:"cells" doc:"cells into which each feature's range is divided" range:"[1, 1e6]" auto:"the same for all, about 400 together, for whole numbers one for each value at most"`
	Vary     string    `yaml:"vary" doc:"how children are made of two elites: by crossover and mutation, of which the parameters follow, or as the first moved along the line to the second; isoline is better where features depend on many parameters alike" range:"crossover | isoline"`
	Iso      float64   `yaml:"iso" doc:"isoline: standard deviation of the move of each coordinate by itself, as a fraction of its width" range:"[0, inf)"`
	Line     float64   `yaml:"line" doc:"isoline: standard deviation of the move along the line, as a fraction of its length" range:"[0, inf)"`
	kit.VariationParams
}

// The cells of the archive: how many there are by default, and at most.
const (
	usualCells = 400
	maxCells   = 1_000_000
)

// Defaults returns the defaults of [Params].
func Defaults() Params {
	return Params{Describe: "parameters", Vary: "crossover", Iso: 0.01, Line: 0.5, VariationParams: kit.DefaultVariation()}
}

func (p *Params) resolve(problem optimizer.Problem) error {
	if err := p.VariationParams.Resolve(problem); err != nil {
		return err
	}
	p.PopSize = cmp.Or(p.PopSize, kit.Usual(100, problem, 1_000_000))
	among := problem.Dim()
	if p.Describe == "outputs" {
		if among = problem.Outputs; among == 0 {
			return fmt.Errorf("%w: the model has no outputs, want some, or describe = parameters", optimizer.ErrUnsuited)
		}
		if p.Lower == nil || p.Upper == nil {
			return errors.New("lower and upper are missing, want the range of each feature: that of a model's outputs is not known")
		}
	}
	if p.Features == nil {
		for i := range min(2, among) {
			p.Features = append(p.Features, i)
		}
	}
	var lower, upper []float64
	var cells []int
	for i, f := range p.Features {
		if f >= among || slices.Contains(p.Features[:i], f) {
			return fmt.Errorf("features[%d] = %d, want each once, and less than the number of %s, %d", i, f, p.Describe, among)
		}
		values := math.Inf(1) // that the feature can take
		if p.Describe == "parameters" {
			c := problem.Coords[f]
			lo, hi := c.Reach()
			if c.Std > 0 {
				lo, hi = max(lo, c.Mean-2*c.Std), min(hi, c.Mean+2*c.Std)
			}
			if c.Kind != optimizer.Continuous {
				values = math.Ceil(hi - lo)
			}
			lower, upper = append(lower, lo), append(upper, hi)
		}
		cells = append(cells, int(min(math.Pow(usualCells, 1/float64(len(p.Features)))+1e-9, values)))
	}
	if p.Lower == nil {
		p.Lower = lower
	}
	if p.Upper == nil {
		p.Upper = upper
	}
	if p.Cells == nil {
		p.Cells = cells
	}
	d := len(p.Features)
	if d == 0 || len(p.Lower) != d || len(p.Upper) != d || len(p.Cells) != d {
		return fmt.Errorf("%d features, %d lower and %d upper ends and %d numbers of cells, want as many of each, and at least one",
			d, len(p.Lower), len(p.Upper), len(p.Cells))
	}
	all := 1
	for i := range d {
		if !(p.Lower[i] < p.Upper[i]) {
			return fmt.Errorf("feature %d: lower = %v and upper = %v, want lower < upper", i, p.Lower[i], p.Upper[i])
		}
		if all *= p.Cells[i]; all > maxCells {
			return fmt.Errorf("cells = %v, want at most %d together", p.Cells, maxCells)
		}
	}
	return nil
}

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "map_elites",
		Title: "Multi-dimensional archive of phenotypic elites (MAP-Elites)",
		Reference: "Mouret and Clune 2015, Illuminating Search Spaces by Mapping Elites, arXiv:1504.04909; isoline: Vassiliades and Mouret 2018, " +
			"doi 10.1145/3205455.3205602; large generations: Lim, Allard, Grillotti and Cully 2022, Accelerated Quality-Diversity through Massive " +
			"Parallelism, arXiv:2202.01258",
		When: "to see how good a model can be for each kind of behaviour, instead of one best individual: all the ways in which a neuron can " +
			"fire, say. A few features say what a kind is",
		Cost:        "O(λ (n + log c)) for c cells; memory O(cn)",
		Parallelism: "pop_size at a time; with execution.parallel more than 400, as many as that says: the archive is filled by evaluations, however they are grouped",
	}, Defaults, New)
}

// Search divides the space of features into cells and keeps the best individual of each, of which it breeds new ones, from pairs drawn with
// equal chances: by the isoline operator, as elites lie near to each other's lines, or by blend crossover and Gaussian mutation. Features (the paper's behaviour descriptors) are coordinates of the search
// vector, or model outputs (Evaluated.Outputs; their targets are not looked at), each with a range that is known beforehand.
type Search struct {
	problem optimizer.Problem
	par     Params
	s       state
}

type state struct {
	Gen    kit.Generation
	Src    *kit.Source
	Warm   kit.Warm
	Elites []Elite // in the order of their cells
}

// Elite is the best individual of a cell.
type Elite struct {
	Cell     int          // row-major: the last feature varies fastest
	Features codec.Vector // len(Params.Features)
	optimizer.Solution
}

// New makes a MAP-Elites for a problem with one objective.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	return &Search{problem, par, state{Src: kit.NewSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// WarmStart implements WarmStarter.
func (o *Search) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Warm, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() {
		rng := rand.New(o.s.Src)
		if len(o.s.Elites) == 0 {
			o.s.Gen.Begin(o.s.Warm.Population(o.problem, rng, o.par.PopSize))
			o.s.Warm = nil
		} else {
			o.s.Gen.Begin(o.breed(rng))
		}
	}
	return o.s.Gen.Ask(max), nil
}

func (o *Search) breed(rng *rand.Rand) [][]float64 {
	xs := make([][]float64, o.par.PopSize)
	for i := range xs {
		a, b := o.s.Elites[rng.IntN(len(o.s.Elites))], o.s.Elites[rng.IntN(len(o.s.Elites))]
		known := func(x []float64) bool { return slices.Equal(x, a.X) || slices.Equal(x, b.X) }
		if o.par.Vary == "crossover" {
			xs[i] = o.par.Child(rng, o.problem, a.X, b.X, known)
			continue
		}
		xs[i] = o.isoline(rng, a.X, b.X)
		for try := 0; try < 10 && known(xs[i]); try++ { // as where no coordinate is continuous, or both parents are one
			xs[i] = o.par.Mutate(rng, o.problem, xs[i])
		}
	}
	return xs
}

// isoline is the operator Iso+LineDD (Vassiliades and Mouret, equation 2): a + σ₁ N(0, I) + σ₂ (b − a) N(0, 1). Whole numbers are rounded; a
// category is that of a or of b, or now and then any other.
func (o *Search) isoline(rng *rand.Rand, a, b []float64) []float64 {
	x := make([]float64, len(a))
	along := o.par.Line * rng.NormFloat64()
	for j, c := range o.problem.Coords {
		switch {
		case c.Kind != optimizer.Categorical:
			x[j] = c.Clip(a[j] + o.par.Iso*c.Width()*rng.NormFloat64() + along*(b[j]-a[j]))
		case rng.Float64() < o.par.IndProb*o.par.MutProb:
			x[j] = c.Other(rng, a[j])
		case rng.Float64() < 0.5:
			x[j] = a[j]
		default:
			x[j] = b[j]
		}
	}
	return x
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, func(int) []float64 { return o.problem.Draw(rand.New(o.s.Src)) })
	if !complete {
		return err
	}
	for _, m := range o.s.Gen.Members {
		if !m.Failed {
			o.enter(m)
		}
	}
	o.s.Gen.End()
	return nil
}

// enter makes the individual the elite of its cell if it is better than the present one.
func (o *Search) enter(m kit.Member) {
	values := m.X
	if o.par.Describe == "outputs" {
		values = m.Outputs
	}
	e := Elite{Features: make([]float64, len(o.par.Features)), Solution: optimizer.Solution{ID: m.ID, X: m.X, Loss: m.Loss}}
	for i, f := range o.par.Features {
		e.Features[i] = values[f]
		part := (values[f]/2 - o.par.Lower[i]/2) / (o.par.Upper[i]/2 - o.par.Lower[i]/2) // halves, as the range of huge numbers is infinite
		last := o.par.Cells[i] - 1
		e.Cell = e.Cell*o.par.Cells[i] + int(min(max(part*float64(last+1), 0), float64(last)))
	}
	at, taken := slices.BinarySearchFunc(o.s.Elites, e.Cell, func(e Elite, cell int) int { return cmp.Compare(e.Cell, cell) })
	switch {
	case !taken:
		o.s.Elites = slices.Insert(o.s.Elites, at, e)
	case e.Standing().Better(o.s.Elites[at].Standing()):
		o.s.Elites[at] = e
	}
}

// Elites are the best individuals of the cells that have any, in the order of the cells. They are valid until the next Tell.
func (o *Search) Elites() []Elite { return o.s.Elites }

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status {
	st := o.s.Gen.Status()
	cells := 1
	for _, c := range o.par.Cells {
		cells *= c
	}
	st.Figures = []optimizer.Figure{{Name: "elites", Value: float64(len(o.s.Elites))},
		{Name: "coverage", Value: float64(len(o.s.Elites)) / float64(cells)}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(algorithm(), 1, o.problem, b, &o.s)
}
