package bayes

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// Points of a pool: at least, and for each that is chosen.
const (
	leastPool = 1000
	poolEach  = 10
)

// pooled returns n further points of a generation, beside others, in which the model believes already. They are chosen one after the other from a
// pool of random points and of points near the best individual, each where the improvement that is expected is largest if the ones before have the
// losses that are expected: what search does, without climbing, for the cost of one look at every point of the pool. What is believed does not change
// what is expected elsewhere, only how certain it is, and so all that has to be kept up is the variances.
func (o *Search) pooled(rng *rand.Rand, m *model, others [][]float64, n int) (xs [][]float64) {
	if n <= 0 {
		return nil
	}
	type point struct {
		x, at          []float64 // as it is proposed, and in the model's coordinates
		l              []float64 // L⁻¹k
		mean, variance float64
	}
	known := o.known(others)
	var pool []*point
	for i := range max(leastPool, poolEach*n) {
		x := o.problem.Draw(rng)
		if i%2 == 1 {
			x = o.step(rng, m.best, math.Pow(10, -3*rng.Float64()))
		}
		if !known(x) {
			p := &point{x: x, at: o.scaled(x)}
			p.l, p.mean, p.variance = m.weights(p.at)
			pool = append(pool, p)
		}
	}
	signal, noise := m.signal(), m.noise()
	for len(xs) < n {
		var next *point
		most := math.Inf(-1)
		for _, p := range pool {
			if value := logExpectedImprovement(m.incumbent, p.mean, math.Sqrt(p.variance)); value > most {
				next, most = p, value
			}
		}
		if next == nil { // nothing is to be gained anywhere
			xs = append(xs, o.unknown(rng, o.known(append(others[:len(others):len(others)], xs...))))
			continue
		}
		xs = append(xs, next.x)
		m.incumbent = min(m.incumbent, next.mean)
		own := math.Sqrt(next.variance + noise)
		chosen := next.l
		for _, p := range pool {
			k, _ := matern(signal, m.distance(p.at, next.at))
			k = (k - floats.Dot(p.l[:len(chosen)], chosen)) / own
			p.l = append(p.l, k)
			if p.variance = max(p.variance-k*k, 0); slices.Equal(p.x, next.x) {
				p.variance = 0 // it is not chosen again
			}
		}
	}
	return xs
}
