package functions

import (
	"fmt"
	"math"
	"slices"
)

// The 24 noiseless functions of the BBOB test bed: N. Hansen, S. Finck, R. Ros and A. Auger, Real-Parameter Black-Box
// Optimization Benchmarking 2009: Noiseless Functions Definitions, INRIA RR-6829. Each has many instances, which differ in the place
// and value of the optimum and in rotations; they are those of the COCO platform (package coco-experiment), against which the tests
// compare values in 2 to 40 dimensions, and so results can be compared with the ones published there. Where the report and the platform
// differ, the platform is followed and a comment says so.
//
// Notation as in the report: D the dimension; x_opt, f_opt the optimum; R, Q rotations; Λ^α, T_osz, T_asy^β the
// transformations of section 0.2; f_pen the penalty outside [-5, 5]. Indices in formulas count from 1, those of slices from 0.

// value is a function of one objective.
type value = func(x []float64) float64

var bbobTable = []struct {
	name string
	make func(p *bbob) value
}{
	{"sphere", f1},
	{"ellipsoid, separable", f2},
	{"Rastrigin, separable", f3},
	{"Büche-Rastrigin", f4},
	{"linear slope", f5},
	{"attractive sector", f6},
	{"step ellipsoid", f7},
	{"Rosenbrock", f8},
	{"Rosenbrock, rotated", f9},
	{"ellipsoid", f10},
	{"discus", f11},
	{"bent cigar", f12},
	{"sharp ridge", f13},
	{"different powers", f14},
	{"Rastrigin", f15},
	{"Weierstrass", f16},
	{"Schaffers F7", schaffers(10)},
	{"Schaffers F7, ill-conditioned", schaffers(1000)},
	{"Griewank-Rosenbrock", f19},
	{"Schwefel", f20},
	{"Gallagher, 101 peaks", gallagher(101, 1000, 5)},
	{"Gallagher, 21 peaks", gallagher(21, 1000*1000, 4.9)},
	{"Katsuura", f23},
	{"Lunacek bi-Rastrigin", f24},
}

func bbobFamilies() []family {
	families := make([]family, len(bbobTable))
	for i, row := range bbobTable {
		families[i] = family{
			name: fmt.Sprintf("bbob_f%d", i+1),
			doc:  fmt.Sprintf("BBOB f%d, %s, on [-5, 5]; the optimum depends on the instance (Hansen et al. 2009, INRIA RR-6829)", i+1, row.name),
			dim:  limits{2, 2, 1000}, objectives: one, // the rotations take D² numbers of memory and D³ operations to make
			make: func(s Spec) Function {
				p := newBBOB(i+1, s.Dim, s.Instance)
				eval := single(row.make(p)) // may move xopt
				return Function{Lower: -5, Upper: 5, Optimum: p.fopt, ArgMin: p.xopt, eval: eval, offset: p.fopt}
			},
		}
	}
	return families
}

// bbob is what an instance of a function is made of. The maker of a function may move xopt.
type bbob struct {
	dim  int
	seed int
	xopt []float64
	fopt float64
}

func newBBOB(function, dim, instance int) *bbob {
	// f4 and f18 share their random numbers with the functions that they are variants of.
	switch function {
	case 4:
		function = 3
	case 18:
		function = 17
	}
	p := &bbob{dim: dim, seed: function + 10_000*instance}
	p.xopt = optimum(dim, p.seed)
	// A Cauchy distributed optimum, rounded to two decimals.
	ratio := gaussian(1, p.seed)[0] / gaussian(1, p.seed+1)[0]
	p.fopt = min(max(math.Floor(1e4*ratio+0.5)/100, -1000), 1000)
	return p
}

// optimum draws an x_opt in [-4, 4]^D.
func optimum(dim, seed int) []float64 {
	x := uniform(dim, seed)
	for i, u := range x {
		x[i] = 8*math.Floor(1e4*u)/1e4 - 4
		if x[i] == 0 {
			x[i] = -1e-5
		}
	}
	return x
}

func (p *bbob) vector() []float64 { return make([]float64, p.dim) }

// first and second are the rotations. Which of them is R and which is Q in the report's formula differs between functions.
func (p *bbob) first() matrix  { return rotation(p.dim, p.seed+1_000_000) }
func (p *bbob) second() matrix { return rotation(p.dim, p.seed) }

// lambda is the diagonal of Λ^α: α^{½ (i-1)/(D-1)}.
func (p *bbob) lambda(alpha float64) []float64 {
	d := p.vector()
	for i := range d {
		d[i] = math.Pow(alpha, 0.5*float64(i)/float64(p.dim-1))
	}
	return d
}

// centered returns the map x ↦ m (x − x_opt), whose result is good until its next call.
func (p *bbob) centered(m matrix) func(x []float64) []float64 {
	y, apply := p.vector(), m.linear()
	return func(x []float64) []float64 {
		for i, xi := range x {
			y[i] = xi - p.xopt[i]
		}
		return apply(y)
	}
}

// tosz is T_osz, of one coordinate.
func tosz(x float64) float64 {
	c1, c2 := 5.5, 3.1
	switch {
	case x == 0:
		return 0
	case x > 0:
		c1, c2 = 10, 7.9
	}
	l := math.Log(math.Abs(x))
	return math.Copysign(math.Exp(l+0.049*(math.Sin(c1*l)+math.Sin(c2*l))), x)
}

// tasy applies T_asy^β to z.
func tasy(z []float64, beta float64) {
	for i, zi := range z {
		if zi > 0 {
			z[i] = math.Pow(zi, 1+beta*float64(i)/float64(len(z)-1)*math.Sqrt(zi))
		}
	}
}

// penalty is f_pen.
func penalty(x []float64) float64 {
	var sum float64
	for _, xi := range x {
		if out := math.Abs(xi) - 5; out > 0 {
			sum += out * out
		}
	}
	return sum
}

// f1: Σ z_i², z = x − x_opt
func f1(p *bbob) value {
	return func(x []float64) float64 {
		var sum float64
		for i, xi := range x {
			sum += (xi - p.xopt[i]) * (xi - p.xopt[i])
		}
		return sum
	}
}

// f2: Σ 10^{6 (i-1)/(D-1)} z_i², z = T_osz(x − x_opt)
func f2(p *bbob) value {
	weight := p.lambda(1e12)
	return func(x []float64) float64 {
		var sum float64
		for i, xi := range x {
			z := tosz(xi - p.xopt[i])
			sum += weight[i] * z * z
		}
		return sum
	}
}

// rastriginOf is 10 (D − Σ cos 2πz_i) + Σ z_i²
func rastriginOf(z []float64) float64 {
	var sum float64
	for _, zi := range z {
		sum += 10*(1-math.Cos(2*math.Pi*zi)) + zi*zi
	}
	return sum
}

// f3: Rastrigin of z = Λ^10 T_asy^0.2(T_osz(x − x_opt))
func f3(p *bbob) value {
	z, scale := p.vector(), p.lambda(10)
	return func(x []float64) float64 {
		for i, xi := range x {
			z[i] = tosz(xi - p.xopt[i])
		}
		tasy(z, 0.2)
		for i := range z {
			z[i] *= scale[i]
		}
		return rastriginOf(z)
	}
}

// f4: Rastrigin of z + 100 f_pen, z_i = s_i T_osz(x_i − x_opt,i), s = Λ^10, ten times as large where z_i > 0 and i is odd
func f4(p *bbob) value {
	for i := 0; i < p.dim; i += 2 {
		p.xopt[i] = math.Abs(p.xopt[i])
	}
	z, scale := p.vector(), p.lambda(10)
	return func(x []float64) float64 {
		for i, xi := range x {
			z[i] = scale[i] * tosz(xi-p.xopt[i])
			if z[i] > 0 && i%2 == 0 {
				z[i] *= 10
			}
		}
		return rastriginOf(z) + 100*penalty(x)
	}
}

// f5: Σ 5 |s_i| − s_i z_i, z_i = x_i, not beyond x_opt,i; s_i = sign(x_opt,i) 10^{(i-1)/(D-1)}; x_opt a corner of the domain
func f5(p *bbob) value {
	slope := p.lambda(100)
	for i := range slope {
		p.xopt[i] = math.Copysign(5, p.xopt[i])
		slope[i] = math.Copysign(slope[i], p.xopt[i])
	}
	return func(x []float64) float64 {
		var sum float64
		for i, xi := range x {
			if xi*p.xopt[i] < 25 {
				sum += slope[i] * (p.xopt[i] - xi)
			}
		}
		return sum
	}
}

// f6: T_osz(Σ (s_i z_i)²)^0.9, z = Q Λ^10 R (x − x_opt), s_i = 100 where z_i x_opt,i > 0, else 1
func f6(p *bbob) value {
	transform := p.centered(p.first().times(diagonal(p.lambda(10))).times(p.second()))
	return func(x []float64) float64 {
		var sum float64
		for i, zi := range transform(x) {
			if zi*p.xopt[i] > 0 {
				zi *= 100
			}
			sum += zi * zi
		}
		return math.Pow(tosz(sum), 0.9)
	}
}

// f7: 0.1 max(|ẑ_1|/10⁴, Σ 10^{2 (i-1)/(D-1)} z_i²) + f_pen, ẑ = Λ^10 R (x − x_opt), z = Q ẑ rounded
func f7(p *bbob) value {
	weight := p.lambda(1e4)
	transform, rotate := p.centered(diagonal(p.lambda(10)).times(p.second())), p.first().linear()
	return func(x []float64) float64 {
		z := transform(x)
		least := math.Abs(z[0]) / 1e4
		for i, zi := range z {
			if math.Abs(zi) > 0.5 {
				z[i] = math.Floor(0.5 + zi)
			} else {
				z[i] = math.Floor(0.5+10*zi) / 10
			}
		}
		var sum float64
		for i, zi := range rotate(z) {
			sum += weight[i] * zi * zi
		}
		return 0.1*max(least, sum) + penalty(x)
	}
}

// rosenbrockTerm is 100 (a² − b)² + (a − 1)²
func rosenbrockTerm(a, b float64) float64 {
	return 100*(a*a-b)*(a*a-b) + (a-1)*(a-1)
}

// rosenbrockOf is Σ_{i<D} rosenbrockTerm(z_i, z_{i+1})
func rosenbrockOf(z []float64) float64 {
	var sum float64
	for i := range len(z) - 1 {
		sum += rosenbrockTerm(z[i], z[i+1])
	}
	return sum
}

// rosenbrockScale is the factor before x in all functions built on Rosenbrock's.
func (p *bbob) rosenbrockScale() float64 { return max(1, math.Sqrt(float64(p.dim))/8) }

// f8: Rosenbrock of z = max(1, √D/8) (x − x_opt) + 1; x_opt in [-3, 3]
func f8(p *bbob) value {
	for i := range p.xopt {
		p.xopt[i] *= 0.75
	}
	z, scale := p.vector(), p.rosenbrockScale()
	return func(x []float64) float64 {
		for i, xi := range x {
			z[i] = scale*(xi-p.xopt[i]) + 1
		}
		return rosenbrockOf(z)
	}
}

// rosenbrockRotation returns the map x ↦ max(1, √D/8) R x + ½, whose result is good until its next call, and sets x_opt to
// where that is 1.
func (p *bbob) rosenbrockRotation() func(x []float64) []float64 {
	m, scale := p.second(), p.rosenbrockScale()
	for j := range p.xopt { // x_opt = R^T (½, …) / scale
		p.xopt[j] = 0
		for i := range m {
			p.xopt[j] += m[i][j] * 0.5 / scale
		}
	}
	rotate := m.linear()
	return func(x []float64) []float64 {
		z := rotate(x)
		for i := range z {
			z[i] = scale*z[i] + 0.5
		}
		return z
	}
}

// f9: Rosenbrock of z = max(1, √D/8) R x + ½
func f9(p *bbob) value {
	transform := p.rosenbrockRotation()
	return func(x []float64) float64 {
		return rosenbrockOf(transform(x))
	}
}

// f10: Σ 10^{6 (i-1)/(D-1)} z_i², z = T_osz(R (x − x_opt))
func f10(p *bbob) value {
	weight := p.lambda(1e12)
	transform := p.centered(p.first())
	return func(x []float64) float64 {
		var sum float64
		for i, zi := range transform(x) {
			zi = tosz(zi)
			sum += weight[i] * zi * zi
		}
		return sum
	}
}

// f11: 10⁶ z_1² + Σ_{i>1} z_i², z = T_osz(R (x − x_opt))
func f11(p *bbob) value {
	transform := p.centered(p.first())
	return func(x []float64) float64 {
		weight, sum := 1e6, 0.0
		for _, zi := range transform(x) {
			zi = tosz(zi)
			sum += weight * zi * zi
			weight = 1
		}
		return sum
	}
}

// f12: z_1² + 10⁶ Σ_{i>1} z_i², z = R T_asy^0.5(R (x − x_opt))
func f12(p *bbob) value {
	p.xopt = optimum(p.dim, p.seed+1_000_000) // the platform's choice for this function only
	r := p.first()
	rotate, rotateAgain := p.centered(r), r.linear()
	return func(x []float64) float64 {
		y := rotate(x)
		tasy(y, 0.5)
		weight, sum := 1.0, 0.0
		for _, zi := range rotateAgain(y) {
			sum += weight * zi * zi
			weight = 1e6
		}
		return sum
	}
}

// f13: z_1² + 100 √(Σ_{i>1} z_i²), z = Q Λ^10 R (x − x_opt)
func f13(p *bbob) value {
	transform := p.centered(p.first().times(diagonal(p.lambda(10))).times(p.second()))
	return func(x []float64) float64 {
		z := transform(x)
		var sum float64
		for _, zi := range z[1:] {
			sum += zi * zi
		}
		return z[0]*z[0] + 100*math.Sqrt(sum)
	}
}

// f14: √(Σ |z_i|^{2 + 4 (i-1)/(D-1)}), z = R (x − x_opt)
func f14(p *bbob) value {
	transform := p.centered(p.first())
	return func(x []float64) float64 {
		var sum float64
		for i, zi := range transform(x) {
			sum += math.Pow(math.Abs(zi), 2+4*float64(i)/float64(p.dim-1))
		}
		return math.Sqrt(sum)
	}
}

// f15: Rastrigin of z = R Λ^10 Q T_asy^0.2(T_osz(R (x − x_opt)))
func f15(p *bbob) value {
	r := p.first()
	rotate, transform := p.centered(r), r.times(diagonal(p.lambda(10))).times(p.second()).linear()
	return func(x []float64) float64 {
		y := rotate(x)
		for i := range y {
			y[i] = tosz(y[i])
		}
		tasy(y, 0.2)
		return rastriginOf(transform(y))
	}
}

// f16: 10 (1/D Σ_i Σ_{k=0}^{11} 2^-k cos(2π 3^k (z_i + ½)) − f_0)³ + 10/D f_pen, z = R Λ^0.01 Q T_osz(R (x − x_opt)),
// f_0 = Σ_k 2^-k cos(π 3^k) = −Σ_k 2^-k
func f16(p *bbob) value {
	const terms = 12
	r := p.first()
	rotate, transform := p.centered(r), r.times(diagonal(p.lambda(0.01))).times(p.second()).linear()
	return func(x []float64) float64 {
		y := rotate(x)
		for i := range y {
			y[i] = tosz(y[i])
		}
		var sum float64
		for _, zi := range transform(y) {
			half, three := 1.0, 1.0 // 2^-k, 3^k
			for range terms {
				sum += half * (math.Cos(2*math.Pi*three*(zi+0.5)) + 1) // f_0 taken off term by term
				half, three = half/2, three*3
			}
		}
		mean := sum / float64(p.dim)
		return 10*mean*mean*mean + 10/float64(p.dim)*penalty(x)
	}
}

// f17 and f18: (1/(D-1) Σ_{i<D} √s_i + √s_i sin²(50 s_i^0.2))² + 10 f_pen, s_i = √(z_i² + z_{i+1}²),
// z = Λ^α Q T_asy^0.5(R (x − x_opt))
func schaffers(alpha float64) func(p *bbob) value {
	return func(p *bbob) value {
		rotate, transform := p.centered(p.first()), diagonal(p.lambda(alpha)).times(p.second()).linear()
		return func(x []float64) float64 {
			y := rotate(x)
			tasy(y, 0.5)
			z := transform(y)
			var sum float64
			for i := range p.dim - 1 {
				s := math.Hypot(z[i], z[i+1])
				sine := math.Sin(50 * math.Pow(s, 0.2))
				sum += math.Sqrt(s) * (1 + sine*sine)
			}
			mean := sum / float64(p.dim-1)
			return mean*mean + 10*penalty(x)
		}
	}
}

// f19: 10/(D-1) Σ_{i<D} (s_i/4000 − cos s_i) + 10, s_i = rosenbrockTerm(z_i, z_{i+1}) of f9's z
func f19(p *bbob) value {
	transform := p.rosenbrockRotation()
	return func(x []float64) float64 {
		z := transform(x)
		var sum float64
		for i := range p.dim - 1 {
			s := rosenbrockTerm(z[i], z[i+1])
			sum += s/4000 + (1 - math.Cos(s))
		}
		return 10 * sum / float64(p.dim-1)
	}
}

// f20: −1/(100 D) Σ z_i sin √|z_i| + 4.1898… + 100 f_pen(z/100), z = 100 (Λ^10 (ẑ − 2|x_opt|) + 2|x_opt|), ẑ_1 = x̂_1,
// ẑ_{i+1} = x̂_{i+1} + ¼ (x̂_i − 2|x_opt,i|), x̂ = 2 sign(x_opt) x; x_opt,i = ±4.2096874637/2
func f20(p *bbob) value {
	const best = 4.2096874637 // 2|x_opt|; the report has 4.2096874633, which shifts values by up to 1e-9 of them
	sign := p.vector()
	for i, u := range uniform(p.dim, p.seed) {
		sign[i] = math.Copysign(1, u-0.5)
		p.xopt[i] = sign[i] * best / 2
	}
	z, scale := p.vector(), p.lambda(10)
	return func(x []float64) float64 {
		var sum, before float64
		for i, xi := range x {
			off := 2*sign[i]*xi - best
			z[i] = scale[i]*(off+0.25*before) + best
			before = off
			sum += z[i] * math.Sin(math.Sqrt(100*math.Abs(z[i])))
		}
		return 4.189828872724339 - sum/float64(p.dim) + 100*penalty(z)
	}
}

// f21 and f22: T_osz(10 − max_i w_i exp(−1/(2D) (x−y_i)^T R^T C_i R (x−y_i)))² + f_pen, with peaks y_i in [-box, box],
// x_opt = y_1 in four fifths of that; w_1 = 10, w_i = 1.1 + 8 (i-2)/(peaks-2); C_i = Λ^{α_i} / α_i^{1/4} with its diagonal permuted, α_1
// as given, the other α_i a permutation of 1000^{2 j/(peaks-2)}, j = 0 … peaks-2
func gallagher(peaks int, alpha1, box float64) func(p *bbob) value {
	return func(p *bbob) value {
		rotate := p.second().linear()
		order := argsort(uniform(peaks-1, p.seed))
		place := uniform(p.dim*peaks, p.seed)
		weight := make([]float64, peaks)
		center, c := make(matrix, peaks), make(matrix, peaks) // R y_i, and the diagonals of C_i
		for i := range peaks {
			weight[i] = 10
			alpha := alpha1
			if i > 0 {
				weight[i] = 1.1 + 8*float64(i-1)/float64(peaks-2)
				alpha = math.Pow(1000, 2*float64(order[i-1])/float64(peaks-2))
			}
			c[i] = p.vector()
			for j, k := range argsort(uniform(p.dim, p.seed+1000*i)) {
				c[i][j] = math.Pow(alpha, 0.5*float64(k)/float64(p.dim-1)-0.25)
			}
			y := place[i*p.dim : (i+1)*p.dim]
			for j, u := range y {
				y[j] = 2*box*u - box
				if i == 0 { // the best peak is not too close to the bounds
					y[j] *= 0.8
				}
			}
			if i == 0 {
				copy(p.xopt, y)
			}
			center[i] = slices.Clone(rotate(y))
		}
		return func(x []float64) float64 {
			z := rotate(x)
			var highest float64
			for i, w := range weight {
				var q float64
				yi, ci := center[i], c[i]
				for j, zj := range z {
					off := zj - yi[j]
					q += ci[j] * off * off
				}
				highest = max(highest, w*math.Exp(-q/float64(2*p.dim)))
			}
			f := tosz(10 - highest)
			return f*f + penalty(x)
		}
	}
}

// f23: 10/D² Π_i (1 + i Σ_{j=1}^{32} |2^j z_i − [2^j z_i]| / 2^j)^{10/D^1.2} − 10/D² + f_pen, z = Q Λ^100 R (x − x_opt), where
// [] rounds to the nearest
func f23(p *bbob) value {
	transform := p.centered(p.first().times(diagonal(p.lambda(100))).times(p.second()))
	d := float64(p.dim)
	exponent := 10 / math.Pow(d, 1.2)
	return func(x []float64) float64 {
		var logProduct float64
		for i, zi := range transform(x) {
			var sum float64
			power := 1.0
			for range 32 {
				power *= 2
				sum += math.Abs(power*zi-math.Round(power*zi)) / power
			}
			logProduct += math.Log1p(float64(i+1) * sum)
		}
		return 10/(d*d)*math.Expm1(exponent*logProduct) + penalty(x)
	}
}

// f24: min(Σ (x̂_i − μ_0)², D + s Σ (x̂_i − μ_1)²) + 10 (D − Σ cos 2πz_i) + 10⁴ f_pen, z = Q Λ^100 R (x̂ − μ_0),
// x̂ = 2 sign(x_opt) x, μ_0 = 2.5, μ_1 = −√((μ_0² − 1)/s), s = 1 − 1/(2√(D+20) − 8.2); x_opt,i = ±μ_0/2
func f24(p *bbob) value {
	const mu0 = 2.5
	d := float64(p.dim)
	s := 1 - 1/(2*math.Sqrt(d+20)-8.2)
	mu1 := -math.Sqrt((mu0*mu0 - 1) / s)
	sign := p.vector()
	for i, g := range gaussian(p.dim, p.seed) {
		sign[i] = math.Copysign(1, g)
		p.xopt[i] = sign[i] * mu0 / 2
	}
	y, transform := p.vector(), p.first().times(diagonal(p.lambda(100))).times(p.second()).linear()
	return func(x []float64) float64 {
		var basin0, basin1 float64
		for i, xi := range x {
			hat := 2 * sign[i] * xi
			y[i] = hat - mu0
			basin0 += y[i] * y[i]
			basin1 += (hat - mu1) * (hat - mu1)
		}
		var waves float64
		for _, zi := range transform(y) {
			waves += 1 - math.Cos(2*math.Pi*zi)
		}
		return min(basin0, d+s*basin1) + 10*waves + 1e4*penalty(x)
	}
}
