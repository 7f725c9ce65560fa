package bayes

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/optimize"

	"github.com/meta-optimization/l2l-mpi/optimizer/kit/linalg"
)

// gaussianProcess is the posterior of a function with a normal prior, given noisy values at some points; equations are those of Rasmussen and
// Williams 2006, Gaussian Processes for Machine Learning. The prior has mean 0 and the Matérn covariance with ν = 5/2 (4.17), with a length
// scale for each dimension: k = s² (1 + √5 r + 5/3 r²) exp(−√5 r), r² = Σ (d_i/ℓ_i)². The distance d_i of two values is their difference, or,
// where the dimension is a category, 0 for the same one and 1 for others.
type gaussianProcess struct {
	category []bool
	theta    []float64 // log ℓ_1, …, log ℓ_n, log s², log σ² of the noise
	scale    []float64 // 1/ℓ_i
	x        [][]float64
	y        []float64
	chol     [][]float64 // the lower factor L of K + σ²I: row i has i+1 entries
	alpha    []float64   // (K + σ²I)⁻¹ y
}

// jitter is added to the noise, in units of s², so that K can be factored.
const jitter = 1e-9

// Prior distributions of theta: normal. That of the length scales is of Hvarfner, Hellsten and Nardi 2024, Vanilla Bayesian Optimization Performs
// Great in High Dimensions, arXiv:2402.02229, section 4, for values between 0 and 1; that of the noise prefers little, and yields to data.
func thetaPrior(n, i int) (mean, std float64) {
	switch i {
	case n: // signal
		return 0, 1
	case n + 1: // noise
		return -12, 4
	}
	return math.Sqrt2 + math.Log(float64(n))/2, math.Sqrt(3)
}

// usualTheta is the mode of the prior, but with shorter length scales: a start for the search of better ones.
func usualTheta(n int) []float64 {
	theta := make([]float64, n+2)
	for i := range theta {
		theta[i], _ = thetaPrior(n, i)
		if i < n {
			theta[i]--
		}
	}
	return theta
}

// fitTheta returns the theta that is most probable given the values y at the points x: the marginal likelihood (2.30) times the prior, maximised by
// L-BFGS from each of the starts.
func fitTheta(category []bool, x [][]float64, y []float64, starts ...[]float64) []float64 {
	best, least := starts[0], math.Inf(1)
	var lastX, lastGrad []float64
	problem := optimize.Problem{
		Func: func(theta []float64) float64 {
			value, grad := negativeLogPosterior(category, x, y, theta)
			lastX, lastGrad = slices.Clone(theta), grad
			return value
		},
		Grad: func(grad, theta []float64) {
			if !slices.Equal(theta, lastX) {
				_, lastGrad = negativeLogPosterior(category, x, y, theta)
			}
			copy(grad, lastGrad)
		},
	}
	for _, start := range starts {
		// An error means a search that ended early; how far it came is in the result all the same.
		result, _ := optimize.Minimize(problem, start, &optimize.Settings{MajorIterations: 30, FuncEvaluations: 60, GradientThreshold: 1e-2},
			&optimize.LBFGS{})
		if result != nil && result.F < least && !floats.HasNaN(result.X) {
			best, least = result.X, result.F
		}
	}
	return best
}

// negativeLogPosterior of theta, but for a constant, and its gradient (5.9).
func negativeLogPosterior(category []bool, x [][]float64, y, theta []float64) (float64, []float64) {
	n, size := len(category), len(x)
	grad := make([]float64, len(theta))
	value := 0.0
	for i, t := range theta {
		mean, std := thetaPrior(n, i)
		z := (t - mean) / std
		value += z * z / 2
		grad[i] = z / std
		if math.Abs(z) > 50 {
			return math.Inf(1), grad // where exp overflows
		}
	}
	gp := gaussianProcess{category: category, theta: theta}
	gp.scales()
	signal, noise := gp.signal(), gp.noise()
	K, slope := linalg.Zeros(size, size), linalg.Zeros(size, size) // slope: of k by r², times −2
	for a := range size {
		for b := range a {
			K.Data[a*size+b], slope.Data[a*size+b] = matern(signal, gp.distance(x[a], x[b]))
		}
		K.Data[a*size+a] = signal + noise
	}
	factor, ok := lapack64.Potrf(blas64.Symmetric{N: size, Stride: size, Data: K.Data, Uplo: blas.Lower})
	if !ok {
		return math.Inf(1), grad
	}
	alpha := slices.Clone(y)
	lapack64.Potrs(factor, blas64.General{Rows: size, Cols: 1, Stride: 1, Data: alpha})
	value += floats.Dot(y, alpha) / 2
	for a := range size {
		value += math.Log(K.Data[a*size+a])
	}
	lapack64.Potri(factor) // K is now (K + σ²I)⁻¹
	trace := 0.0           // of ½ (K⁻¹ − ααᵀ)
	// ½ tr((K⁻¹ − ααᵀ) K), by which the gradient for s² follows from that for σ²
	inner := (float64(size) - floats.Dot(y, alpha)) / 2
	for a := range size {
		trace += (K.Data[a*size+a] - alpha[a]*alpha[a]) / 2
		for b := range a {
			w := (K.Data[a*size+b] - alpha[a]*alpha[b]) * slope.Data[a*size+b] // twice ½: a, b and b, a
			for i := range n {
				if d := gp.gap(i, x[a], x[b]) * gp.scale[i]; d != 0 {
					grad[i] += w * d * d
				}
			}
		}
	}
	own := math.Exp(theta[n+1])
	grad[n] += inner - own*trace // K − σ²I is proportional to s²
	grad[n+1] += own * trace
	return value, grad
}

// matern is k and −2 dk/d(r²).
func matern(signal, r2 float64) (k, slope float64) {
	r := math.Sqrt(5 * r2)
	e := signal * math.Exp(-r)
	return e * (1 + r + r*r/3), e * 5 / 3 * (1 + r)
}

func (g *gaussianProcess) scales() {
	g.scale = make([]float64, len(g.category))
	for i := range g.scale {
		g.scale[i] = math.Exp(-g.theta[i])
	}
}

func (g *gaussianProcess) signal() float64 { return math.Exp(g.theta[len(g.category)]) }

func (g *gaussianProcess) noise() float64 {
	return math.Exp(g.theta[len(g.category)+1]) + jitter*g.signal()
}

// gap is the distance of two points in dimension i.
func (g *gaussianProcess) gap(i int, a, b []float64) float64 {
	if g.category[i] {
		if a[i] == b[i] {
			return 0
		}
		return 1
	}
	return a[i] - b[i]
}

// distance is r².
func (g *gaussianProcess) distance(a, b []float64) float64 {
	sum := 0.0
	for i, s := range g.scale {
		d := g.gap(i, a, b) * s
		sum += d * d
	}
	return sum
}

// newGaussianProcess is the posterior given the values y at the points x, both of which it keeps; false where K cannot be factored.
func newGaussianProcess(category []bool, theta []float64, x [][]float64, y []float64) (*gaussianProcess, bool) {
	g := &gaussianProcess{category: category, theta: theta}
	g.scales()
	size := len(x)
	signal, noise := g.signal(), g.noise()
	K := linalg.Zeros(size, size)
	for a := range size {
		for b := range a {
			K.Data[a*size+b], _ = matern(signal, g.distance(x[a], x[b]))
		}
		K.Data[a*size+a] = signal + noise
	}
	if _, ok := lapack64.Potrf(blas64.Symmetric{N: size, Stride: size, Data: K.Data, Uplo: blas.Lower}); !ok {
		return nil, false
	}
	for a := range size {
		g.chol = append(g.chol, linalg.Row(K, a)[:a+1])
	}
	g.x, g.y = slices.Clone(x), slices.Clone(y)
	g.solve()
	return g, true
}

// add takes in one more value.
func (g *gaussianProcess) add(x []float64, y float64) {
	l, _, variance := g.weights(x)
	g.chol = append(g.chol, append(l, math.Sqrt(variance+g.noise())))
	g.x, g.y = append(g.x, x), append(g.y, y)
	g.solve()
}

// solve computes alpha (algorithm 2.1).
func (g *gaussianProcess) solve() {
	g.alpha = slices.Clone(g.y)
	g.forward(g.alpha)
	for i := len(g.alpha) - 1; i >= 0; i-- { // Lᵀ
		g.alpha[i] /= g.chol[i][i]
		floats.AddScaled(g.alpha[:i], -g.alpha[i], g.chol[i][:i])
	}
}

// forward replaces b by L⁻¹b.
func (g *gaussianProcess) forward(b []float64) {
	for i, l := range g.chol {
		b[i] = (b[i] - floats.Dot(l[:i], b[:i])) / l[i]
	}
}

// weights are L⁻¹k, and the mean and variance (2.25, 2.26), at a point.
func (g *gaussianProcess) weights(x []float64) (l []float64, mean, variance float64) {
	signal := g.signal()
	l = make([]float64, len(g.x), len(g.x)+1)
	for i, xi := range g.x {
		l[i], _ = matern(signal, g.distance(x, xi))
	}
	mean = floats.Dot(l, g.alpha)
	g.forward(l)
	return l, mean, max(signal-floats.Dot(l, l), 0)
}

// predict is the mean and the standard deviation of the function at a point.
func (g *gaussianProcess) predict(x []float64) (mean, deviation float64) {
	_, mean, variance := g.weights(x)
	return mean, math.Sqrt(variance)
}
