package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Section and List are values from a configuration, written in JSON by AppendJSON: a number that is a float there is one for its reader, too.
type (
	Section map[string]any
	List    []any
)

// MarshalJSON implements json.Marshaler.
func (s Section) MarshalJSON() ([]byte, error) { return AppendJSON(nil, map[string]any(s)) }

// MarshalJSON implements json.Marshaler.
func (l List) MarshalJSON() ([]byte, error) { return AppendJSON(nil, []any(l)) }

// AppendJSON appends a value of a configuration, or of a parameter, as JSON. A float has a point or an exponent, so that languages that tell floats from
// integers read it as what it is, and all its digits. Keys are sorted. What is not finite is an error.
func AppendJSON(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case float64:
		return appendFloat(b, v)
	case []float64:
		return appendList(b, v, appendFloat)
	case []any:
		return appendList(b, v, AppendJSON)
	case map[string]any:
		if v == nil {
			return append(b, "null"...), nil
		}
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			name, err := json.Marshal(key)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = AppendJSON(append(append(b, name...), ':'), v[key]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	text, err := json.Marshal(v)
	return append(b, text...), err
}

func appendList[T any](b []byte, list []T, element func([]byte, T) ([]byte, error)) (_ []byte, err error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = element(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendFloat(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v, which JSON does not have", f)
	}
	from := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	if !slices.ContainsFunc(b[from:], func(c byte) bool { return c == '.' || c == 'e' }) {
		b = append(b, ".0"...)
	}
	return b, nil
}

// AppendKey appends the name of a member to an object that is being written, with a comma before it where it is not the first.
func AppendKey(b []byte, name string) []byte {
	text, _ := json.Marshal(name) // of a text there is no error
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(append(b, text...), ':')
}

// EachMember calls f with the members of a JSON object, in their order, until it returns an error.
func EachMember(object []byte, f func(name string, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(object))
	switch begin, err := dec.Token(); {
	case err != nil:
		return err
	case begin != json.Delim('{'):
		return errors.New("want an object")
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if err := f(name.(string), value); err != nil { // a key is a text
			return err
		}
	}
	_, err := dec.Token()
	return err
}
