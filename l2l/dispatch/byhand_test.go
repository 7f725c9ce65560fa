package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// patient is a model with one output, which prepares itself, wants a directory, and can report.
type patient struct {
	model
	prepare func(ctx context.Context) error
	report  func(ctx context.Context, e optimizee.Evaluation, w io.Writer) error
}

func (m *patient) NumOutputs() int { return 1 }
func (m *patient) NeedsDir() bool  { return true }
func (m *patient) Prepare(ctx context.Context) error {
	if m.prepare == nil {
		return nil
	}
	return m.prepare(ctx)
}
func (m *patient) Report(ctx context.Context, e optimizee.Evaluation, w io.Writer) error {
	return m.report(ctx, e, w)
}

// badOutcome is a way in which an evaluation fails.
type badOutcome struct {
	name     string
	evaluate func(ctx context.Context) (optimizee.Outcome, error)
	prepare  func(ctx context.Context) error // before that evaluation
	x        []float64
	blocked  bool // the directory of evaluations cannot be made
	outcome  l2l.Ending
	reason   string // its first line begins so
}

func badOutcomes() []badOutcome {
	returns := func(fitness, outputs, targets []float64) func(context.Context) (optimizee.Outcome, error) {
		return func(context.Context) (optimizee.Outcome, error) {
			return optimizee.Outcome{Fitness: fitness, Outputs: outputs, Targets: targets}, nil
		}
	}
	none, one, two := []float64(nil), []float64{1}, []float64{1, 2}
	nan, inf := []float64{math.NaN()}, []float64{math.Inf(1)}
	return []badOutcome{
		{name: "error", reason: "no such file", evaluate: func(context.Context) (optimizee.Outcome, error) {
			return optimizee.Outcome{}, errors.New("no such file")
		}},
		{name: "panic", reason: "panic: out of spikes", evaluate: func(context.Context) (optimizee.Outcome, error) { panic("out of spikes") }},
		{name: "nil map", reason: "panic: assignment to entry in nil map", evaluate: func(context.Context) (optimizee.Outcome, error) {
			func(m map[string]int) { m["a"] = 1 }(nil)
			return optimizee.Outcome{}, nil
		}},
		{name: "Goexit", reason: "the optimizee ended the goroutine", evaluate: func(context.Context) (optimizee.Outcome, error) {
			runtime.Goexit()
			return optimizee.Outcome{}, nil
		}},
		{name: "fitness NaN", reason: "the fitness is not a finite number: [NaN]", evaluate: returns(nan, one, one)},
		{name: "fitness +Inf", reason: "the fitness is not a finite number: [+Inf]", evaluate: returns(inf, one, one)},
		{name: "fitness -Inf", reason: "the fitness is not a finite number: [-Inf]", evaluate: returns([]float64{math.Inf(-1)}, one, one)},
		{name: "no fitness", reason: "the optimizee returned 0 fitness values, want 1", evaluate: returns(none, one, one)},
		{name: "fitness too long", reason: "the optimizee returned 2 fitness values, want 1", evaluate: returns(two, one, one)},
		{name: "no outputs", reason: "the optimizee returned 0 model outputs and 0 targets, want 1", evaluate: returns(one, none, none)},
		{name: "outputs too long", reason: "the optimizee returned 2 model outputs and 2 targets, want 1", evaluate: returns(one, two, two)},
		{name: "targets too long", reason: "the optimizee returned 1 model outputs and 2 targets, want 1", evaluate: returns(one, one, two)},
		{name: "output NaN", reason: "a model output or a target is not a finite number", evaluate: returns(one, nan, one)},
		{name: "target NaN", reason: "a model output or a target is not a finite number", evaluate: returns(one, one, nan)},
		{name: "hang that heeds its context", outcome: l2l.TimedOut, reason: "took longer than the timeout of 50ms",
			evaluate: func(ctx context.Context) (optimizee.Outcome, error) {
				<-ctx.Done()
				return optimizee.Outcome{}, ctx.Err()
			}},
		{name: "hang that does not", outcome: l2l.TimedOut, reason: "took longer than the timeout of 50ms and did not stop when asked",
			evaluate: func(context.Context) (optimizee.Outcome, error) {
				time.Sleep(time.Hour)
				return optimizee.Outcome{}, nil
			}},
		{name: "preparation fails", reason: "no module named nest", prepare: func(context.Context) error { return errors.New("no module named nest") }},
		{name: "preparation hangs", reason: "context deadline exceeded", prepare: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}},
		{name: "preparation panics", reason: "panic: out of memory", prepare: func(context.Context) error { panic("out of memory") }},
		{name: "Goexit in the preparation", reason: "the optimizee ended the goroutine", prepare: func(context.Context) error {
			runtime.Goexit()
			return nil
		}},
		{name: "point too short", reason: "optimizee: a vector of 2 coordinates, want 3", x: two},
		{name: "coordinate NaN", reason: "optimizee: coordinate x[1] is not a number", x: []float64{0, math.NaN(), 0}},
		{name: "no directory", reason: "no directory for the evaluation", blocked: true},
	}
}

func TestSlotByHandJudgesAsARunDoes(t *testing.T) {
	for _, bad := range badOutcomes() {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			var struck atomic.Bool
			opts := func() Options {
				o := Options{Slots: 1, Timeout: 50 * time.Millisecond, Grace: 50 * time.Millisecond, PrepareTimeout: 50 * time.Millisecond, KeepFailed: 1}
				o.Dir = filepath.Join(t.TempDir(), "work")
				if bad.blocked {
					if err := os.WriteFile(o.Dir, nil, 0o666); err != nil {
						t.Fatal(err)
					}
				}
				struck.Store(false)
				o.Make = func() (optimizee.Optimizee, error) {
					prepared := 0
					m := &patient{prepare: func(ctx context.Context) error {
						prepared++ // once before the run begins
						if bad.prepare != nil && prepared == 2 && !struck.Swap(true) {
							return bad.prepare(ctx)
						}
						return nil
					}}
					m.evaluate = func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
						if e.Seed == 0 && bad.evaluate != nil {
							return bad.evaluate(ctx)
						}
						return optimizee.Outcome{Fitness: []float64{3}, Outputs: []float64{1}, Targets: []float64{2}}, nil
					}
					return m, nil
				}
				return o
			}
			es := []l2l.Evaluation{{Individual: 7, Instance: 1, X: []float64{1, 2, 3}}, {Individual: 8, Seed: 1, X: []float64{1, 2, 3}}}
			if bad.x != nil {
				es[0].X = bad.x
			}
			want := bad.outcome
			if want == l2l.OK {
				want = l2l.Failed
			}
			check := func(where string, evaluate func(l2l.Evaluation) l2l.Result) {
				r := evaluate(es[0])
				if line, _, _ := strings.Cut(r.Reason, "\n"); r.Ending != want || !strings.HasPrefix(line, bad.reason) || r.Fitness != nil {
					t.Errorf("%s: %+v, want %v: %s", where, r, want, bad.reason)
				}
				if id := answer(es[0]); r.Individual != id.Individual || r.Instance != id.Instance {
					t.Errorf("%s: the result is of another evaluation: %+v", where, r)
				}
				if bad.blocked {
					return
				}
				if r := evaluate(es[1]); r.Ending != l2l.OK || len(r.Fitness) != 1 || r.Fitness[0] != 3 {
					t.Errorf("%s: the evaluation after it: %+v", where, r)
				}
			}
			unhurried(t, func(t *testing.T) {
				s, err := OpenSlot(t.Context(), opts())
				if err != nil {
					t.Fatal(err)
				}
				check("by hand", func(e l2l.Evaluation) l2l.Result { return s.Evaluate(t.Context(), e) })
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			for _, shape := range shapes[:3] {
				world(t, shape.ranks, shape.schedule, opts(), func(ctx context.Context, e l2l.Evaluator) {
					check(fmt.Sprintf("%d ranks, %s", shape.ranks, shape.schedule), func(one l2l.Evaluation) l2l.Result {
						if err := e.Submit([]l2l.Evaluation{one}); err != nil {
							t.Fatal(err)
						}
						rs, err := e.Next(ctx)
						if err != nil || len(rs) != 1 {
							t.Fatalf("got %+v, %v", rs, err)
						}
						return rs[0]
					})
				})
			}
		})
	}
}

// openPatient opens a slot with a patient, which evaluates to 3.
func openPatient(t *testing.T, opts Options, m *patient) *Slot {
	t.Helper()
	if m.evaluate == nil {
		m.evaluate = func(context.Context, optimizee.Evaluation) (optimizee.Outcome, error) {
			return optimizee.Outcome{Fitness: []float64{3}, Outputs: []float64{1}, Targets: []float64{2}}, nil
		}
	}
	opts.Make = func() (optimizee.Optimizee, error) { return m, nil }
	s, err := OpenSlot(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var point = l2l.Evaluation{X: []float64{1, 2, 3}, Seed: 9}

func TestSlotByHandReports(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	limits := Options{Timeout: 50 * time.Millisecond, Grace: 50 * time.Millisecond, PrepareTimeout: 50 * time.Millisecond}
	for _, c := range []struct {
		name   string
		report func(ctx context.Context, e optimizee.Evaluation, w io.Writer) error
		text   string
		reason string
	}{
		{"all is well", func(_ context.Context, e optimizee.Evaluation, w io.Writer) error {
			_, err := fmt.Fprintf(w, "x is %v, the seed %d", e.Vector("x"), e.Seed)
			return err
		}, "x is [1 2 3], the seed 9", ""},
		{"error", func(_ context.Context, _ optimizee.Evaluation, w io.Writer) error {
			fmt.Fprint(w, "x is")
			return errors.New("no such file")
		}, "x is", "no such file"},
		{"panic", func(context.Context, optimizee.Evaluation, io.Writer) error { panic("out of ink") }, "", "panic: out of ink"},
		{"Goexit", func(context.Context, optimizee.Evaluation, io.Writer) error { runtime.Goexit(); return nil }, "", "ended the goroutine"},
		{"hang that heeds its context", func(ctx context.Context, _ optimizee.Evaluation, _ io.Writer) error {
			<-ctx.Done()
			return ctx.Err()
		}, "", "took longer than the timeout of 50ms"},
		{"hang that does not", func(context.Context, optimizee.Evaluation, io.Writer) error { <-release; return nil }, "", "left behind"},
	} {
		in := unhurried
		if c.reason == "left behind" {
			in = func(t *testing.T, test func(t *testing.T)) { test(t) } // the time of a test does not go on where somebody waits for a lock
		}
		in(t, func(t *testing.T) {
			var closed atomic.Int32
			s := openPatient(t, limits, &patient{report: c.report, model: model{closed: &closed}})
			var w strings.Builder
			err := s.Report(t.Context(), point, &w)
			if reason := fmt.Sprint(err); (err == nil) != (c.reason == "") || !strings.Contains(reason, c.reason) || w.String() != c.text {
				t.Errorf("%s: wrote %q, with error %v; want %q, %s", c.name, w.String(), err, c.text, c.reason)
			}
			left := errors.Is(err, errLeftBehind)
			if r := s.Evaluate(t.Context(), point); (r.Ending == l2l.OK) == left {
				t.Errorf("%s: the evaluation after it: %+v", c.name, r)
			}
			if err := s.Close(); err != nil || (closed.Load() == 1) == left {
				t.Errorf("%s: closed with error %v, the optimizee %d times", c.name, err, closed.Load())
			}
		})
	}
	unhurried(t, func(t *testing.T) { // the preparation fails
		prepared := false
		s := openPatient(t, limits, &patient{prepare: func(context.Context) error {
			if prepared {
				return errors.New("the licence has expired")
			}
			prepared = true
			return nil
		}})
		if err := s.Report(t.Context(), point, io.Discard); err == nil || err.Error() != "the licence has expired" {
			t.Errorf("got %v", err)
		}
	})
	unhurried(t, func(t *testing.T) { // it cannot
		s, err := OpenSlot(t.Context(), options(1, sphere))
		if err != nil {
			t.Fatal(err)
		}
		var w strings.Builder
		if err := s.Report(t.Context(), point, &w); err != nil || w.Len() > 0 {
			t.Errorf("wrote %q, with error %v; want nothing", w.String(), err)
		}
	})
}

func TestSlotByHandEndsWithItsContext(t *testing.T) {
	m := &patient{}
	m.evaluate = func(ctx context.Context, _ optimizee.Evaluation) (optimizee.Outcome, error) {
		<-ctx.Done()
		return optimizee.Outcome{}, ctx.Err()
	}
	s := openPatient(t, Options{}, m)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for range 2 {
		if r := s.Evaluate(ctx, point); r.Ending != l2l.Failed || !strings.Contains(r.Reason, "context canceled") {
			t.Errorf("got %+v", r)
		}
	}
	if err := s.Report(t.Context(), point, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSlotByHandMayKeepAllDirectories(t *testing.T) {
	for _, all := range []bool{true, false} {
		dir := t.TempDir()
		s := openPatient(t, Options{Dir: dir, KeepAll: all}, &patient{})
		if r := s.Evaluate(t.Context(), point); r.Ending != l2l.OK {
			t.Errorf("got %+v", r)
		}
		if entries, err := os.ReadDir(dir); err != nil || (len(entries) == 1) != all {
			t.Errorf("all are kept: %v; there are %v, %v", all, entries, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSlotSurvivesATimerThatComesTooLate(t *testing.T) {
	s := openPatient(t, Options{Timeout: time.Minute}, &patient{})
	one := s.pool.slots[0]
	for number := range 3 {
		if r := s.Evaluate(t.Context(), point); r.Ending != l2l.OK {
			t.Errorf("got %+v", r)
		}
		s.pool.giveUp(one, []l2l.Evaluation{point}, number, time.Minute) // as a timer does that fired while the call ended
	}
	if s.pool.slots[0] != one || len(s.pool.take()) > 0 {
		t.Error("a call that had ended was given up")
	}
}

func TestPoolWithoutASlotRefusesWhatComes(t *testing.T) {
	for _, make := range []func() (optimizee.Optimizee, error){
		func() (optimizee.Optimizee, error) { return nil, errors.New("no memory left") },
		func() (optimizee.Optimizee, error) { panic("no memory left") },
	} {
		made := false
		opts := options(1, func(context.Context, optimizee.Evaluation) (optimizee.Outcome, error) {
			time.Sleep(time.Hour)
			return optimizee.Outcome{}, nil
		})
		first := opts.Make
		opts.Timeout, opts.Grace = 10*time.Millisecond, 10*time.Millisecond
		opts.Make = func() (optimizee.Optimizee, error) {
			if made {
				return make()
			}
			made = true
			return first()
		}
		world(t, 1, Pull, opts, func(ctx context.Context, e l2l.Evaluator) {
			for round := range 2 { // the second one when there is no slot any more
				for i, r := range evaluateN(t, ctx, e, 3) {
					if late := round == 0 && i == 0; (r.Ending == l2l.TimedOut) != late || !late && !strings.Contains(r.Reason, "no memory left") {
						t.Errorf("round %d, individual %d: %+v", round, i, r)
					}
				}
			}
		})
	}
}

// restless panics when it is closed.
type restless struct{ model }

func (*restless) Close() error { panic("nothing to close") }

func TestSlotByHandTellsOfAPanicOfClose(t *testing.T) {
	s, err := OpenSlot(t.Context(), Options{Make: func() (optimizee.Optimizee, error) { return &restless{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "panic: nothing to close") {
		t.Errorf("got %v", err)
	}
}

func TestSlotByHandCannotBeOpenedUnprepared(t *testing.T) {
	for want, prepare := range map[string]func(context.Context) error{
		"no module named nest": func(context.Context) error { return errors.New("no module named nest") },
		"panic: out of memory": func(context.Context) error { panic("out of memory") },
		"ended the goroutine":  func(context.Context) error { runtime.Goexit(); return nil },
	} {
		closed := atomic.Int32{}
		m := &patient{prepare: prepare, model: model{closed: &closed}}
		_, err := OpenSlot(t.Context(), Options{Make: func() (optimizee.Optimizee, error) { return m, nil }})
		if err == nil || !strings.Contains(err.Error(), want) || closed.Load() != 1 {
			t.Errorf("got %v, with the optimizee closed %d times; want %s, once", err, closed.Load(), want)
		}
	}
}
