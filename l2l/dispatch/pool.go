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
	// Batch is the number of evaluations that a slot hands over at a time if its optimizee is an optimizee.Batch; 0 means 1. With AutoBatch it is
	// what rank 0 says, or, on a rank alone, what follows from the times of calls.
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
	// Transcript, if it is not nil, makes what takes in what the programs of a slot print; it is called at most once for each slot.
	Transcript func(slot int) Transcript
	// Place, if it is not nil, is where a slot is.
	Place func(slot int) optimizee.Place
	// KeepAll has the directories of evaluations that succeed stay, too.
	KeepAll bool

	mail *mail // of the team that the rank is in; nil for none
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
	batch     int        // evaluations of a full call
	calls     *callTimes // from which batch follows; nil where it is given, or told
	share     int        // of a slot in the queue when something was added last
	held      bool       // nothing is taken from the queue
	limits    Limits     // of what begins from now on
	results   []l2l.Result
	spare     []l2l.Result // memory for results, or nil
	mean      float64      // seconds per evaluation, a running average; 0 before the first
	slots     []*slot      // without those that were given up
	idle      int          // of the slots: those that have nothing to evaluate

	transcripts []Transcript // by the index of the slot
	broken      error        // why no slot is left; nil while there is one
}

// newPool makes the optimizees, prepares them, all at the same time, and starts the slots.
func newPool(ctx context.Context, rank int, opts Options, notify func()) (*pool, error) {
	opts.Slots, opts.Batch, opts.Grace = max(opts.Slots, 1), cmp.Or(opts.Batch, 1), cmp.Or(opts.Grace, 10*time.Second)
	p := &pool{opts: opts, batch: max(opts.Batch, 1), rank: rank, dirs: newDirectories(opts.Dir, opts.KeepFailed, opts.KeepAll), notify: notify,
		transcripts: make([]Transcript, opts.Slots), limits: Limits{opts.Timeout, opts.PrepareTimeout}}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.dirs.borrowed = opts.mail != nil && opts.mail.rank > 0
	p.arrived.L, p.delivered.L = &p.mu, &p.mu
	context.AfterFunc(p.ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.arrived.Broadcast()
		p.delivered.Broadcast()
	})
	ready := make(chan error, opts.Slots)
	for i := range opts.Slots {
		s, err := p.addSlot(i)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		go func() {
			err := errGoexit
			defer func() {
				ready <- err
				go p.serve(s)
			}()
			err = s.prepare(p.ctx, opts.PrepareTimeout)
		}()
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
	if p.broken != nil {
		p.refuse(es)
		return
	}
	p.queue = append(p.queue, es...)
	p.share = up(len(p.queue), max(len(p.slots), 1))
	p.settle()
	if len(es) == 1 {
		p.arrived.Signal()
	} else {
		p.arrived.Broadcast()
	}
}

// hold has the slots take nothing from the queue, until they are no longer held.
func (p *pool) hold(held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = held
	p.arrived.Broadcast()
}

// together changes the number of evaluations of a full call, of calls that begin from now on.
func (p *pool) together(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batch = max(n, 1)
}

// settle has that number follow from how long calls take, if it does. p.mu is held.
func (p *pool) settle() {
	if p.calls != nil {
		p.batch = p.calls.size(p.share)
	}
}

// limit changes the time limits of what begins from now on.
func (p *pool) limit(l Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limits = l
}

// limitsNow are the time limits of what begins now.
func (p *pool) limitsNow() Limits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limits
}

// refuse has evaluations fail for want of a slot. p.mu is held.
func (p *pool) refuse(es []l2l.Evaluation) {
	p.results = append(p.results, p.failed(es, l2l.Failed, "no slot is left: "+p.broken.Error(), 0)...)
	p.delivered.Broadcast()
	p.notify()
}

// drop has evaluations end that nobody waits for any more: those that have not begun, and those under way whose end costs less than they do. Their
// results say that they failed.
func (p *pool) drop(es []l2l.Evaluation) {
	unwanted := map[key]bool{}
	for _, e := range es {
		unwanted[keyOf(e)] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var dropped []l2l.Evaluation
	p.queue, dropped = without(p.queue, unwanted)
	for _, s := range p.slots {
		dropped = append(dropped, s.drop(unwanted)...)
	}
	if len(dropped) > 0 {
		p.results = append(p.results, p.failed(dropped, l2l.Failed, notNeeded, 0)...)
		p.delivered.Broadcast()
		p.notify()
	}
}

// notNeeded is the reason of what was dropped.
const notNeeded = "another slot was faster"

// without are the evaluations that are wanted, and those that are not.
func without(es []l2l.Evaluation, unwanted map[key]bool) (kept, dropped []l2l.Evaluation) {
	for _, e := range es {
		if unwanted[keyOf(e)] {
			dropped = append(dropped, e)
		} else {
			kept = append(kept, e)
		}
	}
	if len(dropped) == 0 {
		return es, nil
	}
	return kept, dropped
}

// evaluateAll evaluates es and waits for all of them. Nothing else may be under way.
func (p *pool) evaluateAll(es []l2l.Evaluation) ([]l2l.Result, error) {
	p.submit(es)
	p.await(len(es), 0)
	return p.take(), p.ctx.Err()
}

// await waits until there are n results, until patience is over (0: there is no end to it), or until the pool is closed.
func (p *pool) await(n int, patience time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	over := false
	if patience > 0 {
		timer := time.AfterFunc(patience, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			over = true
			p.delivered.Broadcast()
		})
		defer timer.Stop()
	}
	for len(p.results) < n && p.ctx.Err() == nil && !over {
		p.delivered.Wait()
	}
}

// quick reports whether evaluations have taken so little that it is quicker to wait for one than to look for messages meanwhile, for which the rank's
// thread would take turns on a core with the slot's.
func (p *pool) quick() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mean > 0 && p.mean < 50e-6
}

// take returns the results since the last call. They may be given back.
func (p *pool) take() []l2l.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	rs := p.results
	p.results, p.spare = p.spare, nil
	return rs
}

// giveBack takes the memory of results back.
func (p *pool) giveBack(rs []l2l.Result) {
	clear(rs)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spare = rs[:0]
}

// closing is the time that slots have to cancel what is under way and to close their optimizees.
const closing = 3 * time.Second

// close stops the slots. Evaluations under way are given up.
func (p *pool) close() (err error) {
	p.cancel()
	p.mu.Lock()
	slots := slices.Clone(p.slots)
	p.mu.Unlock()
	var errs []error
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, t := range p.transcripts {
			if t != nil {
				err = errors.Join(err, t.Close())
			}
		}
	}()
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

// addSlot makes a slot, which is then to be served.
func (p *pool) addSlot(index int) (*slot, error) {
	var s *slot
	err := protect(func() error {
		o, err := p.opts.Make()
		if err == nil {
			s = newSlot(o, p.opts.Batch != 1)
			s.index, s.transcript, s.mail = index, p.transcript(index, o), p.opts.mail
			if placed, ok := o.(optimizee.Placed); ok && p.opts.Place != nil {
				placed.Place(p.opts.Place(index))
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots, p.broken = append(p.slots, s), nil
	p.idle++
	return s, nil
}

// serve is the slot's goroutine. An optimizee may end it by runtime.Goexit, as FailNow of package testing does: then another one goes on.
func (p *pool) serve(s *slot) {
	over := false
	defer func() {
		if over {
			s.close()
		} else {
			go p.serve(s)
		}
	}()
	for p.step(s) {
	}
	over = true
}

// step evaluates what the slot has to evaluate next, a batch or a single evaluation; or, where it has nothing left, hands its results over
// and waits for more. It reports false when the slot was given up or the pool is closed.
func (p *pool) step(s *slot) bool {
	call, number, ok := s.begin()
	switch {
	case !ok || p.ctx.Err() != nil:
		return false
	case len(call) > 0:
		p.evaluate(s, call, number)
	default:
		p.deliver(s)
		s.wait(p.next(s))
	}
	return true
}

// next waits for evaluations and takes the slot's share from the queue. There are none if the pool is closed.
func (p *pool) next(s *slot) []l2l.Evaluation {
	p.mu.Lock()
	defer p.mu.Unlock()
	for (len(p.queue) == 0 || p.held) && p.ctx.Err() == nil {
		p.arrived.Wait()
	}
	if p.ctx.Err() != nil {
		return nil
	}
	n := share(len(p.queue), p.batch, p.idle, len(p.slots), p.mean)
	p.idle--
	s.working = true
	chunk := p.queue[:n:n]
	p.queue = p.queue[n:]
	if s.together {
		s.full(p.batch)
	}
	return chunk
}

// share is how many of the evaluations in a queue a slot takes: a batch, while there are enough for all slots that are idle, or as many batches as
// fill a millisecond or so; otherwise an even share among the idle ones, of which it is one. mean is the time of an evaluation, in seconds.
func share(queued, batch, idle, slots int, mean float64) int {
	n := min(batch, up(queued, idle))
	if mean > 0 {
		n = max(n, min(int(1e-3/mean), queued/(2*slots))/batch*batch)
	}
	return n
}

// deliver hands the slot's results over. There are none of a slot whose evaluations were all dropped before they began.
func (p *pool) deliver(s *slot) {
	rs := s.take()
	seconds := 0.0
	for _, r := range rs {
		seconds += r.Seconds
	}
	p.mu.Lock()
	if s.working {
		s.working = false
		p.idle++
	}
	if len(rs) == 0 {
		p.mu.Unlock()
		return
	}
	p.results = append(p.results, rs...)
	p.mean = average(p.mean, seconds/float64(len(rs)))
	p.delivered.Broadcast()
	p.mu.Unlock()
	s.giveBack(rs)
	p.notify()
}

// average is a running average of times, which forgets slowly; never 0.
func average(mean, seconds float64) float64 {
	if mean > 0 {
		seconds = 0.8*mean + 0.2*seconds
	}
	return max(seconds, 1e-9)
}

// evaluate runs the evaluations of one call of the slot, which end as its results whatever the optimizee does. If they outlive the timeout
// and the grace period, another slot takes this one's place.
func (p *pool) evaluate(s *slot, call []l2l.Evaluation, number int) {
	s.rs = s.rs[:0]
	for _, e := range call {
		s.rs = append(s.rs, answer(e))
	}
	rs := s.rs
	var (
		dirs   []string
		ctx    = p.ctx
		limits = p.limitsNow()
		began  time.Time
		err    = errGoexit
	)
	defer func() { // also when the optimizee ends the goroutine
		if err != nil {
			failAll(rs, err.Error())
		}
		seconds := 0.0
		if !began.IsZero() {
			seconds = time.Since(began).Seconds() / float64(len(call))
		}
		late := errors.Is(ctx.Err(), context.DeadlineExceeded) && p.ctx.Err() == nil
		dropped := s.end(time.Duration(seconds * float64(len(call)) * float64(time.Second)))
		p.measure(len(call), seconds*float64(len(call)))
		for i := range rs {
			r := &rs[i]
			if dropped && r.Ending == l2l.Failed {
				r.Reason = notNeeded
			}
			if late && r.Ending == l2l.Failed {
				r.Ending, r.Reason = l2l.TimedOut, tooLong(limits.Timeout)+beyond(r.Reason)
			}
			r.Seconds, r.Rank, r.Slot = seconds, p.rank, s.index
		}
		if p.ctx.Err() == nil && !dropped {
			p.dirs.close(s, dirs, rs)
		} else {
			p.dirs.discard(dirs)
		}
		s.finish(rs)
	}()
	err = func() (err error) {
		if s.transcript != nil {
			s.transcript.Begin(call)
		}
		if err := s.prepare(p.ctx, limits.PrepareTimeout); err != nil {
			return err
		}
		if dirs, err = p.dirs.open(s, call); err != nil {
			return err
		}
		began = time.Now()
		if s.long() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			defer cancel()
			s.droppable(call, cancel)
		}
		if limits.Timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limits.Timeout)
			defer cancel()
			timer := time.AfterFunc(limits.Timeout+p.opts.Grace, func() { p.giveUp(s, call, number, limits.Timeout) })
			defer timer.Stop()
		}
		return s.run(ctx, call, dirs, rs)
	}()
}

// measure takes in how long a call took, if that is of interest.
func (p *pool) measure(size int, seconds float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls != nil && seconds > 0 {
		p.calls.took(size, seconds)
		p.settle()
	}
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
func (p *pool) failed(call []l2l.Evaluation, outcome l2l.Ending, reason string, seconds float64) []l2l.Result {
	rs := make([]l2l.Result, len(call))
	for i, e := range call {
		rs[i] = answer(e)
		fail(&rs[i], reason)
		rs[i].Ending, rs[i].Seconds, rs[i].Rank = outcome, seconds/float64(len(call)), p.rank
	}
	return rs
}

// tooLong is the reason of what was ended by its timeout.
func tooLong(timeout time.Duration) string {
	return fmt.Sprintf("took longer than the timeout of %v", timeout)
}

// errLeftBehind is about a goroutine that nothing can end.
var errLeftBehind = errors.New("did not stop when asked; its goroutine is left behind")

// giveUp declares the call of that number timed out, returns what else the slot had to the queue, and replaces the slot; unless the call
// has ended in the meantime.
func (p *pool) giveUp(s *slot, call []l2l.Evaluation, number int, timeout time.Duration) {
	s.mu.Lock()
	if s.dead || s.calls != number || p.ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.dead = true
	reason := fmt.Sprintf("%s and %v", tooLong(timeout), errLeftBehind)
	failed := p.failed(call, l2l.TimedOut, reason, (timeout + p.opts.Grace).Seconds())
	for i := range failed {
		failed[i].Slot = s.index
	}
	s.results = append(s.results, failed...)
	waiting := s.waiting
	s.mu.Unlock()

	p.mu.Lock()
	p.slots = slices.DeleteFunc(p.slots, func(other *slot) bool { return other == s })
	p.queue = append(slices.Clone(waiting), p.queue...)
	p.arrived.Broadcast() // other slots may be idle
	s.working = false     // it is none of the slots any more
	p.mu.Unlock()
	other, err := p.addSlot(s.index)
	if err == nil {
		go p.serve(other)
	} else {
		p.mu.Lock()
		if len(p.slots) == 0 { // the queue would wait for ever
			p.broken = err
			p.refuse(p.queue)
			p.queue = nil
		}
		p.mu.Unlock()
	}
	p.deliver(s)
}
