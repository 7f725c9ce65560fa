package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	// Slots is the number of evaluations, or batches of them, that run at a time; at least 1.
	Slots int
	// Batch is the number of evaluations that a slot hands over at a time if its optimizee is an optimizee.Batch; 0 means 1.
	Batch int
	// Timeout ends an evaluation, or a batch; 0 means none.
	Timeout time.Duration
	// Grace is the time, after the timeout, after which an evaluation that does not heed its context is given up; 0 means 10 s.
	Grace time.Duration
	// PrepareTimeout ends the preparation of an optimizee.Preparer; 0 means none.
	PrepareTimeout time.Duration
	// Dir is where evaluations have their directories, an absolute path; "" means that there are none.
	Dir string
	// KeepFailed is the number of directories of failed evaluations that stay there.
	KeepFailed int
}

// pool is a rank's slots: goroutines that take evaluations from a queue, each with an optimizee of its own.
type pool struct {
	opts   Options
	rank   int
	dirs   directories
	notify func() // called after results were added, from any goroutine
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

// newPool makes the optimizees, prepares them, all at the same time, and starts the slots.
func newPool(ctx context.Context, rank int, opts Options, notify func()) (*pool, error) {
	opts.Slots, opts.Batch, opts.Grace = max(opts.Slots, 1), max(opts.Batch, 1), cmp.Or(opts.Grace, 10*time.Second)
	p := &pool{opts: opts, rank: rank, dirs: directories{base: opts.Dir, keep: opts.KeepFailed}, notify: notify}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.arrived.L, p.delivered.L = &p.mu, &p.mu
	context.AfterFunc(p.ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.arrived.Broadcast()
		p.delivered.Broadcast()
	})
	ready := make(chan error, opts.Slots)
	for range opts.Slots {
		if err := p.addSlot(ready); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	for range opts.Slots {
		if err := <-ready; err != nil {
			return nil, errors.Join(err, p.close()) // the other slots probably have the same to say
		}
	}
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

// closing is the time that slots have to cancel what is under way and to close their optimizees.
const closing = 3 * time.Second

// close stops the slots. Evaluations under way are given up.
func (p *pool) close() error {
	p.cancel()
	p.mu.Lock()
	slots := slices.Clone(p.slots)
	p.mu.Unlock()
	var errs []error
	patience := time.After(closing) // slots that take longer are left behind: the process is about to end
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

// addSlot adds a slot. Where ready is not nil, the slot first prepares its optimizee, and tells ready how that went.
func (p *pool) addSlot(ready chan<- error) error {
	o, err := p.opts.Make()
	if err != nil {
		return err
	}
	s := newSlot(o, p.opts.Batch)
	p.mu.Lock()
	p.slots = append(p.slots, s)
	p.mu.Unlock()
	go p.serve(s, ready)
	return nil
}

// serve is the slot's goroutine.
func (p *pool) serve(s *slot, ready chan<- error) {
	defer close(s.ended)
	defer func() {
		if c, ok := s.optimizee.(optimizee.Opener); ok {
			s.closed = c.Close()
		}
	}()
	if ready != nil {
		err := s.prepare(p.ctx, p.opts.PrepareTimeout)
		ready <- err
		if err != nil {
			return
		}
	}
	for {
		chunk, ok := p.next()
		if !ok {
			return
		}
		for len(chunk) > 0 {
			n := min(s.batch, len(chunk))
			call := chunk[:n]
			chunk = chunk[n:]
			s.mu.Lock()
			s.waiting = chunk
			s.mu.Unlock()
			rs := p.evaluate(s, call)
			s.mu.Lock()
			if s.dead || p.ctx.Err() != nil {
				s.mu.Unlock()
				return
			}
			s.results = append(s.results, rs...)
			s.mu.Unlock()
		}
		p.deliver(s)
	}
}

// next waits for evaluations and takes some from the queue: a batch, or as many as fill a millisecond or so, while enough are left for
// the other slots.
func (p *pool) next() ([]l2l.Evaluation, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 && p.ctx.Err() == nil {
		p.arrived.Wait()
	}
	if p.ctx.Err() != nil {
		return nil, false
	}
	slots := max(len(p.slots), 1)
	n := min(p.opts.Batch, (len(p.queue)+slots-1)/slots)
	if p.mean > 0 {
		n = max(n, min(int(1e-3/p.mean), len(p.queue)/(2*slots)))
	}
	chunk := p.queue[:n:n]
	p.queue = p.queue[n:]
	return chunk, true
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

// evaluate runs the evaluations of one call, a batch or a single one. If it outlives the timeout and the grace period, another slot takes
// this one's place.
func (p *pool) evaluate(s *slot, call []l2l.Evaluation) []l2l.Result {
	if err := s.prepare(p.ctx, p.opts.PrepareTimeout); err != nil {
		return p.failed(call, l2l.Failed, err.Error(), 0)
	}
	dirs, err := p.dirs.open(s, call)
	if err != nil {
		return p.failed(call, l2l.Failed, err.Error(), 0)
	}
	ctx, began := p.ctx, time.Now()
	if p.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.opts.Timeout)
		defer cancel()
		timer := time.AfterFunc(p.opts.Timeout+p.opts.Grace, func() { p.giveUp(s, call) })
		defer timer.Stop()
	}
	rs := s.run(ctx, call, dirs)
	late := errors.Is(ctx.Err(), context.DeadlineExceeded) && p.ctx.Err() == nil
	seconds := time.Since(began).Seconds() / float64(len(call))
	for i := range rs {
		r := &rs[i]
		if late && r.Outcome == l2l.Failed {
			r.Outcome, r.Reason = l2l.TimedOut, p.tooLong()+beyond(r.Reason)
		}
		r.Seconds, r.Rank = seconds, p.rank
	}
	p.dirs.close(s, dirs, rs)
	return rs
}

// beyond is what the reason of a failure says besides that there was a timeout.
func beyond(reason string) string {
	detail := strings.TrimLeft(strings.TrimPrefix(reason, context.DeadlineExceeded.Error()), ": \n")
	if detail == "" {
		return ""
	}
	return ": " + detail
}

// failed are the results of a call of which nothing came.
func (p *pool) failed(call []l2l.Evaluation, outcome l2l.Outcome, reason string, seconds float64) []l2l.Result {
	rs := make([]l2l.Result, len(call))
	for i, e := range call {
		rs[i] = answer(e)
		fail(&rs[i], reason)
		rs[i].Outcome, rs[i].Seconds, rs[i].Rank = outcome, seconds/float64(len(call)), p.rank
	}
	return rs
}

func (p *pool) tooLong() string {
	return fmt.Sprintf("took longer than the timeout of %v", p.opts.Timeout)
}

// giveUp declares the call that the slot is at timed out, returns what else the slot had to the queue, and replaces the slot.
func (p *pool) giveUp(s *slot, call []l2l.Evaluation) {
	s.mu.Lock()
	if s.dead || p.ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.dead = true
	reason := p.tooLong() + " and did not stop when asked; its goroutine is left behind"
	s.results = append(s.results, p.failed(call, l2l.TimedOut, reason, (p.opts.Timeout+p.opts.Grace).Seconds())...)
	waiting := s.waiting
	s.mu.Unlock()

	p.mu.Lock()
	p.slots = slices.DeleteFunc(p.slots, func(other *slot) bool { return other == s })
	p.queue = append(slices.Clone(waiting), p.queue...)
	p.mu.Unlock()
	if err := p.addSlot(nil); err != nil {
		// Without a slot the queue would wait for ever: its evaluations fail, with the reason.
		p.mu.Lock()
		last := len(p.slots) == 0
		var orphans []l2l.Evaluation
		if last {
			orphans, p.queue = p.queue, nil
		}
		p.mu.Unlock()
		s.mu.Lock()
		s.results = append(s.results, p.failed(orphans, l2l.Failed, "no slot is left: "+err.Error(), 0)...)
		s.mu.Unlock()
	}
	p.deliver(s)
}
