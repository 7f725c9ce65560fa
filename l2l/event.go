package l2l

import (
	"cmp"
	"context"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Event is something that happened in a run: a Begun, a WarmStart, an Asked, an Injected, a Result, a Figures, a Finals, a Session, an Ordered or a Stopped.
//
// Events are kept for ever, and read by other versions of the program: a field is only added, to a record at its end (package codec).
type Event interface{ event() }

// Begun opens the journal, and is repeated by each session: by each process that resumes the run.
type Begun struct {
	Config  string // the effective configuration, YAML
	Rules   Rules
	Version string // of the program
	// Algorithm names the optimizer, and Search is the version of its search, from 1 on: a run is only resumed by the version that began it.
	Algorithm    string
	Search       int
	Space        optimizee.Space
	Measurements []string // names of Result.Measurements
	At           int64    // Unix time in microseconds
	Hosts        []string // of the ranks, in their order
	Slots        int      // of all ranks together
	Session      Session
}

// Session is where a session of a run comes from. Whatever is not known is left out. A Begun has what is known when the session begins; as an
// event of its own it adds what took time to find out.
type Session struct {
	Command  []string          // the command line
	Dir      string            // that it was given in
	MPI      string            // the library and its version
	Go       string            // the version of the compiler
	Python   string            // the version of the worker's interpreter
	Job      string            // the number of the batch job
	Account  string            // that the job is charged to
	Commit   string            // of the working directory; with "-dirty" behind it where files differ from it
	Files    map[string]string // SHA-256 of the files of the model and of its data, by their paths; of large ones size and time of change
	Modules  []string          // loaded environment modules
	Packages []string          // of the worker's interpreter, name==version
}

// WarmStart says what the optimizer was told of before it was first asked: what an earlier run found, or points that a user believes in.
type WarmStart struct {
	Solutions []optimizer.Solution
}

// Asked says that the optimizer was asked for individuals, and what it proposed: the individuals, or their number and digest, from which a
// search that can be repeated makes them again (see Search.Replay).
type Asked struct {
	Max         int // as given to Ask
	Individuals []Individual
	Count       int    // of the individuals, where there is a Digest instead of them
	Digest      []byte // SHA-256 over the individuals' numbers, generations and points; nil where they are written out

	brief bool // it is written by its digest, which whoever writes it makes: the loop does not wait for that
}

func (a *Asked) fields() []any { return []any{&a.Max, &a.Individuals, &a.Count, &a.Digest} }

// AppendMsgpack implements codec.Appender.
func (a Asked) AppendMsgpack(dst []byte) []byte {
	if a.brief {
		a = a.digested()
	}
	if a.Digest != nil || a.Count != 0 || a.Individuals == nil { // seldom written, or short
		b, err := codec.Marshal(a)
		if err != nil {
			panic(fmt.Sprintf("l2l: an Asked cannot be written: %v", err))
		}
		return append(dst, b...)
	}
	dst = codec.AppendInt(codec.AppendArray(dst, 2), int64(a.Max))
	dst = codec.AppendArray(dst, len(a.Individuals))
	for i := range a.Individuals {
		dst = a.Individuals[i].AppendMsgpack(dst)
	}
	return dst
}

// EncodeMsgpack implements msgpack.CustomEncoder.
func (a Asked) EncodeMsgpack(enc *msgpack.Encoder) error {
	if a.brief {
		a = a.digested()
	}
	return codec.EncodeRecord(enc, a.fields()...)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (a *Asked) DecodeMsgpack(dec *msgpack.Decoder) error {
	return codec.DecodeRecord(dec, a.fields()...)
}

// Figures are what the optimizer said of itself when it had completed a generation: Status.Figures.
type Figures struct {
	Generation  int   // generations completed
	Evaluations int64 // that had ended for good
	Names       []string
	Values      codec.Vector // len(Names)
}

func (f *Figures) fields() []any { return []any{&f.Generation, &f.Evaluations, &f.Names, &f.Values} }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (f Figures) EncodeMsgpack(enc *msgpack.Encoder) error {
	return codec.EncodeRecord(enc, f.fields()...)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (f *Figures) DecodeMsgpack(dec *msgpack.Decoder) error {
	return codec.DecodeRecord(dec, f.fields()...)
}

// Stopped says that the loop has ended. A resumed run goes on after it.
type Stopped struct {
	Reason string // for people
	At     int64  // Unix time in microseconds
	Rule   StopRule
}

func (Begun) event()     {}
func (WarmStart) event() {}
func (Asked) event()     {}
func (Result) event()    {}
func (Figures) event()   {}
func (Session) event()   {}
func (Stopped) event()   {}

// Add adds what a later event says of the same session.
func (s *Session) Add(more Session) {
	s.Python, s.Commit = cmp.Or(more.Python, s.Python), cmp.Or(more.Commit, s.Commit)
	if more.Files != nil {
		s.Files = more.Files
	}
	if more.Packages != nil {
		s.Packages = more.Packages
	}
}

// Evaluator runs evaluations, somewhere. It is used from one goroutine.
type Evaluator interface {
	// Capacity is the number of evaluations that can usefully be under way at once, at least 1.
	Capacity() int
	// Submit takes evaluations to run. It does not wait for them, and does not keep the slice.
	Submit(evaluations []Evaluation) error
	// Next waits until at least one submitted evaluation has ended, and returns those that have, in any order; the slice is valid until the
	// next call. An error means that evaluations cannot be run any more; a failed evaluation is a Result.
	Next(ctx context.Context) ([]Result, error)
}

// Recorder keeps the events of a run.
type Recorder interface {
	// Record keeps an event, after those recorded before. It may return before the event is on disk. Its error may be about an
	// earlier event; after an error the run must end.
	Record(Event) error
	// Checkpoint is offered the search's state after the events recorded so far, when it is cheap to have: it may call snapshot and keep what
	// that returns, to spare a later resume the replay of those events.
	Checkpoint(snapshot func() ([]byte, error)) error
}

// Observer is shown every event of a loop after the search has taken it in; of is the individual that a Result is about, and nil for
// other events. It must not change what it is shown, and of is valid until it returns.
type Observer func(e Event, of *Individual, s *Search)
