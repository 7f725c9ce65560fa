package pso

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// swarm is what Search and Async have in common: particles that move as in the Standard PSO 2011 (Clerc 2012, hal-00764996; Zambrano-Bigiarini,
// Clerc and Rojas 2013, doi 10.1109/CEC.2013.6557848), whose names the comments use. It is part of the algorithm's state.
type swarm struct {
	Particles []particle
	Links     []int // informs consecutive entries for each particle: the others that it tells of its best point
	Stale     int   // results, or moves of the whole swarm, since any particle found a better point
}

// particle is a point that moves in the algorithm's frame.
type particle struct {
	X    codec.Vector   // position
	V    codec.Vector   // velocity
	Best kit.Individual // the best individual that it has been; not Known before the first success
}

// The constants of the Standard PSO 2011.
const (
	inertia      = 1 / (2 * math.Ln2) // ω
	acceleration = 0.5 + math.Ln2     // c
	informs      = 3                  // K, others that a particle is linked to
)

// newParticle starts at an individual, with half the way to a random other one as its velocity.
func newParticle(f *kit.Frame, rng *rand.Rand, x []float64) particle {
	p := particle{X: f.Preimage(x), V: f.Preimage(f.Problem.Draw(rng))}
	floats.Sub(p.V, p.X)
	floats.Scale(0.5, p.V)
	return p
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
		return s.Particles[a].Best.Known && (b < 0 || s.Particles[a].Best.Standing().Better(s.Particles[b].Best.Standing()))
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

// move moves particle i, which knows of the best point l of particle teller, and returns its individual. With p its own best point, G the centre of
// gravity of x, x + c (p − x) and x + c (l − x), the last one only if l is another's, and x' a random point of the ball around G whose
// surface x lies on,
//
//	v ← ω v + x' − x,  x ← x + v
//
// At a bound it is reflected with half its velocity. A particle that has not succeeded yet starts anew.
func (s *swarm) move(f *kit.Frame, rng *rand.Rand, i, teller int) []float64 {
	q := &s.Particles[i]
	if !q.Best.Known {
		x := f.Problem.Draw(rng)
		*q = newParticle(f, rng, x)
		return x
	}
	p, l := f.Preimage(q.Best.X), f.Preimage(s.Particles[teller].Best.X)
	g, direction := make([]float64, len(p)), make([]float64, len(p)) // G − x, and that of x' − G
	for j, x := range q.X {
		g[j] = acceleration * (p[j] - x) / 2
		if teller != i {
			g[j] = acceleration * (p[j] - x + l[j] - x) / 3
		}
		direction[j] = rng.NormFloat64()
	}
	radius := floats.Norm(g, 2) * rng.Float64()
	floats.Scale(inertia, q.V)
	floats.Add(q.V, g)
	floats.AddScaled(q.V, radius/floats.Norm(direction, 2), direction)
	floats.Add(q.X, q.V)
	f.Reflect(q.X, q.V)
	return f.Point(q.X)
}

// enter tells particle i what its individual has turned out to be. It reports whether that is better than its best so far.
func (s *swarm) enter(i int, g kit.Individual) bool {
	q := &s.Particles[i]
	if !g.Standing().Better(q.Best.Standing()) {
		return false
	}
	q.Best = g
	return true
}

// best is the standing of the best point of any particle.
func (s *swarm) best() optimizer.Standing {
	best := optimizer.Standing{Failed: true}
	for _, q := range s.Particles {
		if now := q.Best.Standing(); now.Better(best) {
			best = now
		}
	}
	return best
}

// collapsed reports whether the particles' best points have become the same.
func (s *swarm) collapsed(problem optimizer.Problem) bool {
	points := make([]kit.Individual, len(s.Particles))
	for i, q := range s.Particles {
		if !q.Best.Known {
			return false
		}
		points[i] = q.Best
	}
	return kit.Collapsed(problem, points)
}
