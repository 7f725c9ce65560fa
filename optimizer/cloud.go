package optimizer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// cloud keeps the books of an algorithm that surrounds a centre with random individuals. It is part of the algorithm's state.
//
// The directions in which they lie, and their points, are not stored but made again from a seed each: with a hundred individuals of a
// million coordinates that is the difference between a checkpoint of a few megabytes and one of a gigabyte. So the algorithm's map from
// a direction to a point, which the methods take, must not change until the generation has ended.
type cloud struct {
	generation
	Directions []direction // of the members; none while the members are points that a warm start gave
	Known      warm        // what a warm start told; nil once it has been used
}

// direction stands for a random vector z: Sign times the N(0, I) of its seed. The one with Sign 0 is the centre itself.
type direction struct {
	Seed uint64
	Sign float64
}

// scatter draws n directions, with mirrored each second of them opposite to the one before.
func scatter(rng *rand.Rand, n int, mirrored bool) []direction {
	ds := make([]direction, n)
	for i := range ds {
		if mirrored && i%2 == 1 {
			ds[i] = direction{ds[i-1].Seed, -1}
		} else {
			ds[i] = direction{rng.Uint64(), 1}
		}
	}
	return ds
}

// noise makes the vectors of directions.
type noise struct {
	z    []float64
	made direction // the one that z holds
}

func newNoise(n int) *noise { return &noise{z: make([]float64, n)} }

// of returns the vector of d, which is valid until the next call.
func (s *noise) of(d direction) []float64 {
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

// warmStart takes in what is known, and returns the best point of it whose loss is known; nil if there is none.
func (c *cloud) warmStart(known []Solution, problem Problem) (best []float64, err error) {
	c.Known, err = checkedWarm(known, problem)
	return c.Known.best(), err
}

// begin starts a generation in these directions; or first, without directions, one of the points that a warm start wants evaluated.
func (c *cloud) begin(directions []direction, point func(direction) []float64) {
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
	c.generation.begin(xs)
}

// tell is that of generation. An individual in place of a failed one lies in a direction of its own.
func (c *cloud) tell(results []Evaluated, problem Problem, rng *rand.Rand, point func(direction) []float64) (complete bool, err error) {
	return c.generation.tell(results, problem, func(i int) []float64 {
		if c.Directions == nil {
			return problem.Draw(rng)
		}
		c.Directions[i] = direction{rng.Uint64(), 1}
		return point(c.Directions[i])
	})
}

// elsewhere tells of a completed generation from which the centre learns nothing but where to go on: of given points, at the best one known; of
// individuals that all failed, at the best of the search, or at a random point, if none has succeeded yet. ok is false for any other.
func (c *cloud) elsewhere(problem Problem, rng *rand.Rand) (x []float64, ok bool) {
	given := c.Directions == nil
	for _, m := range c.Members {
		switch {
		case !m.Failed && !given:
			return nil, false
		case !m.Failed:
			c.Known = append(c.Known, Solution{X: m.X, Loss: m.Loss})
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

// end closes the generation.
func (c *cloud) end() {
	c.generation.end()
	c.Directions = nil
}

// centreLoss is the loss of the centre; nil if it failed, or was not evaluated.
func (c *cloud) centreLoss() codec.Vector {
	if i := slices.IndexFunc(c.Directions, func(d direction) bool { return d.Sign == 0 }); i >= 0 {
		return c.Members[i].Loss
	}
	return nil
}

// utilities are weights for the members, which depend on their ranks alone, sum to 0 and are largest for the best (Wierstra et al. 2014,
// section 3.1): of n members, the one of rank k has max(0, ln(n/2 + 1) − ln k), divided by the sum of these, less 1/n. Equals share theirs
// equally; failed members are the worst, and equals. The centre has weight 0.
func (c *cloud) utilities() []float64 {
	order, _ := c.ranking()
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

// compact is the cloud as it is stored.
func (c cloud) compact() cloud {
	if c.Directions != nil {
		c.Members = slices.Clone(c.Members)
		for i := range c.Members {
			c.Members[i].X = nil
		}
	}
	return c
}

// expand makes the points of a stored cloud again, those of which the result is missing. It returns ErrState for a cloud that none can be.
func (c *cloud) expand(point func(direction) []float64) error {
	if len(c.Directions) == 0 {
		c.Directions = nil
		return nil
	}
	if len(c.Directions) != len(c.Members) {
		return fmt.Errorf("%w: %d directions of %d individuals", ErrState, len(c.Directions), len(c.Members))
	}
	for i, m := range c.Members {
		if !m.Told {
			c.Members[i].X = point(c.Directions[i])
		}
	}
	return nil
}
