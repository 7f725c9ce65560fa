package schema

import (
	"encoding"
	"math"
	"reflect"
	"time"
)

// Worded is a value that may be given as a single word instead of a section or a list, and says which words: as a JSON Schema. The elements of a list
// that is Worded are such words.
type Worded interface {
	SchemaWord() map[string]any
}

// Ruled is a struct with rules beside those of its fields, such as keys that must be there, which it says as a JSON Schema. It has those rules in its own
// check as well.
type Ruled interface {
	SchemaRules() map[string]any
}

// JSON is what v, a struct or a pointer to one that holds the defaults, takes in a configuration, as a JSON Schema of draft 7: types, ranges, words,
// and no keys but its own and those of besides, whose schemas these are.
func JSON(v any, besides map[string]any) map[string]any {
	properties := map[string]any{}
	for _, f := range Fields(v) {
		properties[f.Key] = f.json()
	}
	for key, s := range besides {
		properties[key] = s
	}
	section := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if r, ok := v.(Ruled); ok {
		section["allOf"] = []any{r.SchemaRules()}
	}
	return section
}

// json is what the field takes, with what people are told of it.
func (f Field) json() map[string]any {
	s := valueJSON(f.Value, f.Range)
	if f.Auto != "" && !takesAnyText(s) {
		s = either(s, map[string]any{"const": "auto"})
	}
	s["description"] = f.Doc
	if f.Unit != "" {
		s["description"] = f.Doc + " (" + f.Unit + ")"
	}
	if f.IsAuto() {
		s["default"] = "auto"
	} else if d := plainJSON(f.Value); d != nil {
		s["default"] = d
	}
	return s
}

// either is a schema of what one of several take.
func either(several ...map[string]any) map[string]any { return map[string]any{"anyOf": several} }

// text is the schema of a text: what is written without quotes may be a number to YAML, or a word for true.
func text() map[string]any { return map[string]any{"type": []string{"string", "number", "boolean"}} }

func takesAnyText(s map[string]any) bool {
	types, _ := s["type"].([]string)
	return len(types) == 3 && s["enum"] == nil
}

// valueJSON is what a value takes whose elements are in a range.
func valueJSON(v reflect.Value, rule string) map[string]any {
	t := v.Type()
	pointer := reflect.New(t)
	pointer.Elem().Set(v)
	if w, ok := pointer.Interface().(Worded); ok {
		word := w.SchemaWord()
		if t.Kind() == reflect.Slice {
			return either(word, map[string]any{"type": "array", "items": w.SchemaWord()})
		}
		return either(word, sectionJSON(pointer))
	}
	if m, ok := pointer.Interface().(Appender); ok {
		return map[string]any{
			"type": []string{"object", "null"}, "propertyNames": map[string]any{"minLength": 1},
			"additionalProperties": valueJSON(reflect.ValueOf(m.New()).Elem(), ""),
		}
	}
	if _, ok := pointer.Interface().(encoding.TextUnmarshaler); ok {
		return map[string]any{} // it has not said what it takes
	}
	switch t.Kind() {
	case reflect.Pointer:
		return either(valueJSON(reflect.Zero(t.Elem()), rule), map[string]any{"type": "null"})
	case reflect.Struct:
		return sectionJSON(pointer)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": valueJSON(reflect.Zero(t.Elem()), rule)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": valueJSON(reflect.Zero(t.Elem()), rule)}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		if words := Words(rule); words != nil {
			return map[string]any{"enum": words}
		}
		return text()
	case reflect.Interface:
		return map[string]any{}
	}
	if t == reflect.TypeFor[time.Duration]() {
		return durationJSON(rule)
	}
	s := map[string]any{"type": "integer"}
	if t.Kind() == reflect.Float64 {
		s["type"] = "number"
	}
	if reflect.Zero(t).CanUint() {
		s["minimum"] = 0
	}
	if r, err := parseInterval(rule); err == nil {
		r.bound(s)
	}
	return s
}

// sectionJSON is what the struct takes that v points to. A section in which nothing is written is one of which nothing is said.
func sectionJSON(v reflect.Value) map[string]any {
	s := JSON(v.Interface(), nil)
	s["type"] = []string{"object", "null"}
	return s
}

// bound adds the interval to the schema of a number.
func (r interval) bound(s map[string]any) {
	end := func(x float64, open bool, closed, exclusive string) {
		switch {
		case math.IsInf(x, 0):
		case open:
			s[exclusive] = x
		default:
			s[closed] = x
		}
	}
	end(r.lo, r.loOpen, "minimum", "exclusiveMinimum")
	end(r.hi, r.hiOpen, "maximum", "exclusiveMaximum")
}

// durationJSON is what a duration takes: a text, or the number 0. Of its range, a schema can say that it is not negative, and that it is not 0.
func durationJSON(rule string) map[string]any {
	const parts = `(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	r, err := parseInterval(rule)
	switch {
	case err != nil || r.lo < 0:
		return either(map[string]any{"type": "string", "pattern": "^[-+]?" + parts}, map[string]any{"const": 0})
	case r.loOpen:
		notZero := map[string]any{"pattern": "[1-9]"}
		return map[string]any{"type": "string", "pattern": `^\+?` + parts, "allOf": []any{notZero}}
	}
	return either(map[string]any{"type": "string", "pattern": `^\+?` + parts}, map[string]any{"const": 0})
}

// plainJSON is a value as JSON has it; nil for one that an editor cannot offer: none, a section, or a list of anything.
func plainJSON(v reflect.Value) any {
	switch t := v.Type(); {
	case t == reflect.TypeFor[time.Duration]():
		return v.Interface().(time.Duration).String()
	case v.Kind() == reflect.String && v.Len() == 0:
		return nil
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool, v.CanInt(), v.CanUint(), v.CanFloat() && !math.IsInf(v.Float(), 0):
		return v.Interface()
	case v.Kind() == reflect.Slice && v.Len() > 0:
		list := make([]any, v.Len())
		for i := range list {
			if list[i] = plainJSON(v.Index(i)); list[i] == nil {
				return nil
			}
		}
		return list
	}
	return nil
}
