package kit

import (
	"fmt"
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Individual is a member of a population, with one objective. It is part of the algorithm's state.
type Individual struct {
	X      codec.Vector
	Loss   float64 // meaningful if Known and not Failed
	Known  bool    // it has been evaluated
	Failed bool
}

// NewIndividual is an individual that has been told; it keeps x.
func NewIndividual(x, loss []float64, failed bool) Individual {
	s := optimizer.StandingOf(loss, failed)
	return Individual{X: x, Loss: s.Loss, Known: true, Failed: s.Failed}
}

// Standing is the individual's; one that is not Known counts as failed.
func (g Individual) Standing() optimizer.Standing {
	return optimizer.Standing{Loss: g.Loss, Failed: g.Failed || !g.Known}
}

// Compare is negative where g is better than other, positive where it is worse, and 0 where they are equals: it sorts from the best to the
// worst.
func (g Individual) Compare(other Individual) int { return g.Standing().Compare(other.Standing()) }

// Collapsed reports whether a population has converged, so that differences of its members lead nowhere: their losses agree to rounding,
// and their points to a millionth of the widths.
func Collapsed(problem optimizer.Problem, population []Individual) bool {
	first := population[0]
	for _, g := range population {
		if g.Failed != first.Failed || !g.Failed && math.Abs(g.Loss-first.Loss) > 1e-14*math.Abs(first.Loss) {
			return false
		}
		for j, c := range problem.Coords {
			if math.Abs(g.X[j]-first.X[j]) > 1e-6*c.Width() || c.Kind == optimizer.Categorical && g.X[j] != first.X[j] {
				return false
			}
		}
	}
	return true
}

// Patience is the number of generations, none of which has made any member better, after which a population is given up.
const Patience = 100

// EndOfRun names the rule by which a population has been given up: it is stale, that is, out of Patience, or all in one place.
func EndOfRun(stale bool) string {
	if stale {
		return fmt.Sprintf("patience: %d generations have made no individual better", Patience)
	}
	return "collapsed: all individuals are in one place, or equally good"
}
