package l2l

import (
	"context"
	"errors"
	"time"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Record says how individuals are recorded.
type Record string

// The ways to record individuals. The zero Record is Points.
const (
	Points Record = "points" // whole
	Digest Record = "digest" // by a digest, from which a search that can be repeated makes them again
)

// Loop runs a search.
type Loop struct {
	Search    *Search
	Evaluator Evaluator
	Recorder  Recorder // nil: nothing is recorded
	Observers []Observer
	Stop      Stop
	Record    Record // how much of what is asked is recorded
	// MaxFailures ends the run when that many individuals have failed in a row; 0 is never.
	MaxFailures int
	WarmStart   []optimizer.Solution // what the optimizer is told of before it is first asked; a resumed search knows already
	Now         func() time.Time     // nil: time.Now
}

// Summary is how a run ended.
type Summary struct {
	Reason         StopReason
	Best           *Best
	Front          []FrontMember
	Posterior      []optimizer.Weighted // the optimizer's, where it samples one
	Warning        string               // the optimizer's: why what it has found is not to be trusted; "" where nothing speaks against it
	Generations    int
	Individuals    int64
	Evaluations    int64
	Failures       int64
	TrajectoryHash string
}

// Run runs until a stop rule holds, the optimizer has converged, or ctx ends (which is no error: the reason is Interrupted). What
// is under way then is given up; a resumed run sends it out again. An error means that the run could not go on.
func (l *Loop) Run(ctx context.Context) (Summary, error) {
	if l.Now == nil {
		l.Now = time.Now
	}
	reason, err := l.run(ctx)
	s := l.Search
	switch {
	case err != nil:
		reason = StopReason{Broken, err.Error()}
	case !reason.Resumable() && !reason.Failed() && s.fruitless():
		reason = because(NoSuccess, "all %d individuals failed, the last: %s; the run ended by: %s", s.s.Failures, s.s.Reason, reason)
	}
	stopped := Stopped{Reason: reason.String(), At: l.Now().UnixMicro(), Rule: reason.Rule}
	if err == nil {
		err = l.happened(stopped)
	} else {
		_ = l.happened(stopped) // err may well be about the recorder
	}
	return Summary{
		Reason: reason, Best: s.Best(), Front: s.Front(), Posterior: s.Status().Posterior, Warning: s.Status().Warning,
		Generations: s.Status().Generation,
		Individuals: s.Individuals(), Evaluations: s.Evaluations(), Failures: s.s.Failures, TrajectoryHash: s.TrajectoryHash(),
	}, err
}

func (l *Loop) run(ctx context.Context) (reason StopReason, err error) {
	began := l.Now()
	if l.Stop.WallTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, l.Stop.WallTime, errWallTime)
		defer cancel()
	}
	l.Search.s.InARow = 0 // failures before a resume were somebody's reason to resume
	if len(l.WarmStart) > 0 && !l.Search.s.Known && l.Search.Asked() == 0 {
		known := WarmStart{l.WarmStart}
		if err := l.Search.know(known); err != nil {
			return reason, err
		}
		if err := l.happened(known); err != nil {
			return reason, err
		}
	}
	pending := l.Search.pending()
	if err := l.Evaluator.Submit(pending); err != nil {
		return reason, err
	}
	under := len(pending)                    // evaluations under way
	if err := l.figures(under); err != nil { // those of a generation after which the run was killed
		return reason, err
	}
	for {
		if ctx.Err() != nil {
			return ended(ctx, began, l.Now()), nil
		}
		if reason := l.over(under); reason.Rule != "" {
			return reason, nil
		}
		asked, err := l.ask(under)
		if err != nil {
			return reason, err
		}
		under += asked
		if under == 0 {
			if stop := l.Search.Status().Stop; stop != "" {
				return StopReason{Converged, stop}, nil
			}
			return reason, errors.New("l2l: the optimizer proposes nothing although nothing is outstanding, and gives no reason")
		}
		results, err := l.Evaluator.Next(ctx)
		if ctx.Err() == nil && err != nil {
			return reason, err
		}
		for _, r := range results {
			r.At = l.Now().UnixMicro()
			if err := l.record(r); err != nil {
				return reason, err
			}
			of := l.Search.individual(r.Individual)
			again, err := l.Search.take(r)
			if err != nil {
				return reason, err
			}
			l.observe(r, of)
			under--
			if again != nil {
				if err := l.Evaluator.Submit([]Evaluation{*again}); err != nil {
					return reason, err
				}
				under++
			}
		}
		if err := l.figures(under); err != nil {
			return reason, err
		}
		if under == 0 || l.Search.asynchronous() {
			if err := l.checkpoint(); err != nil {
				return reason, err
			}
		}
	}
}

var errWallTime = errors.New("the wall time is over")

func ended(ctx context.Context, began, now time.Time) StopReason {
	if errors.Is(context.Cause(ctx), errWallTime) {
		return because(WallTime, "%v", now.Sub(began).Round(time.Second))
	}
	return because(Interrupted, "%v", context.Cause(ctx))
}

// ask asks for as many individuals as there is room and budget for, sends them out, and returns the number of evaluations.
func (l *Loop) ask(under int) (evaluations int, err error) {
	per := l.Search.PerIndividual()
	room := 0 // a generation is asked as a whole
	if l.Search.asynchronous() {
		if room = (l.Evaluator.Capacity() - under) / per; room <= 0 && under > 0 {
			return 0, nil
		}
		room = max(room, 1)
	}
	switch left := int(l.Stop.Budget(l.Search.Asked(), per)); {
	case left == 0:
		return 0, nil
	case left > 0 && (room == 0 || left < room):
		room = left
	}
	asked, err := l.Search.ask(room)
	if err != nil || len(asked.Individuals) == 0 {
		return 0, err
	}
	recorded := asked
	if l.Record == Digest && !l.Search.Recalls() {
		recorded = asked.digested()
	}
	if err := l.record(recorded); err != nil {
		return 0, err
	}
	l.observe(asked, nil)
	es := make([]Evaluation, 0, len(asked.Individuals)*per)
	for _, ind := range asked.Individuals {
		es = append(es, l.Search.evaluations(ind)...)
	}
	return len(es), l.Evaluator.Submit(es)
}

// over is why the run is to end while that many evaluations are under way; the zero StopReason where it is not.
func (l *Loop) over(under int) StopReason {
	p := l.Search.Progress(under)
	switch {
	case l.MaxFailures > 0 && p.InARow >= l.MaxFailures:
		return because(TooManyFail, "%d individuals in a row, the last: %s", p.InARow, p.Failure)
	case p.InARow > 0 && l.Search.rules.Then == Abort:
		return because(FirstFailure, "%s", p.Failure)
	}
	return l.Stop.Reason(p)
}

// figures records what the optimizer says of itself, once for each generation that it completes.
func (l *Loop) figures(under int) error {
	if f, ok := l.Search.figures(under); ok {
		return l.happened(f)
	}
	return nil
}

// happened records and shows an event that the search has taken in.
func (l *Loop) happened(e Event) error {
	err := l.record(e)
	l.observe(e, nil)
	return err
}

func (l *Loop) record(e Event) error {
	if l.Recorder == nil {
		return nil
	}
	return l.Recorder.Record(e)
}

func (l *Loop) observe(e Event, of *Individual) {
	for _, o := range l.Observers {
		o(e, of, l.Search)
	}
}

func (l *Loop) checkpoint() error {
	if l.Recorder == nil {
		return nil
	}
	err := l.Recorder.Checkpoint(l.Search.Snapshot)
	if errors.Is(err, optimizer.ErrNoState) {
		return nil // a resumed run replays all
	}
	return err
}
