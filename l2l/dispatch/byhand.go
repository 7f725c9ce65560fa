package dispatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Slot is a slot that is used by hand, outside a run. It evaluates and judges as the slots of a run do, by the same code. Its methods are
// called from one goroutine at a time.
type Slot struct{ pool *pool }

// OpenSlot makes an optimizee and prepares it, and returns the error of either. opts.Slots is not used. When ctx ends, so does the slot.
func OpenSlot(ctx context.Context, opts Options) (*Slot, error) {
	opts.Slots = 1
	p, err := newPool(ctx, 0, opts, func() {})
	if err != nil {
		return nil, err
	}
	return &Slot{p}, nil
}

// Evaluate evaluates e. Whatever the optimizee does becomes the result. When ctx ends before, the result is a failure, and the slot can only
// be closed.
func (s *Slot) Evaluate(ctx context.Context, e l2l.Evaluation) l2l.Result {
	defer context.AfterFunc(ctx, s.pool.cancel)()
	es := []l2l.Evaluation{e}
	rs, err := s.pool.evaluateAll(es)
	if len(rs) == 0 {
		rs = s.pool.failed(es, l2l.Failed, err.Error(), 0)
	}
	return rs[0]
}

// Report has the optimizee report on e to w, if it is an optimizee.Reporter; otherwise it writes nothing. The optimizee is prepared for it, and
// its time is limited, as for an evaluation; it has no directory. What is written before an error is written to w, but for a report that does
// not heed its context: after that the slot can only be closed.
func (s *Slot) Report(ctx context.Context, e l2l.Evaluation, w io.Writer) error {
	p := s.pool
	one, err := p.one()
	if err != nil {
		return err
	}
	var text bytes.Buffer // its own, so that a report that is left behind does not write to w
	err = p.aside(ctx, one, p.opts.PrepareTimeout, func(ctx context.Context) error { return one.prepare(ctx, 0) })
	if err == nil {
		err = p.aside(ctx, one, p.opts.Timeout, func(ctx context.Context) error { return one.report(ctx, e, &text) })
	}
	if errors.Is(err, errLeftBehind) {
		p.cancel()
		return err
	}
	_, werr := text.WriteTo(w)
	return errors.Join(err, werr)
}

// Close closes the optimizee.
func (s *Slot) Close() error { return s.pool.close() }

// one is a slot of the pool.
func (p *pool) one() (*slot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.ctx.Err(); err != nil {
		return nil, err
	}
	if p.broken != nil {
		return nil, p.broken
	}
	return p.slots[0], nil
}

// aside calls f, which uses the optimizee of an idle slot, in a goroutine of its own. It leaves that behind if it outlives its context by the
// grace period. timeout ends the context; 0 means none.
func (p *pool) aside(ctx context.Context, s *slot, timeout time.Duration, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	done := make(chan error, 1)
	go func() {
		s.aside.Lock()
		defer s.aside.Unlock()
		err := errGoexit
		defer func() { done <- err }()
		err = f(ctx)
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(p.opts.Grace):
			err = errLeftBehind
		}
	}
	late := timeout > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch {
	case late && err == errLeftBehind:
		return fmt.Errorf("%s and %w", tooLong(timeout), err)
	case late && err != nil:
		return errors.New(tooLong(timeout) + beyond(err.Error()))
	}
	return err
}
