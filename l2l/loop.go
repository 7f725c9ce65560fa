package l2l

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/optimizee"
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
	// Hopeless is, for a model that has never worked, the number of individuals in a row that may fail for reasons of one kind, by which the program
	// is at fault and not the point, beyond those that are under way at first, one for each evaluation that the evaluator has room for, until the run
	// ends; 0 is never. So the run's end depends on the room. Which individuals there are does not; and a run that ends so has no result.
	Hopeless  int
	Space     optimizee.Space      // tells what individuals that fail have in common; nil: only their reasons do
	WarmStart []optimizer.Solution // what the optimizer is told of before it is first asked; a resumed search knows already
	Now       func() time.Time     // nil: time.Now
	Orders    *Orders              // nil: nobody gives any

	streak streak
	under  int  // evaluations under way
	beside int  // of them those of injected individuals
	paused bool // by an order
	last   int  // by an order: noStop, stopNow, or the generation completed when it was given, after whose next one the run ends
	clock  clock
	es     []Evaluation // what is submitted; used again
}

// Summary is how a run ended.
type Summary struct {
	Reason         StopReason
	Best           *Best   // as it was told
	Answer         *Answer // nil before the first success, and where there is a front
	Front          []FrontMember
	FrontCut       bool                 // it may have had more members than the optimizer keeps
	Posterior      []optimizer.Weighted // the optimizer's, where it samples one
	Restarts       optimizer.Restarts   // the optimizer's
	Warning        string               // the optimizer's: why what it has found is not to be trusted; "" where nothing speaks against it
	Generations    int
	Individuals    int64
	Evaluations    int64
	Failures       int64
	TrajectoryHash string
	Noisy          bool // evaluations are noisy: by the rules, or as was found out
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
		reason = StopReason{Broken, Headline(err.Error())}
	case !reason.Resumable() && !reason.Failed() && s.fruitless():
		why := Headline(s.s.Reason)
		if l.streak.failed > 0 {
			why = l.streak.String()
		}
		reason = because(NoSuccess, "%d individuals failed, %s; the run ended by: %s", s.s.Failures, why, reason)
	}
	stopped := Stopped{Reason: reason.String(), At: l.Now().UnixMicro(), Rule: reason.Rule}
	if err == nil {
		err = l.happened(stopped)
	} else {
		_ = l.happened(stopped) // err may well be about the recorder
	}
	return Summary{
		Reason: reason, Best: s.Best(), Answer: s.Answer(), Noisy: s.Noisy(), Front: s.Front(), FrontCut: s.FrontCut(),
		Posterior: s.Status().Posterior, Restarts: s.Status().Restarts, Warning: s.Status().Warning, Generations: s.Status().Generation,
		Individuals: s.Individuals(), Evaluations: s.Evaluations(), Failures: s.s.Failures, TrajectoryHash: s.TrajectoryHash(),
	}, err
}

func (l *Loop) run(ctx context.Context) (reason StopReason, err error) {
	ctx = l.clock.start(ctx, l.Stop.WallTime)
	defer l.clock.stop()
	l.under, l.beside, l.last, l.paused = 0, 0, noStop, false
	l.Search.s.InARow, l.streak = 0, newStreak(l.Space) // failures before a resume were somebody's reason to resume
	if len(l.WarmStart) > 0 && !l.Search.s.Known && l.Search.Asked() == 0 {
		known := WarmStart{l.WarmStart}
		if err := l.Search.know(known); err != nil {
			return reason, err
		}
		if err := l.happened(known); err != nil {
			return reason, err
		}
	}
	if l.Search.finishing() { // finals were cut short, or have ended
		if reason := l.searched(); reason.Rule != "" {
			return l.finish(ctx, reason)
		}
	} else {
		pending := l.Search.pending()
		if err := l.Evaluator.Submit(pending); err != nil {
			return reason, err
		}
		for _, e := range pending {
			l.count(e.Individual, 1)
		}
	}
	if err := l.figures(); err != nil { // those of a generation after which the run was killed
		return reason, err
	}
	for {
		if ctx.Err() != nil {
			return l.ended(ctx), nil
		}
		if err := l.heed(); err != nil {
			return reason, err
		}
		over := l.over()
		if over.Rule != "" && (l.beside == 0 || over.Failed()) {
			return l.finish(ctx, over)
		}
		if reason := l.ordered(); reason.Rule != "" {
			return reason, nil
		}
		if over.Rule != "" { // what was injected is awaited
		} else if !l.paused {
			if err := l.ask(); err != nil {
				return reason, err
			}
		} else if l.under == 0 {
			<-l.Orders.until(ctx).Done()
			continue
		}
		if l.under == 0 {
			if stop := l.Search.Status().Stop; stop != "" {
				return l.finish(ctx, StopReason{Converged, stop})
			}
			return reason, errors.New("l2l: the optimizer proposes nothing although nothing is outstanding, and gives no reason")
		}
		if err := l.receive(ctx); err != nil {
			return reason, err
		}
		if err := l.figures(); err != nil {
			return reason, err
		}
		if l.searching() == 0 || l.Search.asynchronous() {
			if err := l.checkpoint(); err != nil {
				return reason, err
			}
		}
	}
}

// searched is why the search has ended, nothing of which is under way; the zero StopReason where it has not, as with higher limits than before.
func (l *Loop) searched() StopReason {
	reason := l.over()
	if stop := l.Search.Status().Stop; reason.Rule == "" && stop != "" {
		reason = StopReason{Converged, stop}
	}
	return reason
}

// receive waits for results and takes them in.
func (l *Loop) receive(ctx context.Context) error {
	results, err := l.next(ctx)
	if ctx.Err() == nil && err != nil {
		return err
	}
	at := l.Now().UnixMicro()
	for i := range results {
		r := &results[i]
		r.At = at
		var e Event = *r // once: it is a copy
		if err := l.record(e); err != nil {
			return err
		}
		told := l.Search.Individuals()
		of, again, err := l.Search.take(r)
		if err != nil {
			return err
		}
		if l.Search.Individuals() > told {
			l.streak.take(of.X, l.Search.s.InARow > 0, l.Search.s.Reason)
		}
		l.observe(e, of)
		l.count(r.Individual, -1)
		if again != nil {
			if err := l.Evaluator.Submit([]Evaluation{*again}); err != nil {
				return err
			}
			l.count(r.Individual, 1)
		}
	}
	return nil
}

// finish has finals follow a search that has ended for that reason. What of the search is still under way is awaited first.
func (l *Loop) finish(ctx context.Context, reason StopReason) (StopReason, error) {
	if reason.Failed() || !l.Search.follows() || l.Search.fruitless() {
		return reason, nil
	}
	if l.Search.finishing() && l.under == 0 {
		pending := l.Search.pending()
		if err := l.Evaluator.Submit(pending); err != nil {
			return reason, err
		}
		l.under = len(pending)
	}
	for {
		if ctx.Err() != nil {
			return l.ended(ctx), nil
		}
		if err := l.heed(); err != nil {
			return reason, err
		}
		if reason := l.ordered(); reason.Rule != "" {
			return reason, nil
		}
		if l.under == 0 {
			if l.Search.finishing() {
				if err := l.checkpoint(); err != nil {
					return reason, err
				}
			}
			next, ok := l.Search.final(l.Stop.Evaluations)
			if !ok {
				return reason, nil
			}
			if err := l.happened(next); err != nil {
				return reason, err
			}
			pending := l.Search.pending()
			if err := l.Evaluator.Submit(pending); err != nil {
				return reason, err
			}
			l.under = len(pending)
		}
		if err := l.receive(ctx); err != nil {
			return reason, err
		}
		if err := l.figures(); err != nil {
			return reason, err
		}
	}
}

func (l *Loop) ended(ctx context.Context) StopReason {
	if errors.Is(context.Cause(ctx), errWallTime) {
		return because(WallTime, "%v", l.Stop.WallTime)
	}
	return because(Interrupted, "%v", context.Cause(ctx))
}

// ask asks for as many individuals as there is room and budget for, and sends them out.
func (l *Loop) ask() error {
	per := l.Search.PerIndividual()
	room := 0 // a generation is asked as a whole
	if l.Search.asynchronous() {
		if room = (l.Evaluator.Capacity() - l.under) / per; room <= 0 && l.under > 0 {
			return nil
		}
		room = max(room, 1)
	}
	switch left := int(l.Stop.Budget(l.Search.given(), per, l.Search.reserved(l.Stop.Evaluations))); {
	case left == 0:
		return nil
	case left > 0 && (room == 0 || left < room):
		room = left
	}
	asked, err := l.Search.ask(room)
	if err != nil || len(asked.Individuals) == 0 {
		return err
	}
	asked.brief = l.Record == Digest && !l.Search.Recalls()
	if err := l.record(asked); err != nil {
		return err
	}
	l.observe(asked, nil)
	es := slices.Grow(l.es[:0], len(asked.Individuals)*per)
	for i := range asked.Individuals {
		es = l.Search.evaluations(es, &asked.Individuals[i])
	}
	l.under += len(es)
	err = l.Evaluator.Submit(es)
	clear(es) // it is not to keep the points
	l.es = es[:0]
	return err
}

// over is why the search is to end; the zero StopReason where it is not.
func (l *Loop) over() StopReason {
	p := l.Search.Progress(l.searching(), l.Stop)
	switch {
	case l.MaxFailures > 0 && p.InARow >= l.MaxFailures:
		return because(TooManyFail, "%d individuals in a row, %v", p.InARow, &l.streak)
	case l.Hopeless > 0 && l.Search.fruitless() && l.streak.hopeless() && p.InARow >= l.Evaluator.Capacity()+l.Hopeless:
		return because(TooManyFail, "the model has never worked: %d individuals in a row, %v", p.InARow, &l.streak)
	case p.InARow > 0 && l.Search.rules.Then == Abort:
		return because(FirstFailure, "%s", Headline(p.Failure))
	}
	return l.Stop.Reason(p)
}

// figures records what the optimizer says of itself, once for each generation that it completes.
func (l *Loop) figures() error {
	if f, ok := l.Search.figures(l.searching()); ok {
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
