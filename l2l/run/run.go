// Package run is a run as a Go value: [Run] takes a plan to its end and returns what came of it. Every rank calls it, with the communicator
// and the plan; rank 0 leads and the others evaluate. What a program does with a run is no concern of the package: it reads no
// arguments, heeds no signals, prints nothing and ends no process. A context ends a run, writers and functions that are given as options
// tell of it, and a directory keeps it.
//
// Any number of runs may go on in one process: at the same time, each on a communicator of its own, and inside one another, as when the
// evaluation of an individual is itself a search.
package run

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Result is how a run ended.
type Result struct {
	l2l.Summary
	Dir     string        // the run's directory; "" for one in memory
	Resumed bool          // it went on with an earlier one
	Before  Counts        // of the sessions before this one, which the Summary counts too
	Reasons []Failure     // why evaluations of this session failed, the most frequent first
	Logs    []string      // files in Dir with what the programs of the slots have printed
	Elapsed time.Duration // since Run was called: not the time of sessions before this one
	Lost    []int         // ranks that do not answer any more: the communicator cannot be closed in order, only aborted
	Again   int           // evaluations that were given to another rank because theirs was lost
	Copies  Copies        // of evaluations that took long
	Use     Use           // of the session's slots
}

// Copies are second copies of evaluations that took suspiciously long, on slots that had nothing to do.
type Copies struct {
	Made int `json:"made"`
	Won  int `json:"won"` // those that were done first
}

// Counts are how far a run was.
type Counts struct {
	Generations int
	Evaluations int64
	Individuals int64
}

// ErrUsage is what an error of Run is, by errors.Is, if what was asked for cannot be: a directory that holds another run, say. Any other error
// means that the run could not begin or not go on.
var ErrUsage = errors.New("run: it was asked for what cannot be")

// ErrElsewhere is what an error of a rank is, by errors.Is, if rank 0 returns the error that tells the reason.
var ErrElsewhere = errors.New("run: rank 0 has the reason")

// usageError is an error that is ErrUsage and has its own text.
type usageError struct{ error }

func (e usageError) Is(target error) bool { return target == ErrUsage }
func (e usageError) Unwrap() error        { return e.error }

// usage marks an error as ErrUsage.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// Run runs the plan on all ranks of comm, each of which calls it with the same plan. On rank 0, whose options alone count, it returns what came
// of it, on the others nothing; comm is still open. A run that its rules, ctx or too many failures ended has a result and no error:
// Result.Reason says which. Result.Lost is told with an error, too. It is rank 0's ctx that ends a run, on all ranks and in order.
//
// If rank 0 knows the plan alone, the others call [Follow].
func Run(ctx context.Context, comm mpi.Comm, plan *config.Plan, options ...Option) (Result, error) {
	if comm.Rank() == 0 {
		return lead(ctx, comm, plan, options)
	}
	return Result{}, follow(ctx, comm, func(b briefing) (*config.Plan, error) {
		plan, err := plan.In(b.Dir).Settled(max(b.Parallel, 1))
		if err != nil {
			return nil, err
		}
		mine, err := plan.Effective()
		if err != nil {
			return nil, err
		}
		differences, err := config.Differences(mine, []byte(b.Config))
		if err == nil && len(differences) > 0 {
			d := differences[0]
			err = fmt.Errorf("it has another plan than rank 0: %s = %s, want %s", d.Path, d.Before, d.After)
		}
		return plan, err
	})
}

// Follow is Run for a rank that does not know the plan: it takes rank 0's, in which nothing but these kinds is named.
func Follow(ctx context.Context, comm mpi.Comm, kinds config.Kinds) error {
	return follow(ctx, comm, func(b briefing) (*config.Plan, error) {
		return config.Parse("configuration of rank 0", []byte(b.Config), kinds)
	})
}

// CallOff is what rank 0 calls instead of Run if it has no plan, because what was asked for cannot be: Run and Follow of the other ranks
// then return, with ErrElsewhere and ErrUsage.
func CallOff(ctx context.Context, comm mpi.Comm) error {
	if _, err := gather(ctx, comm, newHello()); err != nil {
		return err
	}
	return broadcast(ctx, comm, briefing{Over: true, Usage: true})
}

// server is what a rank that is told what to do does: a worker, or a relay.
type server interface {
	Serve(ctx context.Context) error
	Close() error
}

// follow is the part of all ranks but 0.
func follow(ctx context.Context, comm mpi.Comm, planOf func(briefing) (*config.Plan, error)) error {
	ctx = context.WithoutCancel(ctx) // rank 0 says when it is over
	own := newHello()
	if err := send(ctx, comm, own); err != nil {
		return err
	}
	var b briefing
	if err := receive(ctx, comm, &b); err != nil {
		return err
	}
	if b.Over {
		if b.Usage {
			return usage(ErrElsewhere)
		}
		return ErrElsewhere
	}
	var worker server
	err := b.check(comm.Size())
	var plan *config.Plan
	if err == nil {
		plan, err = planOf(b)
	}
	if err == nil {
		worker, err = newServer(ctx, comm, plan, own, b)
	}
	if err == nil {
		defer worker.Close() // Serve tells its error, where it comes to that
	}
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	if err := send(ctx, comm, trouble); err != nil {
		return err
	}
	var begin bool
	if err := receive(ctx, comm, &begin); err != nil {
		return err
	}
	if !begin {
		return ErrElsewhere
	}
	if err := worker.Serve(ctx); err != nil {
		return fmt.Errorf("rank %d: %w", comm.Rank(), err)
	}
	return nil
}

// Version is the program's version, as far as the build knows it. A run writes it down.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v == "(devel)" {
			v = s.Value
		}
	}
	return v
}
