package optimizer

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

func TestHypervolumeByHand(t *testing.T) {
	for _, c := range []struct {
		points    [][]float64
		reference []float64
		want      float64
	}{
		{nil, []float64{1, 1}, 0},
		{[][]float64{{3}, {2}, {5}}, []float64{4}, 2},
		{[][]float64{{1, 3}, {2, 2}, {3, 1}}, []float64{4, 4}, 3 + 2 + 1},
		{[][]float64{{1, 3}, {2, 2}, {3, 1}, {2, 3}, {2, 2}}, []float64{4, 4}, 6},             // dominated, and twice the same
		{[][]float64{{1, 3}, {0, 4}, {-9, 7}, {4, 0}}, []float64{4, 4}, 3},                    // not below the reference
		{[][]float64{{0, 0, 1}, {1, 1, 0}}, []float64{2, 2, 2}, 4 + 2 - 1},                    // two boxes, overlapping
		{[][]float64{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}}, []float64{2, 2, 2}, 3*2 - 3*1 + 1},     // three boxes
		{[][]float64{{0, 0, 0, 1}, {1, 1, 1, 0}}, []float64{2, 2, 2, 2}, 8 + 2 - 1},           // in four
		{[][]float64{{0, 0, 0, 0, 1}, {1, 1, 1, 1, 0}}, []float64{2, 2, 2, 2, 2}, 16 + 2 - 1}, // and in five dimensions
	} {
		if got := Hypervolume(c.points, c.reference); got != c.want {
			t.Errorf("%v up to %v: %v, want %v", c.points, c.reference, got, c.want)
		}
	}
}

// The volume of a union of boxes is, by inclusion and exclusion, the sum of the volumes of all their intersections with alternating sign.
func TestHypervolumeIsThatOfInclusionAndExclusion(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for m := 1; m <= 6; m++ {
		for range 20 {
			points := make([][]float64, 1+rng.IntN(9))
			for i := range points {
				for range m {
					points[i] = append(points[i], float64(rng.IntN(8))/8+rng.Float64()/1e3*float64(i%2))
				}
			}
			reference := make([]float64, m)
			for k := range reference {
				reference[k] = 1.25
			}
			want := 0.0
			for set := 1; set < 1<<len(points); set++ {
				volume := 1.0
				for k := range m {
					corner := math.Inf(-1)
					for i, p := range points {
						if set>>i&1 == 1 {
							corner = max(corner, p[k])
						}
					}
					volume *= reference[k] - corner
				}
				if bits.OnesCount(uint(set))%2 == 0 {
					volume = -volume
				}
				want += volume
			}
			before := fmt.Sprint(points)
			if got := Hypervolume(points, reference); math.Abs(got-want) > 1e-9 {
				t.Fatalf("%d objectives: %v, want %v for %v", m, got, want, points)
			}
			if fmt.Sprint(points) != before {
				t.Fatal("the points were changed")
			}
		}
	}
}

func BenchmarkHypervolume(b *testing.B) {
	for _, m := range []int{2, 3, 4, 5} {
		rng := rand.New(rand.NewPCG(4, 4))
		points, reference := make([][]float64, 200), make([]float64, m)
		for i := range points { // on the sphere, so that none dominates another
			length := 0.0
			for range m {
				v := math.Abs(rng.NormFloat64())
				points[i], length = append(points[i], v), length+v*v
			}
			for k := range points[i] {
				points[i][k] /= math.Sqrt(length)
			}
		}
		for k := range reference {
			reference[k] = 1.1
		}
		b.Run(fmt.Sprintf("200 points, %d objectives", m), func(b *testing.B) {
			for b.Loop() {
				Hypervolume(points, reference)
			}
		})
	}
}
