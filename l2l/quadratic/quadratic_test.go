package quadratic

import (
	"math"
	"math/rand/v2"
	"testing"
)

// cloud draws points around a centre that is not the optimum, of unequal and dependent coordinates, and the values of a loss at them.
func cloud(rng *rand.Rand, n, size int, loss func(x []float64) float64) (points [][]float64, values []float64) {
	for range size {
		x, common := make([]float64, n), rng.NormFloat64()
		for j := range x {
			x[j] = 1 + math.Pow(10, float64(j)/float64(n))*(rng.NormFloat64()+0.5*common)
		}
		points, values = append(points, x), append(values, loss(x))
	}
	return points, values
}

// bowl is a quadratic function with its minimum at 0, in which neighbours depend on each other.
func bowl(x []float64) float64 {
	sum := 0.0
	for j, v := range x {
		sum += v * v
		if j > 0 {
			sum += v * x[j-1]
		}
	}
	return sum
}

func distance(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}

func TestMinimumOfAQuadraticFunctionIsFoundExactlyWithoutNoise(t *testing.T) {
	for _, n := range []int{1, 2, 5, 12} {
		points, values := cloud(rand.New(rand.NewPCG(1, 1)), n, 4*(n+1)*(n+2), bowl)
		x, ok := Minimum(points, values)
		if !ok || distance(x) > 1e-2 {
			t.Errorf("n = %d: found %.3g, want 0 but for what holds the curvatures back", n, x)
		}
	}
}

func TestMinimumIsNearerThanTheBestPointWhereThereIsNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	nearer := 0
	for range 20 {
		points, values := cloud(rng, 6, 400, func(x []float64) float64 { return bowl(x) + 10*rng.NormFloat64() })
		best := 0
		for i, v := range values {
			if v < values[best] {
				best = i
			}
		}
		x, ok := Minimum(points, values)
		if !ok {
			t.Fatal("no minimum")
		}
		if bowl(x) < bowl(points[best])/3 {
			nearer++
		}
	}
	if nearer < 18 {
		t.Errorf("in %d of 20 clouds the minimum is three times as good as the luckiest point, want 18", nearer)
	}
}

func TestMinimumDoesNotLeaveTheCloud(t *testing.T) {
	const n = 4
	points, values := cloud(rand.New(rand.NewPCG(3, 3)), n, 200, func(x []float64) float64 { return -bowl(x) + x[0] }) // it has no minimum
	x, ok := Minimum(points, values)
	if !ok || distance(x) > 40 {
		t.Errorf("found %.3g, want a point of the cloud", x)
	}
}

func TestMinimumIsFoundAlongTheAxesWherePointsAreFew(t *testing.T) {
	const n = 20
	rng := rand.New(rand.NewPCG(4, 4))
	var points [][]float64
	var values []float64
	for range Least(n) + 20 {
		x := make([]float64, n)
		for j := range x {
			x[j] = 1 + rng.NormFloat64()
		}
		points, values = append(points, x), append(values, math.Pow(distance(x), 2)+rng.NormFloat64())
	}
	centre := math.Sqrt(n) // its distance from the minimum
	if x, ok := Minimum(points, values); !ok || distance(x) > centre/2 {
		t.Errorf("found %.3g, %.3g from the minimum, want it nearer than half of the %.3g of the centre", x, distance(x), centre)
	}
}

func TestMinimumNeedsPoints(t *testing.T) {
	points, values := cloud(rand.New(rand.NewPCG(5, 5)), 3, Least(3)-1, bowl)
	if x, ok := Minimum(points, values); ok {
		t.Errorf("found %v from %d points, want nothing from less than %d", x, len(points), Least(3))
	}
	if _, ok := Minimum(nil, nil); ok {
		t.Error("found something from nothing")
	}
	points, values = cloud(rand.New(rand.NewPCG(6, 6)), 3, 100, bowl)
	for _, p := range points {
		p[1] = 0
	}
	if x, ok := Minimum(points, values); !ok || math.Abs(x[1]) > 1e-9 {
		t.Errorf("found %v, want the second coordinate where it is in all points", x)
	}
	same := make([][]float64, 50)
	for i := range same {
		same[i] = []float64{1, 2}
	}
	if x, ok := Minimum(same, make([]float64, 50)); ok && (math.Abs(x[0]-1) > 1e-6 || math.Abs(x[1]-2) > 1e-6) {
		t.Errorf("found %v from one point, many times", x)
	}
}
