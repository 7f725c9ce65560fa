package l2l

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Stop are the rules that end a run; whichever holds first does. A zero field is no rule.
//
// Generations, evaluations, target and stagnation are looked at only between generations (for asynchronous optimizers: between results), so
// that where a run stops does not depend on who finished first.
type Stop struct {
	Generations int           `yaml:"generations" doc:"generations completed; 0 is no rule, here and below" range:"[0, inf)"`
	Evaluations int64         `yaml:"evaluations" doc:"evaluations, those of the finalists and of the test included; not one more is made, retries apart" range:"[0, inf)"`
	Target      *float64      `yaml:"target" doc:"the best fitness is at least as good as this, where evaluations rotate that of the last instances; for one objective only"`
	Stagnation  int           `yaml:"stagnation" doc:"generations without a better individual, where evaluations rotate on the same instances; not for a front" range:"[0, inf)"`
	WallTime    time.Duration `yaml:"wall_time" doc:"time since this start; the run can be resumed" range:"[0, inf)" auto:"in a job of Slurm, PBS or LSF somewhat less than is left of it, otherwise 0" autois:"-1"`
}

// UntilJobEnds is the WallTime that whoever makes a Loop is to replace by what a batch system leaves to the job. In a Loop it is no rule.
const UntilJobEnds time.Duration = -1

// StopRule names what ended a run.
type StopRule string

// The rules. Those that end a run in success come first.
const (
	Converged    StopRule = "converged" // the optimizer has nothing left to propose
	Target       StopRule = "target"
	Generations  StopRule = "generations"
	Evaluations  StopRule = "evaluations"
	Stagnation   StopRule = "stagnation"
	WallTime     StopRule = "wall time"
	Interrupted  StopRule = "interrupted"  // the context ended
	ByOrder      StopRule = "stopped"      // an order did; whoever gave it resumes the run
	TooManyFail  StopRule = "max failures" // Loop.MaxFailures individuals failed in a row
	FirstFailure StopRule = "failure"      // an individual failed, under Abort
	NoSuccess    StopRule = "no success"   // another rule held, or the optimizer has converged, and every individual had failed
	Broken       StopRule = "error"        // the run could not go on
)

// StopReason is why a run ended: the rule, and the words for people. The zero StopReason is that of a run that goes on.
type StopReason struct {
	Rule   StopRule
	Detail string // "" where the rule says it all
}

func (r StopReason) String() string {
	if r.Detail == "" {
		return string(r.Rule)
	}
	return string(r.Rule) + ": " + r.Detail
}

// Resumable reports whether the run was cut short and can be resumed.
func (r StopReason) Resumable() bool {
	return r.Rule == WallTime || r.Rule == Interrupted || r.Rule == ByOrder
}

// Failed reports whether the run ended because of failures, or in an error.
func (r StopReason) Failed() bool {
	return r.Rule == TooManyFail || r.Rule == FirstFailure || r.Rule == NoSuccess || r.Rule == Broken
}

func because(rule StopRule, format string, args ...any) StopReason {
	return StopReason{rule, fmt.Sprintf(format, args...)}
}

// Progress is how far a search has come, as far as stop rules look at it.
type Progress struct {
	Asked       int64  // individuals asked or injected
	Each        int    // evaluations of each individual
	Reserved    int64  // evaluations that the search may not have, as others are to follow it
	Evaluations int64  // evaluations of the search that ended for good
	UnderWay    int    // evaluations
	InARow      int    // individuals that failed since the last success
	Failure     string // why the last of them failed

	// Between says that no generation is under way; for asynchronous optimizers that is always so. Only then are the fields below told.
	Between    bool
	Generation int                 // generations completed
	Objective  optimizee.Objective // the first
	Best       float64             // of it, the value of the best individual; NaN where there is none
	Stale      int                 // generations completed since the best was found; 0 where there is none
}

// Budget is the number of individuals that may still be asked, where so many have been, of so many evaluations each, and so many evaluations are
// reserved; -1 where there is no limit.
func (s Stop) Budget(asked int64, each int, reserved int64) int64 {
	if s.Evaluations == 0 {
		return -1
	}
	return max(s.Evaluations-reserved-asked*int64(each), 0) / int64(each)
}

// Reason is the first of the rules that holds; the zero StopReason where none does. WallTime is not among them: a clock is not progress.
func (s Stop) Reason(p Progress) StopReason {
	if !p.Between {
		return StopReason{}
	}
	switch {
	case s.Target != nil && reached(p.Best, *s.Target, p.Objective.Direction):
		return because(Target, "%v has reached %v", p.Objective.Name, *s.Target)
	case s.Generations > 0 && p.Generation >= s.Generations:
		return because(Generations, "%d", p.Generation)
	case p.UnderWay == 0 && s.Budget(p.Asked, p.Each, p.Reserved) == 0:
		if p.Reserved > 0 {
			return because(Evaluations, "%d, and %d for its answer", p.Evaluations, p.Reserved)
		}
		return because(Evaluations, "%d", p.Evaluations)
	case s.Stagnation > 0 && p.Stale >= s.Stagnation:
		return because(Stagnation, "no better individual for %d generations", p.Stale)
	}
	return StopReason{}
}

func reached(fitness, target float64, d optimizee.Direction) bool {
	if d == optimizee.Maximise {
		return fitness >= target
	}
	return fitness <= target && !math.IsNaN(fitness)
}

// Progress is the search as the stop rules look at it, while that many evaluations are under way.
func (s *Search) Progress(underWay int, stop Stop) Progress {
	p := Progress{
		Asked: s.given(), Each: s.PerIndividual(), Reserved: s.reserved(stop.Evaluations), Evaluations: s.s.Evaluations - s.s.Ended,
		UnderWay: underWay, InARow: s.s.InARow, Failure: s.s.Reason, Between: underWay == 0 || s.asynchronous(),
	}
	if !p.Between {
		return p
	}
	p.Generation, p.Objective, p.Best = s.Status().Generation, s.rules.Objectives[0], math.NaN()
	if s.s.Best != nil {
		p.Best, p.Stale = s.s.Best.Fitness[0], p.Generation-s.s.BestAt
	}
	return p
}

var errWallTime = errors.New("the wall time is over")

// clock ends a context when the wall time is over, which may change meanwhile.
type clock struct {
	began time.Time
	timer *time.Timer // nil: there is no end
	end   context.CancelCauseFunc
}

// start is ctx until the wall time is over; 0 is no end.
func (c *clock) start(ctx context.Context, wall time.Duration) context.Context {
	c.began = time.Now()
	ctx, c.end = context.WithCancelCause(ctx)
	c.set(wall)
	return ctx
}

// set changes the wall time.
func (c *clock) set(wall time.Duration) {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	end, left := c.end, wall-time.Since(c.began)
	switch {
	case wall <= 0:
	case left <= 0:
		end(errWallTime) // at once: a timer may come after a search that is quick
	default:
		c.timer = time.AfterFunc(left, func() { end(errWallTime) })
	}
}

// stop ends the context, unless it has ended.
func (c *clock) stop() {
	c.set(0)
	c.end(nil)
}

// SetStop changes the stop rules of a loop that runs. The wall time counts from its start, as before.
func (l *Loop) SetStop(s Stop) {
	l.Stop = s
	l.clock.set(s.WallTime)
}
