package dispatch

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Solo is the Evaluator of a run of one rank: it evaluates in the slots of its own process. Where it can be guessed how long evaluations take, those
// that are submitted together begin with the longest.
type Solo struct {
	pool    *pool
	arrived chan struct{} // there may be results
	under   int
	taken   []l2l.Result // by the last Next

	forecast forecast
	mean     float64         // seconds per evaluation, a running average; 0 before the first
	guessed  map[key]guessed // of what is under way; empty while evaluations are short
}

// guessed is an evaluation with the logarithm of the time that it may take.
type guessed struct {
	l2l.Evaluation
	guess float64
}

// NewSolo makes the optimizees and starts the slots.
func NewSolo(ctx context.Context, opts Options) (*Solo, error) {
	s := &Solo{arrived: make(chan struct{}, 1), guessed: map[key]guessed{}}
	var err error
	s.pool, err = newPool(ctx, 0, opts, func() {
		select {
		case s.arrived <- struct{}{}:
		default:
		}
	})
	if err == nil && opts.Batch == AutoBatch {
		s.pool.mu.Lock() // slots are there
		s.pool.calls = &callTimes{}
		s.pool.mu.Unlock()
	}
	return s, err
}

// Capacity implements l2l.Evaluator.
func (s *Solo) Capacity() int {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.pool.opts.Slots * s.pool.batch
}

// Submit implements l2l.Evaluator.
func (s *Solo) Submit(es []l2l.Evaluation) error {
	s.under += len(es)
	if s.mean >= foreseeable {
		s.forecast.refit(time.Now())
		if s.forecast.predicts() && len(es) > 1 {
			es = slices.Clone(es)
			s.forecast.sort(es)
		}
		for i, e := range es {
			s.guessed[keyOf(e)] = guessed{e, s.forecast.guess(&es[i])}
		}
	}
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
	if s.taken != nil {
		s.pool.giveBack(s.taken)
		s.taken = nil
	}
	for {
		if rs := s.pool.take(); len(rs) > 0 {
			s.taken = rs
			s.under -= len(rs)
			s.learn(rs)
			return rs, nil
		}
		select {
		case <-s.arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// learn takes in how long evaluations took.
func (s *Solo) learn(rs []l2l.Result) {
	for _, r := range rs {
		s.mean = average(s.mean, r.Seconds)
		if len(s.guessed) == 0 {
			continue
		}
		k := keyOfResult(&r)
		if g, ok := s.guessed[k]; ok && r.Ending == l2l.OK && r.Seconds > 0 {
			s.forecast.learn(&g.Evaluation, g.guess, math.Log(r.Seconds))
		}
		delete(s.guessed, k)
	}
}

// Close stops the slots. What is under way is given up.
func (s *Solo) Close() error { return s.pool.close() }
