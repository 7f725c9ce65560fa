package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// model is an optimizee whose behaviour a test chooses.
type model struct {
	evaluate func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error)
	busy     atomic.Bool
	closed   *atomic.Int32
}

func (m *model) Space() optimizee.Space {
	return optimizee.Space{{Name: "x", Size: 3, Lower: -5, Upper: 5}}
}
func (m *model) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}}
}
func (m *model) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	if !m.busy.CompareAndSwap(false, true) {
		panic("two evaluations in one slot at a time")
	}
	defer m.busy.Store(false)
	return m.evaluate(ctx, e)
}
func (m *model) Open() error { return nil }
func (m *model) Close() error {
	if m.closed != nil {
		m.closed.Add(1)
	}
	return nil
}

func sphere(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	sum := float64(e.Seed%97) * 1e-9
	for _, x := range e.X {
		sum += (x - 1) * (x - 1)
	}
	return optimizee.Outcome{Fitness: []float64{sum}}, nil
}

func options(slots int, evaluate func(context.Context, optimizee.Evaluation) (optimizee.Outcome, error)) Options {
	return Options{Slots: slots, Make: func() (optimizee.Optimizee, error) { return &model{evaluate: evaluate}, nil }}
}

// unhurried runs a test in a time of its own, which goes on only while everybody waits: no machine is too slow for it. What ignores that it was given
// up ends in the hours after it.
func unhurried(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(100 * time.Hour)
		test(t)
	})
}

// world runs main on rank 0 of n goroutine ranks, unhurried, the others serving as workers with slots 1, 2, 3, 1, 2, 3, ….
func world(t *testing.T, n int, schedule Schedule, opts Options, main func(ctx context.Context, e l2l.Evaluator)) {
	t.Helper()
	slots := make([]int, n)
	for r := range slots {
		slots[r] = 1 + r%3
	}
	slots[0] = opts.Slots // of a rank that is alone
	unhurried(t, func(t *testing.T) { spread(t, slots, Policy{Schedule: schedule}, opts, main) })
}

// alike is world with as many slots on each rank.
func alike(t *testing.T, n, slots int, schedule Schedule, opts Options, main func(ctx context.Context, e l2l.Evaluator)) {
	t.Helper()
	spread(t, slices.Repeat([]int{slots}, n), Policy{Schedule: schedule}, opts, main)
}

// spread runs main on rank 0 of goroutine ranks with these slots, the others serving as workers.
func spread(t *testing.T, slots []int, policy Policy, opts Options, main func(ctx context.Context, e l2l.Evaluator)) {
	t.Helper()
	policy.Batch = opts.Batch
	ranked(t, slots, policy, func(int) Options { return opts }, main)
}

// ranked is spread with options for each rank.
func ranked(t *testing.T, slots []int, policy Policy, opts func(rank int) Options, main func(ctx context.Context, e l2l.Evaluator)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Hour) // in some tests time is not real
	defer cancel()
	n := len(slots)
	if n == 1 {
		o := opts(0)
		o.Slots = slots[0]
		s, err := NewSolo(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		main(ctx, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		return
	}
	comms := mpi.Local(n)
	var wg sync.WaitGroup
	for r := 1; r < n; r++ {
		wg.Go(func() {
			o := opts(r)
			o.Slots = slots[r]
			w, err := NewWorker(ctx, comms[r], 0, o)
			if err == nil {
				err = w.Serve(ctx)
			}
			if err != nil {
				t.Errorf("rank %d: %v", r, err)
			}
		})
	}
	policy.Slots = slots
	c, err := NewCoordinator(comms[0], policy)
	if err != nil {
		t.Fatal(err)
	}
	main(ctx, c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// search is a run of an algorithm of the catalogue on the model.
func search(t *testing.T, algorithm string, rules l2l.Rules) *l2l.Search {
	t.Helper()
	rules.Objectives = (*model)(nil).Objectives()
	for _, a := range catalogue.All() {
		if a.Name == algorithm {
			o, err := a.New(l2l.Problem((*model)(nil).Space(), 0), a.Params(), 3)
			if err != nil {
				t.Fatal(err)
			}
			return l2l.NewSearch(o, rules)
		}
	}
	t.Fatalf("no algorithm %s", algorithm)
	return nil
}

var shapes = []struct {
	ranks    int
	schedule Schedule
}{
	{1, Pull}, {2, Pull}, {2, Collective}, {2, Auto}, {4, Pull}, {4, Collective}, {4, Auto}, {9, Pull}, {9, Collective}, {9, Auto},
}

func TestTheTrajectoryIsTheSameOnAnyRanksInAnySchedule(t *testing.T) {
	for _, algorithm := range []string{"cmaes", "genetic"} {
		want := ""
		for _, shape := range shapes {
			world(t, shape.ranks, shape.schedule, options(2, uneven), func(ctx context.Context, e l2l.Evaluator) {
				got := trajectory(t, ctx, algorithm, e)
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("%s on %d ranks, %s: the trajectory differs", algorithm, shape.ranks, shape.schedule)
				}
			})
		}
	}
}

// evaluateN runs n evaluations of the same point and returns their results by individual.
func evaluateN(t *testing.T, ctx context.Context, e l2l.Evaluator, n int) []l2l.Result {
	t.Helper()
	es := make([]l2l.Evaluation, n)
	for i := range es {
		es[i] = l2l.Evaluation{Individual: int64(i), Seed: uint64(i), X: []float64{1, 2, 3}}
	}
	if err := e.Submit(es); err != nil {
		t.Fatal(err)
	}
	all := make([]l2l.Result, n)
	seen := make([]bool, n)
	for got := 0; got < n; {
		rs, err := e.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if seen[r.Individual] {
				t.Fatalf("individual %d has two results", r.Individual)
			}
			seen[r.Individual], all[r.Individual] = true, r
			got++
		}
	}
	return all
}

func TestWhateverAnEvaluationDoesBecomesAResult(t *testing.T) {
	type outcome = optimizee.Outcome
	opts := options(2, func(ctx context.Context, e optimizee.Evaluation) (outcome, error) {
		switch e.Seed % 8 {
		case 0:
			return sphere(ctx, e)
		case 1:
			return outcome{}, errors.New("no such file")
		case 2:
			panic("index out of range [7]")
		case 3:
			return outcome{Fitness: []float64{math.NaN()}}, nil
		case 4:
			return outcome{Fitness: []float64{1, 2}}, nil
		case 5:
			return outcome{Fitness: []float64{1}, Outputs: []float64{math.Inf(1)}}, nil
		case 6: // heeds its context
			<-ctx.Done()
			return outcome{}, ctx.Err()
		default:
			return outcome{}, errors.New(strings.Repeat("x", 100_000))
		}
	})
	opts.Timeout = 50 * time.Millisecond
	want := []struct {
		outcome l2l.Ending
		reason  string
	}{
		{l2l.OK, ""}, {l2l.Failed, "no such file"}, {l2l.Failed, "panic: index out of range [7]"}, {l2l.Failed, "not a finite number"},
		{l2l.Failed, "returned 2 fitness values, want 1"}, {l2l.Failed, "not a finite number"},
		{l2l.TimedOut, "longer than the timeout of 50ms"}, {l2l.Failed, "xxx"},
	}
	for _, shape := range shapes {
		world(t, shape.ranks, shape.schedule, opts, func(ctx context.Context, e l2l.Evaluator) {
			for i, r := range evaluateN(t, ctx, e, 40) {
				w := want[i%8]
				ok := r.Ending == l2l.OK
				if r.Ending != w.outcome || !strings.Contains(r.Reason, w.reason) || len(r.Reason) > 2*reasonLimit || ok != (len(r.Fitness) == 1) {
					t.Fatalf("%d ranks, %s: individual %d: %+v, want %+v", shape.ranks, shape.schedule, i, r, w)
				}
				if shape.ranks > 1 && (r.Rank < 1 || r.Rank >= shape.ranks) {
					t.Fatalf("individual %d was evaluated by rank %d", i, r.Rank)
				}
			}
		})
	}
}

func TestAPanicSaysWhereItWasRaised(t *testing.T) {
	opts := options(1, func(context.Context, optimizee.Evaluation) (optimizee.Outcome, error) {
		var none []int
		return optimizee.Outcome{Fitness: []float64{float64(none[3])}}, nil
	})
	world(t, 1, Pull, opts, func(ctx context.Context, e l2l.Evaluator) {
		if r := evaluateN(t, ctx, e, 1)[0]; !strings.Contains(r.Reason, "dispatch_test.go:") {
			t.Errorf("reason: %s", r.Reason)
		}
	})
}

func TestAnEvaluationThatDoesNotHeedItsContextIsGivenUp(t *testing.T) {
	opts := options(1, func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		if e.Seed == 2 {
			time.Sleep(time.Hour)
		}
		return sphere(ctx, e)
	})
	opts.Timeout, opts.Grace = 20*time.Millisecond, 100*time.Millisecond
	for _, shape := range shapes[:6] {
		world(t, shape.ranks, shape.schedule, opts, func(ctx context.Context, e l2l.Evaluator) {
			for i, r := range evaluateN(t, ctx, e, 20) {
				if want := i == 2; (r.Ending == l2l.TimedOut) != want {
					t.Fatalf("%d ranks, %s: individual %d: %+v", shape.ranks, shape.schedule, i, r)
				}
			}
		})
	}
}

func TestSlotsRunAtTheSameTimeAndNoMoreOfThem(t *testing.T) {
	var now, most atomic.Int32
	opts := options(3, func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond)
		now.Add(-1)
		return sphere(ctx, e)
	})
	for ranks, want := range map[int]int32{1: 3, 4: 2 + 3 + 1} {
		most.Store(0)
		world(t, ranks, Pull, opts, func(ctx context.Context, e l2l.Evaluator) { evaluateN(t, ctx, e, 60) })
		if most.Load() != want {
			t.Errorf("%d ranks: at most %d evaluations at a time, want %d", ranks, most.Load(), want)
		}
	}
}

func TestClosingGivesUpWhatIsUnderWay(t *testing.T) {
	var closed atomic.Int32
	opts := Options{Slots: 2, Make: func() (optimizee.Optimizee, error) {
		return &model{closed: &closed, evaluate: func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
			select {
			case <-ctx.Done():
				return optimizee.Outcome{}, ctx.Err()
			case <-time.After(time.Hour):
				return sphere(ctx, e)
			}
		}}, nil
	}}
	for ranks, want := range map[int]int32{1: 2, 2: 2, 4: 2 + 3 + 1} {
		closed.Store(0)
		unhurried(t, func(t *testing.T) {
			began := time.Now()
			spread(t, []int{2, 2, 3, 1}[:ranks], Policy{Schedule: Pull}, opts, func(ctx context.Context, e l2l.Evaluator) {
				var es []l2l.Evaluation
				for i := range 10 {
					es = append(es, l2l.Evaluation{Individual: int64(i), X: []float64{0, 0, 0}})
				}
				if err := e.Submit(es); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
				defer cancel()
				if rs, err := e.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, %v", rs, err)
				}
			})
			if took := time.Since(began); took > time.Second {
				t.Errorf("%d ranks: closing took %v", ranks, took)
			}
		})
		if closed.Load() != want {
			t.Errorf("%d ranks: %d optimizees closed, want %d", ranks, closed.Load(), want)
		}
	}
}

// A model that changes its parameters, which it must not, harms its own evaluation alone.
func TestAnOptimizeeThatWritesIntoItsParametersChangesNoOtherEvaluation(t *testing.T) {
	scribbles := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		out, err := sphere(ctx, e)
		clear(e.Vector("x"))
		clear(e.X)
		return out, err
	}
	for _, ranks := range []int{1, 2} {
		x := []float64{1, 2, 3}
		var es []l2l.Evaluation
		for i := range 4 {
			es = append(es, l2l.Evaluation{Individual: 1, Replicate: i, X: x})
		}
		alike(t, ranks, 1, Pull, options(1, scribbles), func(ctx context.Context, e l2l.Evaluator) {
			if err := e.Submit(es); err != nil {
				t.Fatal(err)
			}
			for got := 0; got < len(es); {
				rs, err := e.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rs {
					if got++; r.Ending != l2l.OK || r.Fitness[0] != 5 {
						t.Errorf("%d ranks, replicate %d: %v %v %s, want 5", ranks, r.Replicate, r.Ending, r.Fitness, r.Reason)
					}
				}
			}
		})
		if !slices.Equal(x, []float64{1, 2, 3}) {
			t.Errorf("%d ranks: the search's point is %v", ranks, x)
		}
	}
}

func TestAnOptimizeeThatCannotBeMadeIsAnErrorAtOnce(t *testing.T) {
	absent := func() (optimizee.Optimizee, error) { return nil, errors.New("no module named nest") }
	_, err := NewSolo(context.Background(), Options{Slots: 2, Make: absent})
	if err == nil || !strings.Contains(err.Error(), "nest") {
		t.Errorf("got %v", err)
	}
}

// silenced is a worker's rank of which nothing is heard while it is silent: its sends are kept, and delivered afterwards.
type silenced struct {
	mpi.Comm
	silent atomic.Bool
	kept   []func() error // the comm's one goroutine alone uses it
}

func (s *silenced) Send(to, tag int, data []byte) error {
	if s.silent.Load() {
		data := slices.Clone(data)
		s.kept = append(s.kept, func() error { return s.Comm.Send(to, tag, data) })
		return nil
	}
	if err := s.deliver(); err != nil {
		return err
	}
	return s.Comm.Send(to, tag, data)
}

func (s *silenced) Probe(ctx context.Context, from, tag int) (mpi.Envelope, error) {
	if err := s.deliver(); err != nil {
		return mpi.Envelope{}, err
	}
	return s.Comm.Probe(ctx, from, tag)
}

func (s *silenced) deliver() error {
	if s.silent.Load() {
		return nil
	}
	for _, send := range s.kept {
		if err := send(); err != nil {
			return err
		}
	}
	s.kept = nil
	return nil
}

// coordinated runs main, unhurried, on rank 0 of n goroutine ranks of one slot, with a pulse that is short; rank n-1 is silenced, from the beginning on if
// silent is set. What its Serve returns is of no concern.
func coordinated(t *testing.T, n int, schedule Schedule, opts Options, silent bool, main func(ctx context.Context, c *Coordinator, last *silenced)) {
	t.Helper()
	unhurried(t, func(t *testing.T) { coordinatedNow(t, n, schedule, opts, silent, main) })
}

func coordinatedNow(t *testing.T, n int, schedule Schedule, opts Options, silent bool, main func(ctx context.Context, c *Coordinator, last *silenced)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	comms := mpi.Local(n)
	last := &silenced{Comm: comms[n-1]}
	last.silent.Store(silent)
	comms[n-1] = last
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for r := 1; r < n; r++ {
		wg.Go(func() {
			w, err := NewWorker(ctx, comms[r], 0, opts)
			if err == nil {
				err = w.Serve(ctx)
			}
			if err != nil && r < n-1 {
				t.Errorf("rank %d: %v", r, err)
			}
		})
	}
	slots := slices.Repeat([]int{1}, n)
	c, err := NewCoordinator(comms[0], Policy{Schedule: schedule, Slots: slots})
	if err != nil {
		t.Fatal(err)
	}
	c.pulse, c.farewell = 30*time.Millisecond, 500*time.Millisecond
	main(ctx, c, last)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestCoordinatorHasWhatASilentRankHeldEvaluatedByTheOthers(t *testing.T) {
	for _, schedule := range []Schedule{Pull, Collective, Auto} {
		coordinated(t, 3, schedule, options(1, sphere), true, func(ctx context.Context, c *Coordinator, _ *silenced) {
			for i, r := range evaluateN(t, ctx, c, 20) {
				if r.Ending != l2l.OK || r.Rank != 1 || r.Attempt != 0 {
					t.Errorf("%s: individual %d: %+v", schedule, i, r)
				}
			}
			if fmt.Sprint(c.Lost()) != "[2]" || c.Again() == 0 {
				t.Errorf("%s: %d evaluations were given to another rank, lost are %v", schedule, c.Again(), c.Lost())
			}
		})
	}
}

func TestCoordinatorTakesARankThatIsFoundBack(t *testing.T) {
	coordinated(t, 3, Pull, options(1, sphere), true, func(ctx context.Context, c *Coordinator, last *silenced) {
		evaluateN(t, ctx, c, 20)
		if fmt.Sprint(c.Lost()) != "[2]" {
			t.Fatalf("lost are %v, want rank 2", c.Lost())
		}
		last.silent.Store(false)
		if err := c.link.send(2, tagPing, nil); err != nil {
			t.Fatal(err)
		}
		ranks := map[int]bool{}
		for range 100 {
			for _, r := range evaluateN(t, ctx, c, 20) {
				ranks[r.Rank] = true
			}
			if ranks[2] {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if !ranks[2] || len(c.Lost()) > 0 {
			t.Errorf("evaluations ran on ranks %v, lost are %v", ranks, c.Lost())
		}
	})
}

// An evaluation that takes long is no silence: its rank answers.
func TestCoordinatorWaitsForLongEvaluationsOfRanksThatAreThere(t *testing.T) {
	slow := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		time.Sleep(400 * time.Millisecond)
		return sphere(ctx, e)
	}
	for _, schedule := range []Schedule{Pull, Auto} {
		coordinated(t, 3, schedule, options(1, slow), false, func(ctx context.Context, c *Coordinator, _ *silenced) {
			c.pulse = 100 * time.Millisecond
			evaluateN(t, ctx, c, 3)
			if c.Again() > 0 || len(c.Lost()) > 0 {
				t.Errorf("%s: lost are %v", schedule, c.Lost())
			}
		})
	}
}

func TestCoordinatorChoosesRoundsForManyShortEvaluationsOfShortPoints(t *testing.T) {
	for _, c := range []struct {
		schedule Schedule
		n, dim   int
		mean     float64
		want     bool
	}{
		{Auto, 10, 3, 1e-6, true}, {Auto, 10, 101, 1e-6, false}, {Auto, 3, 3, 1e-6, false}, {Auto, 10, 3, 1e-3, false}, {Auto, 10, 3, 0, false},
		{Pull, 10, 3, 1e-6, false}, {Collective, 1, 1000, 1, true},
	} {
		one, err := NewCoordinator(nil, Policy{Schedule: c.schedule, Slots: []int{0, 1, 1}})
		if err != nil {
			t.Fatal(err)
		}
		one.sched.mean = c.mean
		if err := one.Submit(slices.Repeat([]l2l.Evaluation{{X: make([]float64, c.dim)}}, c.n)); err != nil {
			t.Fatal(err)
		}
		if got := one.collective(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestCoordinatorEndsARoundWithItsContext(t *testing.T) {
	slow := func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		select {
		case <-ctx.Done():
			return optimizee.Outcome{}, ctx.Err()
		case <-time.After(time.Hour):
			return sphere(ctx, e)
		}
	}
	unhurried(t, func(t *testing.T) {
		began := time.Now()
		alike(t, 3, 2, Collective, options(1, slow), func(ctx context.Context, e l2l.Evaluator) {
			if err := e.Submit(slices.Repeat([]l2l.Evaluation{{X: []float64{0, 0, 0}}}, 20)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			if rs, err := e.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, %v", rs, err)
			}
		})
		if took := time.Since(began); took > time.Second {
			t.Errorf("the round ended after %v", took)
		}
	})
}

func TestCoordinatorWhoseRanksAreAllLostSaysSo(t *testing.T) {
	coordinated(t, 2, Auto, options(1, sphere), true, func(ctx context.Context, c *Coordinator, _ *silenced) {
		if err := c.Submit(make([]l2l.Evaluation, 1)); err != nil {
			t.Fatal(err)
		}
		if rs, err := c.Next(ctx); err == nil || !strings.Contains(err.Error(), "no rank is left to evaluate: [1] do not answer any more") {
			t.Errorf("got %+v, %v", rs, err)
		}
	})
}

func TestCoordinatorLosesARankThatDoesNotTakeItsLeave(t *testing.T) {
	coordinated(t, 3, Pull, options(1, sphere), false, func(ctx context.Context, c *Coordinator, last *silenced) {
		evaluateN(t, ctx, c, 20)
		last.silent.Store(true)
		if err := c.Close(); err != nil || fmt.Sprint(c.Lost()) != "[2]" {
			t.Errorf("lost are %v; %v", c.Lost(), err)
		}
	})
}

func TestWhatTravelsComesBackAsItWas(t *testing.T) {
	es := []l2l.Evaluation{
		{Individual: 1 << 40, Instance: 2, Replicate: 3, Attempt: 4, Seed: 1<<64 - 1, X: []float64{1, -0.5}, Copy: 2},
		{Individual: 7, X: []float64{math.Inf(1), 5e-324}},
	}
	got, err := decodeTasks(appendTasks(nil, es))
	if err != nil || !reflect.DeepEqual(got, es) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, rs := range [][]l2l.Result{
		nil,
		{{Individual: 1, Fitness: []float64{1, 2}, Outputs: []float64{3}, Targets: []float64{4}, Seconds: 0.5, Rank: 3}},
		{
			{Individual: 1, Ending: l2l.TimedOut, Reason: "late", Rank: 3},
			{Individual: 2, Fitness: []float64{1}, Rank: 3},
			{Individual: 3, Ending: l2l.Failed, Rank: 3},
		},
		{{Individual: 1, Ending: l2l.Failed, Reason: "x"}},
		{{Individual: 1, Fitness: []float64{1}, Rank: 3}, {Individual: 2, Ending: l2l.Failed, Reason: "x", Rank: 5}, {Individual: 3, Fitness: []float64{2}, Rank: 3}}, // a relay's
		{
			{Individual: 1, Fitness: []float64{1}, Violations: []float64{0, 0.5}, Measurements: []float64{7}, Rank: 3, Slot: 2},
			{Individual: 2, Ending: l2l.Failed, Reason: "x", Rank: 3, Step: 9},
			{Individual: 3, Fitness: []float64{2}, Violations: []float64{1, 0}, Measurements: []float64{8}, Rank: 3, Slot: 1},
		},
	} {
		b, err := appendResults(nil, rs)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeResults(b, nil); err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", rs) {
			t.Errorf("got %+v, want %+v; %v", got, rs, err)
		}
	}
}

// Ranks of one run are of one build, and yet a message is read whose sender knows a field more, or one less.
func TestWireReadsMessagesWithOneFieldMoreOrLess(t *testing.T) {
	es := []l2l.Evaluation{{Individual: 3, Instance: 1, X: []float64{1, 2}}, {Individual: 4, X: []float64{3, 4}}}
	rs := []l2l.Result{{Individual: 3, Fitness: []float64{1}, Measurements: []float64{5}, Step: 8}, {Individual: 4, Ending: l2l.Failed, Reason: "r"}}
	tasks := appendTasks(nil, es)
	results, err := appendResults(nil, rs)
	if err != nil {
		t.Fatal(err)
	}
	with := func(message []byte, columns int) []byte {
		body := message[1:]
		for range columns - int(message[0]&0xf) {
			body = codec.AppendInts(slices.Clone(body), 2, func(int) int64 { return 5 })
		}
		return append(codec.AppendArray(nil, columns), body...)
	}
	for _, more := range []int{1, 6} {
		if got, err := decodeTasks(with(tasks, 7+more)); err != nil || !reflect.DeepEqual(got, es) {
			t.Errorf("tasks with %d columns more: %+v, %v", more, got, err)
		}
		if got, err := decodeResults(with(results, 14+more), nil); err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", rs) {
			t.Errorf("results with %d columns more: %+v, %v", more, got, err)
		}
	}
	less := append(codec.AppendArray(nil, 13), results[1:len(results)-5]...) // without the slots, which are none
	if got, err := decodeResults(less, nil); err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", rs) {
		t.Errorf("results with a column less: %+v, %v", got, err)
	}
}

func FuzzDecodeWire(f *testing.F) {
	es := []l2l.Evaluation{{Individual: 3, X: []float64{1, 2}}, {Individual: 4, X: []float64{3, 4}}}
	results, _ := appendResults(nil, []l2l.Result{{Individual: 3, Fitness: []float64{1}}, {Individual: 4, Ending: l2l.Failed, Reason: "r"}})
	f.Add(appendTasks(nil, es))
	f.Add(results)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeTasks(b) // must not panic
		_, _ = decodeResults(b, nil)
	})
}
