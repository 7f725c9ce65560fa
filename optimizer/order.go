package optimizer

import (
	"cmp"
	"math"
)

// Standing is how an individual stands among others where there is one objective: what individuals are ordered by. What counts as better is
// said here and nowhere else: whoever orders individuals does so by [Standing.Compare]. Several objectives have no order but [Fronts].
type Standing struct {
	Loss   float64 // finite; meaningless if Failed
	Failed bool
}

// Compare is negative where s is better than other, positive where it is worse, and 0 where they are equals: individuals that did not
// fail come first, from the smallest loss to the largest, and failed ones last, which are all equals.
func (s Standing) Compare(other Standing) int {
	switch {
	case s.Failed && other.Failed:
		return 0
	case s.Failed:
		return 1
	case other.Failed:
		return -1
	}
	return cmp.Compare(s.Loss, other.Loss)
}

// Better reports whether s comes before other.
func (s Standing) Better(other Standing) bool { return s.Compare(other) < 0 }

// Standing is the individual's, by its first objective.
func (ev Evaluated) Standing() Standing { return StandingOf(ev.Loss, ev.Failed) }

// Standing is the solution's, by its first objective; that of a point without a loss is that of a failed individual.
func (s Solution) Standing() Standing { return StandingOf(s.Loss, false) }

// StandingOf is the standing of an individual with a loss, by its first objective; without a loss, or with one that is not finite, it has failed.
func StandingOf(loss []float64, failed bool) Standing {
	if failed || len(loss) == 0 || math.IsNaN(loss[0]) || math.IsInf(loss[0], 0) {
		return Standing{Failed: true}
	}
	return Standing{Loss: loss[0]}
}
