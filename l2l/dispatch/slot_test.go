package dispatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// packed is a model that evaluates batches, and behaves for a whole batch as its first seed says.
type packed struct {
	model
	sizes chan int
}

func (m *packed) EvaluateBatch(ctx context.Context, es []optimizee.Evaluation) ([]optimizee.Outcome, []error) {
	m.sizes <- len(es)
	outs, errs := make([]optimizee.Outcome, len(es)), make([]error, len(es))
	switch es[0].Seed {
	case 8:
		panic("out of memory")
	case 16:
		<-ctx.Done()
		for i := range errs {
			errs[i] = ctx.Err()
		}
		return outs, errs
	case 24:
		return outs[:1], errs
	}
	for i, e := range es {
		if e.Seed == 1 {
			errs[i] = errors.New("unlucky seed")
			continue
		}
		outs[i], errs[i] = sphere(ctx, e)
	}
	return outs, errs
}

func TestABatchIsOneCallWithAResultForEachEvaluation(t *testing.T) {
	for _, shape := range shapes {
		sizes := make(chan int, 100)
		opts := Options{Slots: 1, Batch: 8, Timeout: 50 * time.Millisecond, Make: func() (optimizee.Optimizee, error) { return &packed{sizes: sizes}, nil }}
		world(t, shape.ranks, shape.schedule, opts, func(ctx context.Context, e l2l.Evaluator) {
			rs := evaluateN(t, ctx, e, 64)
			if shape.ranks > 1 {
				return // chunks, and so batches, depend on timing
			}
			for i, r := range rs {
				outcome, reason := l2l.OK, ""
				switch {
				case i == 1:
					outcome, reason = l2l.Failed, "unlucky seed"
				case i/8 == 1:
					outcome, reason = l2l.Failed, "panic: out of memory"
				case i/8 == 2:
					outcome, reason = l2l.TimedOut, "took longer than the timeout of 50ms"
				case i/8 == 3:
					outcome, reason = l2l.Failed, "returned 1 outcomes and 8 errors of a batch, want 8 of each"
				}
				if r.Ending != outcome || !strings.Contains(r.Reason, reason) || r.Seconds < 0 || r.Seconds > 1 {
					t.Errorf("individual %d: %+v, want %v: %s", i, r, outcome, reason)
				}
			}
		})
		close(sizes)
		most, total := 0, 0
		for n := range sizes {
			most, total = max(most, n), total+n
		}
		if most > 8 || shape.ranks == 1 && most < 8 || total != 64 {
			t.Errorf("%d ranks, %s: batches of up to %d, %d evaluations in all", shape.ranks, shape.schedule, most, total)
		}
	}
}

func TestABatchIsSpreadOverIdleSlots(t *testing.T) {
	sizes := make(chan int, 100)
	opts := Options{Slots: 4, Batch: 8, Make: func() (optimizee.Optimizee, error) {
		m := &packed{sizes: sizes}
		return &struct {
			model
			optimizee.Batch
		}{Batch: slowly{m}}, nil
	}}
	world(t, 1, Pull, opts, func(ctx context.Context, e l2l.Evaluator) { evaluateN(t, ctx, e, 8) })
	close(sizes)
	for n := range sizes {
		if n > 2 {
			t.Errorf("a batch of %d among 4 idle slots for 8 evaluations", n)
		}
	}
}

// calls is a model whose calls take the same time for any number of evaluations, as those on a GPU do.
type calls struct {
	model
	sizes func(n int)
}

func (m *calls) EvaluateBatch(ctx context.Context, es []optimizee.Evaluation) ([]optimizee.Outcome, []error) {
	m.sizes(len(es))
	outs, errs := make([]optimizee.Outcome, len(es)), make([]error, len(es))
	for i, e := range es {
		outs[i], errs[i] = sphere(ctx, e)
	}
	time.Sleep(200 * time.Millisecond)
	return outs, errs
}

func TestBatchIsFullWhileThereAreIndividualsEnoughAndEvenOtherwise(t *testing.T) {
	const rounds = 5
	for _, c := range []struct {
		ranks, slots, n int
		sizes           string // of a round, in order
		took            time.Duration
	}{
		{1, 1, 64, "64", 200 * time.Millisecond}, {1, 2, 64, "32 32", 200 * time.Millisecond}, {1, 3, 64, "21 21 22", 200 * time.Millisecond},
		{1, 2, 128, "64 64", 200 * time.Millisecond}, {1, 2, 1, "1", 200 * time.Millisecond}, {1, 1, 100, "36 64", 400 * time.Millisecond},
		{3, 1, 64, "32 32", 200 * time.Millisecond}, {3, 2, 64, "16 16 16 16", 200 * time.Millisecond}, {3, 1, 65, "32 33", 200 * time.Millisecond},
		{3, 1, 256, "64 64 64 64", 400 * time.Millisecond}, {2, 3, 5, "1 2 2", 200 * time.Millisecond},
	} {
		for _, schedule := range []Schedule{Pull, Collective, Auto} {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var sizes []int
				one := func() (optimizee.Optimizee, error) {
					return &calls{sizes: func(n int) {
						mu.Lock()
						defer mu.Unlock()
						sizes = append(sizes, n)
					}}, nil
				}
				alike(t, c.ranks, c.slots, schedule, Options{Batch: 64, Make: one}, func(ctx context.Context, e l2l.Evaluator) {
					began := time.Now()
					for range rounds {
						sizes = nil
						evaluateN(t, ctx, e, c.n)
						slices.Sort(sizes)
						if got := fmt.Sprint(sizes); got != "["+c.sizes+"]" {
							t.Errorf("%d ranks of %d slots, %s: %d evaluations in calls of %s, want %s", c.ranks, c.slots, schedule, c.n, got, c.sizes)
						}
					}
					if took := time.Since(began); took != rounds*c.took {
						t.Errorf("%d ranks of %d slots, %s: %d evaluations took %v, want %v", c.ranks, c.slots, schedule, c.n, took/rounds, c.took)
					}
				})
			})
		}
	}
}

type slowly struct{ optimizee.Batch }

func (b slowly) EvaluateBatch(ctx context.Context, es []optimizee.Evaluation) ([]optimizee.Outcome, []error) {
	time.Sleep(20 * time.Millisecond)
	return b.Batch.EvaluateBatch(ctx, es)
}

// modeller returns model outputs, as many as seeds say.
type modeller struct{ model }

func (m *modeller) NumOutputs() int { return 2 }

func TestEvaluationsAreQuickOnceTheyHaveTakenLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seconds := 0.0
		p, err := newPool(t.Context(), 1, Options{Make: func() (optimizee.Optimizee, error) {
			return &sleeper{seconds: func([]optimizee.Evaluation) float64 { return seconds }}, nil
		}}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
		if p.quick() {
			t.Error("before the first evaluation they are")
		}
		for _, c := range []struct {
			seconds float64
			quick   bool
		}{{10e-6, true}, {1, false}} {
			seconds = c.seconds
			p.submit([]l2l.Evaluation{{X: []float64{1, 2, 3}}})
			p.await(1, 0)
			if p.take(); p.quick() != c.quick {
				t.Errorf("after one of %v s: %v, want %v", c.seconds, p.quick(), c.quick)
			}
		}
	})
}

func TestModelOutputsArriveWithTheirTargetsOrTheEvaluationHasFailed(t *testing.T) {
	opts := Options{Slots: 2, Make: func() (optimizee.Optimizee, error) {
		return &modeller{model{evaluate: func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
			out, err := sphere(ctx, e)
			out.Outputs, out.Targets = []float64{float64(e.Seed), 2}, []float64{3, 4}
			switch e.Seed % 4 {
			case 1:
				out.Outputs = out.Outputs[:1]
			case 2:
				out.Targets = nil
			}
			return out, err
		}}}, nil
	}}
	for _, shape := range shapes {
		world(t, shape.ranks, shape.schedule, opts, func(ctx context.Context, e l2l.Evaluator) {
			for i, r := range evaluateN(t, ctx, e, 20) {
				want := l2l.Result{Outputs: []float64{float64(i), 2}, Targets: []float64{3, 4}}
				switch i % 4 {
				case 1:
					want = l2l.Result{Ending: l2l.Failed, Reason: "the optimizee returned 1 model outputs and 2 targets, want 2"}
				case 2:
					want = l2l.Result{Ending: l2l.Failed, Reason: "the optimizee returned 2 model outputs and 0 targets, want 2"}
				}
				if r.Ending != want.Ending || r.Reason != want.Reason || !slices.Equal(r.Outputs, want.Outputs) || !slices.Equal(r.Targets, want.Targets) {
					t.Errorf("%d ranks, %s: individual %d: %+v, want %+v", shape.ranks, shape.schedule, i, r, want)
				}
			}
		})
	}
}

// tidy wants directories.
type tidy struct {
	model
	needs bool
}

func (m *tidy) NeedsDir() bool { return m.needs }

func TestADirectoryIsMadeForAnEvaluationAndKeptOnlyIfItFails(t *testing.T) {
	for _, needs := range []bool{true, false} {
		base := filepath.Join(t.TempDir(), "work")
		var mu sync.Mutex
		seen := map[string]bool{}
		opts := Options{Slots: 2, Dir: base, KeepFailed: 3, Make: func() (optimizee.Optimizee, error) {
			return &tidy{needs: needs, model: model{evaluate: func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
				mu.Lock()
				if seen[e.Dir] {
					t.Errorf("%s is used twice", e.Dir)
				}
				seen[e.Dir] = true
				mu.Unlock()
				entries, err := os.ReadDir(e.Dir)
				if exists := err == nil; exists != needs || len(entries) > 0 {
					t.Errorf("%s: exists %v, with %d entries; want %v, and none", e.Dir, exists, len(entries), needs)
				}
				if e.Seed%3 == 0 {
					if err := errors.Join(os.MkdirAll(e.Dir, 0o777), os.WriteFile(filepath.Join(e.Dir, "core"), nil, 0o666)); err != nil {
						t.Error(err)
					}
					return optimizee.Outcome{}, errors.New("crashed")
				}
				return sphere(ctx, e)
			}}}, nil
		}}
		stale := filepath.Join(base, "0-0-0-0", "stale")
		if needs { // as a process that was killed leaves it
			if err := errors.Join(os.MkdirAll(filepath.Dir(stale), 0o777), os.WriteFile(stale, nil, 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		world(t, 1, Pull, opts, func(ctx context.Context, e l2l.Evaluator) { evaluateN(t, ctx, e, 30) })
		kept, err := filepath.Glob(filepath.Join(base, "*", "*"))
		if err != nil || len(kept) != 3 || slices.ContainsFunc(kept, func(f string) bool { return filepath.Base(f) != "core" }) {
			t.Errorf("needed: %v: kept are %v, %v; want 3 directories of failed evaluations", needs, kept, err)
		}
		if all, err := os.ReadDir(base); err != nil || len(all) != 3 {
			t.Errorf("needed: %v: %v are left, %v", needs, all, err)
		}
	}
}

func TestADirectoryThatAKilledSessionLeftGoesWithItsEvaluation(t *testing.T) {
	base := filepath.Join(t.TempDir(), "work")
	for _, id := range []int{0, 2} {
		if err := os.MkdirAll(filepath.Join(base, fmt.Sprintf("%d-0-0-0", id), "stderr.txt"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	opts := Options{Slots: 2, Dir: base, KeepFailed: 3, Make: func() (optimizee.Optimizee, error) { return &tidy{model: model{evaluate: sphere}}, nil }}
	world(t, 1, Pull, opts, func(ctx context.Context, e l2l.Evaluator) { evaluateN(t, ctx, e, 5) })
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

func TestDirectoriesOfEvaluationsThatAreGivenUpWithTheRunAreRemoved(t *testing.T) {
	for _, needs := range []bool{true, false} {
		base := filepath.Join(t.TempDir(), "work")
		began := make(chan bool, 2)
		opts := Options{Slots: 2, Dir: base, KeepFailed: 3, Make: func() (optimizee.Optimizee, error) {
			return &tidy{needs: needs, model: model{evaluate: func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
				if err := errors.Join(os.MkdirAll(e.Dir, 0o777), os.WriteFile(filepath.Join(e.Dir, "stderr.txt"), nil, 0o666)); err != nil {
					t.Error(err)
				}
				began <- true
				<-ctx.Done()
				return optimizee.Outcome{}, ctx.Err()
			}}}, nil
		}}
		e, err := NewSolo(context.Background(), opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Submit([]l2l.Evaluation{{Individual: 0, X: []float64{1, 2, 3}}, {Individual: 1, X: []float64{1, 2, 3}}}); err != nil {
			t.Fatal(err)
		}
		<-began
		<-began
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
			t.Errorf("needed: %v: %v are left, %v", needs, left, err)
		}
	}
}

func TestAnEvaluationWithoutItsDirectoryFails(t *testing.T) {
	base := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(base, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	opts := Options{Slots: 1, Dir: base, Make: func() (optimizee.Optimizee, error) { return &tidy{needs: true, model: model{evaluate: sphere}}, nil }}
	world(t, 1, Pull, opts, func(ctx context.Context, e l2l.Evaluator) {
		if r := evaluateN(t, ctx, e, 1)[0]; r.Ending != l2l.Failed || !strings.Contains(r.Reason, "no directory for the evaluation") {
			t.Errorf("%+v", r)
		}
	})
}

// slowStarter takes its time to get ready, and again after some evaluations.
type slowStarter struct {
	model
	prepare func(ctx context.Context) error
}

func (m *slowStarter) Prepare(ctx context.Context) error { return m.prepare(ctx) }

func TestPreparationsRunAtTheSameTimeAndOutsideTheTimeout(t *testing.T) {
	var preparing, most, calls atomic.Int32
	opts := Options{Slots: 6, Timeout: 40 * time.Millisecond, PrepareTimeout: time.Minute, Make: func() (optimizee.Optimizee, error) {
		return &slowStarter{model{evaluate: sphere}, func(ctx context.Context) error {
			n := preparing.Add(1)
			defer preparing.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			if calls.Add(1) <= 12 {
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		}}, nil
	}}
	world(t, 1, Pull, opts, func(ctx context.Context, e l2l.Evaluator) {
		for i, r := range evaluateN(t, ctx, e, 20) {
			if r.Ending != l2l.OK {
				t.Errorf("individual %d: %+v", i, r)
			}
		}
	})
	if most.Load() != 6 {
		t.Errorf("at most %d slots prepared at a time, want 6", most.Load())
	}
}

func TestAFailedPreparationEndsTheRunAtItsBeginningAndLaterTheEvaluation(t *testing.T) {
	prepare := func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("no module named nest: %w", ctx.Err())
	}
	closed := atomic.Int32{}
	opts := Options{Slots: 3, PrepareTimeout: 20 * time.Millisecond, Make: func() (optimizee.Optimizee, error) {
		return &slowStarter{model{evaluate: sphere, closed: &closed}, func(ctx context.Context) error { return prepare(ctx) }}, nil
	}}
	unhurried(t, func(t *testing.T) {
		if _, err := NewSolo(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "nest") || closed.Load() != 3 {
			t.Errorf("got %v, with %d optimizees closed", err, closed.Load())
		}
	})

	calls := atomic.Int32{}
	late := prepare
	prepare = func(ctx context.Context) error {
		switch n := calls.Add(1); {
		case n <= 3 || n%5 == 1:
			return nil
		case n%5 == 2:
			panic("nil map")
		}
		return late(ctx)
	}
	world(t, 1, Pull, opts, func(ctx context.Context, e l2l.Evaluator) {
		outcomes := map[string]int{}
		for _, r := range evaluateN(t, ctx, e, 25) {
			word, _, _ := strings.Cut(r.Reason, ":")
			outcomes[r.Ending.String()+" "+word]++
		}
		if outcomes["ok "] != 5 || outcomes["failed panic"] != 5 || outcomes["failed no module named nest"] != 15 {
			t.Errorf("got %v", outcomes)
		}
	})
}
