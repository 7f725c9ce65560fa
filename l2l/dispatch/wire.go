package dispatch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// What the ranks say to each other, in messages:
//
//	0 -> r  tasks     evaluations to run; their results come as they end
//	0 -> r  block     evaluations to run; their results come together
//	0 -> r  drop      evaluations that are not needed any more; their results come nevertheless, but may be failures
//	r -> 0  results   of some, in any order
//	0 -> r  ping      are you there?
//	r -> 0  pong      yes
//	0 -> r  limits    the time limits of evaluations that begin from now on
//	0 -> r  batch     how many evaluations a slot hands over together from now on, where that is measured
//	0 -> r  stop      give up what is under way; the run is over
//	r -> 0  bye       the answer to stop: no message of mine follows; a relay's has its account
//
// In a run of two levels a relay takes the place of r, and that of 0 for its members.
const (
	tagTasks = iota + 1
	tagBlock
	tagResults
	tagPing
	tagPong
	tagStop
	tagBye
	tagDrop
	tagLimits
	tagBatch
)

// Limits are the time limits of a rank's slots, which may change while it serves; 0 is none.
type Limits struct {
	Timeout        time.Duration // of an evaluation, or a batch
	PrepareTimeout time.Duration // of the preparation of an optimizee.Preparer
}

// Evaluations and results travel by columns (package codec): to write each as a value of its own would cost rank 0 microseconds.

// integers is a column of integers as it came, which is empty if all of them are zero.
type integers []byte

// at is the i-th.
func (c integers) at(i int) int64 {
	if len(c) == 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(c[8*i:]))
}

// are reports whether there are n of them.
func (c integers) are(n int) bool { return len(c) == 8*n || len(c) == 0 }

// appendIntegers appends a column of the n integers that at returns.
func appendIntegers(dst []byte, n int, at func(i int) int64) []byte {
	for i := range n {
		if at(i) != 0 {
			return codec.AppendInts(dst, n, at)
		}
	}
	return codec.AppendInts(dst, 0, at)
}

// appendTasks appends evaluations, whose points all have the same length, to dst.
func appendTasks(dst []byte, es []l2l.Evaluation) []byte {
	n := len(es)
	dst = codec.AppendArray(dst, 7)
	dst = codec.AppendInts(dst, n, func(i int) int64 { return es[i].Individual }) // it says how many there are
	dst = appendIntegers(dst, n, func(i int) int64 { return int64(es[i].Instance) })
	dst = appendIntegers(dst, n, func(i int) int64 { return int64(es[i].Replicate) })
	dst = appendIntegers(dst, n, func(i int) int64 { return int64(es[i].Attempt) })
	dst = appendIntegers(dst, n, func(i int) int64 { return int64(es[i].Seed) })
	dst = codec.AppendVectors(dst, n, func(i int) []float64 { return es[i].X })
	return appendIntegers(dst, n, func(i int) int64 { return int64(es[i].Copy) })
}

// decodeTasks is the inverse of appendTasks.
func decodeTasks(b []byte) ([]l2l.Evaluation, error) {
	c := codec.NewColumns(b)
	var individual, instance, replicate, attempt, seed, again integers = c.Bytes(), c.Bytes(), c.Bytes(), c.Bytes(), c.Bytes(), nil
	x := c.Vector()
	again = c.Bytes()
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("dispatch: tasks: %w", err)
	}
	n := len(individual) / 8
	if !individual.are(n) || !instance.are(n) || !replicate.are(n) || !attempt.are(n) || !seed.are(n) || !again.are(n) || !divides(n, len(x)) {
		return nil, fmt.Errorf("dispatch: tasks: columns of different lengths")
	}
	es := make([]l2l.Evaluation, n)
	for i := range es {
		es[i] = l2l.Evaluation{
			Individual: individual.at(i), Instance: int(instance.at(i)), Replicate: int(replicate.at(i)), Attempt: int(attempt.at(i)),
			Seed: uint64(seed.at(i)), X: part(x, i, n), Copy: int(again.at(i)),
		}
	}
	return es, nil
}

// failure is what a result that is not OK has, by its index among the results.
type failure struct {
	Index   int
	Outcome l2l.Ending
	Reason  string
}

// none is what is written of no failures, a msgpack nil, as nearly every message has it: an encoder would take as long as several results do.
var none = [...]byte{0xc0}

// appendResults appends results to dst: of one rank, whose number is then written once, or of several, as a relay has them. Those that are OK have the same
// numbers of fitness values, of outputs, of targets, of violations and of measurements.
func appendResults(dst []byte, rs []l2l.Result) ([]byte, error) {
	n, ranks := len(rs), min(len(rs), 1)
	var failures []failure
	for i := range rs {
		r := &rs[i]
		if r.Rank != rs[0].Rank {
			ranks = n
		}
		if r.Ending != l2l.OK {
			failures = append(failures, failure{i, r.Ending, r.Reason})
		}
	}
	failed := none[:]
	if len(failures) > 0 {
		var err error
		if failed, err = codec.Marshal(failures); err != nil {
			return dst, err
		}
	}
	b := codec.AppendArray(dst, 14)
	b = codec.AppendInts(b, ranks, func(i int) int64 { return int64(rs[i].Rank) })
	b = codec.AppendInts(b, n, func(i int) int64 { return rs[i].Individual }) // it says how many there are
	b = appendIntegers(b, n, func(i int) int64 { return int64(rs[i].Instance) })
	b = appendIntegers(b, n, func(i int) int64 { return int64(rs[i].Replicate) })
	b = appendIntegers(b, n, func(i int) int64 { return int64(rs[i].Attempt) })
	b = appendIntegers(b, n, func(i int) int64 { return int64(math.Float64bits(rs[i].Seconds)) })
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Fitness }) // nil of those that are not OK
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Outputs })
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Targets })
	b = codec.AppendBytes(b, failed)
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Violations })
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Measurements })
	b = appendIntegers(b, n, func(i int) int64 { return int64(rs[i].Step) })
	return appendIntegers(b, n, func(i int) int64 { return int64(rs[i].Slot) }), nil
}

// decodeResults is the inverse of appendResults. It uses the memory of rs.
func decodeResults(b []byte, rs []l2l.Result) ([]l2l.Result, error) {
	c := codec.NewColumns(b)
	var rank, individual, instance, replicate, attempt, seconds integers = c.Bytes(), c.Bytes(), c.Bytes(), c.Bytes(), c.Bytes(), c.Bytes()
	fitness, outputs, targets, failed, violations, measurements := c.Vector(), c.Vector(), c.Vector(), c.Bytes(), c.Vector(), c.Vector()
	var step, slot integers = c.Bytes(), c.Bytes()
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("dispatch: results: %w", err)
	}
	var failures []failure
	if !bytes.Equal(failed, none[:]) {
		if err := codec.Unmarshal(failed, &failures); err != nil {
			return nil, fmt.Errorf("dispatch: results: %w", err)
		}
	}
	n := len(individual) / 8
	ok := n - len(failures)
	together := len(rank) == 8 // of one rank
	if !together && !rank.are(n) || !individual.are(n) || !instance.are(n) || !replicate.are(n) || !attempt.are(n) || !seconds.are(n) || !step.are(n) ||
		!slot.are(n) || ok < 0 || !divides(ok, len(fitness), len(outputs), len(targets), len(violations), len(measurements)) {
		return nil, fmt.Errorf("dispatch: results: columns of different lengths")
	}
	clear(rs)
	rs = slices.Grow(rs[:0], n)[:n]
	next := 0 // of those that are OK
	for i := range rs {
		r := &rs[i] // it is empty
		r.Individual, r.Instance, r.Replicate, r.Attempt = individual.at(i), int(instance.at(i)), int(replicate.at(i)), int(attempt.at(i))
		r.Seconds, r.Step, r.Slot = math.Float64frombits(uint64(seconds.at(i))), int(step.at(i)), int(slot.at(i))
		if r.Rank = int(rank.at(0)); !together {
			r.Rank = int(rank.at(i))
		}
		if len(failures) > 0 && failures[0].Index == i {
			r.Ending, r.Reason = failures[0].Outcome, failures[0].Reason
			failures = failures[1:]
			continue
		}
		if next == ok {
			break // the indices of the failures are out of order
		}
		r.Fitness, r.Outputs, r.Targets = part(fitness, next, ok), part(outputs, next, ok), part(targets, next, ok)
		r.Violations, r.Measurements = part(violations, next, ok), part(measurements, next, ok)
		next++
	}
	if next != ok || len(failures) > 0 {
		return nil, fmt.Errorf("dispatch: results: a failure of no result")
	}
	return rs, nil
}

// divides reports whether each of the totals can be n equal parts.
func divides(n int, totals ...int) bool {
	for _, total := range totals {
		if n == 0 && total != 0 || n > 0 && total%n != 0 {
			return false
		}
	}
	return true
}

// part is the i-th of n equal parts of v; nil if they are empty.
func part(v codec.Vector, i, n int) codec.Vector {
	if len(v) == 0 {
		return nil
	}
	k := len(v) / n
	return v[i*k : (i+1)*k : (i+1)*k]
}
