package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	index      int                    // of the rank's slots, from 0
	transcript Transcript             // nil where none is kept
	together   bool                   // a call may be one of EvaluateBatch
	shared     bool                   // the optimizee is an optimizee.Shared
	mail       *mail                  // of the team that shares evaluations; nil where they are not shared
	es         []optimizee.Evaluation // those of the call under way
	rs         []l2l.Result           // of the call under way
	took       time.Duration          // by the last call; 0 before the first
	aside      sync.Mutex             // held while another goroutine than the slot's uses the optimizee
	working    bool                   // it has taken evaluations from the pool's queue; of the pool
	ended      chan struct{}
	closed     error // what closing the optimizee returned; after ended

	mu      sync.Mutex       // the fields below are also used by the timer that gives a call up
	batch   int              // evaluations of a full call
	waiting []l2l.Evaluation // taken from the queue, for later calls
	calls   int              // that have ended
	results []l2l.Result
	spare   []l2l.Result       // memory for results, or nil
	dead    bool               // the call under way was given up, and the slot has been replaced
	wanted  map[key]bool       // of the call under way, if it can be dropped
	cancel  context.CancelFunc // ends the call under way
	dropped bool               // it was called
}

// newSlot is a slot of an optimizee, which evaluates several together if it can and is to.
func newSlot(o optimizee.Optimizee, together bool) *slot {
	s := &slot{optimizee: o, space: o.Space(), objectives: len(o.Objectives()), batch: 1, ended: make(chan struct{})}
	_, can := o.(optimizee.Batch)
	s.together = can && together
	_, s.shared = o.(optimizee.Shared)
	if m, ok := o.(optimizee.Modeller); ok {
		s.outputs = m.NumOutputs()
	}
	return s
}

// wait gives the slot evaluations for its next calls.
func (s *slot) wait(es []l2l.Evaluation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = es
}

// full is the number of evaluations of a full call from now on.
func (s *slot) full(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch = n
}

// begin takes the next call, and its number, from what waits; a call of nothing if nothing does. ok is false if the slot was given up.
func (s *slot) begin() (call []l2l.Evaluation, number int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(s.batch, len(s.waiting))
	call, s.waiting = s.waiting[:n], s.waiting[n:]
	return call, s.calls, !s.dead
}

// long reports whether calls are so long that it is worth while to make them ones that can be dropped, and whether they may be.
func (s *slot) long() bool {
	if s.took > 0 && s.took.Seconds() < foreseeable {
		return false
	}
	if i, ok := s.optimizee.(optimizee.Interruptible); ok {
		return i.Interruptible()
	}
	_, prepares := s.optimizee.(optimizee.Preparer) // again, if it is interrupted
	return !prepares
}

// droppable has the call under way be one that cancel ends.
func (s *slot) droppable(call []l2l.Evaluation, cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted, s.cancel = make(map[key]bool, len(call)), cancel
	for _, e := range call {
		s.wanted[keyOf(e)] = true
	}
}

// drop takes what is unwanted from what waits, and returns it. The call under way ends, if nothing in it is wanted and it can be dropped.
func (s *slot) drop(unwanted map[key]bool) (dropped []l2l.Evaluation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, dropped = without(s.waiting, unwanted)
	if s.cancel == nil {
		return dropped
	}
	for k := range unwanted {
		delete(s.wanted, k)
	}
	if len(s.wanted) == 0 {
		s.dropped = true
		s.cancel()
	}
	return dropped
}

// end takes in that the call under way has ended, and how long it took. It reports whether it was dropped.
func (s *slot) end(took time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := s.dropped
	s.took, s.wanted, s.cancel, s.dropped = took, nil, nil, false
	return dropped
}

// finish ends the call under way. If it was given up, its results are no longer wanted.
func (s *slot) finish(rs []l2l.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dead {
		s.calls++
		s.results = append(s.results, rs...)
	}
}

// take returns the results since the last call. They are to be given back.
func (s *slot) take() []l2l.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	rs := s.results
	s.results, s.spare = s.spare, nil
	return rs
}

// giveBack takes the memory of results back.
func (s *slot) giveBack(rs []l2l.Result) {
	clear(rs)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = rs[:0]
}

// close ends the slot, and closes its optimizee.
func (s *slot) close() {
	defer close(s.ended)
	s.aside.Lock()
	defer s.aside.Unlock()
	if c, ok := s.optimizee.(optimizee.Opener); ok {
		s.closed = protect(c.Close)
	}
}

// prepare prepares the optimizee, if it wants that.
func (s *slot) prepare(ctx context.Context, timeout time.Duration) error {
	o, ok := s.optimizee.(optimizee.Preparer)
	if !ok {
		return nil
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return protect(func() error { return o.Prepare(ctx) })
}

// run hands the evaluations of a call to the optimizee, and makes what it returns their results, which rs are the beginnings of. Its error is
// about all of them.
func (s *slot) run(ctx context.Context, call []l2l.Evaluation, dirs []string, rs []l2l.Result) error {
	s.es = s.es[:0]
	for i, e := range call {
		o, err := s.decode(e)
		if err != nil {
			return err
		}
		if dirs != nil {
			o.Dir = dirs[i]
		}
		s.es = append(s.es, o)
	}
	return protect(func() error { return s.call(ctx, rs) })
}

// decode is an evaluation as the optimizee knows it. Its vectors are the optimizee's own: what a model writes into them by mistake does not reach the
// search, whose point may lie in the same memory, nor another replicate.
func (s *slot) decode(e l2l.Evaluation) (optimizee.Evaluation, error) {
	params, err := s.space.Decode(slices.Clone(e.X))
	o := optimizee.Evaluation{Params: params, Instance: e.Instance, Seed: e.Seed}
	if s.shared {
		o.Team = optimizee.Alone()
	}
	return o, err
}

// call calls the optimizee.
func (s *slot) call(ctx context.Context, rs []l2l.Result) error {
	if s.mail != nil {
		out, err := s.mail.evaluate(ctx, s.optimizee, s.es[0])
		s.judge(&rs[0], out, err)
		return nil
	}
	if !s.together {
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

// report has the optimizee tell about an evaluation, if it can.
func (s *slot) report(ctx context.Context, e l2l.Evaluation, w io.Writer) error {
	r, ok := s.optimizee.(optimizee.Reporter)
	if !ok {
		return nil
	}
	o, err := s.decode(e)
	if err != nil {
		return err
	}
	return protect(func() error { return r.Report(ctx, o, w) })
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
		Individual: r.Individual, Instance: r.Instance, Replicate: r.Replicate, Attempt: r.Attempt, Ending: l2l.Failed,
		Reason: strings.ToValidUTF8(reason, "\ufffd"),
	}
}

func failAll(rs []l2l.Result, reason string) {
	for i := range rs {
		fail(&rs[i], reason)
	}
}

func finite(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// errGoexit is the error of an optimizee that returns nothing.
var errGoexit = errors.New("the optimizee ended the goroutine that called it (runtime.Goexit)")

// protect calls f. A panic of f becomes its error, which says where it was raised.
func protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, stackBelow(debug.Stack()))
		}
	}()
	return f()
}

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
