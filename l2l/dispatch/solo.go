package dispatch

import (
	"context"
	"errors"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Solo is the Evaluator of a run of one rank: it evaluates in the slots of its own process.
type Solo struct {
	pool    *pool
	arrived chan struct{} // there may be results
	under   int
}

// NewSolo makes the optimizees and starts the slots.
func NewSolo(ctx context.Context, opts Options) (*Solo, error) {
	s := &Solo{arrived: make(chan struct{}, 1)}
	var err error
	s.pool, err = newPool(ctx, 0, opts, func() {
		select {
		case s.arrived <- struct{}{}:
		default:
		}
	})
	return s, err
}

// Capacity implements l2l.Evaluator.
func (s *Solo) Capacity() int { return s.pool.opts.Slots * s.pool.opts.Batch }

// Submit implements l2l.Evaluator.
func (s *Solo) Submit(es []l2l.Evaluation) error {
	s.under += len(es)
	s.pool.submit(es)
	return nil
}

// Hold implements l2l.Holder: slots go on with what they have taken from the queue.
func (s *Solo) Hold(held bool) { s.pool.hold(held) }

// Limit changes the time limits of evaluations that begin from now on.
func (s *Solo) Limit(l Limits) error {
	s.pool.limit(l)
	return nil
}

// Next implements l2l.Evaluator.
func (s *Solo) Next(ctx context.Context) ([]l2l.Result, error) {
	if s.under == 0 {
		return nil, errors.New("dispatch: Next without an evaluation to wait for")
	}
	for {
		if rs := s.pool.take(); len(rs) > 0 {
			s.under -= len(rs)
			return rs, nil
		}
		select {
		case <-s.arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close stops the slots. What is under way is given up.
func (s *Solo) Close() error { return s.pool.close() }
