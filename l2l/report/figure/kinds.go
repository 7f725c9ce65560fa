package figure

import "math"

// Kind is a figure that a run may have.
type Kind struct {
	Name     string              // of the figure that it makes
	Question string              // of a scientist, that it answers
	Make     func(*Data) *Figure // nil where the run has nothing for it
}

// The questions, in the order in which they are asked.
const (
	Converged = "Is it converged?"
	Matters   = "Which parameters matter?"
	Sure      = "How sure is it?"
	Failed    = "What failed?"
	Cost      = "What did it cost?"
)

// Questions lists the questions.
func Questions() []string { return []string{Converged, Matters, Sure, Failed, Cost} }

// Kinds lists the figures of a run. A run that has nothing for one of them, a front, say, where there is one objective, has no such figure.
func Kinds() []Kind {
	return []Kind{
		{"convergence", Converged, convergenceEvaluations},
		{"convergence-generations", Converged, convergenceGenerations},
		{"convergence-time", Converged, convergenceTime},
		{"front", Converged, frontFigure},
		{"hypervolume", Converged, hypervolume},
		{"optimizer", Converged, optimizerFigures},
		{"importance", Matters, importanceFigure},
		{"sensitivity", Matters, sensitivity},
		{"parameters", Matters, courses},
		{"slices", Matters, slicesFigure},
		{"pairs", Matters, pairs},
		{"parallel", Matters, parallel},
		{"best", Sure, bestFigure},
		{"posterior", Sure, posteriorFigure},
		{"posterior-pairs", Sure, posteriorPairs},
		{"correlation", Sure, correlation},
		{"failures", Failed, failures},
		{"failure-regions", Failed, failureRegions},
		{"times", Cost, times},
		{"utilisation", Cost, utilisation},
		{"timeline", Cost, timeline},
	}
}

// value is a coordinate that is searched as the value that users see.
func (d *Data) value(k int, x float64) float64 {
	if d.Parameters[k].Log {
		return math.Exp(x)
	}
	return x
}
