package l2l

import (
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/quadratic"
)

// recent are the individuals that were told last, and their losses: what the fitted finalist is made of. It is part of the search's state, empty where
// there is to be no such finalist.
type recent struct {
	Points []codec.Vector // a ring
	Losses codec.Vector   // len(Points)
	Next   int            // where the ring goes on once it is full
}

// Most individuals that are remembered, and most numbers of all their points together.
const (
	mostRecent  = 3000
	mostNumbers = 100_000
)

// add takes in an individual that did not fail.
func (r *recent) add(x codec.Vector, loss float64) {
	most := min(mostRecent, mostNumbers/max(len(x), 1))
	switch {
	case most < quadratic.Least(len(x)) || math.IsNaN(loss) || math.IsInf(loss, 0):
	case len(r.Points) < most:
		r.Points, r.Losses = append(r.Points, x), append(r.Losses, loss)
	default:
		r.Points[r.Next], r.Losses[r.Next] = x, loss
		r.Next = (r.Next + 1) % most
	}
}

// minima are those of quadratic functions fitted to the losses, of the later half of them and of all, in the box of the points, and of whole numbers where
// the points have no others. What was told early may lie where the loss is no such function, and what was told late may lie so near together that noise
// hides it.
func (r *recent) minima() (xs []codec.Vector) {
	var points [][]float64 // from the oldest on
	var losses []float64
	for i := range r.Points {
		at := (r.Next + i) % len(r.Points)
		points, losses = append(points, r.Points[at]), append(losses, r.Losses[at])
	}
	for _, from := range []int{len(points) / 2, 0} {
		x, ok := quadratic.Minimum(points[from:], losses[from:])
		if !ok {
			continue
		}
		for j := range x {
			lower, upper, whole := math.Inf(1), math.Inf(-1), true
			for _, p := range points {
				lower, upper, whole = min(lower, p[j]), max(upper, p[j]), whole && p[j] == math.Trunc(p[j])
			}
			if x[j] = min(max(x[j], lower), upper); whole {
				x[j] = math.Round(x[j])
			}
		}
		xs = append(xs, x)
	}
	return xs
}

// fitted are the points that quadratic functions fitted to what was told recommend; none where the rules want none.
func (s *Search) fitted() []codec.Vector {
	if !s.rules.Finalists.Fitted || !s.Noisy() {
		return nil
	}
	return s.s.Recent.minima()
}
