package functions

import "math"

// The formulas are those of D. Molga and C. Smutnicki, Test functions for optimization needs, 2005, and of S. Surjanovic and
// D. Bingham, Virtual Library of Simulation Experiments, 2013 (sfu.ca/~ssurjano), except where a function says otherwise. The optima
// that have no closed form were computed from the formula to all digits.

// upstream lists the benchmark functions of the Python L2L, under its names and in the order of its indices.
var upstream = []family{
	rastrigin.only("Rastrigin2d", 2),
	rastrigin.only("Rastrigin10d", 10),
	rosenbrock.only("Rosenbrock2d", 2),
	rosenbrock.only("Rosenbrock10d", 10),
	ackley.only("Ackley2d", 2),
	ackley.only("Ackley10d", 10),
	chasm.only("Chasm", 2),
	gauss.only("Gauss2d", 2),
	shekel.only("Shekel2d", 2),
	langermann.only("Langermann2d", 2),
	michalewicz.only("Michalewicz2d", 2),
	permutation.only("Permutation2d", 2),
	easom.only("Easom2d", 2),
	easom.only("Easom10d", 10),
	threeGaussians.only("3Gaussians2d", 2),
}

// classic lists those of them that exist in any dimension, the sphere, and null.
var classic = []family{sphere, rastrigin, rosenbrock, ackley, michalewicz, permutation, easom, branin, hartmann, null}

var null = family{
	name: "null", doc: "0, without a look at x, on [-5, 5]: what an evaluation costs when the model is free",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		return Function{Lower: -5, Upper: 5, ArgMin: constant(s.Dim, 0), eval: single(func([]float64) float64 { return 0 })}
	},
}

var sphere = family{
	name: "sphere", doc: "sum_i x_i^2 on [-5, 5]; 0 at 0",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		return Function{Lower: -5, Upper: 5, ArgMin: constant(s.Dim, 0), eval: single(func(x []float64) float64 {
			var sum float64
			for _, xi := range x {
				sum += xi * xi
			}
			return sum
		})}
	},
}

var rastrigin = family{
	name: "rastrigin", doc: "sum_i x_i^2 + 10 - 10 cos(2 pi x_i) on [-5, 5]; 0 at 0 (Rastrigin 1974)",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		return Function{Lower: -5, Upper: 5, ArgMin: constant(s.Dim, 0), eval: single(func(x []float64) float64 {
			var sum float64
			for _, xi := range x {
				sum += xi*xi + 10 - 10*math.Cos(2*math.Pi*xi)
			}
			return sum
		})}
	},
}

var rosenbrock = family{
	name: "rosenbrock", doc: "sum_{i<d} 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2 on [-2, 2]; 0 at 1 (Rosenbrock 1960)",
	dim: limits{2, 2, anyDim.most}, objectives: one,
	make: func(s Spec) Function {
		return Function{Lower: -2, Upper: 2, ArgMin: constant(s.Dim, 1), eval: single(func(x []float64) float64 {
			var sum float64
			for i := range len(x) - 1 {
				a, b := x[i+1]-x[i]*x[i], 1-x[i]
				sum += 100*a*a + b*b
			}
			return sum
		})}
	},
}

var ackley = family{
	name: "ackley", doc: "e + 20 - 20 exp(-0.2 sqrt(mean x_i^2)) - exp(mean cos(2 pi x_i)) on [-2, 2]; 0 at 0 (Ackley 1987)",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		return Function{Lower: -2, Upper: 2, ArgMin: constant(s.Dim, 0), eval: single(func(x []float64) float64 {
			var squares, cosines float64
			for _, xi := range x {
				squares += xi * xi
				cosines += math.Cos(2 * math.Pi * xi)
			}
			n := float64(len(x))
			// e + 20 - 20 exp(a) - exp(b) in a form that does not cancel near the optimum
			return -20*math.Expm1(-0.2*math.Sqrt(squares/n)) - math.E*math.Expm1(cosines/n-1)
		})}
	},
}

var michalewicz = family{
	name: "michalewicz",
	doc:  "-sum_i sin(x_i) sin(i x_i^2 / pi)^20 on [0, pi]; in 2 dimensions -1.8013 at (2.2029, 1.5708) (Michalewicz 1992)",
	dim:  anyDim, objectives: one,
	make: func(s Spec) Function {
		fn := Function{Lower: 0, Upper: math.Pi, Optimum: math.NaN(), eval: single(func(x []float64) float64 {
			var sum float64
			for i, xi := range x {
				sum -= math.Sin(xi) * math.Pow(math.Sin(float64(i+1)*xi*xi/math.Pi), 20)
			}
			return sum
		})}
		if s.Dim == 2 {
			fn.Optimum, fn.ArgMin = -1.80130341009855253, []float64{2.20290552017260935, math.Pi / 2}
		}
		return fn
	},
}

var permutation = family{
	name: "permutation", doc: "sum_k (sum_i (i^k + 0.005) ((x_i / i)^k - 1))^2 on [-d, d]; 0 at x_i = i (Neumaier)",
	// Beyond 50 dimensions its values leave the range of a float64.
	dim: limits{1, 2, 50}, objectives: one,
	make: func(s Spec) Function {
		const beta = 0.005
		argMin := make([]float64, s.Dim)
		for i := range argMin {
			argMin[i] = float64(i + 1)
		}
		bound := float64(s.Dim)
		return Function{Lower: -bound, Upper: bound, ArgMin: argMin, eval: single(func(x []float64) float64 {
			var sum float64
			for k := 1; k <= len(x); k++ {
				var inner float64
				for i, xi := range x {
					n := float64(i + 1)
					inner += (math.Pow(n, float64(k)) + beta) * (math.Pow(xi/n, float64(k)) - 1)
				}
				sum += inner * inner
			}
			return sum
		})}
	},
}

var easom = family{
	name: "easom",
	// The Python L2L has cos(x_i) without the minus, which in odd dimensions turns the optimum into a maximum.
	doc: "-prod_i -cos(x_i) * exp(-sum_i (x_i - pi)^2) on [-10, 10]; -1 at pi (Easom 1990)",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		return Function{Lower: -10, Upper: 10, Optimum: -1, ArgMin: constant(s.Dim, math.Pi), eval: single(func(x []float64) float64 {
			product, squares := 1.0, 0.0
			for _, xi := range x {
				product *= -math.Cos(xi)
				squares += (xi - math.Pi) * (xi - math.Pi)
			}
			return -product * math.Exp(-squares)
		})}
	},
}

var chasm = family{
	doc: "1000 |x_1| / (1000 |x_1| + 1) + 0.01 |x_2| on [-2, 2]; 0 at 0 (the Python L2L): a narrow valley",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		return Function{Lower: -2, Upper: 2, ArgMin: constant(2, 0), eval: single(func(x []float64) float64 {
			a := 1000 * math.Abs(x[0])
			return a/(a+1) + 0.01*math.Abs(x[1])
		})}
	},
}

var shekel = family{
	// The Python L2L adds c_i once for each coordinate, the literature once.
	doc: "-sum_i 1 / sum_j ((x_j - A_ij)^2 + c_i) on [0, 10], 7 points A; -5.7602 at (2.9962, 4.9959) (Shekel 1971)",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		a := [][2]float64{{3, 5}, {5, 2}, {2, 1}, {3, 3}, {2, 7}, {1, 4}, {7, 9}}
		c := []float64{0.1, 0.2, 0.5, 0.2, 0.3, 0.1, 0.1}
		return Function{
			Lower: 0, Upper: 10, Optimum: -5.76016091600122258, ArgMin: []float64{2.99623774265238875, 4.99589574453756981},
			eval: single(func(x []float64) float64 {
				var sum float64
				for i := range a {
					sum -= 1 / (squareDistance(x, a[i]) + 2*c[i])
				}
				return sum
			}),
		}
	},
}

var langermann = family{
	doc: "sum_i c_i exp(-r_i^2 / pi) cos(pi r_i^2), r_i = |x - A_i|, on [0, 10], 5 points A; -4.1558 at (2.7934, 1.5972) (Langermann)",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		a := [][2]float64{{3, 5}, {5, 2}, {2, 1}, {1, 4}, {7, 9}}
		c := []float64{1, 2, 5, 2, 3}
		return Function{
			Lower: 0, Upper: 10, Optimum: -4.15580929184778507, ArgMin: []float64{2.79340220864503685, 1.59723250132836003},
			eval: single(func(x []float64) float64 {
				var sum float64
				for i := range a {
					r2 := squareDistance(x, a[i])
					sum += c[i] * math.Exp(-r2/math.Pi) * math.Cos(math.Pi*r2)
				}
				return sum
			}),
		}
	},
}

func squareDistance(x []float64, a [2]float64) float64 {
	return (x[0]-a[0])*(x[0]-a[0]) + (x[1]-a[1])*(x[1]-a[1])
}

var gauss = family{
	doc: "-p(x) on [-5, 5], p the density of a normal distribution with mean (-1, -1); -0.23994 there",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		b := bells[0]
		return Function{
			Lower: -5, Upper: 5, Optimum: -b.density(b.mean[:]), ArgMin: b.mean[:],
			eval: single(func(x []float64) float64 { return -b.density(x) }),
		}
	},
}

var threeGaussians = family{
	doc: "-p(x) on [-5, 5], p the sum of the densities of 3 normal distributions; -0.39847 at (0.99906, 0.99510)",
	dim: anyDim, objectives: one,
	make: func(s Spec) Function {
		return Function{
			Lower: -5, Upper: 5, Optimum: -0.398474995796523555, ArgMin: []float64{0.99905734532754648, 0.99509941722019538},
			eval: single(func(x []float64) float64 {
				var sum float64
				for _, b := range bells {
					sum -= b.density(x)
				}
				return sum
			}),
		}
	},
}

// bell is a normal distribution in the plane: its mean, variances and covariance.
type bell struct {
	mean       [2]float64
	xx, yy, xy float64
}

var bells = []bell{
	{mean: [2]float64{-1, -1}, xx: 1.5, yy: 0.3, xy: 0.1},
	{mean: [2]float64{1, 1}, xx: 0.25, yy: 1, xy: 0.3},
	{mean: [2]float64{2, -2}, xx: 0.5, yy: 1.3, xy: 0.25},
}

func (b bell) density(x []float64) float64 {
	u, v := x[0]-b.mean[0], x[1]-b.mean[1]
	det := b.xx*b.yy - b.xy*b.xy
	return math.Exp(-(b.yy*u*u-2*b.xy*u*v+b.xx*v*v)/(2*det)) / (2 * math.Pi * math.Sqrt(det))
}

var branin = family{
	name: "branin", doc: "(y - 5.1/(4 pi^2) x^2 + 5/pi x - 6)^2 + 10 (1 - 1/(8 pi)) cos x + 10, scaled from x in [-5, 10] and y in [0, 15] to [0, 1]; " +
		"0.397887 at three points, one of them x = pi, y = 2.275 (Dixon and Szego 1978)",
	dim: limits{2, 2, 2}, objectives: one,
	make: func(Spec) Function {
		return Function{
			Lower: 0, Upper: 1, Optimum: 5 / (4 * math.Pi), ArgMin: []float64{(math.Pi + 5) / 15, 2.275 / 15},
			eval: single(func(x []float64) float64 {
				u, v := 15*x[0]-5, 15*x[1]
				a := v - 5.1/(4*math.Pi*math.Pi)*u*u + 5/math.Pi*u - 6
				return a*a + 10*(1-1/(8*math.Pi))*math.Cos(u) + 10
			}),
		}
	},
}

// The constants of Hartmann's function of six variables.
var (
	hartmannA = [4][6]float64{{10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}}
	hartmannC = [4]float64{1, 1.2, 3, 3.2}
	hartmannP = [4][6]float64{
		{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886}, {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
		{0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650}, {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381},
	}
)

var hartmann = family{
	name: "hartmann6",
	doc: "-sum_i c_i exp(-sum_j A_ij (x_j - P_ij)^2), four terms, on [0, 1]; -3.32237 at (0.202, 0.150, 0.477, 0.275, 0.312, 0.657) " +
		"(Hartman 1973)",
	dim: limits{6, 6, 6}, objectives: one,
	make: func(Spec) Function {
		return Function{
			Lower: 0, Upper: 1, Optimum: -3.322368011415515,
			ArgMin: []float64{0.20168951100670543, 0.15001069182345797, 0.47687397422189703, 0.2753324304940561, 0.31165161660011326, 0.6573005340656204},
			eval: single(func(x []float64) float64 {
				var sum float64
				for i, c := range hartmannC {
					var d float64
					for j, p := range hartmannP[i] {
						d += hartmannA[i][j] * (x[j] - p) * (x[j] - p)
					}
					sum -= c * math.Exp(-d)
				}
				return sum
			}),
		}
	},
}
