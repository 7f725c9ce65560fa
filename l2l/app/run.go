package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// runOptions are the command line of a run.
type runOptions struct {
	config   string
	set      []string
	resume   bool
	quiet    bool
	logLevel string
}

// abort ends all ranks. It is set once there is a world.
var abort = func(code int) { os.Exit(code) }

// runSPMD is a run, on every rank: rank 0 reads the configuration and leads, the others evaluate. Until the evaluations begin, all ranks
// go through the same exchange, so that whatever is wrong anywhere ends all of them in order, with rank 0 telling it:
//
//  1. every rank tells rank 0 where it runs;
//  2. rank 0 sends the configuration and everybody's slots, or that it is over;
//  3. every rank makes its optimizees and tells rank 0 what went wrong;
//  4. rank 0 sends that the run begins, or that it is over.
func runSPMD(ctx context.Context, o runOptions, types []optimizee.Type) (err error) {
	comm, err := mpi.World()
	if err != nil {
		return failure{exitFailed, err}
	}
	abort = comm.Abort
	defer func() {
		if p := recover(); p != nil {
			panic(p) // not into Close, which would wait for the other ranks
		}
		err = errors.Join(err, comm.Close())
	}()
	if comm.Rank() == 0 {
		return lead(ctx, comm, o, types)
	}
	return follow(ctx, comm, types)
}

// briefing is what rank 0 sends before the run.
type briefing struct {
	Config string // effective; "" if it is over
	Slots  []int  // by rank
	Code   int    // to exit with, if it is over
}

// follow is the part of all ranks but 0.
func follow(ctx context.Context, comm mpi.Comm, types []optimizee.Type) error {
	// The signals of a job go to every rank. Rank 0 decides what follows from them. (To ignore them would have child processes ignore them.)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR2)
	if err := send(ctx, comm, newHello()); err != nil {
		return err
	}
	var b briefing
	if err := receive(ctx, comm, &b); err != nil {
		return err
	}
	if b.Config == "" {
		return failure{b.Code, errTold}
	}
	var worker *dispatch.Worker
	p, err := loadText("configuration of rank 0", []byte(b.Config), nil, types)
	if err == nil {
		worker, err = newWorker(ctx, comm, p, b.Slots)
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
		return failure{exitFailed, errTold}
	}
	if err := worker.Serve(ctx); err != nil {
		return failure{exitFailed, fmt.Errorf("rank %d: %w", comm.Rank(), err)}
	}
	return nil
}

func newWorker(ctx context.Context, comm mpi.Comm, p *plan, slots []int) (*dispatch.Worker, error) {
	opts, err := p.dispatchOptions(slots[comm.Rank()], len(slots))
	if err != nil {
		return nil, err
	}
	return dispatch.NewWorker(ctx, comm, opts)
}

// send gives rank 0 a value, collectively.
func send(ctx context.Context, comm mpi.Comm, v any) error {
	b, err := codec.Marshal(v)
	if err != nil {
		return err
	}
	_, err = comm.Gatherv(ctx, 0, b)
	return err
}

// gather is the other end of send; rank 0's own value is among them.
func gather[T any](ctx context.Context, comm mpi.Comm, own T) ([]T, error) {
	b, err := codec.Marshal(own)
	if err != nil {
		return nil, err
	}
	parts, err := comm.Gatherv(ctx, 0, b)
	if err != nil {
		return nil, err
	}
	all := make([]T, len(parts))
	for rank, part := range parts {
		if err := codec.Unmarshal(part, &all[rank]); err != nil {
			return nil, fmt.Errorf("from rank %d: %w", rank, err)
		}
	}
	return all, nil
}

// receive takes a value that rank 0 broadcasts.
func receive(ctx context.Context, comm mpi.Comm, v any) error {
	b, err := comm.Bcast(ctx, 0, nil)
	if err != nil {
		return err
	}
	return codec.Unmarshal(b, v)
}

// broadcast is the other end of receive.
func broadcast(ctx context.Context, comm mpi.Comm, v any) error {
	b, err := codec.Marshal(v)
	if err != nil {
		return err
	}
	_, err = comm.Bcast(ctx, 0, b)
	return err
}

// evaluator is what runs evaluations, and can be closed.
type evaluator interface {
	l2l.Evaluator
	Close() error
}

// lead is the part of rank 0.
func lead(ctx context.Context, comm mpi.Comm, o runOptions, types []optimizee.Type) (err error) {
	ranks, err := gather(ctx, comm, newHello())
	if err != nil {
		return failure{exitFailed, err}
	}
	r, err := prepare(o, types, ranks)
	if err != nil {
		return errors.Join(err, broadcast(ctx, comm, briefing{Code: codeOf(err)}))
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := broadcast(ctx, comm, briefing{Config: r.effective, Slots: r.slots}); err != nil {
		return failure{exitFailed, err}
	}

	e, err := r.evaluator(ctx, comm)
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	troubles, err := gather(ctx, comm, trouble)
	if err != nil {
		return failure{exitFailed, err}
	}
	for rank, text := range troubles {
		if text != "" {
			err = failure{exitFailed, fmt.Errorf("rank %d on %s: %s", rank, ranks[rank].Host, text)}
			return errors.Join(err, broadcast(ctx, comm, false))
		}
	}
	if err := broadcast(ctx, comm, true); err != nil {
		return failure{exitFailed, err}
	}
	return r.run(ctx, comm, e)
}

// theRun is what rank 0 holds of a run.
type theRun struct {
	*plan
	options   runOptions
	dir       string
	effective string // configuration
	ranks     []hello
	slots     []int
	search    *l2l.Search
	journal   *journal.Journal
	log       zerolog.Logger
	logFile   *os.File
	known     []optimizer.Solution // what a new run begins with
	started   time.Time
	resumed   bool
}

// prepare reads the configuration and opens the run's directory. Nothing is written before all that can be checked has been.
func prepare(o runOptions, types []optimizee.Type, ranks []hello) (*theRun, error) {
	log, err := logger(o.logLevel)
	if err != nil {
		return nil, usage(err)
	}
	p, err := load(o.config, o.set, types)
	if err != nil {
		return nil, usage(err)
	}
	r := &theRun{plan: p, options: o, ranks: ranks, slots: slotsOf(ranks, p.Execution.Slots, p.cpus), log: log, started: time.Now()}
	r.dir = p.directory(o.resume)
	p.Output.Dir = r.dir
	effective, err := p.effective()
	if err != nil {
		return nil, failure{exitFailed, err}
	}
	r.effective = string(effective)
	if r.search, err = p.newSearch(); err != nil {
		return nil, failure{exitFailed, err}
	}
	if !o.resume || !journal.Exists(r.dir) {
		if r.known, err = p.known(); err != nil {
			return nil, usage(err)
		}
		if len(r.known) > 0 && !r.search.WarmStarts() {
			return nil, usage(fmt.Errorf("warm_start: optimizer %s cannot begin with what is known", p.algorithm.Name))
		}
	}
	if err := r.open(); err != nil {
		if r.journal != nil {
			err = errors.Join(err, r.journal.Close())
		}
		return nil, err
	}
	return r, nil
}

// evaluator makes what runs the evaluations.
func (r *theRun) evaluator(ctx context.Context, comm mpi.Comm) (evaluator, error) {
	if comm.Size() > 1 {
		return r.coordinator(comm, r.slots)
	}
	opts, err := r.dispatchOptions(r.slots[0], 1)
	if err != nil {
		return nil, err
	}
	return dispatch.NewSolo(ctx, opts)
}

// run runs the loop and tells how it ended.
func (r *theRun) run(ctx context.Context, comm mpi.Comm, e evaluator) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	begun := l2l.Begun{
		Config: r.effective, Rules: r.search.Rules(), Version: version(), Algorithm: r.algorithm.Name, Search: 1, Space: r.space, At: r.started.UnixMicro(),
		Session: l2l.Session{MPI: mpi.Library(), Go: runtime.Version()},
	}
	slots := 0
	for rank, h := range r.ranks {
		begun.Hosts = append(begun.Hosts, h.Host)
		if rank > 0 || len(r.ranks) == 1 {
			slots += r.slots[rank]
		}
	}
	begun.Slots = slots
	if err := r.journal.Record(begun); err != nil {
		return failure{exitFailed, err}
	}
	r.log.Info().Str("dir", r.dir).Str("mpi", mpi.Library()).Int("ranks", len(r.ranks)).Int("slots", slots).
		Str("optimizee", r.optimizeeType.Name).Str("optimizer", r.algorithm.Name).Bool("resumed", r.resumed).Msg("begun")
	if len(r.objectives) > 1 {
		r.tellObjectives()
	}
	if err := r.manifest(begun, nil); err != nil {
		return failure{exitFailed, err}
	}

	bar := newProgress(r)
	failures := &failureLog{dir: r.dir, space: r.space, log: r.log}
	loop := &l2l.Loop{
		Search: r.search, Evaluator: e, Recorder: r.journal, Stop: r.Stop, MaxFailures: r.Execution.MaxFailures, Record: r.Output.Record, Known: r.known, Observers: []l2l.Observer{bar.observe, failures.observe},
	}
	summary, err := loop.Run(ctx)
	bar.end()
	if err == nil {
		err = r.journal.CheckpointNow(r.search.Snapshot)
	}
	if c, ok := e.(*dispatch.Coordinator); ok && err == nil && len(c.Lost()) > 0 {
		// The lost ranks cannot take part in an orderly end; everything is on disk, or will be below.
		defer comm.Abort(exitFailed)
	}
	err = errors.Join(err, e.Close())
	if err != nil {
		return failure{exitFailed, err}
	}
	if err := r.finish(begun, summary); err != nil {
		return failure{exitFailed, err}
	}
	return r.verdict(summary)
}

// tellObjectives says what becomes of several objectives.
func (r *theRun) tellObjectives() {
	var names []string
	for _, o := range r.objectives {
		name := o.Name
		if r.sum {
			name = fmt.Sprintf("%g × %s", cmp.Or(o.Weight, 1), o.Name)
		}
		names = append(names, name)
	}
	line := r.log.Info().Strs("objectives", names)
	if r.sum {
		line.Msg("the optimizer takes one objective: it searches for the best weighted sum")
	} else {
		line.Msg("the optimizer takes all objectives: it searches for a front of best compromises")
	}
}

// interruptible ends the context at the first signal that asks for an end; a second one ends the program at once.
func interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR2)
	go func() {
		s, ok := <-signals
		if !ok {
			return
		}
		cancel(fmt.Errorf("signal %v", s))
		if s, ok := <-signals; ok {
			fmt.Fprintf(os.Stderr, "a second signal, %v: ending at once\n", s)
			abort(exitInterrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
}
