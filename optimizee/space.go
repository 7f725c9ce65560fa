package optimizee

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// Kind is the type of a parameter's values.
type Kind int

// The kinds. The zero Kind is Float.
const (
	Float Kind = iota
	Int
	Bool
	Categorical
)

func (k Kind) String() string { return [...]string{"float", "int", "bool", "categorical"}[k] }

// Parameter is one named value, or a vector of them, that an individual has.
//
// A value is searched in a coordinate of its own: the value itself; its natural logarithm where Log is set; 0 or 1 for a bool; the
// index of the choice for a categorical. The methods of Space translate.
type Parameter struct {
	Name         string
	Kind         Kind
	Lower, Upper float64 // bounds, inclusive; for Float and Int, and up to 1e300 in magnitude. Infinite only where Std is given
	Log          bool    // search the logarithm; Float only, and Lower must be > 0
	Choices      []any   // Categorical only, at least two: each a text, a bool, an integer or a finite float, no two of which are written alike
	Size         int     // 0: a single value; n > 0: a vector of n values that share the rest of the description
	Unit         string  // "mV", "ms", …; "" where it has none
	Doc          string  // one sentence

	// Individuals are first drawn uniformly between the bounds (in the coordinate that is searched), or, where Std is > 0, from a normal
	// distribution with this mean and standard deviation, cut at the bounds. For a Log parameter Mean is a value and Std a
	// standard deviation of the natural logarithm. A Mean without a Std is refused.
	Mean, Std float64
}

// Space is the list of parameters that make up an individual. Its order is the order of the search vector.
type Space []Parameter

// maxMagnitude is how large bounds, means and standard deviations of parameters may be that are searched as they are: the differences, sums and
// products that a search makes of them are then finite.
const maxMagnitude = 1e300

// Check returns all that is wrong with the space, joined: each is a schema.Error at the path parameters, the parameter's name, and what is the key of
// the field in a configuration.
func (s Space) Check() error {
	if len(s) == 0 {
		return schema.At(errors.New("no parameters, want at least one"), "parameters")
	}
	var errs []error
	seen := map[string]bool{}
	for i, p := range s {
		switch {
		case p.Name == "":
			errs = append(errs, schema.At(fmt.Errorf("parameter %d has no name", i), "parameters"))
		case seen[p.Name]:
			errs = append(errs, schema.At(errors.New("the parameter is there twice"), "parameters", p.Name))
		default:
			errs = append(errs, schema.At(p.check(), "parameters", p.Name))
		}
		seen[p.Name] = true
	}
	return errors.Join(errs...)
}

func (p Parameter) check() error {
	var errs []error
	wrong := func(key, format string, args ...any) {
		errs = append(errs, schema.At(fmt.Errorf(format, args...), key))
	}
	if p.Kind < Float || p.Kind > Categorical {
		wrong("type", "%d, want float, int, bool or categorical", int(p.Kind))
		return errs[0]
	}
	if p.Size < 0 {
		wrong("size", "%d, want >= 0", p.Size)
	}
	if p.Log && p.Kind != Float {
		wrong("scale", "log, of the type %v, want float", p.Kind)
	}
	if p.Kind == Categorical {
		errs = append(errs, schema.At(p.checkChoices(), "choices"))
	} else if len(p.Choices) > 0 {
		wrong("choices", "of the type %v, want categorical", p.Kind)
	}
	if p.Kind == Float || p.Kind == Int {
		p.checkRange(wrong)
	}
	return errors.Join(errs...)
}

// checkRange checks the bounds and the initial distribution of a number.
func (p Parameter) checkRange(wrong func(key, format string, args ...any)) {
	for _, of := range []struct {
		key   string
		value float64
		open  bool // it may be infinite where there is a std
	}{{"lower", p.Lower, true}, {"upper", p.Upper, true}, {"mean", p.Mean, false}, {"std", p.Std, false}} {
		switch size := math.Abs(of.value); {
		case math.IsInf(of.value, 0) && of.open:
			if p.Std == 0 {
				wrong(of.key, "%v without a std, want a finite number, or a mean and a std to start from", of.value)
			}
		case !(size <= math.MaxFloat64):
			wrong(of.key, "%v, want a finite number", of.value)
		case p.Kind == Int && of.open && (of.value != math.Trunc(of.value) || size > 1<<53):
			wrong(of.key, "%v, want whole numbers up to 2^53 as bounds of an int", of.value)
		case size > maxMagnitude && (!p.Log || of.key == "std"):
			wrong(of.key, "%v, want at most %v in magnitude, so that differences and products of such numbers are finite", of.value, maxMagnitude)
		}
	}
	switch {
	case !(p.Lower < p.Upper):
		wrong("lower", "%v, want lower < upper = %v; a value that is not searched is a constant, not a parameter", p.Lower, p.Upper)
	case p.Log && p.Lower > 0 && !(math.Log(p.Lower) < math.Log(p.Upper)):
		wrong("lower", "%v, want it further below upper = %v: their logarithms are the same double", p.Lower, p.Upper)
	case p.Std > 0 && p.Mean < p.Lower, p.Std > 0 && p.Mean > p.Upper:
		wrong("mean", "%v, want a value between the bounds [%v, %v]", p.Mean, p.Lower, p.Upper)
	case p.Std == 0 && p.Mean != 0:
		wrong("mean", "%v without a std, want a std as well: without one the first individuals are uniform between the bounds", p.Mean)
	}
	if p.Std < 0 {
		wrong("std", "%v, want >= 0", p.Std)
	}
	if p.Log && !(p.Lower > 0) {
		wrong("lower", "%v on a log scale, want > 0", p.Lower)
	}
}

// length is the number of coordinates of the parameter.
func (p *Parameter) length() int { return max(p.Size, 1) }

// Dim is the number of coordinates of an individual.
func (s Space) Dim() int {
	n := 0
	for i := range s {
		n += max(s[i].Size, 1)
	}
	return n
}

// Coordinate is one entry of the search vector, as an optimizer sees it.
type Coordinate struct {
	Kind         Kind
	Lower, Upper float64 // bounds of the coordinate, inclusive
	Mean, Std    float64 // the initial distribution; Std = 0: uniform between the bounds
}

// Coordinates describes the search vector, len Dim().
func (s Space) Coordinates() []Coordinate {
	coords := make([]Coordinate, 0, s.Dim())
	for _, p := range s {
		c := Coordinate{Kind: p.Kind, Lower: p.Lower, Upper: p.Upper, Mean: p.Mean, Std: p.Std}
		switch {
		case p.Kind == Bool:
			c = Coordinate{Kind: Bool, Upper: 1}
		case p.Kind == Categorical:
			c = Coordinate{Kind: Categorical, Upper: float64(len(p.Choices) - 1)}
		case p.Log:
			c.Lower, c.Upper = math.Log(p.Lower), math.Log(p.Upper)
			if p.Std > 0 {
				c.Mean = math.Log(p.Mean)
			}
		}
		for range p.length() {
			coords = append(coords, c)
		}
	}
	return coords
}

// Labels names every coordinate, len Dim(): the parameter's name, for a vector with its index, as in weights[3].
func (s Space) Labels() []string {
	labels := make([]string, 0, s.Dim())
	for _, p := range s {
		if p.Size == 0 {
			labels = append(labels, p.Name)
			continue
		}
		for i := range p.Size {
			labels = append(labels, p.Name+"["+strconv.Itoa(i)+"]")
		}
	}
	return labels
}

// Decode translates a search vector, len Dim(), into parameter values, which share its memory where they are the same: it must not change after that. No
// value leaves its bounds, and each is finite, whatever x holds: it is clipped to them, and rounded for kinds that are not Float. NaN is an error, so is
// a vector of another length.
//
// What Encode was given comes back to the last digit. On a log scale that is so for bounds, for decimal numbers of at most ten significant digits, and
// for all values that Decode has ever returned; others may differ by the error that the coordinate has as a double, 1e-13 of the value at most.
func (s Space) Decode(x []float64) (Params, error) {
	if len(x) != s.Dim() {
		return Params{}, fmt.Errorf("optimizee: a vector of %d coordinates, want %d", len(x), s.Dim())
	}
	values := x // as long as they are the same
	at := 0
	for i := range s {
		p := &s[i]
		asIs := p.Kind == Float && !p.Log
		for _, c := range x[at : at+p.length()] {
			if !asIs || !(p.Lower < c && c < p.Upper) || math.IsInf(c, 0) {
				if math.IsNaN(c) {
					return Params{}, fmt.Errorf("optimizee: coordinate %s is not a number", s.Labels()[at])
				}
				if v := p.value(c); math.Float64bits(v) != math.Float64bits(c) {
					if &values[0] == &x[0] {
						values = slices.Clone(x)
					}
					values[at] = v
				}
			}
			at++
		}
	}
	return Params{space: s, X: x, values: values}, nil
}

// value translates one coordinate; the result is within the bounds.
func (p *Parameter) value(c float64) float64 {
	switch p.Kind {
	case Bool:
		return min(max(math.Round(c), 0), 1)
	case Categorical:
		return min(max(math.Round(c), 0), float64(len(p.Choices)-1))
	case Int:
		return min(max(math.Round(c), p.Lower), p.Upper)
	}
	if p.Log {
		c = p.fromLog(c)
	}
	return min(max(c, p.Lower, -math.MaxFloat64), p.Upper, math.MaxFloat64)
}

// Encode translates values by name into a search vector. Every parameter must be given, as float64, int, bool, string or a slice of
// one of these (as decoded from YAML or JSON, also []any); an unknown name, a value of the wrong type or out of bounds is an
// error naming it and the rule. A choice may be given as it is or by its text: 16 is also 16.0 and "16".
func (s Space) Encode(values map[string]any) ([]float64, error) {
	var errs []error
	for name := range values {
		if s.find(name) < 0 {
			errs = append(errs, fmt.Errorf("optimizee: no parameter %q", name))
		}
	}
	x := make([]float64, 0, s.Dim())
	for _, p := range s {
		v, ok := values[p.Name]
		if !ok {
			errs = append(errs, fmt.Errorf("optimizee: parameter %q is missing", p.Name))
			continue
		}
		elements, err := p.elements(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("optimizee: parameter %q: %w", p.Name, err))
		}
		for _, e := range elements {
			c, err := p.coordinate(e)
			if err != nil {
				errs = append(errs, fmt.Errorf("optimizee: parameter %q: %w", p.Name, err))
			}
			x = append(x, c)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return x, nil
}

// EncodeCoordinate translates a single value, as Encode takes it, to coordinate i of the search vector.
func (s Space) EncodeCoordinate(i int, value any) (float64, error) {
	at := i
	for _, p := range s {
		if at < p.length() {
			c, err := p.coordinate(value)
			if err != nil {
				err = fmt.Errorf("parameter %q: %w", p.Name, err)
			}
			return c, err
		}
		at -= p.length()
	}
	return 0, fmt.Errorf("optimizee: coordinate %d, want one of %d", i, s.Dim())
}

func (p Parameter) elements(v any) ([]any, error) {
	if p.Size == 0 {
		return []any{v}, nil
	}
	var list []any
	switch v := v.(type) {
	case []any:
		list = v
	case []float64:
		list = boxed(v)
	case []int:
		list = boxed(v)
	case []int64:
		list = boxed(v)
	case []bool:
		list = boxed(v)
	case []string:
		list = boxed(v)
	default:
		return nil, fmt.Errorf("%v, want a list of %d values", v, p.Size)
	}
	if len(list) != p.Size {
		return nil, fmt.Errorf("%d values, want %d", len(list), p.Size)
	}
	return list, nil
}

func boxed[T any](s []T) []any {
	out := make([]any, len(s))
	for i, v := range s {
		out[i] = v
	}
	return out
}

func (p Parameter) coordinate(v any) (float64, error) {
	switch p.Kind {
	case Bool:
		if b, ok := v.(bool); ok {
			if b {
				return 1, nil
			}
			return 0, nil
		}
		return 0, fmt.Errorf("%v, want true or false", v)
	case Categorical:
		return p.choice(v)
	}
	var f float64
	switch v := v.(type) {
	case float64:
		f = v
	case int:
		f = float64(v)
	case int64:
		f = float64(v)
	case uint64:
		f = float64(v)
	default:
		return 0, fmt.Errorf("%v, want a number", v)
	}
	switch {
	case !(f >= p.Lower && f <= p.Upper):
		return 0, fmt.Errorf("%v, want a value in [%v, %v]", f, p.Lower, p.Upper)
	case p.Kind == Int && f != math.Trunc(f):
		return 0, fmt.Errorf("%v, want a whole number", f)
	case p.Log:
		return p.toLog(f), nil
	}
	return f, nil
}

func (s Space) find(name string) int {
	for i := range s {
		if s[i].Name == name {
			return i
		}
	}
	return -1
}

// Params is an individual's parameters, by name. It is made by Space.Decode. The getters panic if the space has no parameter of that
// name and kind, which is a mistake in the optimizee; in a run such a panic is reported as a failed evaluation.
type Params struct {
	X      []float64 // the raw search vector, len Dim(); read-only
	space  Space
	values []float64 // as X, translated
}

// Float returns the value of a Float or Int parameter.
func (p Params) Float(name string) float64 { return p.get(name, false, Float, Int)[0] }

// Int returns the value of an Int parameter.
func (p Params) Int(name string) int { return int(p.get(name, false, Int)[0]) }

// Bool returns the value of a Bool parameter.
func (p Params) Bool(name string) bool { return p.get(name, false, Bool)[0] == 1 }

// Choice returns the value of a Categorical parameter: one of its Choices, of the type that it has there.
func (p Params) Choice(name string) any {
	i := int(p.get(name, false, Categorical)[0])
	return p.space[p.space.find(name)].Choices[i]
}

// Vector returns the values of a vector parameter: for Float and Int as they are, for Bool 0 or 1, for Categorical the index of the
// choice. It must not be changed.
func (p Params) Vector(name string) []float64 {
	return p.get(name, true, Float, Int, Bool, Categorical)
}

func (p Params) get(name string, vector bool, kinds ...Kind) []float64 {
	at := 0
	for i := range p.space {
		q := &p.space[i]
		if q.Name == name {
			if !slices.Contains(kinds, q.Kind) || vector != (q.Size > 0) {
				shape := "a single"
				if q.Size > 0 {
					shape = "a vector of"
				}
				panic(fmt.Sprintf("optimizee: parameter %q is %s %v, asked for as something else", name, shape, q.Kind))
			}
			return p.values[at : at+q.length() : at+q.length()]
		}
		at += q.length()
	}
	panic(fmt.Sprintf("optimizee: no parameter %q", name))
}

// Value is a parameter with its value as a user would write it: a float64, an int64, a bool, or a string, of a Categorical the one that its choice is;
// or for a vector a []float64, a []int64, a []bool, or for a Categorical a []any of choices.
type Value struct {
	Parameter
	Value any
}

// All lists the parameters with their values, in the order of the space.
func (p Params) All() []Value {
	all := make([]Value, len(p.space))
	at := 0
	for i, q := range p.space {
		v := p.values[at : at+q.length()]
		at += q.length()
		all[i] = Value{Parameter: q, Value: q.typed(v)}
	}
	return all
}

// Map are the values of all parameters by their names, as Space.Encode takes them.
func (p Params) Map() map[string]any {
	values := make(map[string]any, len(p.space))
	for _, v := range p.All() {
		values[v.Name] = v.Value
	}
	return values
}

// Flat are the values of all coordinates, each a float64, an int64, a bool or a string, in the order of Space.Labels.
func (p Params) Flat() []any {
	flat := make([]any, 0, len(p.values))
	for _, v := range p.All() {
		switch x := v.Value.(type) {
		case []float64:
			flat = append(flat, boxed(x)...)
		case []int64:
			flat = append(flat, boxed(x)...)
		case []bool:
			flat = append(flat, boxed(x)...)
		case []any:
			flat = append(flat, x...)
		default:
			flat = append(flat, x)
		}
	}
	return flat
}

func (p Parameter) typed(v []float64) any {
	switch p.Kind {
	case Int:
		return shaped(p, v, func(x float64) int64 { return int64(x) })
	case Bool:
		return shaped(p, v, func(x float64) bool { return x == 1 })
	case Categorical:
		return shaped(p, v, func(x float64) any {
			choice, _ := plain(p.Choices[int(x)])
			return choice
		})
	}
	return shaped(p, v, func(x float64) float64 { return x })
}

func shaped[T any](p Parameter, v []float64, typed func(float64) T) any {
	if p.Size == 0 {
		return typed(v[0])
	}
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = typed(x)
	}
	return out
}
