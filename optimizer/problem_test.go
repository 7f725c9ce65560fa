package optimizer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCoordinateQuantilesAreThoseOfTheInitialDistribution(t *testing.T) {
	inf := math.Inf(1)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []Coordinate{
		{Lower: -2, Upper: 7}, {Kind: Integer, Lower: -3, Upper: 12}, {Kind: Categorical, Upper: 3}, {Lower: -inf, Upper: inf, Mean: 2, Std: 3},
		{Lower: 0, Upper: inf, Mean: 1, Std: 1}, {Kind: Integer, Lower: -inf, Upper: inf, Mean: 0.3, Std: 4},
		{Lower: -1, Upper: 1, Mean: 0.9, Std: 2},
	} {
		const n = 20000
		drawn, computed := make([]float64, n), make([]float64, n)
		for i := range n {
			drawn[i], computed[i] = c.Draw(rng), c.Quantile((float64(i)+0.5)/n)
		}
		slices.Sort(drawn)
		if !slices.IsSorted(computed) {
			t.Errorf("%+v: quantiles fall", c)
		}
		for _, part := range []float64{0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99} { // the share of draws up to a quantile
			at := computed[int(part*n)]
			upTo, below := float64(sortedUpTo(drawn, at))/n, float64(sortedUpTo(drawn, math.Nextafter(at, -inf)))/n
			if upTo < part-0.012 || below > part+0.012 {
				t.Errorf("%+v: quantile %v is %v, but %v to %v of the draws are up to it", c, part, at, below, upTo)
			}
		}
		for _, u := range []float64{0, 1} {
			if x := c.Quantile(u); math.IsInf(x, 0) || math.IsNaN(x) || x != c.Clip(x) {
				t.Errorf("%+v: quantile %v is %v", c, u, x)
			}
		}
	}
}

func sortedUpTo(x []float64, limit float64) int {
	return len(x) - len(slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return v <= limit }))
}

func TestPointsDrawnTogetherAreThoseDrawnOneByOne(t *testing.T) {
	inf := math.Inf(1)
	coords := []Coordinate{
		{Lower: -2, Upper: 7}, {Kind: Integer, Lower: -3, Upper: 12}, {Kind: Categorical, Upper: 3}, {Lower: -inf, Upper: inf, Mean: 2, Std: 3},
		{Lower: 0, Upper: 1e-300}, {Lower: -1e300, Upper: 1e300},
	}
	for _, times := range []int{1, 50, 2000} {
		p := Problem{}
		for range times {
			p.Coords = append(p.Coords, coords...)
		}
		together := p.DrawAll(rand.New(rand.NewPCG(3, 4)), 60)
		rng := rand.New(rand.NewPCG(3, 4))
		for _, x := range together {
			want := make([]float64, len(p.Coords))
			for i, c := range p.Coords {
				want[i] = c.Draw(rng)
			}
			if !slices.Equal(x, want) || cap(x) != len(x) {
				t.Fatalf("%d coordinates: %v, want %v", len(want), x, want)
			}
		}
	}
}
