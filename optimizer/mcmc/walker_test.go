package mcmc

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// How often y is proposed from x, against how often x from y, on a space small enough to count.
func TestWalkerProposalsAreSymmetric(t *testing.T) {
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Lower: 0, Upper: 3},
		{Kind: optimizer.Categorical, Upper: 2}, {Kind: optimizer.Integer, Lower: 0, Upper: 1}}}
	rng := rand.New(rand.NewPCG(2, 2))
	const states, draws = 4 * 3 * 2, 40000
	number := func(x []float64) int { return int(x[0])*6 + int(x[1])*2 + int(x[2]) }
	var counts [states][states]float64
	for from := range states {
		w := walker{X: []float64{float64(from / 6), float64(from / 2 % 3), float64(from % 2)}, Step: 0.4}
		for range draws {
			counts[from][number(w.propose(problem, rng))]++
		}
	}
	for a := range states {
		for b := range a {
			there, back := counts[a][b], counts[b][a]
			if math.Abs(there-back) > 5*math.Sqrt(there+back+1) {
				t.Errorf("%d to %d: %v times, back: %v times, of %d", a, b, there, back, draws)
			}
		}
	}
}

func TestWalkerReflectionKeepsAUniformDistributionUniform(t *testing.T) {
	inf := math.Inf(1)
	rng := rand.New(rand.NewPCG(3, 3))
	counts := make([]int, 10)
	for range 50000 {
		x := reflected(2+3*rng.Float64()+0.8*rng.NormFloat64(), 2, 5) // a step from a uniform point
		counts[int((x-2)/3*10)]++
	}
	for i, n := range counts {
		if n < 4700 || n > 5300 {
			t.Errorf("part %d has %d of 50,000, want about 5,000", i, n)
		}
	}
	for _, c := range [][4]float64{{-1, 0, inf, 1}, {3, 0, inf, 3}, {7, -inf, 5, 3}, {1e9, -inf, inf, 1e9}, {12.5, 0, 1, 0.5}, {-0.25, 0, 1, 0.25}} {
		rig.Near(t, "reflected", reflected(c[0], c[1], c[2]), c[3])
	}
}
