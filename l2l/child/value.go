package child

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// What a program returns is decoded JSON or msgpack: see Encoding.Unmarshal.

// Vector reads a vector: a list of numbers, or little-endian doubles.
func Vector(v any) ([]float64, error) {
	switch v := v.(type) {
	case []byte:
		return codec.ParseVector(v)
	case []float64:
		return v, nil
	case []any:
		out := make([]float64, len(v))
		for i, x := range v {
			f, err := Number(x)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			out[i] = f
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s, want a list of numbers", Shown(v))
}

// Len is the length of a list, or -1 if v is none.
func Len(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case []float64:
		return len(v)
	}
	return -1
}

// Item is an element of a list that is long enough.
func Item(v any, i int) any {
	if numbers, ok := v.([]float64); ok {
		return numbers[i]
	}
	return v.([]any)[i]
}

// Number reads a number.
func Number(v any) (float64, error) {
	switch r := reflect.ValueOf(v); {
	case r.CanFloat():
		return r.Float(), nil
	case r.CanInt():
		return float64(r.Int()), nil
	case r.CanUint():
		return float64(r.Uint()), nil
	}
	return 0, fmt.Errorf("%s, want a number", Shown(v))
}

// Shown is a value as a message quotes it.
func Shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "an object with the keys " + Quoted(slices.Sorted(maps.Keys(v)))
	case []any, []float64:
		return fmt.Sprintf("a list of %d", Len(v))
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	case string:
		return Quote(v)
	}
	return fmt.Sprint(v)
}

// Quote quotes the beginning of a text.
func Quote(s string) string {
	if len(s) > 80 {
		return strconv.Quote(s[:80]) + "…"
	}
	return strconv.Quote(s)
}

// Quoted quotes the first of some words.
func Quoted(words []string) string {
	var list []string
	for i, w := range words {
		if i == 8 {
			list = append(list, "…")
			break
		}
		list = append(list, Quote(w))
	}
	return strings.Join(list, ", ")
}
