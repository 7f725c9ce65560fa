package optimizer

import (
	"math"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// swarm is what PSO and PSOAsync have in common: particles that move as in the Standard PSO 2011 (Clerc 2012, hal-00764996; Zambrano-Bigiarini,
// Clerc and Rojas 2013, doi 10.1109/CEC.2013.6557848), whose names the comments use. It is part of the algorithm's state.
type swarm struct {
	Particles []particle
	Links     []int // informs consecutive entries for each particle: the others that it tells of its best point
	Stale     int   // results, or moves of the whole swarm, since the best point of all was found
}

// particle is a point that moves. It works in units of the widths; those of a categorical coordinate are the categories.
type particle struct {
	X    codec.Vector // position; whole numbers are rounded for the individual only
	V    codec.Vector // velocity
	Best genome       // the best individual that it has been, in the problem's units; not Known before the first success
}

// The constants of the Standard PSO 2011.
const (
	inertia      = 1 / (2 * math.Ln2)
	acceleration = 0.5 + math.Ln2
	informs      = 3 // others that a particle is linked to
)

// unit is the length in which particles measure a coordinate.
func (c Coordinate) unit() float64 {
	if c.Kind == Categorical {
		return 1
	}
	return c.Width()
}

// newParticle starts at an individual, with half the way to a random other one as its velocity.
func newParticle(problem Problem, rng *rand.Rand, x []float64) particle {
	n := len(x)
	p := particle{X: make([]float64, n), V: make([]float64, n)}
	for j, other := range problem.Draw(rng) {
		u := problem.Coords[j].unit()
		p.X[j], p.V[j] = x[j]/u, (other/u-x[j]/u)/2
	}
	return p
}

// individual is the point of the problem at which a particle is.
func (p *particle) individual(problem Problem) []float64 {
	x := make([]float64, len(p.X))
	for j, c := range problem.Coords {
		x[j] = c.clip(p.X[j] * c.unit())
	}
	return x
}

// link draws the links anew.
func (s *swarm) link(rng *rand.Rand) {
	s.Links = make([]int, informs*len(s.Particles))
	for i := range s.Links {
		s.Links[i] = rng.IntN(len(s.Particles))
	}
}

// informed returns, for each particle, the index of the particle that has the best point it knows of: its own or that of one that informs it.
// It is -1 where there is none yet.
func (s *swarm) informed() []int {
	best := make([]int, len(s.Particles))
	better := func(a, b int) bool {
		return s.Particles[a].Best.Known && (b < 0 || s.Particles[a].Best.Loss < s.Particles[b].Best.Loss)
	}
	for i := range best {
		best[i] = -1
		if better(i, -1) {
			best[i] = i
		}
	}
	for at, to := range s.Links {
		if from := at / informs; better(from, best[to]) {
			best[to] = from
		}
	}
	return best
}

// move moves particle i, which knows of the best point of particle l, and returns its individual. With G the centre of gravity of x, of a
// point a little beyond p, its own best point, and of one a little beyond that of l, x' a random point of the ball around G that x
// lies on,
//
//	v ← ω v + x' − x,  x ← x + v
//
// At a bound it is reflected with half its velocity. A categorical coordinate takes one of the three values instead, each with the same
// probability, and where they are not all equal, with probability 1/4, any. A particle that has not succeeded yet starts anew.
func (s *swarm) move(problem Problem, rng *rand.Rand, i, l int) []float64 {
	q := &s.Particles[i]
	if !q.Best.Known {
		x := problem.Draw(rng)
		*q = newParticle(problem, rng, x)
		return x
	}
	p, best := q.Best.X, s.Particles[l].Best.X
	g, direction := make([]float64, len(p)), make([]float64, len(p)) // G − x, and that of x' − G
	var radius, norm float64
	for j, c := range problem.Coords {
		if c.Kind == Categorical {
			continue
		}
		u := c.unit()
		g[j] = acceleration * (p[j]/u - q.X[j]) / 2
		if l != i {
			g[j] = acceleration * (p[j]/u + best[j]/u - 2*q.X[j]) / 3
		}
		direction[j] = rng.NormFloat64()
		radius += g[j] * g[j]
		norm += direction[j] * direction[j]
	}
	if radius = math.Sqrt(radius) * rng.Float64(); norm > 0 {
		radius /= math.Sqrt(norm)
	}
	for j, c := range problem.Coords {
		if c.Kind == Categorical {
			q.X[j] = c.choose(rng, q.X[j], p[j], best[j])
			continue
		}
		q.V[j] = inertia*q.V[j] + g[j] + radius*direction[j]
		q.X[j] += q.V[j]
		lower, upper := c.reach()
		if inside := min(max(q.X[j], lower/c.unit()), upper/c.unit()); inside != q.X[j] || math.IsNaN(inside) {
			q.X[j], q.V[j] = inside, -q.V[j]/2
		}
		if math.IsNaN(q.X[j]) || math.IsInf(q.X[j], 0) { // points as far apart as numbers reach
			q.X[j], q.V[j] = p[j]/c.unit(), 0
		}
	}
	return q.individual(problem)
}

// choose returns one of three categories or, where they are not all equal, with probability 1/4 any.
func (c Coordinate) choose(rng *rand.Rand, values ...float64) float64 {
	if (values[0] != values[1] || values[0] != values[2]) && rng.IntN(4) == 0 {
		return c.draw(rng)
	}
	return values[rng.IntN(3)]
}

// enter tells particle i what its individual has turned out to be. It reports whether that is better than its best so far.
func (s *swarm) enter(i int, g genome) bool {
	q := &s.Particles[i]
	if g.Failed || q.Best.Known && g.Loss >= q.Best.Loss {
		return false
	}
	q.Best = g
	return true
}

// best is the smallest loss of any particle; +Inf if there is none.
func (s *swarm) best() float64 {
	best := math.Inf(1)
	for _, q := range s.Particles {
		if q.Best.Known {
			best = min(best, q.Best.Loss)
		}
	}
	return best
}

// collapsed reports whether the particles' best points have become the same.
func (s *swarm) collapsed(problem Problem) bool {
	points := make([]genome, len(s.Particles))
	for i, q := range s.Particles {
		if !q.Best.Known {
			return false
		}
		points[i] = q.Best
	}
	return collapsed(problem, points)
}
