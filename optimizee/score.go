package optimizee

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Score is a number that a test finds.
type Score struct {
	Of    string // the part of the data that it is of, a row of the table that people read; "" where there are no parts
	Name  string // of the number, a column, with its unit behind a comma; "accuracy", say, or "first spike, ms"
	Value float64
}

// Scores are the numbers of a test, each Name once for the same Of. In JSON they are an object of numbers, or, with parts, of objects of numbers, in
// their order, and what is no number is null. Of null nothing is read.
type Scores []Score

// Parts are what the scores are of, in their order.
func (s Scores) Parts() []string { return s.distinct(func(s Score) string { return s.Of }) }

// Names are those of the numbers, in their order.
func (s Scores) Names() []string { return s.distinct(func(s Score) string { return s.Name }) }

func (s Scores) distinct(text func(Score) string) (all []string) {
	for _, score := range s {
		if t := text(score); !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// Value is the score of a name and of a part; NaN if there is none.
func (s Scores) Value(of, name string) float64 {
	if i := slices.IndexFunc(s, func(s Score) bool { return s.Of == of && s.Name == name }); i >= 0 {
		return s[i].Value
	}
	return math.NaN()
}

// MarshalJSON implements json.Marshaler.
func (s Scores) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for _, of := range s.Parts() {
		if of != "" {
			b = append(codec.AppendKey(b, of), '{')
		}
		for _, score := range s {
			if score.Of != of {
				continue
			}
			b = codec.AppendKey(b, score.Name)
			if math.IsNaN(score.Value) || math.IsInf(score.Value, 0) {
				b = append(b, "null"...)
				continue
			}
			number, err := json.Marshal(score.Value)
			if err != nil {
				return nil, err
			}
			b = append(b, number...)
		}
		if of != "" {
			b = append(b, '}')
		}
	}
	return append(b, '}'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Scores) UnmarshalJSON(text []byte) error {
	*s = Scores{}
	return codec.EachMember(text, func(name string, value json.RawMessage) error {
		if value[0] != '{' {
			return s.read("", name, value)
		}
		return codec.EachMember(value, func(inner string, value json.RawMessage) error { return s.read(name, inner, value) })
	})
}

// read reads a score, of which there was none before.
func (s *Scores) read(of, name string, raw json.RawMessage) error {
	what := name
	if of != "" {
		what = of + ": " + name
	}
	var value *float64
	if err := json.Unmarshal(raw, &value); err != nil {
		return fmt.Errorf("%s is %.60s, want a number, or an object of numbers", what, raw)
	}
	if slices.ContainsFunc(*s, func(s Score) bool { return s.Of == of && s.Name == name }) {
		return fmt.Errorf("%s is there twice", what)
	}
	if value != nil {
		*s = append(*s, Score{of, name, *value})
	}
	return nil
}
