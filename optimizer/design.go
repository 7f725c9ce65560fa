package optimizer

import (
	"fmt"
	"math/rand/v2"
)

// design is what the algorithms have in common that do not learn: their points are the same whatever the results are. A generation is a
// batch of them.
type design struct {
	algorithm Algorithm
	problem   Problem
	batch     int
	samples   int                                                 // after which it ends; 0: it does not
	points    func(rng *rand.Rand, from int64, n int) [][]float64 // n points, from the given number on
	s         designState
}

type designState struct {
	Gen  generation
	Src  *source
	Next int64 // number of the next point; those that replaced a failed one are counted
}

func newDesign(algorithm Algorithm, problem Problem, batch, samples int, seed uint64) design {
	return design{algorithm: algorithm, problem: problem, batch: batch, samples: samples, s: designState{Src: newSource(seed)}}
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
func (d *design) Ask(max int) ([]Candidate, error) {
	if d.s.Gen.idle() && d.left() > 0 {
		d.s.Gen.begin(d.next(min(d.batch, d.left())))
	}
	return d.s.Gen.ask(max), nil
}

// Tell implements Optimizer.
func (d *design) Tell(results []Evaluated) error {
	complete, err := d.s.Gen.tell(results, d.problem, func(int) []float64 { return d.next(1)[0] })
	if complete {
		d.s.Gen.end()
	}
	return err
}

// Status implements Optimizer.
func (d *design) Status() Status {
	st := d.s.Gen.status()
	if d.s.Gen.idle() && d.left() == 0 {
		st.Stop = fmt.Sprintf("samples: all %d are evaluated", d.samples)
	}
	return st
}

// MarshalBinary implements Optimizer.
func (d *design) MarshalBinary() ([]byte, error) { return encodeState(d.algorithm, 1, d.problem, d.s) }

// UnmarshalBinary implements Optimizer.
func (d *design) UnmarshalBinary(b []byte) error {
	return decodeState(d.algorithm, 1, d.problem, b, &d.s)
}
