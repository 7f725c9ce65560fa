package optimizee

import (
	"fmt"
	"strings"
)

// Text is the value as a command line or an environment variable has it, with all its digits. Elements of a vector are separated by commas.
func (v Value) Text() string { return strings.Join(Elements(v.Value), ",") }

// Elements are the texts of the elements of a value, with all their digits: of a vector each, of nil none, of anything else the one.
func Elements(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []float64:
		return elementsOf(v)
	case []int64:
		return elementsOf(v)
	case []bool:
		return elementsOf(v)
	case []string:
		return v
	case []any:
		return elementsOf(v)
	case float64:
		return []string{textOf(v)}
	}
	return []string{fmt.Sprint(v)}
}

func elementsOf[T any](v []T) []string {
	texts := make([]string, len(v))
	for i, x := range v {
		texts[i] = strings.Join(Elements(x), ",")
	}
	return texts
}
