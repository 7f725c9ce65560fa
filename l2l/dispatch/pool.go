package dispatch

import (
	"context"
	"errors"
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

// Options say how a rank evaluates.
type Options struct {
	// Make makes an optimizee, ready for use; it is called once per slot, and again for a slot whose evaluation cannot be stopped.
	Make func() (optimizee.Optimizee, error)
	// Slots is the number of evaluations that run at a time, at least 1.
	Slots int
	// Timeout ends an evaluation; 0 means none. One that does not heed its context is given up after a grace period.
	Timeout time.Duration
}

// reasonLimit is the length, in bytes, to which the reason of a failure is cut.
const reasonLimit = 4000

// pool is a rank's slots: goroutines that take evaluations from a queue, each with an optimizee of its own.
type pool struct {
	opts   Options
	rank   int
	grace  time.Duration // after the timeout, before an evaluation is given up
	notify func()        // called after results were added, from any goroutine
	ctx    context.Context
	cancel context.CancelFunc

	mu        sync.Mutex
	arrived   sync.Cond // the queue has grown, or the pool was closed
	delivered sync.Cond // there are more results, or the pool was closed
	queue     []l2l.Evaluation
	results   []l2l.Result
	mean      float64 // seconds per evaluation, a running average; 0 before the first
	slots     []*slot // for close
}

// newPool makes the optimizees and starts the slots.
func newPool(ctx context.Context, rank int, opts Options, notify func()) (*pool, error) {
	p := &pool{opts: opts, rank: rank, grace: min(max(opts.Timeout/10, 100*time.Millisecond), 10*time.Second), notify: notify}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.arrived.L, p.delivered.L = &p.mu, &p.mu
	for range max(opts.Slots, 1) {
		if err := p.addSlot(); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	context.AfterFunc(p.ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.arrived.Broadcast()
		p.delivered.Broadcast()
	})
	return p, nil
}

// submit adds evaluations to the queue.
func (p *pool) submit(es []l2l.Evaluation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, es...)
	if len(es) == 1 {
		p.arrived.Signal()
	} else {
		p.arrived.Broadcast()
	}
}

// evaluateAll evaluates es and waits for all of them. Nothing else may be under way.
func (p *pool) evaluateAll(es []l2l.Evaluation) ([]l2l.Result, error) {
	p.submit(es)
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.results) < len(es) && p.ctx.Err() == nil {
		p.delivered.Wait()
	}
	rs := p.results
	p.results = nil
	return rs, p.ctx.Err()
}

// take returns the results since the last call.
func (p *pool) take() []l2l.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	rs := p.results
	p.results = nil
	return rs
}

// close stops the slots. Evaluations under way are cancelled and not waited for; optimizees of idle slots are closed.
func (p *pool) close() error {
	p.cancel()
	p.mu.Lock()
	slots := slices.Clone(p.slots)
	p.mu.Unlock()
	var errs []error
	patience := time.After(time.Second) // those that do not heed their context are left behind: the process is about to end
	for _, s := range slots {
		select {
		case <-s.ended:
			errs = append(errs, s.closed)
		case <-patience:
			return errors.Join(errs...)
		}
	}
	return errors.Join(errs...)
}

// slot is a place where one evaluation runs at a time.
type slot struct {
	optimizee  optimizee.Optimizee
	space      optimizee.Space
	objectives int
	ended      chan struct{}
	closed     error // what closing the optimizee returned; after ended

	mu      sync.Mutex // the fields below are also used by the timer that gives an evaluation up
	batch   []l2l.Evaluation
	results []l2l.Result
	dead    bool // the evaluation under way was given up, and the slot has been replaced
}

func (p *pool) addSlot() error {
	o, err := p.opts.Make()
	if err != nil {
		return err
	}
	s := &slot{optimizee: o, space: o.Space(), objectives: len(o.Objectives()), ended: make(chan struct{})}
	p.mu.Lock()
	p.slots = append(p.slots, s)
	p.mu.Unlock()
	go p.serve(s)
	return nil
}

// serve is the slot's goroutine.
func (p *pool) serve(s *slot) {
	defer close(s.ended)
	defer func() {
		if c, ok := s.optimizee.(optimizee.Opener); ok {
			s.closed = c.Close()
		}
	}()
	for {
		batch, ok := p.next()
		if !ok {
			return
		}
		s.mu.Lock()
		s.batch = batch
		s.mu.Unlock()
		for len(batch) > 0 {
			e := batch[0]
			batch = batch[1:]
			s.mu.Lock()
			s.batch = batch
			s.mu.Unlock()
			r := p.evaluate(s, e)
			s.mu.Lock()
			if s.dead || p.ctx.Err() != nil {
				s.mu.Unlock()
				return
			}
			s.results = append(s.results, r)
			s.mu.Unlock()
		}
		p.deliver(s)
	}
}

// next waits for evaluations and takes some from the queue: one, or where they are short as many as fill a millisecond or so,
// while enough are left for the other slots.
func (p *pool) next() ([]l2l.Evaluation, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 && p.ctx.Err() == nil {
		p.arrived.Wait()
	}
	if p.ctx.Err() != nil {
		return nil, false
	}
	n := 1
	if p.mean > 0 {
		n = min(int(1e-3/p.mean), len(p.queue)/(2*len(p.slots)))
	}
	n = max(n, 1)
	batch := p.queue[:n:n]
	p.queue = p.queue[n:]
	return batch, true
}

// deliver hands the slot's results over.
func (p *pool) deliver(s *slot) {
	s.mu.Lock()
	rs := s.results
	s.results = nil
	s.mu.Unlock()
	if len(rs) == 0 {
		return
	}
	seconds := 0.0
	for _, r := range rs {
		seconds += r.Seconds
	}
	p.mu.Lock()
	p.results = append(p.results, rs...)
	p.mean = average(p.mean, seconds/float64(len(rs)))
	p.delivered.Broadcast()
	p.mu.Unlock()
	p.notify()
}

// average is a running average of times, which forgets slowly; never 0.
func average(mean, seconds float64) float64 {
	if mean > 0 {
		seconds = 0.8*mean + 0.2*seconds
	}
	return max(seconds, 1e-9)
}

// evaluate runs one evaluation. If it outlives the timeout and the grace period, another slot takes this one's place.
func (p *pool) evaluate(s *slot, e l2l.Evaluation) l2l.Result {
	ctx, began := p.ctx, time.Now()
	if p.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.opts.Timeout)
		defer cancel()
		timer := time.AfterFunc(p.opts.Timeout+p.grace, func() { p.giveUp(s, e) })
		defer timer.Stop()
	}
	r := run(ctx, s, e)
	if r.Outcome == l2l.Failed && errors.Is(ctx.Err(), context.DeadlineExceeded) && p.ctx.Err() == nil {
		r.Outcome, r.Reason = l2l.TimedOut, p.tooLong()
	}
	r.Seconds, r.Rank = time.Since(began).Seconds(), p.rank
	return r
}

func (p *pool) tooLong() string {
	return fmt.Sprintf("took longer than the timeout of %v", p.opts.Timeout)
}

// giveUp declares the evaluation that the slot is at timed out, returns what else the slot had to the queue, and replaces the slot.
func (p *pool) giveUp(s *slot, e l2l.Evaluation) {
	s.mu.Lock()
	if s.dead || p.ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.dead = true
	r := answer(e)
	r.Outcome, r.Reason = l2l.TimedOut, p.tooLong()+" and did not stop when asked; its goroutine is left behind"
	r.Seconds, r.Rank = (p.opts.Timeout + p.grace).Seconds(), p.rank
	s.results = append(s.results, r)
	rest := s.batch
	s.mu.Unlock()

	p.mu.Lock()
	p.slots = slices.DeleteFunc(p.slots, func(other *slot) bool { return other == s })
	p.queue = append(slices.Clone(rest), p.queue...)
	p.mu.Unlock()
	if err := p.addSlot(); err != nil {
		// Without a slot the queue would wait for ever: its evaluations fail, with the reason.
		p.mu.Lock()
		last := len(p.slots) == 0
		var orphans []l2l.Evaluation
		if last {
			orphans, p.queue = p.queue, nil
		}
		p.mu.Unlock()
		s.mu.Lock()
		for _, e := range orphans {
			r := answer(e)
			r.Outcome, r.Reason, r.Rank = l2l.Failed, "no slot is left: "+err.Error(), p.rank
			s.results = append(s.results, r)
		}
		s.mu.Unlock()
	}
	p.deliver(s)
}

// answer is an empty result of an evaluation.
func answer(e l2l.Evaluation) l2l.Result {
	return l2l.Result{Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt}
}

// run calls the optimizee. Whatever it does, short of ending the process, becomes a result.
func run(ctx context.Context, s *slot, e l2l.Evaluation) (r l2l.Result) {
	r = answer(e)
	fail := func(reason string) {
		if len(reason) > reasonLimit {
			reason = "…" + reason[len(reason)-reasonLimit:]
		}
		r.Outcome, r.Reason, r.Fitness, r.Outputs = l2l.Failed, reason, nil, nil
	}
	defer func() {
		if p := recover(); p != nil {
			fail(fmt.Sprintf("panic: %v\n%s", p, stackBelow(debug.Stack())))
		}
	}()
	params, err := s.space.Decode(e.X)
	if err != nil {
		fail(err.Error())
		return r
	}
	out, err := s.optimizee.Evaluate(ctx, optimizee.Evaluation{Params: params, Instance: e.Instance, Seed: e.Seed})
	switch {
	case err != nil:
		fail(err.Error())
	case len(out.Fitness) != s.objectives:
		fail(fmt.Sprintf("the optimizee returned %d fitness values, want %d", len(out.Fitness), s.objectives))
	case !finite(out.Fitness) || !finite(out.Outputs):
		fail(fmt.Sprintf("the fitness or an output is not a finite number: fitness %v", out.Fitness))
	default:
		r.Fitness, r.Outputs = out.Fitness, out.Outputs
	}
	return r
}

func finite(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
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
