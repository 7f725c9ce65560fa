package l2l

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Stop are the rules that end a run. A zero field is no rule. Generations, evaluations, target and stagnation are looked at only between
// generations (for asynchronous optimizers: between results), so that where a run stops does not depend on who finished first.
type Stop struct {
	Generations int           // completed
	Evaluations int64         // asked for; the last generation may stay incomplete, so that not one more is spent
	Target      *float64      // the best fitness is at least as good; for one objective only
	Stagnation  int           // generations without a better individual; not where there is a front, which changes until the end
	WallTime    time.Duration // of this process, not of those before a resume
	MaxFailures int           // individuals that failed in a row
}

// Reasons that are no success. They are prefixes of Summary.Reason.
const (
	Interrupted = "interrupted"  // the context ended
	WallTime    = "wall time"    // Stop.WallTime is over
	TooManyFail = "max failures" // Stop.MaxFailures failed in a row, or one failed under Abort
)

// Loop runs a search.
type Loop struct {
	Search    *Search
	Evaluator Evaluator
	Recorder  Recorder // nil: nothing is recorded
	Observers []Observer
	Stop      Stop
	Known     []optimizer.Solution // what the optimizer is told of before it is first asked; a resumed search knows already
	Now       func() time.Time     // nil: time.Now
}

// Summary is how a run ended.
type Summary struct {
	Reason         string
	Best           *Best
	Front          []Solution
	Posterior      []optimizer.Weighted // the optimizer's, where it samples one
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
	if err == nil {
		err = l.happened(Stopped{Reason: reason, At: l.Now().UnixMicro()})
	}
	s := l.Search
	return Summary{
		Reason: reason, Best: s.Best(), Front: s.Front(), Posterior: s.Status().Posterior, Generations: s.Status().Generation,
		Individuals: s.Individuals(), Evaluations: s.Evaluations(), Failures: s.s.Failures, TrajectoryHash: s.TrajectoryHash(),
	}, err
}

func (l *Loop) run(ctx context.Context) (reason string, err error) {
	began := l.Now()
	if l.Stop.WallTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, l.Stop.WallTime, errWallTime)
		defer cancel()
	}
	l.Search.s.InARow = 0 // failures before a resume were somebody's reason to resume
	if len(l.Known) > 0 && !l.Search.s.Known && l.Search.Asked() == 0 {
		known := Known{l.Known}
		if err := l.Search.know(known); err != nil {
			return "", err
		}
		if err := l.happened(known); err != nil {
			return "", err
		}
	}
	pending := l.Search.pending()
	if err := l.Evaluator.Submit(pending); err != nil {
		return "", err
	}
	under := len(pending) // evaluations under way
	for {
		if ctx.Err() != nil {
			return ended(ctx, began, l.Now()), nil
		}
		if reason := l.over(under); reason != "" {
			return reason, nil
		}
		asked, err := l.ask(under)
		if err != nil {
			return "", err
		}
		under += asked
		if under == 0 {
			if stop := l.Search.Status().Stop; stop != "" {
				return "converged: " + stop, nil
			}
			return "", errors.New("l2l: the optimizer proposes nothing although nothing is outstanding, and gives no reason")
		}
		results, err := l.Evaluator.Next(ctx)
		if ctx.Err() == nil && err != nil {
			return "", err
		}
		for _, r := range results {
			r.At = l.Now().UnixMicro()
			if err := l.record(r); err != nil {
				return "", err
			}
			of := l.Search.individual(r.Individual)
			again, err := l.Search.take(r)
			if err != nil {
				return "", err
			}
			l.observe(r, of)
			under--
			if again != nil {
				if err := l.Evaluator.Submit([]Evaluation{*again}); err != nil {
					return "", err
				}
				under++
			}
		}
		if under == 0 || l.asynchronous() {
			if err := l.checkpoint(); err != nil {
				return "", err
			}
		}
	}
}

var errWallTime = errors.New(WallTime)

func ended(ctx context.Context, began, now time.Time) string {
	if errors.Is(context.Cause(ctx), errWallTime) {
		return fmt.Sprintf("%s: %v", WallTime, now.Sub(began).Round(time.Second))
	}
	return fmt.Sprintf("%s: %v", Interrupted, context.Cause(ctx))
}

// ask asks for as many individuals as there is room and budget for, sends them out, and returns the number of evaluations.
func (l *Loop) ask(under int) (evaluations int, err error) {
	per := l.Search.PerIndividual()
	room := 0 // a generation is asked as a whole
	if l.asynchronous() {
		if room = (l.Evaluator.Capacity() - under) / per; room <= 0 && under > 0 {
			return 0, nil
		}
		room = max(room, 1)
	}
	if l.Stop.Evaluations > 0 {
		left := int((l.Stop.Evaluations - l.Search.Asked()*int64(per)) / int64(per))
		if left <= 0 {
			return 0, nil
		}
		if room == 0 || left < room {
			room = left
		}
	}
	asked, err := l.Search.ask(room)
	if err != nil || len(asked.Individuals) == 0 {
		return 0, err
	}
	if err := l.happened(asked); err != nil {
		return 0, err
	}
	es := make([]Evaluation, 0, len(asked.Individuals)*per)
	for _, ind := range asked.Individuals {
		es = append(es, l.Search.evaluations(ind)...)
	}
	return len(es), l.Evaluator.Submit(es)
}

func (l *Loop) asynchronous() bool {
	_, ok := l.Search.optimizer.(optimizer.Asynchronous)
	return ok
}

// over names the stop rule that holds, while under evaluations are under way.
func (l *Loop) over(under int) string {
	s, stop := l.Search, l.Stop
	if s.s.InARow > 0 {
		if stop.MaxFailures > 0 && s.s.InARow >= stop.MaxFailures {
			return fmt.Sprintf("%s: %d individuals in a row, the last: %s", TooManyFail, s.s.InARow, s.s.Reason)
		}
		if s.rules.Then == Abort {
			return fmt.Sprintf("%s: %s", TooManyFail, s.s.Reason)
		}
	}
	if under > 0 && !l.asynchronous() {
		return ""
	}
	st := s.Status()
	switch best := s.Best(); {
	case stop.Target != nil && best != nil && reached(best.Fitness[0], *stop.Target, s.rules.Objectives[0].Direction):
		return fmt.Sprintf("target: %v has reached %v", s.rules.Objectives[0].Name, *stop.Target)
	case stop.Generations > 0 && st.Generation >= stop.Generations:
		return fmt.Sprintf("generations: %d", st.Generation)
	case stop.Evaluations > 0 && under == 0 && stop.Evaluations-s.Asked()*int64(s.PerIndividual()) < int64(s.PerIndividual()):
		return fmt.Sprintf("evaluations: %d", s.Evaluations())
	case stop.Stagnation > 0 && best != nil && st.Generation-s.s.BestAt >= stop.Stagnation:
		return fmt.Sprintf("stagnation: no better individual for %d generations", st.Generation-s.s.BestAt)
	}
	return ""
}

func reached(fitness, target float64, d optimizee.Direction) bool {
	if d == optimizee.Maximise {
		return fitness >= target
	}
	return fitness <= target && !math.IsNaN(fitness)
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
	return l.Recorder.Checkpoint(l.Search.Snapshot)
}
