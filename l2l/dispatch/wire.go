package dispatch

import (
	"bytes"
	"fmt"
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

// appendTasks appends evaluations, whose points all have the same length, to dst.
func appendTasks(dst []byte, es []l2l.Evaluation) []byte {
	n := len(es)
	dst = codec.AppendArray(dst, 7)
	dst = codec.AppendInts(dst, n, func(i int) int64 { return es[i].Individual })
	dst = codec.AppendInts(dst, n, func(i int) int64 { return int64(es[i].Instance) })
	dst = codec.AppendInts(dst, n, func(i int) int64 { return int64(es[i].Replicate) })
	dst = codec.AppendInts(dst, n, func(i int) int64 { return int64(es[i].Attempt) })
	dst = codec.AppendInts(dst, n, func(i int) int64 { return int64(es[i].Seed) })
	dst = codec.AppendVectors(dst, n, func(i int) []float64 { return es[i].X })
	return appendUnlessZero(dst, n, func(i int) int64 { return int64(es[i].Copy) })
}

// decodeTasks is the inverse of appendTasks.
func decodeTasks(b []byte) ([]l2l.Evaluation, error) {
	c := codec.NewColumns(b)
	individual, instance, replicate, attempt, seed, x := c.Ints(), c.Ints(), c.Ints(), c.Ints(), c.Ints(), c.Vector()
	again := c.Ints()
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("dispatch: tasks: %w", err)
	}
	n := len(individual)
	again = orZeros(again, n)
	if !equal(n, len(instance), len(replicate), len(attempt), len(seed), len(again)) || !divides(n, len(x)) {
		return nil, fmt.Errorf("dispatch: tasks: columns of different lengths")
	}
	es := make([]l2l.Evaluation, n)
	for i := range es {
		es[i] = l2l.Evaluation{
			Individual: individual[i], Instance: int(instance[i]), Replicate: int(replicate[i]), Attempt: int(attempt[i]),
			Seed: uint64(seed[i]), X: part(x, i, n), Copy: int(again[i]),
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
	b = codec.AppendInts(b, n, func(i int) int64 { return rs[i].Individual })
	b = codec.AppendInts(b, n, func(i int) int64 { return int64(rs[i].Instance) })
	b = codec.AppendInts(b, n, func(i int) int64 { return int64(rs[i].Replicate) })
	b = codec.AppendInts(b, n, func(i int) int64 { return int64(rs[i].Attempt) })
	b = codec.AppendFloats(b, n, func(i int) float64 { return rs[i].Seconds })
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Fitness }) // nil of those that are not OK
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Outputs })
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Targets })
	b = codec.AppendBytes(b, failed)
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Violations })
	b = codec.AppendVectors(b, n, func(i int) []float64 { return rs[i].Measurements })
	b = appendUnlessZero(b, n, func(i int) int64 { return int64(rs[i].Step) })
	return appendUnlessZero(b, n, func(i int) int64 { return int64(rs[i].Slot) }), nil
}

// appendUnlessZero appends a column of the n integers that at returns, which is empty if all of them are zero.
func appendUnlessZero(dst []byte, n int, at func(i int) int64) []byte {
	for i := range n {
		if at(i) != 0 {
			return codec.AppendInts(dst, n, at)
		}
	}
	return codec.AppendInts(dst, 0, at)
}

// orZeros is a column of integers that is empty if all n of them are zero.
func orZeros(column []int64, n int) []int64 {
	if len(column) == 0 {
		return make([]int64, n)
	}
	return column
}

// decodeResults is the inverse of appendResults. It uses the memory of rs.
func decodeResults(b []byte, rs []l2l.Result) ([]l2l.Result, error) {
	c := codec.NewColumns(b)
	rank, individual, instance, replicate, attempt := c.Ints(), c.Ints(), c.Ints(), c.Ints(), c.Ints()
	seconds, fitness, outputs, targets, failed := c.Vector(), c.Vector(), c.Vector(), c.Vector(), c.Bytes()
	violations, measurements, step, slot := c.Vector(), c.Vector(), c.Ints(), c.Ints()
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("dispatch: results: %w", err)
	}
	var failures []failure
	if !bytes.Equal(failed, none[:]) {
		if err := codec.Unmarshal(failed, &failures); err != nil {
			return nil, fmt.Errorf("dispatch: results: %w", err)
		}
	}
	n := len(individual)
	ok := n - len(failures)
	step, slot = orZeros(step, n), orZeros(slot, n)
	if len(rank) != 1 && len(rank) != n || !equal(n, len(instance), len(replicate), len(attempt), len(seconds), len(step), len(slot)) ||
		ok < 0 || !divides(ok, len(fitness), len(outputs), len(targets), len(violations), len(measurements)) {
		return nil, fmt.Errorf("dispatch: results: columns of different lengths")
	}
	clear(rs)
	rs = slices.Grow(rs[:0], n)[:n]
	next := 0 // of those that are OK
	for i := range rs {
		rs[i] = l2l.Result{
			Individual: individual[i], Instance: int(instance[i]), Replicate: int(replicate[i]), Attempt: int(attempt[i]),
			Seconds: seconds[i], Rank: int(rank[min(i, len(rank)-1)]), Step: int(step[i]), Slot: int(slot[i]),
		}
		if len(failures) > 0 && failures[0].Index == i {
			rs[i].Ending, rs[i].Reason = failures[0].Outcome, failures[0].Reason
			failures = failures[1:]
			continue
		}
		if next == ok {
			break // the indices of the failures are out of order
		}
		rs[i].Fitness, rs[i].Outputs, rs[i].Targets = part(fitness, next, ok), part(outputs, next, ok), part(targets, next, ok)
		rs[i].Violations, rs[i].Measurements = part(violations, next, ok), part(measurements, next, ok)
		next++
	}
	if next != ok || len(failures) > 0 {
		return nil, fmt.Errorf("dispatch: results: a failure of no result")
	}
	return rs, nil
}

func equal(n int, others ...int) bool {
	for _, o := range others {
		if o != n {
			return false
		}
	}
	return true
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
	k := len(v) / n
	if k == 0 {
		return nil
	}
	return v[i*k : (i+1)*k : (i+1)*k]
}
