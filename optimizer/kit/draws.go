package kit

import (
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Pick returns an index of weights that is drawn in proportion to them, given share, a uniform random number between 0 and their sum. The
// weights are >= 0, and one at least.
func Pick(weights []float64, share float64) int {
	at := 0
	for at < len(weights)-1 && share >= weights[at] {
		share -= weights[at]
		at++
	}
	return at
}

// LatinHypercube draws n points of which each coordinate has one in every n-th of its initial distribution.
func LatinHypercube(problem optimizer.Problem, rng *rand.Rand, n int) [][]float64 {
	xs := make([][]float64, n)
	for i := range xs {
		xs[i] = make([]float64, problem.Dim())
	}
	for k, c := range problem.Coords {
		for i, part := range rng.Perm(n) {
			xs[i][k] = c.Quantile((float64(part) + rng.Float64()) / float64(n))
		}
	}
	return xs
}
