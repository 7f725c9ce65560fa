package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// runOptions are the command line of a run.
type runOptions struct {
	config   string
	again    string // the directory of a run that is started again; "" for one of a configuration
	out      string // of such a run: its directory
	set      []string
	resume   bool
	quiet    bool
	logLevel string
}

// addShowFlags are the flags that say what of a run is shown.
func addShowFlags(cmd *cobra.Command, o *runOptions) {
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	cmd.Flags().StringVar(&o.logLevel, "log-level", "info", "what to log: debug, info, warn, error")
}

// level is the level of what is logged.
func (o runOptions) level() (zerolog.Level, error) {
	level, err := zerolog.ParseLevel(o.logLevel)
	if err != nil || o.logLevel == "" {
		return level, fmt.Errorf("--log-level %s: want debug, info, warn or error", o.logLevel)
	}
	return level, nil
}

// run is a run, on every rank: rank 0 reads the configuration.
func (s *session) run(ctx context.Context, o runOptions) error {
	return s.onEveryRank(ctx, run.Follow, func(comm mpi.Comm) ([]int, error) {
		shown := o.screen()
		plan, options, err := o.read(s.kinds, shown)
		if err != nil {
			return nil, errors.Join(usage(err), run.CallOff(ctx, comm))
		}
		return s.lead(ctx, comm, plan, append(options, o.progress(shown)...), o, shown.end)
	})
}

// onEveryRank is the program on this rank, from the start of MPI to its end: lead on rank 0, which returns the ranks that are lost, and on the others
// the part of the work that they are given.
func (s *session) onEveryRank(
	ctx context.Context, part func(context.Context, mpi.Comm, config.Kinds) error, lead func(mpi.Comm) (lost []int, err error),
) error {
	comm, err := mpi.World()
	if err != nil {
		return failure{exitFailed, err}
	}
	s.abort = comm.Abort
	err = mpi.Unlocked(comm, func() error {
		if comm.Rank() > 0 {
			// The signals of a job go to every rank. Rank 0 decides what follows from them. (To ignore them would have child processes ignore them.)
			signal.Notify(make(chan os.Signal, 1), endings...)
			return s.follow(ctx, comm, part)
		}
		lost, err := lead(comm)
		return s.end(comm, lost, err)
	})
	if cerr := comm.Close(); cerr != nil {
		return errors.Join(err, failure{exitFailed, cerr})
	}
	return err
}

// tagCode is the tag of the message by which rank 0 tells the others their exit code.
const tagCode = 100

// end is rank 0's end of the program, which has come to err: all ranks exit with the code that it means. Launchers, and the scripts that
// start them, see the code of any rank. What is to be said is said before, as a launcher ends the others when the first has such a code. Lost
// ranks cannot take part: because of them all are ended, with the same code.
func (s *session) end(comm mpi.Comm, lost []int, err error) error {
	s.say(err)
	code := codeOf(err)
	for rank := 1; rank < comm.Size(); rank++ {
		if serr := comm.Send(rank, tagCode, []byte{byte(code)}); serr != nil {
			err = errors.Join(err, failure{exitFailed, serr})
		}
	}
	if len(lost) > 0 {
		comm.Abort(code)
	}
	return err
}

// follow is the program on the other ranks, whose part of the work is given.
func (s *session) follow(ctx context.Context, comm mpi.Comm, part func(context.Context, mpi.Comm, config.Kinds) error) error {
	err := coded(part(ctx, comm, s.kinds))
	s.say(err)
	message, _, rerr := comm.Recv(ctx, 0, tagCode, nil)
	switch {
	case rerr != nil:
		err = errors.Join(err, failure{exitFailed, rerr})
	case err == nil && len(message) == 1 && message[0] != exitOK:
		err = failure{int(message[0]), run.ErrElsewhere}
	}
	return err
}

// read reads what the command line asks for. What people should know is shown on the screen.
func (o runOptions) read(kinds config.Kinds, shown *screen) (*config.Plan, []run.Option, error) {
	level, err := o.level()
	if err != nil {
		return nil, nil, err
	}
	var plan *config.Plan
	if o.again != "" {
		plan, err = o.sameAgain(kinds, shown)
	} else {
		plan, err = config.Load(o.config, o.set, kinds)
	}
	if err != nil {
		return nil, nil, err
	}
	options := []run.Option{run.Log(console(shown), level), run.CommandLine(os.Args)}
	if o.resume {
		options = append(options, run.Resume())
	}
	return plan, options, nil
}

// console is where people read the log.
func console(shown *screen) io.Writer {
	return zerolog.ConsoleWriter{Out: shown, TimeFormat: "15:04:05", NoColor: !term.IsTerminal(int(os.Stderr.Fd()))}
}

// lead runs a plan on rank 0, and tells how it ended. evaluated is called once nothing is evaluated any more.
func (s *session) lead(
	ctx context.Context, comm mpi.Comm, plan *config.Plan, options []run.Option, o runOptions, evaluated func(),
) (lost []int, err error) {
	ctx, stop := interruptible(ctx, s.abort)
	defer stop()
	result, err := run.Run(ctx, comm, plan, options...)
	evaluated()
	if err != nil {
		return result.Lost, coded(err)
	}
	if err := tell(os.Stdout, plan, result); err != nil {
		return result.Lost, failure{exitFailed, err}
	}
	return result.Lost, verdict(result, o.resumption)
}

// verdict is a run's end as an exit code. resumption is how it is gone on with.
func verdict(r run.Result, resumption func(dir string) string) error {
	switch {
	case r.Reason.Failed():
		return failure{exitFailed, errors.New(inShort(r.Reason))}
	case r.Reason.Resumable():
		code := exitInterrupted
		if r.Reason.Rule == l2l.ByOrder {
			code = exitStopped
		}
		return failure{code, fmt.Errorf("%s; go on with %s", r.Reason, resumption(r.Dir))}
	}
	return nil
}

// resumption is how the run in a directory is gone on with, for its user, who has the rest of the command line.
func (o runOptions) resumption(dir string) string {
	text := "--resume --set output.dir=" + dir
	if o.again != "" { // from its own configuration
		text = "--config " + dir + "/run.yaml " + text
	}
	return text
}

// endings are the signals that ask for an end. A program that nohup has started is not to heed that its terminal is closed.
var endings = slices.DeleteFunc([]os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR2}, func(s os.Signal) bool {
	return s == syscall.SIGHUP && signal.Ignored(s)
})

// interruptible ends the context at the first signal that asks for an end; at a second one it calls abort, which ends the program at once.
// Signals are heeded until the program exits, not only until cancel is called: launchers and batch systems send them when they please, and
// one that comes late is not to change the exit code.
func interruptible(ctx context.Context, abort func(code int)) (_ context.Context, cancel func()) {
	ctx, end := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endings...)
	go func() {
		end(fmt.Errorf("signal %v", <-signals))
		fmt.Fprintf(os.Stderr, "a second signal, %v: ending at once\n", <-signals)
		abort(exitInterrupted)
		os.Exit(exitInterrupted) // goroutine ranks are only ended where they wait for a message
	}()
	return ctx, func() { end(nil) }
}
