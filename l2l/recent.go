package l2l

import (
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/quadratic"
)

// recent are the individuals that were asked last, of those that were told, and their losses: what the fitted finalist is made of. They are in the order of
// their numbers, so that it does not matter who was told first. It is part of the search's state, empty where there is to be no such finalist.
type recent struct {
	IDs    []int64        // ascending
	Points []codec.Vector // len(IDs)
	Losses codec.Vector   // len(IDs)
}

// Most individuals that are remembered, and most numbers of all their points together.
const (
	mostRecent  = 3000
	mostNumbers = 100_000
)

// add takes in an individual that did not fail.
func (r *recent) add(ind *Individual, loss float64) {
	most := min(mostRecent, mostNumbers/max(len(ind.X), 1))
	if most < quadratic.Least(len(ind.X)) || math.IsNaN(loss) || math.IsInf(loss, 0) {
		return
	}
	at, _ := slices.BinarySearch(r.IDs, ind.ID)
	r.IDs, r.Points, r.Losses = slices.Insert(r.IDs, at, ind.ID), slices.Insert(r.Points, at, ind.X), slices.Insert(r.Losses, at, loss)
	if len(r.IDs) > most {
		r.IDs, r.Points, r.Losses = r.IDs[1:], r.Points[1:], r.Losses[1:]
	}
}

// minima are those of quadratic functions fitted to the losses, of the later half of them and of all, in the box of the points, and of whole numbers where
// the points have no others. What was told early may lie where the loss is no such function, and what was told late may lie so near together that noise
// hides it.
func (r *recent) minima() (xs []codec.Vector) {
	points, losses := make([][]float64, len(r.Points)), r.Losses
	for i, p := range r.Points {
		points[i] = p
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
