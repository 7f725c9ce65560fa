package dispatch

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// commanded is an evaluator that can be held and told its limits: Solo, or a Coordinator.
type commanded interface {
	l2l.Evaluator
	l2l.Holder
	Limit(Limits) error
}

func TestHoldLetsEndWhatHasBegunAndBeginsNothingElse(t *testing.T) {
	for _, shape := range shapes {
		var begun atomic.Int32
		evaluate := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
			begun.Add(1)
			time.Sleep(2 * time.Millisecond)
			return sphere(ctx, e)
		}
		world(t, shape.ranks, shape.schedule, options(2, evaluate), func(ctx context.Context, e l2l.Evaluator) {
			const n = 400
			es := make([]l2l.Evaluation, n)
			for i := range es {
				es[i] = l2l.Evaluation{Individual: int64(i), X: []float64{1, 2, 3}}
			}
			if err := e.Submit(es); err != nil {
				t.Fatal(err)
			}
			got := 0
			take := func(ctx context.Context) {
				rs, err := e.Next(ctx)
				if err != nil && ctx.Err() == nil {
					t.Fatal(err)
				}
				got += len(rs)
			}
			take(ctx)
			e.(commanded).Hold(true)
			for quiet := false; !quiet; { // until nothing ends any more
				before := got
				short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				take(short)
				cancel()
				quiet = got == before
			}
			if int(begun.Load()) != got {
				t.Errorf("%d ranks, %s: while it is held, %d have begun and %d ended", shape.ranks, shape.schedule, begun.Load(), got)
			}
			if got == n {
				t.Errorf("%d ranks, %s: all was evaluated while it was held", shape.ranks, shape.schedule)
			}
			e.(commanded).Hold(false)
			for got < n {
				take(ctx)
			}
		})
	}
}

func TestLimitsChangeForWhatBeginsFromThenOn(t *testing.T) {
	for _, ranks := range []int{1, 3} {
		evaluate := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
			select {
			case <-time.After(150 * time.Millisecond):
				return sphere(ctx, e)
			case <-ctx.Done():
				return optimizee.Outcome{}, ctx.Err()
			}
		}
		world(t, ranks, Pull, options(1, evaluate), func(ctx context.Context, e l2l.Evaluator) {
			for _, c := range []struct {
				limit time.Duration
				want  l2l.Ending
			}{{0, l2l.OK}, {20 * time.Millisecond, l2l.TimedOut}, {time.Minute, l2l.OK}} {
				if err := e.(commanded).Limit(Limits{Timeout: c.limit}); err != nil {
					t.Fatal(err)
				}
				for _, r := range evaluateN(t, ctx, e, ranks) {
					if r.Ending != c.want || c.want == l2l.TimedOut && !strings.Contains(r.Reason, "took longer than the timeout of 20ms") {
						t.Errorf("%d ranks, a limit of %v: %v, %q", ranks, c.limit, r.Ending, r.Reason)
					}
				}
			}
		})
	}
}
