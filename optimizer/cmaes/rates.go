package cmaes

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/linalg"
)

// learningRates adapts the learning rates of the mean m and of Σ = σ²C to the ratio of signal to noise in their updates: under noise, and among
// many local minima, the strategy then learns so slowly that it averages over many generations (LRA-CMA-ES: Nomura, Akimoto and Ono
// 2023, CMA-ES with Learning Rate Adaptation, doi 10.1145/3583131.3590358; constants from its section 4).
type learningRates struct {
	Mean, Cov learningRate
}

// learningRate is the learning rate of one of them.
type learningRate struct {
	Eta  float64      // η, in (0, 1]
	Path codec.Vector // mean of the past updates, in coordinates in which the distribution is N(0, I)
	V    float64      // mean of their squared lengths
}

func newLearningRates(n int) *learningRates {
	return &learningRates{learningRate{Eta: 1, Path: make([]float64, n)}, learningRate{Eta: 1, Path: make([]float64, n*n)}}
}

// pace is the smaller of the learning rates, 1 where they are not adapted.
func (r *learningRates) pace() float64 {
	if r == nil {
		return 1
	}
	return min(r.Mean.Eta, r.Cov.Eta)
}

// adapt takes in an update, and beta, the rate at which the means fade.
func (r *learningRate) adapt(update []float64, beta float64) {
	const target, speed = 1.4, 0.1 // α, the ratio of signal to noise aimed at, per η; γ
	floats.Scale(1-beta, r.Path)
	floats.AddScaled(r.Path, beta, update)
	r.V = (1-beta)*r.V + beta*floats.Dot(update, update)
	signal := floats.Dot(r.Path, r.Path)
	ratio := (signal - beta/(2-beta)*r.V) / (r.V - signal)
	if math.IsNaN(ratio) {
		return
	}
	change := min(max(ratio/(target*r.Eta)-1, -1), 1)
	r.Eta = min(1, r.Eta*math.Exp(min(speed*r.Eta, beta)*change))
}

// location is a distribution with full covariance.
type location struct {
	mean  []float64
	sigma float64
	shape *fullCovariance
}

// here is the present distribution, which update may then change.
func (e *strategy) here() location {
	s := &e.state
	return location{slices.Clone(s.Mean), s.Sigma, &fullCovariance{C: slices.Clone(s.Shape.Full.C), U: s.Shape.Full.U}}
}

// movement is the way from one distribution to another.
type movement struct {
	mean, cov   []float64 // changes of m, divided by σ, and of Σ, divided by σ²; σ is that of the first
	meanZ, covZ []float64 // the same in the coordinates of z, in which the length of both together is that of the Fisher metric
}

// movedFrom is the way from a distribution to the present one.
func (e *strategy) movedFrom(before location) (d movement) {
	n, s := len(e.ordered), &e.state
	f, sigma := s.Shape.Full, before.sigma
	d.mean = slices.Clone(s.Mean)
	floats.Sub(d.mean, before.mean)
	floats.Scale(1/sigma, d.mean)
	d.meanZ = slices.Clone(d.mean)
	before.shape.whiten(d.meanZ)
	grown := s.Sigma * s.Sigma / (sigma * sigma)
	d.cov = make([]float64, n*n)
	for i := range n {
		for j := i; j < n; j++ {
			v := grown*f.C[i*n+j] - before.shape.C[i*n+j]
			d.cov[i*n+j], d.cov[j*n+i] = v, v
		}
	}
	d.covZ = slices.Clone(d.cov)
	blas64.Trsm(blas.Left, blas.Trans, 1, before.shape.upper(), linalg.Rows(n, d.covZ))
	blas64.Trsm(blas.Right, blas.NoTrans, 1, before.shape.upper(), linalg.Rows(n, d.covZ))
	floats.Scale(math.Sqrt(0.5), d.covZ)
	return d
}

// updateAdaptively is update, of which it does no more than the learning rates allow.
func (e *strategy) updateAdaptively(ranked []trial, w []float64) (exhausted string) {
	n, s := len(e.ordered), &e.state
	f := s.Shape.Full
	before := e.here()
	if exhausted = e.update(ranked, w); exhausted != "" {
		return exhausted
	}
	d := e.movedFrom(before)

	old := s.Rates.Mean.Eta
	s.Rates.Mean.adapt(d.meanZ, 0.1)
	s.Rates.Cov.adapt(d.covZ, 0.03)
	sigma := before.sigma
	copy(s.Mean, before.mean)
	floats.AddScaled(s.Mean, sigma*s.Rates.Mean.Eta, d.mean)
	copy(f.C, before.shape.C)
	floats.AddScaled(f.C, s.Rates.Cov.Eta, d.cov)

	// Σ becomes σ²C again, with a C of determinant 1; the best σ is inversely proportional to the mean's rate.
	if limit := f.factorise(); limit != "" {
		return limit
	}
	logDet := 0.0
	for j := range n {
		logDet += math.Log(f.U[j*(n+1)])
	}
	root := math.Exp(logDet / float64(n))
	floats.Scale(1/root, f.U)
	floats.Scale(1/(root*root), f.C)
	s.Sigma = sigma * root * old / s.Rates.Mean.Eta
	return ""
}

func (r *learningRates) fits(like *learningRates) bool {
	if r == nil || like == nil {
		return r == like
	}
	return len(r.Mean.Path) == len(like.Mean.Path) && len(r.Cov.Path) == len(like.Cov.Path)
}
