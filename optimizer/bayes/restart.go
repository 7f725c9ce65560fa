package bayes

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// A search is made of runs, each from an initial design to its convergence. At the end of a run most of its results lie around one optimum, and the
// length scales are learnt from those: the model is sure of what it has not seen, and may be wrong by ten of its own standard deviations about
// another optimum. A few results from everywhere, beside those many, change nothing about that. The next run therefore forgets them, as in TuRBO a
// trust region that has shrunk to nothing is followed by another one (Eriksson et al. 2019, arXiv:1910.01739). That costs nothing, where no
// improvement is expected of further evaluations.

// end is where a run has ended.
type end struct {
	X    codec.Vector // where its model is least
	Loss float64      // what the model expects there
}

// mostEnds is how many ends are remembered, of the least loss.
const mostEnds = 20

// ends are where the runs have ended, and where the present one would, the least loss first.
func (o *Search) ends() []end {
	ends := slices.Clone(o.s.Ends)
	if e, ok := o.least(); ok {
		ends = append(ends, e)
	}
	slices.SortStableFunc(ends, func(a, b end) int { return cmp.Compare(a.Loss, b.Loss) })
	return ends
}

// endRun begins the next run if the present one has converged, or ends the search.
func (o *Search) endRun() {
	reason := fmt.Sprintf("tol_improvement: an improvement by less than %g standard deviations of the losses is expected anywhere",
		o.par.TolImprovement)
	switch {
	case o.par.Restarts == none && o.s.Idle >= lastly:
		o.s.Stop = reason
	case o.par.Restarts == none || o.s.Idle < patience:
	case o.s.Restarts.Count >= o.par.MaxRestarts || o.exhausted():
		o.s.Stop = fmt.Sprintf("%s, after %d restarts", reason, o.s.Restarts.Count)
	default:
		o.s.Ends = o.ends()
		o.s.Ends = o.s.Ends[:min(mostEnds, len(o.s.Ends))]
		o.s.Restarts.Add(optimizer.Restart{Told: o.s.Gen.Told, Reason: reason, PopSize: o.par.PopSize})
		o.s.Past = append(o.s.Past, o.s.Results...)
		o.s.Past = o.s.Past[max(0, len(o.s.Past)-o.par.MaxPoints):] // so that the state does not grow without end
		o.s.Results, o.s.Theta, o.s.Fitted, o.s.Total = nil, usualTheta(o.problem.Dim()), 0, 0
		o.s.Design, o.s.Idle = 0, 0
	}
}

// exhausted tells whether there have been as many results as there are points, so that another run would evaluate them again.
func (o *Search) exhausted() bool {
	points := 1.0
	for _, c := range o.problem.Coords {
		if c.Kind == optimizer.Continuous {
			return false
		}
		points *= c.Upper - c.Lower + 1
	}
	return float64(o.s.Gen.Told) >= points
}
