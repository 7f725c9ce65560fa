package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// half is half the width of the box in each coordinate.
const half = 5

// row is a kind of loss.
type row struct {
	name       string
	dim        int
	targets    []float64 // above the best value in the box, descending; none: the best loss after the budget is told, not evaluations
	budget     int       // evaluations of a trial
	covariance string    // of ours; pycma is separable where it is not the default
	unbounded  bool      // ours is run without bounds, too
	pycma      bool
	instance   func(dim int, rng *rand.Rand) (loss func(x []float64) float64, best float64)
}

func (r row) String() string { return fmt.Sprintf("%s, %d-D", r.name, r.dim) }

var allRows = rowsOf()

func rowsOf() (rows []row) {
	add := func(name string, target float64, instance func(active func(n int) int) func(int, *rand.Rand) (func([]float64) float64, float64),
		active func(n int) int, dims ...int) {
		for _, n := range dims {
			rows = append(rows, row{name: name, dim: n, targets: []float64{target}, budget: 20_000 * n, pycma: true, instance: instance(active)})
		}
	}
	none, one := func(int) int { return 0 }, func(int) int { return 1 }
	some, all := func(n int) int { return n / 2 }, func(n int) int { return n }
	add("sphere, optimum inside", 1e-8, sphere(0.5, 2), none, 5, 10, 20)
	add("sphere, 1 active coordinate", 1e-8, sphere(0.5, 2), one, 5, 10, 20)
	add("sphere, half of the coordinates active", 1e-8, sphere(0.5, 2), some, 10, 20)
	add("sphere, all active", 1e-8, sphere(0.5, 2), all, 10, 20)
	add("sphere, half on the bound without a gradient", 1e-8, sphere(0, 0), some, 10, 20)
	add("sphere, half just inside the bound", 1e-8, sphere(-0.01, -0.1), some, 10, 20)
	add("rotated ellipsoid, free optimum outside in half", 1e-5, ellipsoid(0.5, 2), some, 10, 20)
	add("rotated ellipsoid, half just inside the bound", 1e-5, ellipsoid(-0.01, -0.1), some, 10, 20)
	for _, c := range []string{"diagonal", "low_rank"} {
		rows = append(rows, row{
			name: "sphere, optimum inside, " + c, dim: 1000, targets: []float64{1e2, 1, 1e-4}, budget: 80_000, covariance: c, unbounded: true,
			pycma: c == "diagonal", instance: sphere(0.5, 2)(none),
		})
	}
	rows = append(rows, row{name: "Rosenbrock, diagonal", dim: 2000, budget: 20_000, covariance: "diagonal", unbounded: true, pycma: true, instance: rosenbrock})
	return rows
}

// centre draws a point in the middle 80 % of the box, but for the active coordinates, the first ones, which it puts beyond one of their bounds, by
// between least and most.
func centre(n, active int, least, most float64, rng *rand.Rand) []float64 {
	z := start(n, rng)
	for j := range active {
		z[j] = math.Copysign(half+least+(most-least)*rng.Float64(), z[j])
	}
	return z
}

func start(n int, rng *rand.Rand) []float64 {
	x := make([]float64, n)
	for j := range x {
		x[j] = 0.8 * half * (2*rng.Float64() - 1)
	}
	return x
}

func into(v float64) float64 { return min(max(v, -half), half) }

// sphere is the squared distance to a centre.
func sphere(least, most float64) func(active func(int) int) func(int, *rand.Rand) (func([]float64) float64, float64) {
	return func(active func(int) int) func(int, *rand.Rand) (func([]float64) float64, float64) {
		return func(n int, rng *rand.Rand) (func([]float64) float64, float64) {
			z := centre(n, active(n), least, most, rng)
			best := make([]float64, n)
			for j, v := range z {
				best[j] = into(v)
			}
			loss := func(x []float64) float64 {
				s := 0.0
				for j, v := range x {
					s += (v - z[j]) * (v - z[j])
				}
				return s
			}
			return loss, loss(best)
		}
	}
}

// rosenbrock is the Rosenbrock function, whose optimum is at (1, 1, …, 1) in all instances; these differ in where the search begins.
func rosenbrock(int, *rand.Rand) (loss func(x []float64) float64, best float64) {
	return func(x []float64) float64 {
		s := 0.0
		for j, v := range x[:len(x)-1] {
			d := x[j+1] - v*v
			s += 100*d*d + (1-v)*(1-v)
		}
		return s
	}, 0
}

// ellipsoid is a rotated one of condition 1e6.
func ellipsoid(least, most float64) func(active func(int) int) func(int, *rand.Rand) (func([]float64) float64, float64) {
	return func(active func(int) int) func(int, *rand.Rand) (func([]float64) float64, float64) {
		return func(n int, rng *rand.Rand) (func([]float64) float64, float64) {
			z := centre(n, active(n), least, most, rng)
			var q, hessian, scaled mat.Dense
			gauss := mat.NewDense(n, n, nil)
			for i := range n {
				for j := range n {
					gauss.Set(i, j, rng.NormFloat64())
				}
			}
			var qr mat.QR
			qr.Factorize(gauss)
			qr.QTo(&q)
			scaled.CloneFrom(&q)
			for i := range n {
				floats.Scale(math.Pow(1e6, float64(i)/float64(n-1)), scaled.RawRowView(i))
			}
			hessian.Mul(q.T(), &scaled)
			loss := func(x []float64) float64 {
				d, s := make([]float64, n), 0.0
				floats.SubTo(d, x, z)
				for i := range n {
					v := floats.Dot(q.RawRowView(i), d)
					s += math.Pow(1e6, float64(i)/float64(n-1)) * v * v
				}
				return s
			}
			return loss, loss(boxed(&hessian, z))
		}
	}
}

// boxed minimises (x − z)ᵀ H (x − z) in the box: it descends along the coordinates, then solves for those that are free, until the active ones are
// those whose gradient points outwards.
func boxed(h *mat.Dense, z []float64) []float64 {
	n := len(z)
	x := make([]float64, n)
	for j, v := range z {
		x[j] = into(v)
	}
	gradient := func(j int) float64 {
		g := 0.0
		for k, v := range h.RawRowView(j) {
			g += v * (x[k] - z[k])
		}
		return g
	}
	for range 20_000 {
		for j := range n {
			x[j] = into(x[j] - gradient(j)/h.At(j, j))
		}
	}
	for range 100 {
		var free []int
		for j := range n {
			if math.Abs(x[j]) < half || gradient(j)*x[j] > 0 {
				free = append(free, j)
			}
		}
		if len(free) == 0 {
			return x
		}
		a, b := mat.NewDense(len(free), len(free), nil), mat.NewVecDense(len(free), nil)
		for r, j := range free {
			g := gradient(j)
			for c, k := range free {
				a.Set(r, c, h.At(j, k))
				g -= h.At(j, k) * (x[k] - z[k])
			}
			b.SetVec(r, -g)
		}
		var d mat.VecDense
		if err := d.SolveVec(a, b); err != nil {
			panic("bounds: the ellipsoid is singular")
		}
		outside := false
		for r, j := range free {
			v := z[j] + d.AtVec(r)
			outside = outside || math.Abs(v) > half
			x[j] = into(v)
		}
		moved := false
		for j := range n {
			moved = moved || math.Abs(x[j]) == half && gradient(j)*x[j] > 0
		}
		if !outside && !moved {
			return x
		}
	}
	panic("bounds: the optimum in the box has not been found")
}

// free is the problem without bounds, which begins at a random point of the middle of the box.
func free(problem optimizer.Problem, rng *rand.Rand) optimizer.Problem {
	x := start(problem.Dim(), rng)
	for j := range problem.Coords {
		problem.Coords[j] = optimizer.Coordinate{Lower: math.Inf(-1), Upper: math.Inf(1), Mean: x[j], Std: 2 * half / math.Sqrt(12)}
	}
	return problem
}
