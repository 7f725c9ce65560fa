package l2l

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// streak is what the individuals have in common that have failed in a row: the kinds of their reasons, and where they were. Its memory does not grow
// with the run.
type streak struct {
	space     optimizee.Space // nil: not known
	unordered []int           // of its coordinates: those without an order
	failed    int             // in a row
	kinds     []failureKind   // of them, in the order in which they were first seen
	region    extent          // of them
	succeeded int             // individuals, ever
	good      extent          // of those
}

type failureKind struct {
	kind     string
	headline string // of the first one
	count    int
}

// maxKinds is how many kinds of failures are told apart; more are counted as others.
const maxKinds = 20

// extent is the part of a space that points are in, coordinate by coordinate.
type extent struct {
	lower, upper []float64
	choices      []uint64 // which of the values 0 to 63 there were, a bit each: of coordinates without an order
}

// maxExtent is the number of coordinates up to which one of them may tell something to people.
const maxExtent = 1000

// include takes a point in, of which these coordinates have no order.
func (e *extent) include(x []float64, unordered []int) {
	if len(x) > maxExtent {
		return
	}
	if e.lower == nil {
		e.lower, e.upper, e.choices = slices.Clone(x), slices.Clone(x), make([]uint64, len(x))
	}
	lower, upper := e.lower[:len(x)], e.upper[:len(x)]
	for i, v := range x {
		if v < lower[i] {
			lower[i] = v
		}
		if v > upper[i] {
			upper[i] = v
		}
	}
	for _, i := range unordered {
		if v := x[i]; v >= 0 && v < 64 {
			e.choices[i] |= 1 << uint(v)
		}
	}
}

// newStreak is the streak of no individuals, of a space that may be nil.
func newStreak(space optimizee.Space) streak {
	s := streak{space: space}
	for i, c := range space.Coordinates() {
		if unordered(c.Kind) {
			s.unordered = append(s.unordered, i)
		}
	}
	return s
}

// take takes in an individual that was told; reason is that of its failure.
func (s *streak) take(x []float64, failed bool, reason string) {
	if !failed {
		s.failed, s.kinds, s.region = 0, nil, extent{}
		s.succeeded++
		s.good.include(x, s.unordered)
		return
	}
	s.failed++
	s.region.include(x, s.unordered)
	kind := Pattern(reason)
	at := slices.IndexFunc(s.kinds, func(k failureKind) bool { return k.kind == kind })
	switch {
	case at >= 0:
		s.kinds[at].count++
	case len(s.kinds) < maxKinds:
		s.kinds = append(s.kinds, failureKind{kind, Headline(reason), 1})
	}
}

// alike reports whether all of them have failed for reasons of one kind.
func (s *streak) alike() bool { return len(s.kinds) == 1 && s.kinds[0].count == s.failed }

// hopeless reports whether all of them have failed for one kind of reasons, by which the program is at fault and not where they were.
func (s *streak) hopeless() bool { return s.alike() && blamesProgram(s.kinds[0].headline) }

// String tells what they have in common.
func (s *streak) String() string {
	var text string
	if s.alike() {
		text = "all of them: " + s.kinds[0].headline
	} else {
		kinds := slices.Clone(s.kinds)
		slices.SortStableFunc(kinds, func(a, b failureKind) int { return b.count - a.count })
		var parts []string
		others := s.failed
		for _, k := range kinds[:min(3, len(kinds))] {
			parts = append(parts, fmt.Sprintf("%d of them: %s", k.count, k.headline))
			others -= k.count
		}
		if others > 0 {
			parts = append(parts, fmt.Sprintf("%d for other reasons", others))
		}
		text = strings.Join(parts, "; ")
	}
	if where := s.where(); where != "" {
		text += "; " + where
	}
	return text
}

// where tells in which part of the space they were and those that succeeded were not; where none has succeeded, in which part all were. It is ""
// where that is not known, or no parameter by itself tells them apart.
func (s *streak) where() string {
	const most = 3 // parameters
	if s.space == nil || s.region.lower == nil || s.space.Dim() != len(s.region.lower) {
		return ""
	}
	lower, upper, ok := s.values(s.region)
	if !ok {
		return ""
	}
	names, coords := s.space.Labels(), s.space.Coordinates()
	var parts []string
	if s.succeeded == 0 {
		if len(names) > most || s.failed == 1 {
			return ""
		}
		for i, name := range names {
			if !unordered(coords[i].Kind) && s.region.lower[i] < s.region.upper[i] {
				parts = append(parts, fmt.Sprintf("%s from %s to %s", name, shown(lower[i]), shown(upper[i])))
			}
		}
		if parts == nil {
			return ""
		}
		return "tried were " + strings.Join(parts, ", ")
	}
	least, largest, ok := s.values(s.good)
	if !ok {
		return ""
	}
	for i, name := range names {
		switch {
		case len(parts) == most:
		case unordered(coords[i].Kind):
			if s.region.lower[i] == s.region.upper[i] && s.region.choices[i]&s.good.choices[i] == 0 {
				parts = append(parts, fmt.Sprintf("%s was %s in all of them and in none of the %d that succeeded", name, shown(lower[i]), s.succeeded))
			}
		case s.region.lower[i] > s.good.upper[i]:
			parts = append(parts, fmt.Sprintf("%s was at least %s in all of them and at most %s in all of the %d that succeeded",
				name, shown(lower[i]), shown(largest[i]), s.succeeded))
		case s.region.upper[i] < s.good.lower[i]:
			parts = append(parts, fmt.Sprintf("%s was at most %s in all of them and at least %s in all of the %d that succeeded",
				name, shown(upper[i]), shown(least[i]), s.succeeded))
		}
	}
	return strings.Join(parts, "; ")
}

// values are the corners of an extent as users know them.
func (s *streak) values(e extent) (lower, upper []any, ok bool) {
	lo, err := s.space.Decode(e.lower)
	if err != nil {
		return nil, nil, false
	}
	hi, err := s.space.Decode(e.upper)
	return lo.Flat(), hi.Flat(), err == nil
}

func unordered(k optimizee.Kind) bool { return k == optimizee.Bool || k == optimizee.Categorical }

func shown(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.4g", f)
	}
	return fmt.Sprint(v)
}
