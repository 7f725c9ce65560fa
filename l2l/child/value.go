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
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
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
