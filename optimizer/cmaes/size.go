package cmaes

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// sizing adapts the population to how well the updates of the distribution agree: where they point here and there, because there are many local
// minima or noise, the population grows until they do not (PSA-CMA-ES: Nishida and Akimoto 2018, PSA-CMA-ES: CMA-ES with Population Size
// Adaptation, doi 10.1145/3205455.3205467). It never falls below that which the run has begun with: there are slots for it.
type sizing struct {
	Least int          // λ at the run's start
	Size  float64      // λ, not rounded
	Path  codec.Vector // p_θ: of the mean, len n, and of Σ, n×n, in coordinates in which the distribution is N(0, I)
	Norm  float64      // γ_θ, the squared length that it would have if the updates were random
	Sigma float64      // γ_σ and γ_c, the same for p_σ and p_c
	Cov   float64
}

const (
	sizeTarget = 1.4 // α, the squared length of the path that is aimed at, of that if updates were random
	sizeSpeed  = 0.4 // β
	mostTimes  = 256 // times that the population may grow within a run
)

func newSizing(n, least int) *sizing {
	return &sizing{Least: least, Size: float64(least), Path: make([]float64, n+n*n)}
}

func (z *sizing) fits(n int) bool {
	return z == nil || len(z.Path) == n+n*n && z.Least >= 4 && z.Size >= 4
}

// updateSized is update, from which it is learnt what size it calls for.
func (e *strategy) updateSized(ranked []trial, w []float64) (exhausted string) {
	n, z := len(e.ordered), e.state.Sizing
	before := e.here()
	if exhausted = e.update(ranked, w); exhausted != "" {
		return exhausted
	}
	d := e.movedFrom(before)
	expected := z.random(n, &e.k)
	floats.Scale(1-sizeSpeed, z.Path)
	scale := math.Sqrt(sizeSpeed * (2 - sizeSpeed) / expected)
	floats.AddScaled(z.Path[:n], scale, d.meanZ)
	floats.AddScaled(z.Path[n:], scale, d.covZ)
	z.Norm = (1-sizeSpeed)*(1-sizeSpeed)*z.Norm + sizeSpeed*(2-sizeSpeed)
	if factor := math.Exp(sizeSpeed * (z.Norm - floats.Dot(z.Path, z.Path)/sizeTarget)); !math.IsNaN(factor) {
		z.Size = min(max(z.Size*factor, float64(z.Least)), float64(z.Least*mostTimes))
	}
	return ""
}

// random is the squared length in the Fisher metric, to be expected, of an update from individuals that are ranked at random.
func (z *sizing) random(n int, k *constants) float64 {
	z.Sigma = (1-k.cs)*(1-k.cs)*z.Sigma + k.cs*(2-k.cs)
	z.Cov = (1-k.cc)*(1-k.cc)*z.Cov + k.cc*(2-k.cc)
	dim, chi2 := float64(n), k.chiN*k.chiN
	cubes := 0.0
	for _, w := range k.weights[:k.mu] {
		cubes += w * w * w
	}
	step := z.Sigma * (dim - chi2) / chi2 * (k.cs / k.ds) * (k.cs / k.ds)
	square := dim*dim + dim
	return dim/k.muEff + 2*dim*step + 0.5*(1+8*step)*(square*k.cm*k.cm/k.muEff+square*k.cc*(2-k.cc)*k.c1*k.cm*k.muEff*cubes+
		k.c1*k.c1*(z.Cov*z.Cov*dim*dim+(1-2*z.Cov+2*z.Cov*z.Cov)*dim))
}

// stepFor is what the best step size on a sphere is proportional to, for a population: that of the next one is changed as it is.
func stepFor(n int, k *constants) float64 {
	c, lambda := 0.0, float64(len(k.weights))
	for i, w := range k.weights[:k.mu] {
		c -= w * normal.Quantile((float64(i+1)-0.375)/(lambda+0.25))
	}
	return c * float64(n) * k.muEff / (float64(n) - 1 + c*c*k.muEff)
}
