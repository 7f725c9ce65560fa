// Package design is experimental designs: points that do not depend on what the results are, to look at a model before it is searched, or as the
// baseline that a search has to beat.
//
// [NewGrid] makes all points of a grid, for one to three parameters. [NewSobol] makes a scrambled Sobol sequence, which covers the space evenly
// however far one goes. [NewLatinHypercube] makes samples that cover every coordinate's range evenly, for a fixed number of evaluations in any
// dimension. [NewRandom] draws from the problem's initial distribution.
package design

import (
	"fmt"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{gridAlgorithm(), sobolAlgorithm(), latinHypercubeAlgorithm(), randomAlgorithm()}
}

// design is what the algorithms have in common that do not learn: their points are the same whatever the results are. A generation is a
// batch of them.
type design struct {
	algorithm optimizer.Algorithm
	problem   optimizer.Problem
	batch     int
	samples   int                                                 // after which it ends; 0: it does not
	points    func(rng *rand.Rand, from int64, n int) [][]float64 // n points, from the given number on
	s         designState
}

// usualBatch is the number of individuals of a generation where none is given. Nothing is learnt from a generation, so that a large one costs nothing,
// and slots wait for the last of it less often.
func usualBatch(usual int, problem optimizer.Problem) int {
	if problem.Parallel > usual {
		return min(8*problem.Parallel, 1_000_000)
	}
	return usual
}

type designState struct {
	Gen  kit.Generation
	Src  *kit.Source
	Next int64 // number of the next point; those that replaced a failed one are counted
}

func newDesign(algorithm optimizer.Algorithm, problem optimizer.Problem, batch, samples int, seed uint64) design {
	return design{algorithm: algorithm, problem: problem, batch: batch, samples: samples, s: designState{Src: kit.NewSource(seed)}}
}

// next returns the next n points.
func (d *design) next(n int) [][]float64 {
	xs := d.points(rand.New(d.s.Src), d.s.Next, n)
	d.s.Next += int64(n)
	return xs
}

// left is how many samples are still to be proposed, when no generation is under way.
func (d *design) left() int {
	if d.samples == 0 {
		return d.batch
	}
	return max(d.samples-d.s.Gen.Number*d.batch, 0)
}

// Ask implements Optimizer.
func (d *design) Ask(max int) ([]optimizer.Candidate, error) {
	if d.s.Gen.Idle() && d.left() > 0 {
		d.s.Gen.Begin(d.next(min(d.batch, d.left())))
	}
	return d.s.Gen.Ask(max), nil
}

// Tell implements Optimizer.
func (d *design) Tell(results []optimizer.Evaluated) error {
	complete, err := d.s.Gen.Tell(results, d.problem, func(int) []float64 { return d.next(1)[0] })
	if complete {
		d.s.Gen.End()
	}
	return err
}

// Status implements Optimizer.
func (d *design) Status() optimizer.Status {
	st := d.s.Gen.Status()
	if d.s.Gen.Idle() && d.left() == 0 {
		st.Stop = fmt.Sprintf("samples: all %d are evaluated", d.samples)
	}
	return st
}

// MarshalBinary implements Optimizer.
func (d *design) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(d.algorithm, 1, d.problem, d.s)
}

// UnmarshalBinary implements Optimizer.
func (d *design) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(d.algorithm, 1, d.problem, b, &d.s)
}
