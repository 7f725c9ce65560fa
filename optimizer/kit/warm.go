package kit

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Warm is what an algorithm was told of before its first Ask. It is part of the algorithm's state until its first generation.
type Warm []optimizer.Solution

// NewWarm returns the solutions with a loss from the best to the worst (with several objectives, from the first front to the last),
// after those without one; each moved into the box. It returns ErrShape for one of another length.
func NewWarm(known []optimizer.Solution, problem optimizer.Problem) (Warm, error) {
	var points, solutions Warm
	var losses [][]float64
	for i, k := range known {
		if len(k.X) != problem.Dim() || len(k.Loss) != 0 && len(k.Loss) != problem.NumObjectives() {
			return nil, fmt.Errorf("%w: known solution %d: %d coordinates and %d losses, want %d and %d", optimizer.ErrShape,
				i, len(k.X), len(k.Loss), problem.Dim(), problem.NumObjectives())
		}
		s := optimizer.Solution{X: slices.Clone(k.X), Loss: slices.Clone(k.Loss)}
		problem.Clip(s.X)
		if len(s.Loss) == 0 {
			points = append(points, s)
		} else {
			solutions, losses = append(solutions, s), append(losses, s.Loss)
		}
	}
	for _, f := range optimizer.Fronts(losses) {
		for _, i := range f {
			points = append(points, solutions[i])
		}
	}
	return points, nil
}

// Population returns n points to begin with: what is known, without repeating a point, then random draws.
func (w Warm) Population(problem optimizer.Problem, rng *rand.Rand, n int) [][]float64 {
	xs := make([][]float64, 0, n)
	for _, k := range w {
		if len(xs) < n && !slices.ContainsFunc(xs, func(x []float64) bool { return slices.Equal(x, k.X) }) {
			xs = append(xs, k.X)
		}
	}
	for len(xs) < n {
		xs = append(xs, problem.Draw(rng))
	}
	return xs
}

// best is the point with the smallest known loss; nil if no loss is known.
func (w Warm) best() (x []float64) {
	best := optimizer.Standing{Failed: true}
	for _, k := range w {
		if now := k.Standing(); now.Better(best) {
			x, best = k.X, now
		}
	}
	return x
}
