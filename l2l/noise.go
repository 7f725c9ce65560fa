package l2l

import (
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/splitmix"
)

// Noisy reports whether what an individual is told depends on more than its point: by the rules, or because the same point was told twice with
// different fitnesses.
func (s *Search) Noisy() bool { return s.rules.Noisy() || s.s.Found }

// Noisy reports whether the rules say that evaluations are noisy: by replicates, mini-batches, or an optimizee that is stochastic.
func (r *Rules) Noisy() bool { return r.Stochastic || r.Replicates > 1 || r.Rotate > 0 }

// repeats remembers the last points that were told, to find out whether one of them is told again and with another fitness. It is part of the
// search's state. A point and a fitness are known by a hash each.
type repeats struct {
	Points    []uint64 // a ring
	Fitnesses []uint64 // len(Points)
	Next      int      // where the ring goes on once it is full
	at        map[uint64]int
}

// remembered is the number of points that are remembered. What repeats a point (an elite, the centre of a cloud, few whole numbers) does so soon.
const remembered = 512

// differs takes a point in, and reports whether it was told before with another fitness.
func (r *repeats) differs(x, fitness codec.Vector) bool {
	if r.at == nil {
		r.at = make(map[uint64]int, len(r.Points))
		for i, p := range r.Points {
			r.at[p] = i
		}
	}
	p, f := hashOf(x), hashOf(fitness)
	if at, ok := r.at[p]; ok {
		return r.Fitnesses[at] != f
	}
	at := r.Next
	if len(r.Points) < remembered {
		at = len(r.Points)
		r.Points, r.Fitnesses = append(r.Points, 0), append(r.Fitnesses, 0)
	} else {
		delete(r.at, r.Points[at])
		r.Next = (r.Next + 1) % remembered
	}
	r.Points[at], r.Fitnesses[at] = p, f
	r.at[p] = at
	return false
}

// hashOf is a hash of numbers, in which 0 and −0 are the same. That of many numbers is made of four, of which none waits for another.
func hashOf(v codec.Vector) uint64 {
	const many = 64
	h := uint64(len(v))
	if len(v) >= many {
		h0, h1, h2, h3 := h, h+1, h+2, h+3
		for ; len(v) >= 4; v = v[4:] {
			h0 = splitmix.Mix(h0 ^ math.Float64bits(v[0]+0))
			h1 = splitmix.Mix(h1 ^ math.Float64bits(v[1]+0))
			h2 = splitmix.Mix(h2 ^ math.Float64bits(v[2]+0))
			h3 = splitmix.Mix(h3 ^ math.Float64bits(v[3]+0))
		}
		for _, other := range [...]uint64{h0, h1, h2, h3} {
			h = splitmix.Mix(h ^ other)
		}
	}
	for _, x := range v {
		h = splitmix.Mix(h ^ math.Float64bits(x+0))
	}
	return h
}
