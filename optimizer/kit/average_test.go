package kit_test

import (
	"math"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// The weights follow from the recursion: after T vectors the t-th has weight proportional to t (t+1) (t+2), whose sum is T (T+1) (T+2) (T+3) / 4.
func TestAverageWeighsVectorsByTheThirdPowerOfTheirPlace(t *testing.T) {
	const n = 50
	for one := range n {
		var a kit.Average
		for i := range n {
			x := []float64{0, 7}
			if i == one {
				x[0] = 1
			}
			a.Add(x)
		}
		k := float64(one + 1)
		want := 4 * k * (k + 1) * (k + 2) / (n * (n + 1) * (n + 2) * (n + 3))
		if math.Abs(a.X[0]-want) > 1e-15 || math.Abs(a.X[1]-7) > 1e-12 || a.T != n {
			t.Fatalf("vector %d of %d has weight %v, want %v; the constant is %v", one, n, a.X[0], want, a.X[1])
		}
	}
}
