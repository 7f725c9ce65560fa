package functions

import (
	"math"
	"slices"
)

// Two suites of multi-objective functions, whose Pareto fronts are known:
//
//   - ZDT, two objectives: E. Zitzler, K. Deb and L. Thiele, Comparison of Multiobjective Evolutionary Algorithms: Empirical Results,
//     Evolutionary Computation 8(2), 2000. The fifth is left out, as its variables are strings of bits.
//   - DTLZ, any number of objectives M: K. Deb, L. Thiele, M. Laumanns and E. Zitzler, Scalable Test Problems for Evolutionary
//     Multiobjective Optimization, TIK report 112, ETH Zurich, 2001.
//
// All variables are in [0, 1]. A function g of the last variables says how far the objectives are from the front, where it is least; the
// first variable (ZDT), or the first M − 1 (DTLZ), say where on the front.

const zdtSource = " on [0, 1] (Zitzler, Deb and Thiele 2000)"
const dtlzSource = ", on [0, 1] (Deb, Thiele, Laumanns and Zitzler 2001)"

var multiObjective = []family{
	zdt("zdt1", 30, "f1 = x_1, f2 = g (1 - sqrt(f1/g)), g = 1 + 9 mean x_{i>1}; a convex front",
		firstOf, linearG, func(f1, g float64) float64 { return 1 - math.Sqrt(f1/g) }, []interval{{0, 1}}),
	zdt("zdt2", 30, "as zdt1 with f2 = g (1 - (f1/g)^2); a concave front",
		firstOf, linearG, func(f1, g float64) float64 { return 1 - f1/g*f1/g }, []interval{{0, 1}}),
	zdt("zdt3", 30, "as zdt1 with f2 = g (1 - sqrt(f1/g) - f1/g sin(10 pi f1)); a front in five pieces",
		firstOf, linearG, func(f1, g float64) float64 { return 1 - math.Sqrt(f1/g) - f1/g*math.Sin(10*math.Pi*f1) }, zdt3Pieces),
	zdt("zdt4", 10, "as zdt1 with g = 1 + sum_{i>1} (10 + y_i^2 - 10 cos(4 pi y_i)), y_i = 10 x_i - 5; many local fronts",
		firstOf, func(x []float64) float64 {
			g := 1.0
			for _, xi := range x {
				y := 10*xi - 5 // the paper's variable, which is in [-5, 5]
				g += 10 + y*y - 10*math.Cos(4*math.Pi*y)
			}
			return g
		}, func(f1, g float64) float64 { return 1 - math.Sqrt(f1/g) }, []interval{{0, 1}}),
	zdt("zdt6", 10, "f1 = 1 - exp(-4 x_1) sin(6 pi x_1)^6, f2 = g (1 - (f1/g)^2), g = 1 + 9 (mean x_{i>1})^0.25; few points near the front",
		zdt6First, func(x []float64) float64 { return 1 + 9*math.Pow((linearG(x)-1)/9, 0.25) },
		func(f1, g float64) float64 { return 1 - f1/g*f1/g },
		[]interval{{zdt6First(math.Atan(9*math.Pi) / (6 * math.Pi)), 1}}),

	dtlz("dtlz1", 5, "a linear front, sum f_i = 1/2, behind 11^k - 1 local ones", wavesG,
		func(x []float64, g float64, f []float64) {
			chain(f, (1+g)/2, func(i int) (c, s float64) { return x[i], 1 - x[i] })
		}, linearFront),
	dtlz("dtlz2", 10, "a spherical front, |f| = 1", squaresG, onSphere, sphericalFront),
	dtlz("dtlz3", 10, "as dtlz2, behind 3^k - 1 local fronts", wavesG, onSphere, sphericalFront),
	dtlz("dtlz4", 10, "as dtlz2, with most points at the rim of the sphere", squaresG,
		func(x []float64, g float64, f []float64) {
			chain(f, 1+g, func(i int) (c, s float64) { return angle(math.Pow(x[i], 100)) })
		}, sphericalFront),
	dtlz("dtlz5", 10, "a curve on the sphere as front", squaresG, onCurve, curvedFront),
	dtlz("dtlz6", 10, "as dtlz5, with few points near the front", rootsG, onCurve, curvedFront),
	dtlz("dtlz7", 20, "a front in 2^(M-1) pieces", linearG, inPieces, frontInPieces),
}

// zdt is the family of f1 = first(x_1), f2 = g(x_2, …) h(f1, g), whose front is where g = 1 and f1 in pieces.
func zdt(name string, dim int, doc string, first func(x float64) float64, g func(x []float64) float64, h func(f1, g float64) float64,
	pieces []interval) family {
	front := func(n int) [][]float64 {
		var points [][]float64
		for _, f1 := range spread(n, pieces) {
			points = append(points, []float64{f1, h(f1, 1)})
		}
		return points
	}
	return family{
		name: name, doc: doc + zdtSource, dim: limits{2, dim, anyDim.most}, objectives: limits{2, 2, 2},
		make: func(s Spec) Function {
			return Function{Lower: 0, Upper: 1, Optimum: math.NaN(), Front: front, eval: func(x, f []float64) {
				f[0] = first(x[0])
				gx := g(x[1:])
				f[1] = gx * h(f[0], gx)
			}}
		},
	}
}

// zdt3Pieces end where f2 has a local minimum on the front, and begin where it falls below the one before.
var zdt3Pieces = []interval{
	{0, 0.08300153492691163}, {0.1822287280293998, 0.2577623633878302}, {0.4093136748086568, 0.4538821040888302},
	{0.6183967944392658, 0.6525117038046625}, {0.8233317983266327, 0.8518328654364139},
}

func firstOf(x float64) float64 { return x }

func zdt6First(x float64) float64 { return 1 - math.Exp(-4*x)*math.Pow(math.Sin(6*math.Pi*x), 6) }

// linearG is 1 + 9 mean x_i
func linearG(x []float64) float64 {
	var sum float64
	for _, xi := range x {
		sum += xi
	}
	return 1 + 9*sum/float64(len(x))
}

// dtlz is the family of M objectives in M − 1 + k variables, of which k is the usual number: f = shape(x_1 … x_{M-1}, g(x_M, …)).
// Its front is given for M and a number of points, and nil where it is not known.
func dtlz(name string, k int, doc string, g func(x []float64) float64, shape func(x []float64, g float64, f []float64),
	front func(m, n int) [][]float64) family {
	const usual = 3
	return family{
		name: name, doc: doc + dtlzSource,
		dim: limits{usual, usual - 1 + k, anyDim.most}, objectives: limits{2, usual, 100},
		make: func(s Spec) Function {
			m := s.Objectives
			fn := Function{Lower: 0, Upper: 1, Optimum: math.NaN(), eval: func(x, f []float64) { shape(x[:m-1], g(x[m-1:]), f) }}
			if front(m, 1) != nil {
				fn.Front = func(n int) [][]float64 { return front(m, n) }
			}
			return fn
		},
	}
}

// squaresG is Σ (x_i − ½)²
func squaresG(x []float64) float64 {
	var g float64
	for _, xi := range x {
		g += (xi - 0.5) * (xi - 0.5)
	}
	return g
}

// wavesG is 100 Σ (1 + (x_i − ½)² − cos 20π(x_i − ½))
func wavesG(x []float64) float64 {
	var g float64
	for _, xi := range x {
		g += 1 + (xi-0.5)*(xi-0.5) - math.Cos(20*math.Pi*(xi-0.5))
	}
	return 100 * g
}

// rootsG is Σ x_i^0.1
func rootsG(x []float64) float64 {
	var g float64
	for _, xi := range x {
		g += math.Pow(xi, 0.1)
	}
	return g
}

// chain writes f_M = r s_1, f_{M-1} = r c_1 s_2, f_{M-2} = r c_1 c_2 s_3, …, f_1 = r c_1 … c_{M-1}; cs counts from 0.
func chain(f []float64, r float64, cs func(i int) (c, s float64)) {
	last := len(f) - 1
	for i := range last {
		c, s := cs(i)
		f[last-i] = r * s
		r *= c
	}
	f[0] = r
}

// angle is the cosine and the sine of the part t of a right angle.
func angle(t float64) (c, s float64) {
	s, c = math.Sincos(t * math.Pi / 2)
	return c, s
}

// onSphere is the shape of dtlz2: the x_i are angles.
func onSphere(x []float64, g float64, f []float64) {
	chain(f, 1+g, func(i int) (c, s float64) { return angle(x[i]) })
}

// onCurve is the shape of dtlz5: as onSphere, but near the front all angles except the first are half of a right one.
func onCurve(x []float64, g float64, f []float64) {
	chain(f, 1+g, func(i int) (c, s float64) {
		if i == 0 {
			return angle(x[0])
		}
		return angle((1 + 2*g*x[i]) / (2 * (1 + g)))
	})
}

// inPieces is the shape of dtlz7: f_i = x_i, f_M = (1 + g) (M − Σ f_i/(1 + g) (1 + sin 3πf_i)). Its g is at least 1.
func inPieces(x []float64, g float64, f []float64) {
	h := float64(len(f))
	for i, xi := range x {
		f[i] = xi
		h -= xi / (1 + g) * (1 + math.Sin(3*math.Pi*xi))
	}
	f[len(x)] = (1 + g) * h
}

func linearFront(m, n int) [][]float64 {
	points := simplex(m, n)
	for _, f := range points {
		for i := range f {
			f[i] /= 2
		}
	}
	return points
}

func sphericalFront(m, n int) [][]float64 {
	points := simplex(m, n)
	for _, f := range points {
		length := math.Sqrt(dot(f, f))
		for i := range f {
			f[i] /= length
		}
	}
	return points
}

// curvedFront knows up to three objectives. With more, points off the curve are not dominated, either (S. Huband et al., A
// Review of Multiobjective Test Problems, 2006).
func curvedFront(m, n int) [][]float64 {
	if m > 3 {
		return nil
	}
	points := make([][]float64, n)
	for i, t := range spread(n, []interval{{0, 1}}) {
		points[i] = make([]float64, m)
		onCurve([]float64{t, 0}, 0, points[i])
	}
	return points
}

// dtlz7Pieces are where f_i (1 + sin 3πf_i) is larger than for any smaller f_i.
var dtlz7Pieces = []interval{{0, 0.2514118360889171}, {0.6316265307000612, 0.8594008566447239}}

// frontInPieces is a grid: a point is on the front if all its f_i, i < M, are in dtlz7Pieces.
func frontInPieces(m, n int) [][]float64 {
	side := 1
	for math.Pow(float64(side+1), float64(m-1)) <= float64(n) {
		side++
	}
	axis := spread(side, dtlz7Pieces)
	grid := [][]float64{nil}
	for range m - 1 {
		var finer [][]float64
		for _, x := range grid {
			for _, a := range axis {
				finer = append(finer, append(slices.Clone(x), a))
			}
		}
		grid = finer
	}
	for i, x := range grid {
		f := make([]float64, m)
		inPieces(x, 1, f)
		grid[i] = f
	}
	return grid
}

// interval is a closed one.
type interval struct{ lo, hi float64 }

// spread returns n points, evenly spread over the pieces from the first's lower to the last's upper end.
func spread(n int, pieces []interval) []float64 {
	var length float64
	for _, p := range pieces {
		length += p.hi - p.lo
	}
	points := make([]float64, n)
	for i := range points {
		at, p := length*float64(i)/float64(max(n-1, 1)), 0
		for ; p < len(pieces)-1 && at > pieces[p].hi-pieces[p].lo; p++ {
			at -= pieces[p].hi - pieces[p].lo
		}
		points[i] = min(pieces[p].lo+at, pieces[p].hi)
	}
	return points
}

// simplex returns at most n points with m coordinates >= 0 that add up to 1: all whose coordinates are multiples of 1/h, for
// the finest h possible (I. Das and J. E. Dennis, Normal-Boundary Intersection, 1998).
func simplex(m, n int) [][]float64 {
	h, count := 1, m // count is (h+m-1 over h)
	for count*(h+m)/(h+1) <= n {
		count = count * (h + m) / (h + 1)
		h++
	}
	var points [][]float64
	var fill func(start []float64, left int)
	fill = func(start []float64, left int) {
		if len(start) == m-1 {
			points = append(points, append(slices.Clone(start), float64(left)/float64(h)))
			return
		}
		for k := range left + 1 {
			fill(append(start, float64(k)/float64(h)), left-k)
		}
	}
	fill(nil, h)
	return points[:min(n, len(points))]
}
