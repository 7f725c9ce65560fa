// Package schema says what a configuration struct means, from the tags of its fields, so that what is documented, what is
// shown and what is enforced cannot differ:
//
//	type Params struct {
//		PopSize int     `yaml:"pop_size" doc:"individuals per generation" range:"[2, inf)" auto:"4 + floor(3 ln n)"`
//		CxProb  float64 `yaml:"cx_prob" doc:"probability that a pair is crossed" range:"[0, 1]"`
//		Mate    string  `yaml:"mate" doc:"crossover operator" range:"blend | uniform"`
//	}
//
// The tags: yaml, the key; doc, one sentence; unit; range, the values allowed (an interval, or words separated by |); auto, how
// the value is chosen where it is left at zero (such a zero is always in range); autois, the whole number that stands for
// that choice where zero has a meaning of its own; resume, "free" where a run that is resumed may have another
// value, as it does not change what is searched; before, the word that a configuration written out without the key meant, where the key is newer
// and its default another. A field without a yaml key, or with "-", is not part of the configuration. What resume says of a
// section, or of an embedded struct, it says of all that is in it. Defaults are not tags: they are the values of a struct that the owner hands out. With the option omitempty
// after its key, a field is not written out while it is zero.
//
// A section whose keys are names of the user's choice is a [Map]. A struct or a list that is an encoding.TextUnmarshaler may also be
// given as a single word.
//
// For editors, [JSON] says all of that as a JSON Schema, with what tags cannot say: a [Worded] value says which words it takes, and a [Ruled] struct which
// rules there are between its keys.
//
// It is a leaf: it knows no YAML, no optimizer and no optimizee.
package schema

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Field is one configurable value of a struct.
type Field struct {
	Key   string        // the key in the configuration
	Doc   string        // one sentence
	Unit  string        // "" where it has none
	Range string        // as in the tag; "" where everything of the type is allowed
	Auto  string        // how a value that IsAuto is filled in; "" where there is no such
	Omit  bool          // not written out while it is zero
	Free  bool          // a resumed run may have another value
	Past  string        // what the word or number was before there was the key; "" where it was the default
	Value reflect.Value // the field itself, settable if the struct was given by pointer

	auto int64 // the value that is filled in
}

// Fields lists the configurable fields of v, a struct or a pointer to one, in declaration order. Embedded structs without a
// key of their own contribute their fields. For any other v there are none.
func Fields(v any) []Field {
	return fieldsOf(structOf(reflect.ValueOf(v)))
}

func structOf(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v
}

func fieldsOf(v reflect.Value) []Field {
	if v.Kind() != reflect.Struct {
		return nil
	}
	var fields []Field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case f.Anonymous && key == "":
			for _, inner := range fieldsOf(structOf(v.Field(i))) {
				inner.Free = inner.Free || f.Tag.Get("resume") == "free"
				fields = append(fields, inner)
			}
		case f.IsExported() && key != "" && key != "-":
			fields = append(fields, Field{
				Key: key, Doc: f.Tag.Get("doc"), Unit: f.Tag.Get("unit"),
				Range: f.Tag.Get("range"), Auto: f.Tag.Get("auto"), Omit: options == "omitempty",
				Free: f.Tag.Get("resume") == "free", Past: f.Tag.Get("before"), Value: v.Field(i), auto: autoOf(f),
			})
		}
	}
	return fields
}

// autoOf is the value of a field that is filled in.
func autoOf(f reflect.StructField) int64 {
	tag, ok := f.Tag.Lookup("autois")
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(tag, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("schema: field %s: autois %q, want a whole number", f.Name, tag)) // a mistake in a tag
	}
	return n
}

// Type names the field's type as a user of the configuration would: int, number, text, list of int, duration, ….
func (f Field) Type() string { return typeName(f.Value.Type()) }

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t.Implements(reflect.TypeFor[Mapping]()):
		return "names to " + typeName(reflect.TypeOf(reflect.Zero(t).Interface().(Mapping).New()))
	case t.Kind() == reflect.Slice:
		return "list of " + typeName(t.Elem())
	case t.Kind() == reflect.Map:
		return "map to " + typeName(t.Elem())
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Int32, reflect.Uint32:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "text"
	case reflect.Struct:
		return "section"
	}
	return "value"
}

// IsAuto reports whether the field is left for its owner to fill in.
func (f Field) IsAuto() bool {
	if f.auto != 0 {
		return f.Auto != "" && f.Value.Int() == f.auto
	}
	return f.Auto != "" && f.Value.IsZero()
}

// SetAuto leaves the field, whose Auto is not "", for its owner to fill in.
func (f Field) SetAuto() {
	f.Value.SetZero()
	if f.auto != 0 {
		f.Value.SetInt(f.auto)
	}
}

// SetPast gives the field what it was before there was its key.
func (f Field) SetPast() {
	if f.Value.Kind() == reflect.String {
		f.Value.SetString(f.Past)
		return
	}
	v, err := strconv.ParseFloat(f.Past, 64)
	if err != nil {
		panic(fmt.Sprintf("schema: field %s: before %q, want a number", f.Key, f.Past)) // a mistake in a tag
	}
	f.Value.SetFloat(v)
}

// Default shows the field's present value, and for one that is filled in later how that is done.
func (f Field) Default() string {
	switch kind := f.Value.Kind(); {
	case f.IsAuto():
		return "auto: " + f.Auto
	case (kind == reflect.Pointer || kind == reflect.Interface) && f.Value.IsNil():
		return "none"
	case (kind == reflect.String || kind == reflect.Slice || kind == reflect.Map) && f.Value.Len() == 0:
		return "none"
	}
	return fmt.Sprint(f.Value.Interface())
}

// CheckGiven is Check of a value that somebody has written down, and not left to be chosen: a zero is then a zero.
func (f Field) CheckGiven() error {
	auto := f.IsAuto()
	f.Auto = ""
	err := f.Check()
	if err != nil && auto {
		err = fmt.Errorf("%w, or auto", err)
	}
	return err
}

// Free reports whether a resumed run may have another value at a path, whose keys are joined by dots, in v, a struct or a pointer to one.
func Free(v any, path string) bool {
	key, rest, _ := strings.Cut(path, ".")
	for _, f := range Fields(v) {
		if f.Key != key {
			continue
		}
		m, named := f.Value.Interface().(Mapping)
		if f.Free || !named {
			return f.Free || rest != "" && Free(f.Value.Interface(), rest)
		}
		for i, r := range rest { // a name may have dots
			if r == '.' && Free(m.New(), rest[i+1:]) {
				return true
			}
		}
	}
	return false
}

// Check returns an error naming the field and its rule if the field's value, or an element of it, is out of range.
func (f Field) Check() error {
	if f.Range == "" || f.IsAuto() {
		return nil
	}
	return checkRange(f.Key, f.Range, f.Value)
}

// Check checks every field of v, a struct or a pointer to one, and of the structs and Maps within. All violations are reported, each as
// "<path> = <value>, want <rule>", with path's keys joined by dots after prefix.
func Check(prefix string, v any) error {
	var errs []error
	for _, f := range Fields(v) {
		if prefix != "" {
			f.Key = prefix + "." + f.Key
		}
		errs = append(errs, f.Check())
		if inner := structOf(f.Value); inner.Kind() == reflect.Struct {
			errs = append(errs, Check(f.Key, inner.Interface()))
		}
		if m, ok := f.Value.Interface().(Mapping); ok {
			for key, value := range m.All() {
				errs = append(errs, Check(f.Key+"."+key, value))
			}
		}
	}
	return errors.Join(errs...)
}

func checkRange(key, rule string, v reflect.Value) error {
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if err := checkRange(fmt.Sprintf("%s[%d]", key, i), rule, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if v.Kind() == reflect.String {
		for _, word := range Words(rule) {
			if v.String() == word {
				return nil
			}
		}
		return fmt.Errorf("%s = %q, want %s", key, v.String(), strings.Join(Words(rule), " or "))
	}
	r, err := parseInterval(rule)
	if err != nil {
		panic(fmt.Sprintf("schema: field %s: %v", key, err)) // a mistake in a tag, found by the first test that touches it
	}
	if x := number(v); !r.contains(x) {
		return fmt.Errorf("%s = %v, want %s", key, v.Interface(), r)
	}
	return nil
}

// Words lists the values that a range of words allows: "a | b" is a and b. For an interval there are none.
func Words(rule string) []string {
	if rule == "" || strings.ContainsAny(rule, "[(") {
		return nil
	}
	words := strings.Split(rule, "|")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}

func number(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	}
	return v.Float()
}

// interval is a set of numbers between two ends, each in it or not.
type interval struct {
	lo, hi         float64
	loOpen, hiOpen bool
}

// parseInterval reads "[0, 1)", "(0, inf)" and the like.
func parseInterval(s string) (interval, error) {
	s = strings.TrimSpace(s)
	lo, hi, ok := strings.Cut(strings.Trim(s, "[]()"), ",")
	if len(s) < 2 || !ok || !strings.ContainsAny(s[:1], "[(") || !strings.ContainsAny(s[len(s)-1:], "])") {
		return interval{}, fmt.Errorf("range %q, want an interval such as [0, 1) or words separated by |", s)
	}
	r := interval{loOpen: s[0] == '(', hiOpen: s[len(s)-1] == ')'}
	var err1, err2 error
	r.lo, err1 = strconv.ParseFloat(strings.TrimSpace(lo), 64)
	r.hi, err2 = strconv.ParseFloat(strings.TrimSpace(hi), 64)
	return r, errors.Join(err1, err2)
}

func (r interval) contains(x float64) bool {
	return (x > r.lo || x == r.lo && !r.loOpen) && (x < r.hi || x == r.hi && !r.hiOpen)
}

func (r interval) String() string {
	lo, hi := ">=", "<="
	if r.loOpen {
		lo = ">"
	}
	if r.hiOpen {
		hi = "<"
	}
	switch {
	case math.IsInf(r.hi, 1) && math.IsInf(r.lo, -1):
		return "a finite number"
	case math.IsInf(r.hi, 1):
		return fmt.Sprintf("%s %v", lo, r.lo)
	case math.IsInf(r.lo, -1):
		return fmt.Sprintf("%s %v", hi, r.hi)
	}
	return fmt.Sprintf("%s %v and %s %v", lo, r.lo, hi, r.hi)
}
