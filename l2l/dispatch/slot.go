package dispatch

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// slot is a place where one call of an optimizee runs at a time.
type slot struct {
	optimizee  optimizee.Optimizee
	space      optimizee.Space
	objectives int
	outputs    int
	batch      int                    // evaluations per call
	es         []optimizee.Evaluation // those of the call under way
	ended      chan struct{}
	closed     error // what closing the optimizee returned; after ended

	mu      sync.Mutex       // the fields below are also used by the timer that gives a call up
	waiting []l2l.Evaluation // taken from the queue, for later calls
	results []l2l.Result
	dead    bool // the call under way was given up, and the slot has been replaced
}

func newSlot(o optimizee.Optimizee, batch int) *slot {
	s := &slot{optimizee: o, space: o.Space(), objectives: len(o.Objectives()), batch: 1, ended: make(chan struct{})}
	if _, ok := o.(optimizee.Batch); ok {
		s.batch = batch
	}
	if m, ok := o.(optimizee.Modeller); ok {
		s.outputs = m.NumOutputs()
	}
	return s
}

// prepare prepares the optimizee, if it wants that.
func (s *slot) prepare(ctx context.Context, timeout time.Duration) (err error) {
	o, ok := s.optimizee.(optimizee.Preparer)
	if !ok {
		return nil
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return o.Prepare(ctx)
}

// run hands the evaluations of a call to the optimizee. Whatever that does, short of ending the process, becomes a result of each.
func (s *slot) run(ctx context.Context, call []l2l.Evaluation, dirs []string) []l2l.Result {
	rs := make([]l2l.Result, len(call))
	s.es = s.es[:0]
	for i, e := range call {
		rs[i] = answer(e)
		params, err := s.space.Decode(e.X)
		if err != nil {
			return failAll(rs, err.Error())
		}
		s.es = append(s.es, optimizee.Evaluation{Params: params, Instance: e.Instance, Seed: e.Seed})
		if dirs != nil {
			s.es[i].Dir = dirs[i]
		}
	}
	if err := s.call(ctx, rs); err != nil {
		return failAll(rs, err.Error())
	}
	return rs
}

// call calls the optimizee. Its error is about all evaluations.
func (s *slot) call(ctx context.Context, rs []l2l.Result) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	if s.batch == 1 {
		out, err := s.optimizee.Evaluate(ctx, s.es[0])
		s.judge(&rs[0], out, err)
		return nil
	}
	outs, errs := s.optimizee.(optimizee.Batch).EvaluateBatch(ctx, s.es)
	if len(outs) != len(rs) || len(errs) != len(rs) {
		return fmt.Errorf("the optimizee returned %d outcomes and %d errors of a batch, want %d of each", len(outs), len(errs), len(rs))
	}
	for i := range rs {
		s.judge(&rs[i], outs[i], errs[i])
	}
	return nil
}

// judge makes what an optimizee returned a result.
func (s *slot) judge(r *l2l.Result, out optimizee.Outcome, err error) {
	switch {
	case err != nil:
		fail(r, err.Error())
	case len(out.Fitness) != s.objectives:
		fail(r, fmt.Sprintf("the optimizee returned %d fitness values, want %d", len(out.Fitness), s.objectives))
	case !finite(out.Fitness):
		fail(r, fmt.Sprintf("the fitness is not a finite number: %v", out.Fitness))
	case !finite(out.Outputs) || !finite(out.Targets):
		fail(r, "a model output or a target is not a finite number")
	case len(out.Outputs) != s.outputs || len(out.Targets) != s.outputs:
		fail(r, fmt.Sprintf("the optimizee returned %d model outputs and %d targets, want %d", len(out.Outputs), len(out.Targets), s.outputs))
	default:
		r.Fitness, r.Outputs, r.Targets = out.Fitness, out.Outputs, out.Targets
	}
}

// answer is an empty result of an evaluation.
func answer(e l2l.Evaluation) l2l.Result {
	return l2l.Result{Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt}
}

// reasonLimit is the length, in bytes, to which the reason of a failure is cut.
const reasonLimit = 4000

// fail makes a result a failure.
func fail(r *l2l.Result, reason string) {
	if len(reason) > reasonLimit {
		reason = "…" + reason[len(reason)-reasonLimit:]
	}
	*r = l2l.Result{
		Individual: r.Individual, Instance: r.Instance, Replicate: r.Replicate, Attempt: r.Attempt, Outcome: l2l.Failed,
		Reason: strings.ToValidUTF8(reason, "\ufffd"),
	}
}

func failAll(rs []l2l.Result, reason string) []l2l.Result {
	for i := range rs {
		fail(&rs[i], reason)
	}
	return rs
}

func finite(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// panicked is a panic as an error, with where it was raised.
func panicked(p any) error { return fmt.Errorf("panic: %v\n%s", p, stackBelow(debug.Stack())) }

// stackBelow is the part of a stack that a user can act on: from where the panic was raised.
func stackBelow(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") {
			lines = lines[i+2:]
			break
		}
	}
	return strings.Join(lines[:min(len(lines), 12)], "\n")
}
