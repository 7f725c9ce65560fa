package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// uneven evaluations take up to two milliseconds, and some fail.
func uneven(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	if e.Seed%10 == 0 {
		time.Sleep(time.Duration(e.Seed % 2000 * uint64(time.Microsecond)))
	}
	if e.Seed%13 == 0 {
		return optimizee.Outcome{}, errors.New("unlucky seed")
	}
	return sphere(ctx, e)
}

// trajectory is the hash of a generational search by e.
func trajectory(t *testing.T, ctx context.Context, algorithm string, e l2l.Evaluator) string {
	t.Helper()
	loop := l2l.Loop{
		Search:    search(t, algorithm, l2l.Rules{Seed: 5, Sampling: l2l.Sampling{Instances: 2}, OnFailure: l2l.OnFailure{Retries: 1}}),
		Evaluator: e, Stop: l2l.Stop{Generations: 15},
	}
	s, err := loop.Run(ctx)
	if err != nil {
		t.Error(err)
	}
	return s.TrajectoryHash
}

// TestTheTrajectoryIsTheSameWithoutTheRanksThatAreLost takes ranks from a run in the middle of their evaluations: stopped, as by SIGSTOP; stopped
// for a while, so that their results come when others have evaluated the same; and killed.
func TestTheTrajectoryIsTheSameWithoutTheRanksThatAreLost(t *testing.T) {
	want := ""
	world(t, 1, Pull, options(1, uneven), func(ctx context.Context, e l2l.Evaluator) { want = trajectory(t, ctx, "genetic", e) })
	for _, schedule := range []Schedule{Pull, Collective, Auto} {
		for _, lost := range [][]int{{2}, {1, 3}} {
			for _, how := range []string{"stopped", "stopped for a while", "killed"} {
				t.Run(fmt.Sprintf("%s, %v %s", schedule, lost, how), func(t *testing.T) {
					t.Parallel()
					unhurried(t, func(t *testing.T) { withoutRanks(t, schedule, lost, how, want) })
				})
			}
		}
	}
}

func withoutRanks(t *testing.T, schedule Schedule, lost []int, how, want string) {
	const n = 4
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	comms := mpi.Local(n)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var workers []func()
	var silent []*silenced // the ranks that are lost
	var held sync.Map      // seeds of the evaluations that they began before they were, and whose results did not come
	for r := 1; r < n; r++ {
		comm, own := comms[r], ctx
		evaluate := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
			if _, again := held.Load(e.Seed); again && how == "stopped for a while" {
				for _, s := range silent {
					s.silent.Store(false)
					s.Wake()
				}
				time.Sleep(5 * time.Millisecond) // in which the late result comes
			}
			return uneven(ctx, e)
		}
		if slices.Contains(lost, r) {
			s := &silenced{Comm: comm}
			mine, kill := context.WithCancel(ctx)
			defer kill()
			var count atomic.Int32
			silent = append(silent, s)
			comm, own = s, mine
			evaluate = func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
				if count.Add(1) == 5 {
					s.silent.Store(true)
					held.Store(e.Seed, true)
					if how == "killed" {
						kill()
					}
				}
				return uneven(ctx, e)
			}
		}
		workers = append(workers, func() {
			w, err := NewWorker(own, comm, 0, options(1, evaluate))
			if err == nil {
				err = w.Serve(own)
			}
			if err != nil && !slices.Contains(lost, r) {
				t.Errorf("rank %d: %v", r, err)
			}
		})
	}
	for _, work := range workers {
		wg.Go(work)
	}
	c, err := NewCoordinator(comms[0], Policy{Schedule: schedule, Slots: slices.Repeat([]int{1}, n)})
	if err != nil {
		t.Fatal(err)
	}
	c.pulse, c.farewell = 100*time.Millisecond, 500*time.Millisecond
	if got := trajectory(t, ctx, "genetic", c); got != want {
		t.Errorf("the trajectory is %s, want %s", got, want)
	}
	if c.Again() == 0 || how != "stopped for a while" && fmt.Sprint(c.Lost()) != fmt.Sprint(lost) || how == "stopped for a while" && len(c.Lost()) > 0 {
		t.Errorf("%d evaluations were given to another rank, lost are %v", c.Again(), c.Lost())
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
