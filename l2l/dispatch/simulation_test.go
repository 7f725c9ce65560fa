package dispatch

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// points are evaluations of points whose coordinates are normally distributed.
func points(rng *rand.Rand, first, n int) []l2l.Evaluation {
	es := make([]l2l.Evaluation, n)
	for i := range es {
		es[i] = l2l.Evaluation{Individual: int64(first + i), Seed: rng.Uint64(), X: []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}}
	}
	return es
}

// The times of an evaluation, in seconds: log-normal, with the 95th percentile ten times the 5th.
func byPoint(e l2l.Evaluation) float64 { return math.Exp(0.7 * (0.8*e.X[0] - 0.6*e.X[1])) }
func byChance(e l2l.Evaluation) float64 {
	return math.Exp(0.7 * rand.New(rand.NewPCG(e.Seed, 0)).NormFloat64())
}
func same(l2l.Evaluation) float64 { return 1 }

// generations has an evaluator evaluate so many generations of n, and returns the sum of their times in slots that are not slow.
func generations(t *testing.T, e l2l.Evaluator, seconds func(l2l.Evaluation) float64, count, n int) (sum float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	for g := range count {
		es := points(rng, g*n, n)
		left := map[key]bool{}
		for _, one := range es {
			left[keyOf(one)] = true
			sum += seconds(one)
		}
		if err := e.Submit(es); err != nil {
			t.Fatal(err)
		}
		for len(left) > 0 {
			rs, err := e.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rs {
				if !left[keyOfResult(&r)] || r.Ending != l2l.OK {
					t.Fatalf("a result that is not awaited: %+v", r)
				}
				delete(left, keyOfResult(&r))
			}
		}
	}
	return sum
}

// simulate is the time of so many generations in a simulation whose first rank is so many times slower.
func simulate(t *testing.T, s Simulation, seconds func(l2l.Evaluation) float64, slow float64, count, n int) (busy float64, c *Simulated) {
	t.Helper()
	s.Schedule = Pull
	s.Seconds = func(rank, _ int, call []l2l.Evaluation) float64 {
		if rank == 1 {
			return slow * seconds(call[0])
		}
		return seconds(call[0])
	}
	c, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	sum := generations(t, c, seconds, count, n)
	all := 0
	for _, slots := range s.Slots[1:] {
		all += slots
	}
	return sum / float64(all) / c.Elapsed().Seconds(), c
}

// sleeper is a model whose evaluations take their times, and end when they are not needed any more.
type sleeper struct {
	model
	seconds func(call []optimizee.Evaluation) float64
}

func (m *sleeper) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	outs, errs := m.EvaluateBatch(ctx, []optimizee.Evaluation{e})
	return outs[0], errs[0]
}

func (m *sleeper) EvaluateBatch(ctx context.Context, es []optimizee.Evaluation) ([]optimizee.Outcome, []error) {
	outs, errs := make([]optimizee.Outcome, len(es)), make([]error, len(es))
	timer := time.NewTimer(time.Duration(m.seconds(es) * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		for i, e := range es {
			outs[i], errs[i] = sphere(ctx, e)
		}
	case <-ctx.Done():
		for i := range errs {
			errs[i] = ctx.Err()
		}
	}
	return outs, errs
}

// TestSimulationTakesAsLongAsRealRanks has goroutine ranks, with their real pools, in a time that is not real.
func TestSimulationTakesAsLongAsRealRanks(t *testing.T) {
	long := func(e l2l.Evaluation) float64 { return 0.3 + byChance(e) } // never so short that the machine's speed counts
	for _, c := range []struct {
		slots  []int
		batch  int
		copies bool
		slow   float64
		n      int
	}{
		{[]int{0, 1, 1}, 1, false, 1, 16}, {[]int{0, 3, 1, 4}, 1, false, 1, 30}, {[]int{0, 2, 2}, 5, false, 1, 33}, {[]int{0, 2, 1, 3}, AutoBatch, false, 1, 50}, {[]int{0, 1, 1, 1, 1}, 4, false, 1, 9},
		{[]int{0, 1, 1, 1, 1}, 1, true, 20, 16}, {[]int{0, 1, 1, 1, 1, 1, 1, 1, 1}, 1, true, 20, 8}, {[]int{0, 2, 3}, 1, true, 5, 15},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			policy := Policy{Schedule: Pull, Slots: c.slots, Batch: c.batch, Copies: c.copies}
			times := func(rank int, xs ...l2l.Evaluation) float64 {
				sum := 0.0
				for _, x := range xs {
					sum += long(x)
				}
				if rank == 1 {
					sum *= c.slow
				}
				return sum
			}
			const count = 12
			simulation := Simulation{Policy: policy, Interruptible: true, Seconds: func(rank, _ int, call []l2l.Evaluation) float64 {
				return times(rank, call...)
			}, Evaluate: func(l2l.Evaluation) []float64 { return []float64{1} }}
			simulated, err := simulation.Start()
			if err != nil {
				t.Fatal(err)
			}
			generations(t, simulated, long, count, c.n)
			made, won := simulated.Copies()
			if (made > 0) != c.copies {
				t.Errorf("%d copies in the simulation", made)
			}
			synctest.Test(t, func(t *testing.T) {
				opts := Options{Batch: c.batch}
				worker := func(rank int) Options {
					o := opts
					o.Make = func() (optimizee.Optimizee, error) {
						return &sleeper{seconds: func(call []optimizee.Evaluation) float64 {
							sum := 0.0
							for _, e := range call {
								sum += times(rank, l2l.Evaluation{Seed: e.Seed})
							}
							return sum
						}}, nil
					}
					return o
				}
				ranked(t, c.slots, policy, worker, func(_ context.Context, e l2l.Evaluator) {
					began := time.Now()
					generations(t, e, long, count, c.n)
					took, want := time.Since(began), simulated.Elapsed()
					if math.Abs(took.Seconds()/want.Seconds()-1) > 1e-6 {
						t.Errorf("%v, in the simulation %v", took, want)
					}
					if m, w := e.(*Coordinator).Copies(); m != made || w != won {
						t.Errorf("%d copies of which %d won, in the simulation %d and %d", m, w, made, won)
					}
				})
			})
		})
	}
}

func TestLongestFirstIsWithinTwoPercentOfTheBestOrderWherePointsTellTheTimes(t *testing.T) {
	eight := Simulation{Policy: Policy{Slots: slices.Repeat([]int{1}, 9)}}
	const count, n = 100, 64
	rng := rand.New(rand.NewPCG(7, 7))
	sum, best := 0.0, 0.0
	for g := range count {
		var times []float64
		for _, e := range points(rng, g*n, n) {
			times = append(times, -byPoint(e))
		}
		slices.Sort(times)
		ends := make([]float64, 8)
		for _, s := range times {
			ends[slices.Index(ends, slices.Min(ends))] -= s
			sum -= s
		}
		best += slices.Max(ends)
	}
	got, _ := simulate(t, eight, byPoint, 1, count, n)
	if want := sum / 8 / best; got < want-0.02 || want < 0.97 {
		t.Errorf("busy %.3f, with the best order %.3f", got, want)
	}
	plain := eight
	plain.InOrder = true
	if before, _ := simulate(t, plain, byPoint, 1, count, n); before > got-0.1 {
		t.Errorf("busy %.3f, and in the order of the individuals %.3f", got, before)
	}
	got, _ = simulate(t, eight, byChance, 1, count, n)
	if before, _ := simulate(t, plain, byChance, 1, count, n); got < before-0.005 {
		t.Errorf("where nothing tells the times: busy %.3f, and in the order of the individuals %.3f", got, before)
	}
}

func TestASlowSlotCostsAtMostFivePercentWithSecondCopies(t *testing.T) {
	for name, seconds := range map[string]func(l2l.Evaluation) float64{"the same": same, "by point": byPoint, "by chance": byChance} {
		for _, each := range []int{1, 2, 8} {
			for _, interruptible := range []bool{false, true} {
				s := Simulation{Policy: Policy{Slots: slices.Repeat([]int{1}, 9), Copies: true}, Interruptible: interruptible}
				const count = 50
				with, c := simulate(t, s, seconds, 20, count, 8*each)
				s.Slots, s.Copies = s.Slots[1:], false
				s.Slots[0] = 0
				without, _ := simulate(t, s, seconds, 1, count, 8*each)
				without *= 7. / 8
				if with < 0.95*without {
					t.Errorf("%s, %d each: busy %.3f, without the slow slot %.3f", name, each, with, without)
				}
				if made, won := c.Copies(); won == 0 || made > 100+count*8*each/20 {
					t.Errorf("%s, %d each: %d copies of which %d won", name, each, made, won)
				}
			}
		}
	}
}

func TestCopiesCostNothingWhereTimesAreOfThePointsOrOfChance(t *testing.T) {
	for name, seconds := range map[string]func(l2l.Evaluation) float64{"the same": same, "by point": byPoint, "by chance": byChance} {
		for _, each := range []int{1, 8} {
			s := Simulation{Policy: Policy{Slots: slices.Repeat([]int{1}, 9)}}
			without, _ := simulate(t, s, seconds, 1, 100, 8*each)
			s.Copies = true
			with, c := simulate(t, s, seconds, 1, 100, 8*each)
			made, _ := c.Copies()
			if with < without-0.005 || made > 8*each {
				t.Errorf("%s, %d each: busy %.3f, without copies %.3f; %d copies", name, each, with, without, made)
			}
		}
	}
}

func TestASlowSlotThatRecoversIsUsedAgain(t *testing.T) {
	slow, began := 20.0, map[int]int{}
	s := Simulation{
		Policy: Policy{Schedule: Pull, Slots: slices.Repeat([]int{1}, 9), Copies: true},
		Seconds: func(rank, _ int, call []l2l.Evaluation) float64 {
			began[rank]++
			if rank == 1 {
				return slow
			}
			return 1
		},
	}
	c, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	first := 0
	run := func(count int) {
		for range count {
			if err := c.Submit(points(rng, first, 64)); err != nil {
				t.Fatal(err)
			}
			first += 64
			for left := 64; left > 0; {
				rs, err := c.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				left -= len(rs)
			}
		}
	}
	run(100)
	if n := began[1]; n > 40 {
		t.Errorf("a slot that is 20 times slower has begun %d evaluations, and another one %d", n, began[2])
	}
	slow = 1
	run(300)
	clear(began)
	run(50)
	if began[1] < began[2]/2 {
		t.Errorf("long after it is quick again a slot has begun %d evaluations, and another one %d", began[1], began[2])
	}
}

// Where the quick ranks are lost, the slow ones are all that there is.
func TestVerySlowRanksAreNotPassedOverWhereThereAreNoOthers(t *testing.T) {
	s := newScheduler([]int{0, 1, 1, 1, 1}, 1)
	s.copies.on, s.now = true, epoch
	next := int64(0)
	feed := func() (ranks []int) {
		for {
			rank, chunk := s.next()
			if len(chunk) == 0 {
				return ranks
			}
			ranks = append(ranks, rank)
		}
	}
	answers := func() {
		for rank := 1; rank <= 4; rank++ {
			for _, e := range s.heldBy(rank) {
				seconds := 0.1
				if rank > 2 {
					seconds = 5
				}
				s.answers(rank, l2l.Result{Individual: e.Individual, Seconds: seconds})
			}
		}
	}
	add := func(n int) {
		for range n {
			s.add([]l2l.Evaluation{{Individual: next}})
			next++
		}
	}
	for range 20 {
		add(50)
		for s.outstanding() > 0 {
			feed()
			answers()
		}
	}
	add(8)
	if got := fmt.Sprint(feed()); got != "[1 2]" {
		t.Errorf("ranks %s are given something, want the quick ones", got)
	}
	s.lost(1)
	s.lost(2)
	if got := fmt.Sprint(feed()); got != "[3 4]" {
		t.Errorf("after the quick ranks are lost, ranks %s are given something", got)
	}
	for s.outstanding() > 0 {
		answers()
		if feed(); s.idle() && s.outstanding() > 0 {
			t.Fatal("nobody is given what waits")
		}
	}
}
