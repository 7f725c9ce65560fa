package cmaes

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/linalg"
)

// covariance is a model of the matrix C of the distribution N(m, σ²C), held by a factor A of it: C = A Aᵀ.
type covariance interface {
	steps(z []float64)                           // overwrites each of the vectors z, one after the other in z, by A z
	whiten(y []float64)                          // overwrites y by A⁻¹y
	learn(l lesson, k *constants) (limit string) // is equation (47); it names the limit that C has come to, if it has
	deviations() []float64                       // √C_jj, len n; read-only
	axisRatio() float64                          // an estimate of the ratio of the longest to the shortest axis
	fits(n int) bool                             // reports whether it is one of n coordinates
}

// lesson is what the covariance learns from in a generation.
type lesson struct {
	decay   float64     // factor of the present C
	path    []float64   // p_c, len n
	steps   [][]float64 // y, those with a weight, each of len n
	weights []float64   // w°, for each of steps
	white   []float64   // A⁻¹y_w
}

// shape holds the model in use; the others are nil.
type shape struct {
	Full     *fullCovariance
	Diagonal *diagonalCovariance
	LowRank  *lowRankCovariance
}

// newShape is the identity of n coordinates.
func newShape(kind string, n int) shape {
	switch kind {
	case "diagonal":
		d := &diagonalCovariance{D: make([]float64, n)}
		floats.AddConst(1, d.D)
		return shape{Diagonal: d}
	case "low_rank":
		return shape{LowRank: newLowRank(n)}
	}
	return shape{Full: &fullCovariance{C: linalg.Identity(n), U: linalg.Identity(n)}}
}

func (s shape) model() covariance {
	switch {
	case s.Full != nil:
		return s.Full
	case s.Diagonal != nil:
		return s.Diagonal
	}
	return s.LowRank
}

func (s shape) fits(kind string, n int) bool {
	held := map[string]bool{"full": s.Full != nil, "diagonal": s.Diagonal != nil, "low_rank": s.LowRank != nil}
	return held[kind] && s.model().fits(n)
}

// Limits that end a run.
const (
	limitAxes     = "condition: the covariance matrix has a condition above 1e14"
	limitPositive = "condition: the covariance matrix is no longer positive"
	maxAxisRatio  = 1e7
)

// fullCovariance is a matrix of n(n+1)/2 free numbers. Its factor is the Cholesky one, at 1/30 of the cost of the symmetric root that
// the tutorial takes; samples have the same distribution (Krause, Arbones and Igel 2016, CMA-ES with Optimal Covariance Update and Storage
// Complexity, NIPS).
type fullCovariance struct {
	C   codec.Vector // n×n row-major, upper triangle
	U   codec.Vector // n×n row-major, upper triangular, C = UᵀU; A = Uᵀ
	Age int          // updates of C that are not in U

	spare []float64 // room for the next U
}

func (f *fullCovariance) dim() int { return int(math.Sqrt(float64(len(f.C)))) }

func (f *fullCovariance) upper() blas64.Triangular {
	n := f.dim()
	return blas64.Triangular{N: n, Stride: n, Data: f.U, Uplo: blas.Upper, Diag: blas.NonUnit}
}

func (f *fullCovariance) symmetric() blas64.Symmetric {
	n := f.dim()
	return blas64.Symmetric{N: n, Stride: n, Data: f.C, Uplo: blas.Upper}
}

func (f *fullCovariance) steps(z []float64) {
	blas64.Trmm(blas.Right, blas.NoTrans, 1, f.upper(), linalg.Rows(f.dim(), z))
}
func (f *fullCovariance) whiten(y []float64) { blas64.Trsv(blas.Trans, f.upper(), linalg.Column(y)) }

func (f *fullCovariance) learn(l lesson, k *constants) string {
	n := f.dim()
	positive, negative := make([]float64, 0, (len(l.steps)+1)*n), make([]float64, 0, len(l.steps)*n)
	for i, w := range l.weights {
		if w > 0 {
			positive = appendScaled(positive, math.Sqrt(w*k.cm), l.steps[i])
		} else {
			negative = appendScaled(negative, math.Sqrt(-w*k.cm), l.steps[i])
		}
	}
	positive = appendScaled(positive, math.Sqrt(k.c1), l.path)
	blas64.Syrk(blas.Trans, 1, linalg.Rows(n, positive), l.decay, f.symmetric())
	if len(negative) > 0 {
		blas64.Syrk(blas.Trans, -1, linalg.Rows(n, negative), 1, f.symmetric())
	}
	f.Age++
	if f.Age < k.lazy {
		return ""
	}
	return f.factorise()
}

// factorise brings U up to date.
func (f *fullCovariance) factorise() (limit string) {
	f.spare, f.Age = append(f.spare[:0], f.C...), 0
	c := f.symmetric()
	c.Data = f.spare
	if _, ok := lapack64.Potrf(c); !ok {
		return limitPositive
	}
	f.U, f.spare = f.spare, f.U
	if f.axisRatio() > maxAxisRatio {
		return limitAxes
	}
	return ""
}

func (f *fullCovariance) deviations() []float64 {
	d := make([]float64, f.dim())
	for j := range d {
		d[j] = math.Sqrt(f.C[j*(len(d)+1)])
	}
	return d
}

// axisRatio takes the extremes of U's diagonal, between which C's axes extend at least.
func (f *fullCovariance) axisRatio() float64 {
	n, least, most := f.dim(), math.Inf(1), 0.0
	for j := range n {
		d := f.U[j*(n+1)]
		least, most = min(least, d), max(most, d)
	}
	return most / least
}

func (f *fullCovariance) fits(n int) bool { return len(f.C) == n*n && len(f.U) == n*n }

// diagonalCovariance is the one of separable CMA-ES.
type diagonalCovariance struct {
	D codec.Vector // √C_jj, len n
}

func (d *diagonalCovariance) steps(z []float64) {
	for n := len(d.D); len(z) > 0; z = z[n:] {
		floats.Mul(z[:n], d.D)
	}
}

func (d *diagonalCovariance) whiten(y []float64) { floats.Div(y, d.D) }

func (d *diagonalCovariance) learn(l lesson, k *constants) string {
	c := make([]float64, len(d.D))
	for i, w := range l.weights {
		for j, y := range l.steps[i] {
			c[j] += w * y * y
		}
	}
	for j, v := range d.D {
		d.D[j] = math.Sqrt(l.decay*v*v + k.c1*l.path[j]*l.path[j] + k.cm*c[j])
	}
	switch {
	case floats.HasNaN(d.D) || floats.Min(d.D) == 0:
		return limitPositive
	case d.axisRatio() > maxAxisRatio:
		return limitAxes
	}
	return ""
}

func (d *diagonalCovariance) deviations() []float64 { return d.D }
func (d *diagonalCovariance) axisRatio() float64    { return floats.Max(d.D) / floats.Min(d.D) }
func (d *diagonalCovariance) fits(n int) bool       { return len(d.D) == n }

// appendScaled appends a·y to m.
func appendScaled(m []float64, a float64, y []float64) []float64 {
	m = append(m, y...)
	floats.Scale(a, m[len(m)-len(y):])
	return m
}
