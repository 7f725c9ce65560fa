package kit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Cloud keeps the books of an algorithm that surrounds a centre with random individuals. It is part of the algorithm's state.
//
// The directions in which they lie, and their points, are not stored but made again from a seed each: with a hundred individuals of a
// million coordinates that is the difference between a checkpoint of a few megabytes and one of a gigabyte. So the algorithm's map from
// a direction to a point, which the methods take, must not change until the generation has ended.
type Cloud struct {
	Generation
	Directions []Direction // of the members; none while the members are points that a warm start gave
	Known      Warm        // what a warm start told; nil once it has been used
}

// Direction stands for a random vector z: Sign times the N(0, I) of its seed. The one with Sign 0 is the centre itself.
type Direction struct {
	Seed uint64
	Sign float64
}

// Scatter draws n directions, with mirrored each second of them opposite to the one before.
func Scatter(rng *rand.Rand, n int, mirrored bool) []Direction {
	ds := make([]Direction, n)
	for i := range ds {
		if mirrored && i%2 == 1 {
			ds[i] = Direction{ds[i-1].Seed, -1}
		} else {
			ds[i] = Direction{rng.Uint64(), 1}
		}
	}
	return ds
}

// Noise makes the vectors of directions.
type Noise struct {
	z    []float64
	made Direction // the one that z holds
}

// NewNoise makes the vectors of n numbers.
func NewNoise(n int) *Noise { return &Noise{z: make([]float64, n)} }

// Of returns the vector of d, which is valid until the next call.
func (s *Noise) Of(d Direction) []float64 {
	switch {
	case d == s.made:
	case d.Sign == 0:
		clear(s.z)
	case d.Seed == s.made.Seed && d.Sign == -s.made.Sign:
		floats.Scale(-1, s.z)
	default:
		rng := rand.New(rand.NewPCG(d.Seed, 0))
		for i := range s.z {
			s.z[i] = d.Sign * rng.NormFloat64()
		}
	}
	s.made = d
	return s.z
}

// WarmStart takes in what is known, and returns the best point of it whose loss is known; nil if there is none.
func (c *Cloud) WarmStart(known []optimizer.Solution, problem optimizer.Problem) (best []float64, err error) {
	c.Known, err = NewWarm(known, problem)
	return c.Known.best(), err
}

// Begin starts a generation in these directions; or first, without directions, one of the points that a warm start wants evaluated.
func (c *Cloud) Begin(directions []Direction, point func(Direction) []float64) {
	var xs [][]float64
	for _, k := range c.Known {
		if len(k.Loss) == 0 {
			xs = append(xs, k.X)
		}
	}
	if len(xs) == 0 {
		c.Known, c.Directions = nil, directions
		for _, d := range directions {
			xs = append(xs, point(d))
		}
	}
	c.Generation.Begin(xs)
}

// Tell is that of Generation. An individual in place of a failed one lies in a direction of its own.
func (c *Cloud) Tell(results []optimizer.Evaluated, problem optimizer.Problem, rng *rand.Rand,
	point func(Direction) []float64) (complete bool, err error) {
	return c.Generation.Tell(results, problem, func(i int) []float64 {
		if c.Directions == nil {
			return problem.Draw(rng)
		}
		c.Directions[i] = Direction{rng.Uint64(), 1}
		return point(c.Directions[i])
	})
}

// Elsewhere tells of a completed generation from which the centre learns nothing but where to go on: of given points, at the best one known; of
// individuals that all failed, at the best of the search, or at a random point, if none has succeeded yet. ok is false for any other.
func (c *Cloud) Elsewhere(problem optimizer.Problem, rng *rand.Rand) (x []float64, ok bool) {
	given := c.Directions == nil
	for _, m := range c.Members {
		switch {
		case !m.Failed && !given:
			return nil, false
		case !m.Failed:
			c.Known = append(c.Known, optimizer.Solution{X: m.X, Loss: m.Loss})
		}
	}
	x = c.Known.best()
	if x == nil && c.Best != nil {
		x = c.Best.X
	}
	if x == nil {
		x = problem.Draw(rng)
	}
	c.Known = nil
	return x, true
}

// End closes the generation.
func (c *Cloud) End() {
	c.Generation.End()
	c.Directions = nil
}

// CentreLoss is the loss of the centre; nil if it failed, or was not evaluated.
func (c *Cloud) CentreLoss() codec.Vector {
	if i := slices.IndexFunc(c.Directions, func(d Direction) bool { return d.Sign == 0 }); i >= 0 {
		return c.Members[i].Loss
	}
	return nil
}

// Utilities are weights for the members, which depend on their ranks alone, sum to 0 and are largest for the best (Wierstra et al. 2014,
// section 3.1): of n members, the one of rank k has max(0, ln(n/2 + 1) − ln k), divided by the sum of these, less 1/n. Equals share theirs
// equally; failed members are the worst, and equals. The centre has weight 0.
func (c *Cloud) Utilities() []float64 {
	order, _ := c.Ranking()
	order = slices.DeleteFunc(order, func(i int) bool { return c.Directions[i].Sign == 0 })
	n := float64(len(order))
	u, sum := make([]float64, len(order)), 0.0
	for k := range u {
		u[k] = max(0, math.Log(n/2+1)-math.Log(float64(k+1)))
		sum += u[k]
	}
	w := make([]float64, len(c.Members))
	equal := func(a, b int) bool { return c.Members[a].Standing().Compare(c.Members[b].Standing()) == 0 }
	for from, to := 0, 0; from < len(order); from = to {
		share := 0.0
		for to = from; to < len(order) && equal(order[from], order[to]); to++ {
			share += u[to]/sum - 1/n
		}
		for _, i := range order[from:to] {
			w[i] = share / float64(to-from)
		}
	}
	return w
}

// Compact is the cloud as it is stored.
func (c Cloud) Compact() Cloud {
	if c.Directions != nil {
		c.Members = slices.Clone(c.Members)
		for i := range c.Members {
			c.Members[i].X = nil
		}
	}
	return c
}

// Expand makes the points of a stored cloud again, those of which the result is missing. It returns ErrState for a cloud that none can be.
func (c *Cloud) Expand(point func(Direction) []float64) error {
	if len(c.Directions) == 0 {
		c.Directions = nil
		return nil
	}
	if len(c.Directions) != len(c.Members) {
		return fmt.Errorf("%w: %d directions of %d individuals", optimizer.ErrState, len(c.Directions), len(c.Members))
	}
	for i, m := range c.Members {
		if !m.Told {
			c.Members[i].X = point(c.Directions[i])
		}
	}
	return nil
}
