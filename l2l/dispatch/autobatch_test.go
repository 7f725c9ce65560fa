package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// costly is a model whose calls take a time of their own, and more for each evaluation.
type costly struct {
	model
	own, each time.Duration
	sizes     func(n int)
}

func (m *costly) EvaluateBatch(ctx context.Context, es []optimizee.Evaluation) ([]optimizee.Outcome, []error) {
	m.sizes(len(es))
	time.Sleep(m.own + time.Duration(len(es))*m.each)
	outs, errs := make([]optimizee.Outcome, len(es)), make([]error, len(es))
	for i, e := range es {
		outs[i], errs[i] = sphere(ctx, e)
	}
	return outs, errs
}

func TestMeasuredCallsAreAsLargeAsTheirOwnTimeAsksFor(t *testing.T) {
	const rounds = 10
	for _, c := range []struct {
		name         string
		own, each    time.Duration
		ranks, slots int
		sizes        string // of the last round
	}{
		{"as long for 1 as for 64", 200 * time.Millisecond, 0, 1, 1, "64"},
		{"as long for 1 as for 64", 200 * time.Millisecond, 0, 1, 2, "32 32"},
		{"as long for 1 as for 64", 200 * time.Millisecond, 0, 3, 1, "32 32"},
		{"as long for 1 as for 64", 200 * time.Millisecond, 0, 3, 2, "16 16 16 16"},
		{"as long as its evaluations", 0, 100 * time.Millisecond, 3, 1, "1"},
		{"as long as its evaluations", 0, 100 * time.Millisecond, 1, 2, "1"},
		{"half of one more", 50 * time.Millisecond, 100 * time.Millisecond, 3, 1, "8 8 8 8 8 8 8 8"}, // 9.5, of which 32 has four times 8
		{"half of one more", 50 * time.Millisecond, 100 * time.Millisecond, 1, 2, "8 8 8 8 8 8 8 8"},
	} {
		t.Run(fmt.Sprintf("%s, %d ranks of %d slots", c.name, c.ranks, c.slots), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var sizes []int
				opts := Options{Batch: AutoBatch, Make: func() (optimizee.Optimizee, error) {
					return &costly{own: c.own, each: c.each, sizes: func(n int) {
						mu.Lock()
						defer mu.Unlock()
						sizes = append(sizes, n)
					}}, nil
				}}
				alike(t, c.ranks, c.slots, Pull, opts, func(ctx context.Context, e l2l.Evaluator) {
					began := time.Now()
					for range rounds {
						sizes = nil
						evaluateN(t, ctx, e, 64)
					}
					slices.Sort(sizes)
					if c.sizes == "1" {
						sizes = slices.Compact(sizes)
					}
					if got := fmt.Sprint(sizes); got != "["+c.sizes+"]" {
						t.Errorf("calls of %s, want %s", got, c.sizes)
					}
					slots := time.Duration(c.slots * max(c.ranks-1, 1))
					took, best := time.Since(began), rounds*(c.own+64/slots*c.each) // one call for each slot
					if took > best*11/10+c.own {
						t.Errorf("%d generations took %v, want at most %v and a tenth", rounds, took, best)
					}
				})
			})
		})
	}
}

func TestCallTimesAreKnownForTheLastSizesOnly(t *testing.T) {
	var c callTimes
	if n := c.size(7); n != 7 {
		t.Errorf("the first call has %d evaluations of a share of 7", n)
	}
	for size := 1; size <= 3*mostSizes; size++ {
		c.took(size, 1+float64(size))
	}
	if own, each := c.fit(); len(c.seen) != mostSizes || own < 0.999 || own > 1.001 || each < 0.999 || each > 1.001 {
		t.Errorf("%d sizes, of which calls take %v and %v for each", len(c.seen), own, each)
	}
	if n := c.size(100); n != 17 { // 19 would be enough: six calls of at most 17 are as many as six of 19
		t.Errorf("calls of %d", n)
	}
}
