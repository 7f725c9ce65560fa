package l2l

import (
	"context"

	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Event is something that happened in a run: a Begun, a Known, an Asked, a Result or a Stopped.
type Event interface{ event() }

// Begun opens the journal, and is repeated by each process that resumes the run.
type Begun struct {
	Config     string // the effective configuration, YAML
	Seed       uint64
	Version    string // of the program
	Space      optimizee.Space
	Objectives []optimizee.Objective
	Per        int      // evaluations of each individual
	Retries    int      // of each evaluation
	At         int64    // Unix time in microseconds
	Hosts      []string // of the ranks, in their order
	Slots      int      // of all ranks together
}

// Known says what the optimizer was told of before it was first asked: what an earlier run found, or points that a user believes in.
type Known struct {
	Solutions []optimizer.Solution
}

// Asked says that the optimizer was asked for individuals, and what it proposed.
type Asked struct {
	//lint:ignore U1000 a mark that msgpack looks for
	_msgpack struct{} `msgpack:",as_array"`

	Max         int // as given to Ask
	Individuals []Individual
}

// Stopped says that the loop has ended. A resumed run goes on after it.
type Stopped struct {
	Reason string
	At     int64
}

func (Begun) event()   {}
func (Known) event()   {}
func (Asked) event()   {}
func (Result) event()  {}
func (Stopped) event() {}

// Evaluator runs evaluations, somewhere. It is used from one goroutine.
type Evaluator interface {
	// Capacity is the number of evaluations that can usefully be under way at once, at least 1.
	Capacity() int
	// Submit takes evaluations to run. It does not wait for them.
	Submit(evaluations []Evaluation) error
	// Next waits until at least one submitted evaluation has ended, and returns those that have, in any order. An error means that
	// evaluations cannot be run any more; a failed evaluation is a Result.
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
// other events. It must not change what it is shown.
type Observer func(e Event, of *Individual, s *Search)
