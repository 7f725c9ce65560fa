package dispatch

import (
	"context"
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

func TestLevelsGiveEveryRankAChief(t *testing.T) {
	for ranks := range 300 {
		for levels := range 3 {
			l := NewLevels(ranks, levels)
			relays, members := 0, map[int]int{}
			own := slices.Repeat([]int{3}, ranks)
			for rank, chief := range l {
				switch {
				case rank == 0 && chief != 0:
					t.Fatalf("%d ranks: rank 0 works for rank %d", ranks, chief)
				case l.Relays(rank):
					relays++
				case rank > 0:
					members[chief]++
				}
				if chief != 0 && (!l.Relays(chief) || l[chief] != 0 || l.Relays(rank)) {
					t.Fatalf("%d ranks: rank %d works for rank %d, which is no relay, or is one itself", ranks, rank, chief)
				}
			}
			if two := levels == 2 && ranks >= 5; two != (relays > 0) || two && (relays < 2 || members[0] > 0) {
				t.Errorf("%d ranks, levels %d: %d relays, %d ranks without one", ranks, levels, relays, members[0])
			}
			if ranks < 2 {
				continue
			}
			sum := 0
			for _, n := range l.Slots(0, own) {
				sum += n
			}
			if want := 3 * (ranks - 1 - relays); sum != want {
				t.Errorf("%d ranks, levels %d: rank 0 has %d slots to give work to, want %d", ranks, levels, sum, want)
			}
		}
	}
	if l := NewLevels(manyRanks, 0); !l.Relays(1) {
		t.Errorf("%d ranks have one level", manyRanks)
	}
}

// twoLevels has main use rank 0's side of so many ranks in two levels, unhurried. Options and communicators of ranks are
// made by opts and as, which may be nil.
func twoLevels(t *testing.T, n int, policy Policy, opts func(rank int) Options, as func(rank int, comm mpi.Comm) mpi.Comm, main func(ctx context.Context, c *Coordinator)) {
	t.Helper()
	unhurried(t, func(t *testing.T) { twoLevelsNow(t, n, policy, opts, as, main) })
}

func twoLevelsNow(t *testing.T, n int, policy Policy, opts func(rank int) Options, as func(rank int, comm mpi.Comm) mpi.Comm, main func(ctx context.Context, c *Coordinator)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	levels, own := NewLevels(n, 2), slices.Repeat([]int{1}, n)
	comms := mpi.Local(n)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for rank := 1; rank < n; rank++ {
		comm := comms[rank]
		if as != nil {
			comm = as(rank, comm)
		}
		if levels.Relays(rank) {
			p := policy
			p.Slots = levels.Slots(rank, own)
			r, err := NewRelay(comm, p)
			if err != nil {
				t.Fatal(err)
			}
			r.down.pulse, r.down.farewell = 100*time.Millisecond, 500*time.Millisecond
			wg.Go(func() {
				if err := r.Serve(ctx); err != nil && ctx.Err() == nil {
					t.Errorf("relay %d: %v", rank, err)
				}
			})
			continue
		}
		wg.Go(func() {
			w, err := NewWorker(ctx, comm, levels[rank], opts(rank))
			if err == nil {
				err = w.Serve(ctx)
			}
			if err != nil && ctx.Err() == nil { // a lost relay's members wait for it until then
				t.Errorf("rank %d: %v", rank, err)
			}
		})
	}
	policy.Slots = levels.Slots(0, own)
	c, err := NewCoordinator(comms[0], policy)
	if err != nil {
		t.Fatal(err)
	}
	c.pulse, c.farewell = 200*time.Millisecond, 2*time.Second
	main(ctx, c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheTrajectoryIsTheSameInTwoLevels(t *testing.T) {
	want := ""
	world(t, 1, Pull, options(1, uneven), func(ctx context.Context, e l2l.Evaluator) { want = trajectory(t, ctx, "genetic", e) })
	for _, n := range []int{5, 6, 12} {
		for _, policy := range []Policy{{Schedule: Pull}, {Schedule: Pull, Batch: 3}, {Schedule: Pull, Copies: true}, {Schedule: Collective}, {Schedule: Auto}} {
			t.Run(fmt.Sprintf("%d ranks, %+v", n, policy), func(t *testing.T) {
				t.Parallel()
				opts := options(1, uneven)
				opts.Batch = policy.Batch
				twoLevels(t, n, policy, func(int) Options { return opts }, nil, func(ctx context.Context, c *Coordinator) {
					if got := trajectory(t, ctx, "genetic", c); got != want {
						t.Errorf("the trajectory is %s, want %s", got, want)
					}
				})
			})
		}
	}
}

// TestResultsOfARelaySayWhichRankEvaluated has every rank answer with its number.
func TestResultsOfARelaySayWhichRankEvaluated(t *testing.T) {
	const ranks = 12
	opts := func(rank int) Options {
		return options(1, func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
			time.Sleep(200 * time.Microsecond)
			o, err := sphere(ctx, e)
			o.Fitness[0] = float64(rank)
			return o, err
		})
	}
	for _, schedule := range []Schedule{Pull, Collective} {
		twoLevels(t, ranks, Policy{Schedule: schedule}, opts, nil, func(ctx context.Context, c *Coordinator) {
			seen := map[int]bool{}
			for _, r := range evaluateN(t, ctx, c, 500) {
				if seen[r.Rank] = true; r.Fitness[0] != float64(r.Rank) {
					t.Fatalf("%s: a result of rank %v is said to be of rank %d", schedule, r.Fitness[0], r.Rank)
				}
			}
			if len(seen) < ranks/2 {
				t.Errorf("%s: only the ranks %v have evaluated", schedule, seen)
			}
		})
	}
}

// TestRelayGoesOnWithoutMembersThatAreLost also has rank 0 told of them at the end, and TestCoordinatorGoesOnWithoutARelayThatIsLost loses all that a relay has.
func TestRelayGoesOnWithoutMembersThatAreLost(t *testing.T) { loseRank(t, 3, []int{3}) }

func TestCoordinatorGoesOnWithoutARelayThatIsLost(t *testing.T) { loseRank(t, 1, []int{1}) }

func loseRank(t *testing.T, lost int, want []int) {
	trajectoryWanted := ""
	world(t, 1, Pull, options(1, uneven), func(ctx context.Context, e l2l.Evaluator) { trajectoryWanted = trajectory(t, ctx, "genetic", e) })
	for _, schedule := range []Schedule{Pull, Collective, Auto} {
		t.Run(string(schedule), func(t *testing.T) {
			t.Parallel()
			var evaluated atomic.Int32
			s := &silenced{}
			opts := options(1, func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
				if evaluated.Add(1) == 20 {
					s.silent.Store(true)
				}
				return uneven(ctx, e)
			})
			as := func(rank int, comm mpi.Comm) mpi.Comm {
				if rank == lost {
					s.Comm = comm
					comm = s
				}
				return comm
			}
			var coordinator *Coordinator
			twoLevels(t, 9, Policy{Schedule: schedule}, func(int) Options { return opts }, as, func(ctx context.Context, c *Coordinator) {
				coordinator = c
				if got := trajectory(t, ctx, "genetic", c); got != trajectoryWanted {
					t.Errorf("the trajectory is %s, want %s", got, trajectoryWanted)
				}
			})
			if got := coordinator.Lost(); !slices.Equal(got, want) || coordinator.Again() == 0 {
				t.Errorf("%v are lost and %d evaluations were given to others, want %v and some", got, coordinator.Again(), want)
			}
		})
	}
}

// TestRelayAnswersAsOftenAsItIsAsked gives a relay what it has already, as rank 0 does with a copy or after it gave the relay up, and what
// rank 0 needs no more: there is an answer to each.
func TestRelayAnswersAsOftenAsItIsAsked(t *testing.T) {
	comms := mpi.Local(3)
	r, err := NewRelay(comms[1], Policy{Schedule: Pull, Slots: []int{0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	now := epoch
	l := &letters{at: func() time.Time { return now }}
	r.down.link = l
	give := func(from, tag int, es ...l2l.Evaluation) {
		t.Helper()
		b := appendTasks(nil, es)
		if tag == tagResults {
			rs := []l2l.Result{answer(es[0])}
			rs[0].Seconds = 1
			b, _ = appendResults(nil, rs)
		}
		if err := r.take(from, tag, b); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		if _, err := r.turn(); err != nil {
			t.Fatal(err)
		}
	}
	one, two := l2l.Evaluation{Individual: 1, X: []float64{1}}, l2l.Evaluation{Individual: 2, X: []float64{2}}
	give(0, tagTasks, one, two)
	give(0, tagTasks, one)
	give(0, tagDrop, two) // which waits for the slot
	give(2, tagResults, one)
	give(0, tagTasks, one) // rank 0 has lost the answer
	give(2, tagResults, one)
	want := []string{"2: 1 tasks", "0: 1 results", "0: 2 results", "2: 1 tasks", "0: 1 results"}
	if !slices.Equal(l.sent, want) {
		t.Errorf("sent %q, want %q", l.sent, want)
	}
}

// letters is a link that keeps what is sent.
type letters struct {
	at   func() time.Time
	sent []string
}

func (l *letters) now() time.Time { return l.at() }
func (l *letters) close()         {}
func (l *letters) send(rank, tag int, data []byte) error {
	n, _, err := content(tag, data)
	l.sent = append(l.sent, fmt.Sprintf("%d: %d %s", rank, n, map[int]string{tagTasks: "tasks", tagResults: "results", tagDrop: "drops"}[tag]))
	return err
}
func (l *letters) receive(context.Context, time.Time, []byte) ([]byte, mpi.Envelope, error) {
	return nil, mpi.Envelope{}, errLate
}

// TestTwoLevelsKeepMoreSlotsBusyThanOne simulates more ranks than one rank 0 can serve one by one.
func TestTwoLevelsKeepMoreSlotsBusyThanOne(t *testing.T) {
	const ranks = 1025
	busy := map[int]float64{}
	for _, levels := range []int{1, 2} {
		sim, err := Simulation{
			Policy: Policy{Schedule: Pull, Slots: slices.Repeat([]int{1}, ranks)}, Levels: NewLevels(ranks, levels),
			Seconds: func(_, _ int, call []l2l.Evaluation) float64 { return 0.005 * byChance(call[0]) },
			Cost:    Cost{Message: 5 * time.Microsecond, Evaluation: 100 * time.Nanosecond, Latency: 5 * time.Microsecond},
		}.Start()
		if err != nil {
			t.Fatal(err)
		}
		next, under := 0, 0
		for next < 20*ranks {
			for ; under < sim.Capacity(); under++ {
				if err := sim.Submit([]l2l.Evaluation{{Individual: int64(next), X: []float64{0}}}); err != nil {
					t.Fatal(err)
				}
				next++
			}
			rs, err := sim.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			under -= len(rs)
		}
		busy[levels] = sim.Busy().Seconds() / sim.Elapsed().Seconds() / (ranks - 1)
	}
	if busy[1] > 0.8 || busy[2] < 0.9 {
		t.Errorf("with one level slots are busy for %.2f of the time, with two for %.2f; want at most 0.8 and at least 0.9", busy[1], busy[2])
	}
}
