package cmaes

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/linalg"
)

// lowRankCovariance is that of LM-MA-ES (Loshchilov, Glasmachers and Beyer 2019, Large Scale Black-Box Optimization by Limited-Memory
// Matrix Adaptation, doi 10.1109/TEVC.2018.2855049): A is the product of the factors (1 − c_j) I + c_j m_j m_jᵀ, c_j = 1/(1.5^j n), j = 0, 1, …, of
// which the one of j = 0 acts first. The directions m_j are means of past z_w that fade the slower the larger j is.
type lowRankCovariance struct {
	M       codec.Vector // m_0, m_1, …, row by row: 4 + ⌊3 ln n⌋ of them
	N       int          // n
	Updates int          // generations learnt from; as many directions are in use, until all are
	Ratio   float64      // the axis ratio
}

func newLowRank(n int) *lowRankCovariance {
	return &lowRankCovariance{M: make([]float64, lowRanks(n)*n), N: n, Ratio: 1}
}

func lowRanks(n int) int { return 4 + int(3*math.Log(float64(n))) }

func (r *lowRankCovariance) used() int { return min(r.Updates, lowRanks(r.N)) }

// rate is c_j.
func (r *lowRankCovariance) rate(j int) float64 { return math.Pow(1.5, -float64(j)) / float64(r.N) }

func (r *lowRankCovariance) direction(j int) []float64 { return r.M[j*r.N : (j+1)*r.N] }

// steps applies all factors at once: with a the product of the 1 − c_j, A z = a z + Σ_j u_j m_j.
func (r *lowRankCovariance) steps(z []float64) {
	used := r.used()
	if used == 0 {
		return
	}
	// The projections of z on the directions, and of the directions on each other.
	m, count := linalg.Rows(r.N, r.M[:used*r.N]), len(z)/r.N
	project := func(a []float64) []float64 {
		p := blas64.General{Rows: len(a) / r.N, Cols: used, Stride: used, Data: make([]float64, len(a)/r.N*used)}
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, linalg.Rows(r.N, a), m, 0, p)
		return p.Data
	}
	onZ, gram := project(z), project(m.Data)
	a := 1.0
	for j := range used {
		a *= 1 - r.rate(j)
	}
	for i := range count {
		u := onZ[i*used : (i+1)*used]
		a := 1.0 // of the factors before j
		for j := range u {
			c := r.rate(j)
			// u[:j] are coefficients already, u[j] is still m_jᵀz.
			along := a*u[j] + floats.Dot(u[:j], gram[j*used:j*used+j])
			floats.Scale(1-c, u[:j])
			u[j] = c * along
			a *= 1 - c
		}
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, linalg.Rows(used, onZ), m, a, linalg.Rows(r.N, z))
}

// whiten inverts the factors one by one, the last first.
func (r *lowRankCovariance) whiten(y []float64) {
	for j := r.used() - 1; j >= 0; j-- {
		c, m := r.rate(j), r.direction(j)
		floats.AddScaled(y, -c*floats.Dot(m, y)/(1-c+c*floats.Dot(m, m)), m)
		floats.Scale(1/(1-c), y)
	}
}

func (r *lowRankCovariance) learn(l lesson, k *constants) string {
	lambda := float64(len(k.weights))
	for j := range lowRanks(r.N) {
		c, m := min(1, lambda*math.Pow(4, -float64(j))/float64(r.N)), r.direction(j)
		floats.Scale(1-c, m)
		floats.AddScaled(m, math.Sqrt(c*(2-c)*k.muEff), l.white)
	}
	r.Updates++
	r.Ratio = 1
	for j := range r.used() {
		c, m := r.rate(j), r.direction(j)
		r.Ratio *= 1 + c*floats.Dot(m, m)/(1-c)
	}
	return ""
}

// axisRatio is an upper bound, which is reached where all directions are the same.
func (r *lowRankCovariance) axisRatio() float64 { return r.Ratio }

// deviations are the lengths of the rows of A = a I + Mᵀ B M, M being the directions, row by row: with the matrix G of their products, the square of
// that of row j is a² + m ᵀ(B G Bᵀ + a (B + Bᵀ)) m, m being column j of M.
func (r *lowRankCovariance) deviations() []float64 {
	d, used := make([]float64, r.N), r.used()
	if used == 0 {
		floats.AddConst(1, d)
		return d
	}
	m := linalg.Rows(r.N, r.M[:used*r.N])
	square := func() blas64.General {
		return blas64.General{Rows: used, Cols: used, Stride: used, Data: make([]float64, used*used)}
	}
	gram, b, bg := square(), square(), square()
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, m, m, 0, gram)
	a := 1.0 // of the factors before j
	for j := range used {
		c, row := r.rate(j), b.Data[j*used:(j+1)*used]
		row[j] = c * a
		for i := range j {
			before := b.Data[i*used : (i+1)*used]
			floats.AddScaled(row, c*gram.Data[j*used+i], before)
			floats.Scale(1-c, before)
		}
		a *= 1 - c
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, b, gram, 0, bg)
	form := square()
	for i := range used {
		for j := range used {
			form.Data[i*used+j] = a * (b.Data[i*used+j] + b.Data[j*used+i])
		}
	}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, bg, b, 1, form)
	product := blas64.General{Rows: used, Cols: r.N, Stride: r.N, Data: make([]float64, used*r.N)}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, form, m, 0, product)
	floats.AddConst(a*a, d)
	for i := range used {
		for j, v := range product.Data[i*r.N : (i+1)*r.N] {
			d[j] += v * m.Data[i*r.N+j]
		}
	}
	for j, v := range d {
		d[j] = math.Sqrt(v)
	}
	return d
}

func (r *lowRankCovariance) fits(n int) bool {
	return r.N == n && len(r.M) == lowRanks(n)*n && r.Updates >= 0
}
