// Package l2l is the outer loop: it asks an optimizer for individuals, has them evaluated, and tells it their losses, until a stop
// rule holds.
//
// Everything that happens is an [Event]. A [Search] is the fold of a run's events: the live [Loop] produces them and a resumed one reads
// them back, through the same code, so that a resumed run cannot differ from one that was never interrupted. How evaluations
// reach ranks ([Evaluator]) and how events reach a disk ([Recorder]) are seams; packages dispatch and journal stand behind them.
package l2l

import (
	"fmt"
	"math/bits"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/splitmix"
)

// Individual is a proposed parameter set.
type Individual struct {
	ID         int64        // 0, 1, 2, … in the order of proposal
	Generation int          // generations that the optimizer, or its lane, had completed when it proposed the individual
	X          codec.Vector // the point, in the coordinates of optimizee.Space
	Lane       int          // the chain of searches that proposed it, from 1 on, where several run side by side; 0 where there is one
	Nth        int64        // its number among those of its Lane, from 0 on; 0 where Lane is
}

func (i *Individual) fields() [5]any { return [...]any{&i.ID, &i.Generation, &i.X, &i.Lane, &i.Nth} }

// AppendMsgpack implements codec.Appender.
func (i *Individual) AppendMsgpack(dst []byte) []byte {
	f := i.fields()
	return codec.AppendRecord(dst, f[:]...)
}

// EncodeMsgpack implements msgpack.CustomEncoder.
func (i Individual) EncodeMsgpack(enc *msgpack.Encoder) error {
	f := i.fields()
	return codec.EncodeRecord(enc, f[:]...)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (i *Individual) DecodeMsgpack(dec *msgpack.Decoder) error {
	f := i.fields()
	return codec.DecodeRecord(dec, f[:]...)
}

// Evaluation is one individual on one instance, one replicate: the unit that is scheduled, retried, timed out and journalled.
type Evaluation struct {
	Individual int64
	Instance   int // which task of the optimizee's family, from 0
	Replicate  int // from 0; replicates differ by their seeds alone
	Attempt    int // from 0; attempts do not differ at all
	Seed       uint64
	X          codec.Vector
	Copy       int // from 0; how often it was given to another rank before this one, while it was not known what became of it there
}

// Ending says how an evaluation ended.
type Ending uint8

// The endings. All but OK count as failures.
const (
	OK       Ending = iota
	Failed          // an error, a panic, an exit code, a fitness that is not a number
	TimedOut        // it took longer than allowed
	Lost            // the rank that had it did not answer; of journals of earlier versions, in which such a one was not evaluated by another rank
)

func (o Ending) String() string {
	if int(o) < len(endings) {
		return endings[o]
	}
	return fmt.Sprintf("ending %d", uint8(o))
}

var endings = [...]string{"ok", "failed", "timeout", "lost"}

// Result is how an evaluation ended.
type Result struct {
	Individual int64
	Instance   int
	Replicate  int
	Attempt    int
	Ending     Ending
	Fitness    codec.Vector // one number per objective; nil unless OK
	Outputs    codec.Vector // model outputs; nil where the optimizee has none
	Targets    codec.Vector // what Outputs should have been, len(Outputs)
	Reason     string       // why it failed, for people; "" if OK
	Seconds    float64      // that the evaluation took
	Rank       int          // that evaluated it
	Host       string       // of that rank
	At         int64        // when rank 0 took it in, Unix time in microseconds

	Violations   codec.Vector // by how much each constraint is broken; 0 where it is kept
	Measurements codec.Vector // what the optimizee returned beside its objectives, named by Begun.Measurements
	Step         int          // of the last intermediate report
	Slot         int          // of the rank
}

// fields are the record's: a new one is added at the end, and none is taken away.
func (r *Result) fields() [17]any {
	return [...]any{
		&r.Individual, &r.Instance, &r.Replicate, &r.Attempt, (*uint8)(&r.Ending), &r.Fitness, &r.Outputs, &r.Targets, &r.Reason, &r.Seconds,
		&r.Rank, &r.Host, &r.At, &r.Violations, &r.Measurements, &r.Step, &r.Slot,
	}
}

// AppendMsgpack implements codec.Appender. It is written out field by field, as there is one for each evaluation.
func (r Result) AppendMsgpack(dst []byte) []byte {
	const upToAt = 13
	n := upToAt
	switch {
	case r.Slot != 0:
		n = 17
	case r.Step != 0:
		n = 16
	case len(r.Measurements) > 0:
		n = 15
	case len(r.Violations) > 0:
		n = 14
	case r.At == 0: // of no run
		f := r.fields()
		return codec.AppendRecord(dst, f[:]...)
	}
	dst = codec.AppendArray(dst, n)
	dst = codec.AppendInt(dst, r.Individual)
	dst = codec.AppendInt(dst, int64(r.Instance))
	dst = codec.AppendInt(dst, int64(r.Replicate))
	dst = codec.AppendInt(dst, int64(r.Attempt))
	dst = codec.AppendInt(dst, int64(r.Ending))
	dst = codec.AppendVector(dst, r.Fitness)
	dst = codec.AppendVector(dst, r.Outputs)
	dst = codec.AppendVector(dst, r.Targets)
	dst = codec.AppendString(dst, r.Reason)
	dst = codec.AppendFloat(dst, r.Seconds)
	dst = codec.AppendInt(dst, int64(r.Rank))
	dst = codec.AppendString(dst, r.Host)
	dst = codec.AppendInt(dst, r.At)
	if n > upToAt {
		dst = codec.AppendVector(dst, r.Violations)
	}
	if n > upToAt+1 {
		dst = codec.AppendVector(dst, r.Measurements)
	}
	if n > upToAt+2 {
		dst = codec.AppendInt(dst, int64(r.Step))
	}
	if n > upToAt+3 {
		dst = codec.AppendInt(dst, int64(r.Slot))
	}
	return dst
}

// EncodeMsgpack implements msgpack.CustomEncoder.
func (r Result) EncodeMsgpack(enc *msgpack.Encoder) error {
	f := r.fields()
	return codec.EncodeRecord(enc, f[:]...)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (r *Result) DecodeMsgpack(dec *msgpack.Decoder) error {
	f := r.fields()
	return codec.DecodeRecord(dec, f[:]...)
}

// SeedOf is the seed of an evaluation: a hash of the run's seed and of what the evaluation is of, not of when or where it runs, nor of the
// attempt. Each part is mixed into the hash of those before it.
func SeedOf(run uint64, individual int64, instance, replicate int) uint64 {
	h := run
	for _, part := range []uint64{uint64(individual), uint64(instance), uint64(replicate)} {
		h = splitmix.Mix(bits.RotateLeft64(h, 23) ^ part)
	}
	return h
}
