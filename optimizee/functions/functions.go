// Package functions holds test functions as optimizees: problems whose best value is known, so that an optimizer, or the run
// around it, can be judged. They are of one type, [Function], and made by name:
//
//   - the fifteen of the Python L2L, as Rastrigin2d or 3Gaussians2d;
//   - their families in any dimension, as rastrigin, and sphere;
//   - the 24 noiseless functions of the BBOB test bed with all their instances, bbob_f1 to bbob_f24;
//   - the multi-objective suites ZDT and DTLZ, as zdt1 or dtlz2;
//   - null, which costs nothing, to measure everything else.
//
// [Optimizee] adds what a real model has besides a value: noise, a duration, and failures.
package functions

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Function is a test function of a fixed size; all its objectives are to be minimised. It works in memory of its own, without
// allocating, and so is used by one goroutine at a time.
type Function struct {
	Name         string
	Doc          string // formula, domain, optimum and source
	Dim          int
	Objectives   int
	Lower, Upper float64   // the domain, the same for every coordinate; the function is defined outside of it, too
	Optimum      float64   // the least value in the domain; NaN where unknown or where there are several objectives
	ArgMin       []float64 // a point where it is taken, len Dim, not to be changed; nil where unknown

	// Front returns at most n points of the Pareto front, well spread over it, each of len Objectives. It is nil where the front is not
	// known, and for a single objective.
	Front func(n int) [][]float64

	eval   func(x, f []float64) // the objectives less offset
	offset float64              // kept apart for the sake of Gap
	gap    [1]float64           // what Gap evaluates into
}

// Eval writes the objectives at x, len Dim, to f, len Objectives.
func (fn *Function) Eval(x, f []float64) {
	if len(x) != fn.Dim || len(f) != fn.Objectives {
		panic(fmt.Sprintf("functions: %s: %d coordinates and %d objectives, want %d and %d", fn.Name, len(x), len(f), fn.Dim, fn.Objectives))
	}
	fn.eval(x, f)
	for i := range f {
		f[i] += fn.offset
	}
}

// Gap returns how far the value at x is above Optimum. For the BBOB functions it is exact to the last digits, however
// large the optimum, as that is added only by Eval. It is NaN where the optimum is.
func (fn *Function) Gap(x []float64) float64 {
	if math.IsNaN(fn.Optimum) {
		return math.NaN()
	}
	fn.eval(x, fn.gap[:])
	return fn.gap[0] - (fn.Optimum - fn.offset)
}

// Spec says which function. A zero field selects its default.
type Spec struct {
	Name       string `yaml:"name" doc:"which function, as Rastrigin2d, sphere, bbob_f1, zdt1, dtlz1; an unknown one is answered with all"`
	Dim        int    `yaml:"dim" doc:"number of variables" range:"[1, inf)" auto:"the usual one of the function, mostly 2"`
	Objectives int    `yaml:"objectives" doc:"number of objectives, for the functions of the DTLZ suite" range:"[1, inf)" auto:"the usual one: 1, zdt 2, dtlz 3"`
	Instance   int    `yaml:"instance" doc:"the first instance of a BBOB function; the other functions have one only" range:"[1, 200000]" auto:"1"`
}

// SchemaRules implements schema.Ruled: the name is one of those that there are.
func (*Spec) SchemaRules() map[string]any {
	return map[string]any{"properties": map[string]any{"name": map[string]any{"enum": Names()}}}
}

// maxInstance keeps the seeds of the BBOB functions below 2^31 − 1, the modulus of their generator.
const maxInstance = 200_000

// New makes a function. The error names the value that cannot be and the rule.
func New(s Spec) (*Function, error) {
	at := slices.IndexFunc(catalogue, func(f family) bool { return f.name == s.Name })
	if at < 0 {
		return nil, fmt.Errorf("functions: name = %q, want one of %s", s.Name, strings.Join(Names(), ", "))
	}
	f := catalogue[at]
	var err error
	if s.Objectives, err = f.objectives.choose(s.Objectives); err != nil {
		return nil, fmt.Errorf("functions: %s: objectives = %w", s.Name, err)
	}
	// A function of more objectives than usual has that many more variables, as DTLZ's authors do it.
	if s.Dim, err = f.dim.add(s.Objectives - f.objectives.usual).choose(s.Dim); err != nil {
		return nil, fmt.Errorf("functions: %s: dim = %w", s.Name, err)
	}
	if s.Instance, err = (limits{1, 1, maxInstance}).choose(s.Instance); err != nil {
		return nil, fmt.Errorf("functions: %s: instance = %w", s.Name, err)
	}
	fn := f.make(s)
	fn.Name, fn.Doc, fn.Dim, fn.Objectives = f.name, f.doc, s.Dim, s.Objectives
	return &fn, nil
}

// Names lists what New can make. The first fifteen are the functions of the Python L2L in the order of its indices.
func Names() []string {
	names := make([]string, len(catalogue))
	for i, f := range catalogue {
		names[i] = f.name
	}
	return names
}

var catalogue = slices.Concat(upstream, classic, bbobFamilies(), multiObjective)

// family makes functions of one formula in several sizes. Doc is that of Function.
type family struct {
	name, doc  string
	dim        limits
	objectives limits
	make       func(s Spec) Function // s is complete and checked
}

// only is the family restricted to one dimension, under a name of its own.
func (f family) only(name string, dim int) family {
	f.name, f.dim = name, limits{dim, dim, dim}
	return f
}

// limits is the range of a size, and its value where none is asked for.
type limits struct{ least, usual, most int }

func (l limits) choose(n int) (int, error) {
	switch {
	case n == 0:
		return l.usual, nil
	case n < l.least || n > l.most:
		return 0, fmt.Errorf("%d, want %d to %d", n, l.least, l.most)
	}
	return n, nil
}

func (l limits) add(n int) limits { return limits{l.least + n, l.usual + n, l.most + n} }

var (
	one    = limits{1, 1, 1}
	anyDim = limits{1, 2, 1_000_000}
)

// single is f as an evaluation of one objective.
func single(f func(x []float64) float64) func(x, out []float64) {
	return func(x, out []float64) { out[0] = f(x) }
}

// constant is the point whose n coordinates are all c.
func constant(n int, c float64) []float64 { return slices.Repeat([]float64{c}, n) }
