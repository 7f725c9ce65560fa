package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// sharing is a model whose evaluations can be shared.
type sharing struct{ model }

func (*sharing) Share(int) error { return nil }

func shared(evaluate func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error)) Options {
	return Options{Make: func() (optimizee.Optimizee, error) { return &sharing{model{evaluate: evaluate}}, nil }}
}

// parts is the sum of 12 terms, which the team computes in parts and rank 0 adds up in their order: so it is the same for every size of the team. Some
// evaluations fail on one rank, and all ranks take their time.
func parts(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	const n = 12
	rank, size := e.Team.Rank(), e.Team.Size()
	if e.Seed%13 == 0 && rank == int(e.Seed%uint64(size)) {
		return optimizee.Outcome{}, errors.New("unlucky seed")
	}
	time.Sleep(time.Duration((e.Seed+uint64(rank))%7) * 50 * time.Microsecond)
	terms := make([]float64, n)
	for i := rank * n / size; i < (rank+1)*n/size; i++ {
		terms[i] = math.Pow(e.X[i%3]-1, 2) * (1 + 1e-3*float64(i))
	}
	if err := e.Team.Allreduce(terms); err != nil { // each is added to zeros
		return optimizee.Outcome{}, err
	}
	sum := float64(e.Seed%97) * 1e-9
	for _, t := range terms {
		sum += t
	}
	return optimizee.Outcome{Fitness: []float64{sum}}, e.Team.Barrier()
}

// teamed runs main on rank 0 of n goroutine ranks, the others serving in teams of k. change may change what a rank has.
func teamed(t *testing.T, n, k int, schedule Schedule, opts Options, change func(rank int, comm mpi.Comm) mpi.Comm, main func(ctx context.Context, c *Coordinator)) {
	t.Helper()
	if change == nil {
		teamedNow(t, n, k, schedule, opts, change, main)
		return
	}
	unhurried(t, func(t *testing.T) { teamedNow(t, n, k, schedule, opts, change, main) }) // pulses are short then
}

func teamedNow(t *testing.T, n, k int, schedule Schedule, opts Options, change func(rank int, comm mpi.Comm) mpi.Comm, main func(ctx context.Context, c *Coordinator)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	comms := mpi.Local(n)
	teams := NewTeams(make([]string, n), k)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for rank := 1; rank < n; rank++ {
		comm, disturbed := comms[rank], false
		if change != nil {
			comm = change(rank, comm)
			disturbed = comm != comms[rank]
		}
		team := teams.Of(rank)
		if team == nil {
			continue
		}
		wg.Go(func() {
			w, err := NewTeammate(ctx, comm, team, opts)
			if err == nil {
				err = w.Serve(ctx)
			}
			if err != nil && !disturbed && change == nil {
				t.Errorf("rank %d: %v", rank, err)
			}
		})
	}
	c, err := NewCoordinator(comms[0], Policy{Schedule: schedule, Slots: teams.Slots(n)})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		c.pulse, c.farewell = 100*time.Millisecond, 500*time.Millisecond
	}
	main(ctx, c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if change == nil { // otherwise the context ends those that wait for ever
		wg.Wait()
	}
}

func TestTeamsAreFilledHostByHost(t *testing.T) {
	for _, c := range []struct {
		hosts string // a letter for each rank
		size  int
		want  string
		idle  string
	}{
		{"aaaaa", 2, "[[1 2] [3 4]]", "[]"},
		{"aaaaaa", 2, "[[1 2] [3 4]]", "[5]"},
		{"aaaabbbbccccdddd", 2, "[[1 2] [4 5] [6 7] [8 9] [10 11] [12 13] [14 15]]", "[3]"},
		{"aaaabbbbcccc", 4, "[[4 5 6 7] [8 9 10 11]]", "[1 2 3]"},
		{"aaabbbccc", 2, "[[1 2] [3 4] [5 8] [6 7]]", "[]"}, // 5 and 8 are left over on their hosts
		{"abcabcabc", 2, "[[1 4] [2 5] [3 6] [7 8]]", "[]"}, // ranks that go round the hosts
		{"abcd", 3, "[[1 2 3]]", "[]"},
		{"aaa", 3, "[]", "[1 2]"},
		{"a", 2, "[]", "[]"},
	} {
		n := len(c.hosts)
		teams := NewTeams(strings.Split(c.hosts, ""), c.size)
		if got, idle := fmt.Sprint(teams), fmt.Sprint(teams.Idle(n)); got != c.want || idle != c.idle {
			t.Errorf("%s in teams of %d: %s, %s idle; want %s, %s", c.hosts, c.size, got, idle, c.want, c.idle)
		}
		if len(teams) != (n-1)/c.size {
			t.Errorf("%s: %d teams, want as many as the ranks allow", c.hosts, len(teams))
		}
		slots := teams.Slots(n)
		for _, team := range teams {
			for i, rank := range team {
				if fmt.Sprint(teams.Of(rank)) != fmt.Sprint(team) || (slots[rank] == 1) != (i == 0) {
					t.Errorf("%s: rank %d is in team %v and has %d slots", c.hosts, rank, teams.Of(rank), slots[rank])
				}
			}
		}
		if teams.Of(0) != nil || slots[0] != 0 {
			t.Errorf("%s: rank 0 is in a team", c.hosts)
		}
	}
}

func TestTheTrajectoryIsTheSameForTeamsOfAnySize(t *testing.T) {
	want := ""
	world(t, 1, Pull, shared(parts), func(ctx context.Context, e l2l.Evaluator) { want = trajectory(t, ctx, "cmaes", e) })
	for _, c := range []struct {
		ranks, size int
		schedule    Schedule
	}{{3, 2, Auto}, {5, 2, Pull}, {5, 4, Auto}, {8, 3, Collective}, {9, 4, Pull}, {9, 2, Auto}} {
		teamed(t, c.ranks, c.size, c.schedule, shared(parts), nil, func(ctx context.Context, e *Coordinator) {
			if got := trajectory(t, ctx, "cmaes", e); got != want {
				t.Errorf("%d ranks in teams of %d, %s: the trajectory differs", c.ranks, c.size, c.schedule)
			}
		})
	}
}

func TestTeamCarriesDataBetweenItsRanks(t *testing.T) {
	const size = 4
	evaluate := func(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		team := e.Team
		me := team.Rank()
		next, prev := (me+1)%size, (me+size-1)%size
		var errs []error
		do := func(err error) { errs = append(errs, err) }
		want := func(what string, got []float64, want ...float64) {
			if fmt.Sprint(got) != fmt.Sprint(want) {
				do(fmt.Errorf("%s on rank %d: %v, want %v", what, me, got, want))
			}
		}
		data := []float64{float64(me), math.Inf(1), 1e-300}
		do(team.Send(next, data))
		data[0] = -1 // it was copied
		do(team.Send(next, []float64{float64(100 + me)}))
		do(team.Send(me, nil))
		do(team.Barrier()) // which does not take what was sent apart
		three, one := make([]float64, 3), make([]float64, 1)
		do(team.Recv(prev, three))
		do(team.Recv(prev, one))
		do(team.Recv(me, nil))
		want("Recv", append(three, one...), float64(prev), math.Inf(1), 1e-300, float64(100+prev))
		for root := range size {
			x := []float64{float64(me * 10), float64(root)}
			do(team.Bcast(root, x))
			want("Bcast", x, float64(root*10), float64(root))
		}
		tenth := []float64{0.1 * float64(me+1), 1}
		do(team.Allreduce(tenth))
		want("Allreduce", tenth, ((0.1*1+0.1*2)+0.1*3)+0.1*4, size)
		large := make([]float64, 1<<16)
		do(team.Send(next, large))
		do(team.Recv(prev, large))
		for what, err := range map[string]error{
			"to = 4": team.Send(size, nil), "from = -1": team.Recv(-1, nil), "root = 4": team.Bcast(size, nil),
		} {
			if err == nil || !strings.Contains(err.Error(), what) {
				do(fmt.Errorf("%v, want an error about %s", err, what))
			}
		}
		do(team.Send(next, one))
		if err := team.Recv(prev, three); err == nil || !strings.Contains(err.Error(), "has sent 1 numbers, want 3") {
			do(fmt.Errorf("a message of another length: %v", err))
		}
		if team.Size() != size {
			do(fmt.Errorf("size = %d", team.Size()))
		}
		return optimizee.Outcome{Fitness: []float64{float64(me)}}, errors.Join(errs...)
	}
	teamed(t, size+1, size, Pull, shared(evaluate), nil, func(ctx context.Context, e *Coordinator) {
		for _, r := range evaluateN(t, ctx, e, 20) {
			if r.Ending != l2l.OK || r.Fitness[0] != 0 || r.Rank != 1 { // the leader's
				t.Fatalf("%+v", r)
			}
		}
	})
}

// A rank that fails has the others' calls fail as well, whatever they wait for, and the next evaluation finds nothing of this one.
func TestTeamGoesOnAfterOneOfItsRanksHasFailed(t *testing.T) {
	var ended atomic.Int32
	evaluate := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		me := e.Team.Rank()
		x := []float64{float64(e.Seed)}
		if e.Seed%2 == 1 {
			if me == int(e.Seed/2%3) {
				switch {
				case e.Seed/6%3 == 0:
					panic("boom")
				case e.Seed/6%3 == 1 && me > 0:
					return optimizee.Outcome{Fitness: []float64{math.NaN()}}, nil
				}
				return optimizee.Outcome{}, errors.New("boom")
			}
			for to := range 3 { // which nobody receives
				if err := e.Team.Send(to, x); err != nil {
					break
				}
			}
			defer ended.Add(1)
			if me == int((e.Seed/2+1)%3) {
				<-ctx.Done()
				return optimizee.Outcome{}, context.Cause(ctx)
			}
			return optimizee.Outcome{}, e.Team.Barrier()
		}
		for to := range 3 {
			if err := e.Team.Send(to, x); err != nil {
				return optimizee.Outcome{}, err
			}
		}
		for from := range 3 {
			got := []float64{-1}
			if err := e.Team.Recv(from, got); err != nil || got[0] != float64(e.Seed) {
				return optimizee.Outcome{}, fmt.Errorf("rank %d has sent %v, %v", from, got, err)
			}
		}
		return optimizee.Outcome{Fitness: x}, nil
	}
	const n = 36
	teamed(t, 4, 3, Pull, shared(evaluate), nil, func(ctx context.Context, e *Coordinator) {
		for i, r := range evaluateN(t, ctx, e, n) {
			if i%2 == 0 {
				if r.Ending != l2l.OK || r.Fitness[0] != float64(i) {
					t.Errorf("individual %d: %+v", i, r)
				}
				continue
			}
			rank := i / 2 % 3
			whose := fmt.Sprintf("rank %d of the team, which is rank %d: ", rank, rank+1)
			if rank == 0 {
				whose = ""
			}
			what := "boom"
			if i/6%3 == 1 && rank > 0 {
				what = "not a finite number"
			}
			if r.Ending != l2l.Failed || !strings.HasPrefix(r.Reason, whose) || !strings.Contains(r.Reason, what) || r.Fitness != nil {
				t.Errorf("individual %d: %+v, want that %q fails with %q", i, r, whose, what)
			}
		}
	})
	// Two others of each that has failed; but a leader that fails at once has not called them.
	if got := ended.Load(); got < 2*n/3 || got > n || got%2 == 1 {
		t.Errorf("%d ranks came back from their calls, want %d to %d", got, 2*n/3, n)
	}
}

// A rank that hangs, heeding nothing, has the evaluation time out, and what it says later, from its goroutine, reaches nobody.
func TestTeamTimesOutWithARankThatHangsAndGoesOn(t *testing.T) {
	for hanging := range 3 {
		late := make(chan error, 1)
		release := make(chan struct{})
		evaluate := func(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
			me := e.Team.Rank()
			if e.Seed == 1 && me == hanging {
				<-release
				late <- e.Team.Send((me+1)%3, []float64{-1})
				return optimizee.Outcome{}, nil
			}
			x := []float64{float64(e.Seed)}
			err := e.Team.Send((me+1)%3, x)
			if err == nil {
				err = e.Team.Recv((me+2)%3, x)
			}
			if err == nil && x[0] != float64(e.Seed) {
				err = fmt.Errorf("rank %d has received %v", me, x)
			}
			return optimizee.Outcome{Fitness: x}, err
		}
		opts := shared(evaluate)
		opts.Timeout, opts.Grace = 100*time.Millisecond, 100*time.Millisecond
		teamed(t, 4, 3, Pull, opts, nil, func(ctx context.Context, e *Coordinator) {
			rs := evaluateN(t, ctx, e, 2)
			rs = append(rs[:2:2], evaluateN(t, ctx, e, 1)...)
			close(release)
			rs = append(rs, evaluateN(t, ctx, e, 1)...)
			for i, r := range rs {
				if want := map[bool]l2l.Ending{true: l2l.TimedOut}[i == 1]; r.Ending != want {
					t.Errorf("rank %d hangs: evaluation %d: %+v, want %v", hanging, i, r, want)
				}
			}
			if err := <-late; err == nil {
				t.Errorf("rank %d, which came late, could send something", hanging)
			}
		})
	}
}

// Of two teams one is lost, because its leader or another member does not answer any more: what it held is evaluated by the other one.
func TestTheTrajectoryIsTheSameWithoutATeamThatIsLost(t *testing.T) {
	want := ""
	world(t, 1, Pull, shared(parts), func(ctx context.Context, e l2l.Evaluator) { want = trajectory(t, ctx, "genetic", e) })
	for _, lost := range []int{3, 4} { // of the second team, [3 4]
		for _, schedule := range []Schedule{Pull, Collective} {
			t.Run(fmt.Sprintf("rank %d, %s", lost, schedule), func(t *testing.T) {
				t.Parallel()
				var silent *silenced
				var count atomic.Int32
				evaluate := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
					out, err := parts(ctx, e)
					if count.Add(1) == 20 {
						silent.silent.Store(true)
					}
					return out, err
				}
				change := func(rank int, comm mpi.Comm) mpi.Comm {
					if rank != lost {
						return comm
					}
					silent = &silenced{Comm: comm}
					return silent
				}
				teamed(t, 5, 2, schedule, shared(evaluate), change, func(ctx context.Context, e *Coordinator) {
					if got := trajectory(t, ctx, "genetic", e); got != want {
						t.Errorf("the trajectory is %s, want %s", got, want)
					}
					if e.Again() == 0 || !slices.Equal(e.Lost(), []int{3}) {
						t.Errorf("%d evaluations were given to another rank, lost are %v", e.Again(), e.Lost())
					}
				})
			})
		}
	}
}

// What is under way when the run is over ends on all ranks, whether it heeds its context or waits for the others.
func TestTeamEndsOnAllRanksWithTheRun(t *testing.T) {
	var began, ended atomic.Int32
	evaluate := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		began.Add(1)
		defer ended.Add(1)
		if e.Team.Rank() == 1 {
			<-ctx.Done()
			return optimizee.Outcome{}, ctx.Err()
		}
		return optimizee.Outcome{}, e.Team.Barrier()
	}
	var told []int
	start := time.Now()
	teamed(t, 4, 3, Pull, shared(evaluate), nil, func(ctx context.Context, e *Coordinator) {
		if err := e.Submit([]l2l.Evaluation{{X: []float64{0, 0, 0}}}); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		for began.Load() < 3 {
			if _, err := e.Next(short); ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		told = e.Lost()
	})
	if began.Load() != 3 || ended.Load() != 3 || len(told) > 0 {
		t.Errorf("%d ranks began, %d ended, lost: %v", began.Load(), ended.Load(), told)
	}
	if took := time.Since(start); took > closing {
		t.Errorf("the end took %v", took)
	}
}

func TestNobodyEvaluatesInATeamThatHeIsNotIn(t *testing.T) {
	if _, err := NewTeammate(t.Context(), mpi.Local(3)[1], []int{2, 3}, shared(parts)); err == nil || !strings.Contains(err.Error(), "rank 1 is not in its team") {
		t.Errorf("%v", err)
	}
}
