package l2l_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

var (
	space = optimizee.Space{{Name: "x", Lower: -5, Upper: 5}, {Name: "n", Kind: optimizee.Int, Lower: 0, Upper: 9},
		{Name: "w", Size: 2, Lower: -1, Upper: 1}}
	objectives = []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}}
)

// evaluator evaluates at once and returns results in random order, a few at a time.
type evaluator struct {
	evaluate func(l2l.Evaluation) l2l.Result
	capacity int
	rng      *rand.Rand
	waiting  []l2l.Evaluation
	seen     []l2l.Evaluation
}

func newEvaluator(order uint64, evaluate func(l2l.Evaluation) l2l.Result) *evaluator {
	return &evaluator{evaluate: evaluate, capacity: 4, rng: rand.New(rand.NewPCG(order, 1))}
}

func (e *evaluator) Capacity() int { return e.capacity }

func (e *evaluator) Submit(es []l2l.Evaluation) error {
	e.waiting = append(e.waiting, es...)
	e.seen = append(e.seen, es...)
	return nil
}

func (e *evaluator) Next(ctx context.Context) ([]l2l.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(e.waiting) == 0 {
		return nil, errors.New("nothing to wait for")
	}
	e.rng.Shuffle(len(e.waiting), func(i, j int) { e.waiting[i], e.waiting[j] = e.waiting[j], e.waiting[i] })
	n := 1 + e.rng.IntN(min(len(e.waiting), 3))
	var rs []l2l.Result
	for _, ev := range e.waiting[:n] {
		rs = append(rs, e.evaluate(ev))
	}
	e.waiting = e.waiting[n:]
	return rs, nil
}

func answer(e l2l.Evaluation) l2l.Result {
	return l2l.Result{Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt}
}

// bowl is the squared distance from (1, 3, 0.5, 0.5), plus something of the seed and the instance.
func bowl(e l2l.Evaluation) l2l.Result {
	r := answer(e)
	sum := float64(e.Seed%1000)/1e6 + float64(e.Instance)
	for i, target := range []float64{1, 3, 0.5, 0.5} {
		sum += (e.X[i] - target) * (e.X[i] - target)
	}
	r.Fitness = []float64{sum}
	return r
}

// failing fails the first attempts of every third individual, and every attempt of every tenth.
func failing(e l2l.Evaluation) l2l.Result {
	if e.Individual%10 == 4 || e.Individual%3 == 1 && e.Attempt < 2 {
		r := answer(e)
		r.Ending, r.Reason = l2l.Failed, fmt.Sprintf("individual %d does not like attempt %d", e.Individual, e.Attempt)
		return r
	}
	return bowl(e)
}

// memory keeps events.
type memory struct{ events []l2l.Event }

// Record keeps what is asked as a journal writes it: perhaps by a digest.
func (m *memory) Record(e l2l.Event) error {
	if asked, ok := e.(l2l.Asked); ok {
		var written l2l.Asked
		if err := codec.Unmarshal(asked.AppendMsgpack(nil), &written); err != nil {
			return err
		}
		e = written
	}
	m.events = append(m.events, e)
	return nil
}

func (m *memory) Checkpoint(func() ([]byte, error)) error { return nil }

func newOptimizer(t *testing.T, name string) optimizer.Optimizer {
	t.Helper()
	return newOptimizerOf(t, name, 1)
}

func newOptimizerOf(t *testing.T, name string, objectives int) optimizer.Optimizer {
	t.Helper()
	problem := l2l.Problem(space, 0)
	problem.Objectives = objectives
	return newOptimizerOn(t, name, problem, 5)
}

func newOptimizerSeed(t *testing.T, name string, seed uint64) optimizer.Optimizer {
	t.Helper()
	return newOptimizerOn(t, name, l2l.Problem(space, 0), seed)
}

func newOptimizerFor(t *testing.T, name string, space optimizee.Space) optimizer.Optimizer {
	t.Helper()
	return newOptimizerOn(t, name, l2l.Problem(space, 0), 5)
}

func newOptimizerOn(t *testing.T, name string, problem optimizer.Problem, seed uint64) optimizer.Optimizer {
	t.Helper()
	a, ok := catalogue.Find(name)
	if !ok {
		t.Fatalf("no optimizer %s", name)
	}
	o, err := a.New(problem, a.Params(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func rules() l2l.Rules {
	return l2l.Rules{Seed: 11, Objectives: objectives, OnFailure: l2l.OnFailure{Retries: 2}}
}

func run(t *testing.T, l *l2l.Loop) l2l.Summary {
	t.Helper()
	s, err := l.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLoopHasATrajectoryThatDoesNotDependOnWhoFinishesFirst(t *testing.T) {
	for _, name := range []string{"cmaes", "genetic", "random"} {
		var first l2l.Summary
		for order := range uint64(5) {
			s := run(t, &l2l.Loop{
				Search: l2l.NewSearch(newOptimizer(t, name), rules()), Evaluator: newEvaluator(order, failing), Stop: l2l.Stop{Generations: 12},
			})
			if order == 0 {
				first = s
			} else if s.TrajectoryHash != first.TrajectoryHash || s.Best.Individual.ID != first.Best.Individual.ID {
				t.Errorf("%s: order %d gives %+v, order 0 gave %+v", name, order, s, first)
			}
		}
		if first.Failures == 0 || first.Evaluations == 0 {
			t.Errorf("%s: %+v", name, first)
		}
	}
}

func TestSearchResumedFromAnyPrefixOfItsEventsEndsAlike(t *testing.T) {
	for _, name := range []string{"cmaes", "genetic"} {
		for _, then := range []l2l.Then{l2l.RankWorst, l2l.Resample} {
			r := rules()
			r.Then, r.Instances, r.Rotate, r.Replicates = then, 2, 2, 2
			record := map[l2l.Then]l2l.Record{l2l.RankWorst: l2l.Points, l2l.Resample: l2l.Digest}[then]
			journal := &memory{}
			want := run(t, &l2l.Loop{
				Search: l2l.NewSearch(newOptimizer(t, name), r), Evaluator: newEvaluator(1, failing), Recorder: journal, Stop: l2l.Stop{Generations: 5},
				Record: record,
			})
			for cut := 0; cut <= len(journal.events); cut += 29 {
				search := l2l.NewSearch(newOptimizer(t, name), r)
				done := map[string]bool{}
				for i, e := range journal.events[:cut] {
					if _, err := search.Replay(e); err != nil {
						t.Fatal(err)
					}
					if res, ok := e.(l2l.Result); ok {
						done[fmt.Sprint(res.Individual, res.Instance, res.Replicate, res.Attempt)] = true
					}
					if i == cut/2 { // and through a snapshot
						b, err := search.Snapshot()
						if err != nil {
							t.Fatal(err)
						}
						search = l2l.NewSearch(newOptimizer(t, name), r)
						if err := search.Restore(b); err != nil {
							t.Fatal(err)
						}
					}
				}
				ev := newEvaluator(uint64(cut), failing)
				rest := &memory{events: slices.Clone(journal.events[:cut])}
				got := run(t, &l2l.Loop{Search: search, Evaluator: ev, Stop: l2l.Stop{Generations: 5}, Recorder: rest, Record: record})
				if a, b := figuresOf(rest.events), figuresOf(journal.events); !reflect.DeepEqual(a, b) || len(a) != 5 {
					t.Fatalf("%s, %s: resumed after event %d, the figures are\n%v, want\n%v", name, then, cut, a, b)
				}
				if got.TrajectoryHash != want.TrajectoryHash || got.Evaluations != want.Evaluations || got.Failures != want.Failures {
					t.Fatalf("%s, %s: resumed after event %d: %+v, want %+v", name, then, cut, got, want)
				}
				for _, e := range ev.seen {
					if done[fmt.Sprint(e.Individual, e.Instance, e.Replicate, e.Attempt)] {
						t.Fatalf("%s: resumed after event %d: %+v is evaluated again", name, cut, e)
					}
				}
			}
		}
	}
}

// figuresOf are the figures among events.
func figuresOf(events []l2l.Event) (all []l2l.Figures) {
	for _, e := range events {
		if f, ok := e.(l2l.Figures); ok {
			all = append(all, f)
		}
	}
	return all
}

func TestSearchReplaysADigestOfTheSamePointsOnly(t *testing.T) {
	whole, digest := &memory{}, &memory{}
	for record, m := range map[l2l.Record]*memory{l2l.Points: whole, l2l.Digest: digest} {
		run(t, &l2l.Loop{
			Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules()), Evaluator: newEvaluator(1, bowl), Recorder: m, Stop: l2l.Stop{Generations: 3},
			Record: record,
			Now:    func() time.Time { return time.Unix(0, 0) },
		})
	}
	search := l2l.NewSearch(newOptimizer(t, "cmaes"), rules())
	for i, e := range digest.events {
		if a, ok := e.(l2l.Asked); ok && (a.Individuals != nil || a.Count == 0) {
			t.Fatalf("recorded as %+v, want a count and a digest", a)
		}
		got, err := search.Replay(e)
		if err != nil || !reflect.DeepEqual(got, whole.events[i]) {
			t.Fatalf("event %d is replayed as %+v, %v, want %+v", i, got, err, whole.events[i])
		}
	}
	asked := digest.events[0].(l2l.Asked)
	for name, change := range map[string]func(a *l2l.Asked){
		"another digest": func(a *l2l.Asked) { a.Digest = slices.Clone(a.Digest); a.Digest[3]++ },
		"another count":  func(a *l2l.Asked) { a.Count++ },
		"another max":    func(a *l2l.Asked) { a.Max = 2 },
	} {
		changed := asked
		change(&changed)
		if _, err := l2l.NewSearch(newOptimizer(t, "cmaes"), rules()).Replay(changed); !errors.Is(err, l2l.ErrDiverged) {
			t.Errorf("%s: got %v, want ErrDiverged", name, err)
		}
	}
}

func TestSearchFindsOutEventsOfAnotherConfiguration(t *testing.T) {
	journal := &memory{}
	run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules()), Evaluator: newEvaluator(1, bowl), Recorder: journal,
		Stop: l2l.Stop{Generations: 3}})
	replay := func(events []l2l.Event) error {
		search := l2l.NewSearch(newOptimizer(t, "cmaes"), rules())
		for _, e := range events {
			if _, err := search.Replay(e); err != nil {
				return err
			}
		}
		return nil
	}
	if err := replay(journal.events); err != nil {
		t.Fatal(err)
	}
	last := slices.IndexFunc(journal.events, func(e l2l.Event) bool { _, ok := e.(l2l.Result); return ok })
	for name, change := range map[string]func(es []l2l.Event) []l2l.Event{
		"a changed fitness": func(es []l2l.Event) []l2l.Event {
			r := es[last].(l2l.Result)
			r.Fitness = []float64{-1}
			es[last] = r
			return es
		},
		"a missing result":   func(es []l2l.Event) []l2l.Event { return slices.Delete(es, last, last+1) },
		"a repeated result":  func(es []l2l.Event) []l2l.Event { return slices.Insert(es, last, es[last]) },
		"a changed proposal": func(es []l2l.Event) []l2l.Event { es[0].(l2l.Asked).Individuals[2].X[1]++; return es },
		"a missing generation": func(es []l2l.Event) []l2l.Event {
			return es[1:]
		},
	} {
		events := slices.Clone(journal.events)
		if asked, ok := events[0].(l2l.Asked); ok {
			asked.Individuals = slices.Clone(asked.Individuals)
			asked.Individuals[2].X = slices.Clone(asked.Individuals[2].X)
			events[0] = asked
		}
		if err := replay(change(events)); !errors.Is(err, l2l.ErrDiverged) {
			t.Errorf("%s: got %v, want ErrDiverged", name, err)
		}
	}
}

func TestLoopEndsByEachStopRule(t *testing.T) {
	target := 0.05
	for _, c := range []struct {
		name string
		stop l2l.Stop
		want string // prefix of the reason
		then func(t *testing.T, s l2l.Summary, ev *evaluator)
	}{
		{"generations", l2l.Stop{Generations: 4}, "generations: 4", func(t *testing.T, s l2l.Summary, ev *evaluator) {
			if s.Generations != 4 {
				t.Errorf("%d generations", s.Generations)
			}
		}},
		{"not one evaluation too many", l2l.Stop{Evaluations: 37}, "evaluations: 37", func(t *testing.T, s l2l.Summary, ev *evaluator) {
			if s.Evaluations != 37 || len(ev.seen) != 37 {
				t.Errorf("%d counted, %d made", s.Evaluations, len(ev.seen))
			}
		}},
		{"target", l2l.Stop{Target: &target, Generations: 1000}, "target: error has reached 0.05", func(t *testing.T, s l2l.Summary, ev *evaluator) {
			if s.Best.Fitness[0] > target {
				t.Errorf("best %v", s.Best.Fitness)
			}
		}},
		{"stagnation", l2l.Stop{Stagnation: 10}, "stagnation: no better individual for 10 generations", nil},
		{"wall time", l2l.Stop{WallTime: time.Millisecond}, "wall time", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ev := newEvaluator(2, bowl)
			s := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules()), Evaluator: ev, Stop: c.stop})
			if !strings.HasPrefix(s.Reason.String(), c.want) {
				t.Errorf("stopped for %q, want %q", s.Reason, c.want)
			}
			if c.then != nil {
				c.then(t, s, ev)
			}
		})
	}
}

func TestLoopThatIsInterruptedSaysSoWithoutAnError(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	n := 0
	loop := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "random"), rules()), Evaluator: newEvaluator(3, func(e l2l.Evaluation) l2l.Result {
		if n++; n == 50 {
			cancel(errors.New("signal terminated"))
		}
		return bowl(e)
	})}
	s, err := loop.Run(ctx)
	if err != nil || s.Reason != (l2l.StopReason{Rule: l2l.Interrupted, Detail: "signal terminated"}) {
		t.Errorf("got %q, %v", s.Reason, err)
	}
}

func TestLoopEndsWhereEverythingFails(t *testing.T) {
	broken := func(e l2l.Evaluation) l2l.Result {
		r := answer(e)
		r.Ending, r.Reason = l2l.Failed, "no module named nest"
		return r
	}
	r := rules()
	s := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), r), Evaluator: newEvaluator(1, broken), MaxFailures: 5})
	if want := "max failures: 5 individuals in a row, all of them: no module named nest"; s.Reason.String() != want || s.Best != nil {
		t.Errorf("got %q, want %q", s.Reason, want)
	}
	r.Then = l2l.Abort
	s = run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), r), Evaluator: newEvaluator(1, broken)})
	if want := "failure: no module named nest"; s.Reason.String() != want || s.Failures != 1 {
		t.Errorf("got %q after %d failures, want %q after 1", s.Reason, s.Failures, want)
	}
}

// oneByOne returns results in the order of the evaluations.
type oneByOne struct{ evaluator }

func (e *oneByOne) Next(ctx context.Context) ([]l2l.Result, error) {
	next := e.waiting[0]
	e.waiting = e.waiting[1:]
	return []l2l.Result{e.evaluate(next)}, ctx.Err()
}

// TestLoopGivesAModelUpThatHasNeverWorked has models fail for one reason, for several, and after a first success.
func TestLoopGivesAModelUpThatHasNeverWorked(t *testing.T) {
	failing := func(reason func(nth int) string) func(l2l.Evaluation) l2l.Result {
		return func(e l2l.Evaluation) l2l.Result {
			r := bowl(e)
			if text := reason(int(e.Individual) + 1); text != "" {
				r = answer(e)
				r.Ending, r.Reason = l2l.Failed, text
			}
			return r
		}
	}
	for name, c := range map[string]struct {
		room   int // of the evaluator
		reason func(n int) string
		want   string
	}{
		"one reason": {1, func(n int) string { return fmt.Sprintf("NameError: run %d.5e-3\ntrace %d", n, n) },
			"max failures: the model has never worked: 4 individuals in a row, all of them: NameError: run 1.5e-3"},
		"one reason, and room for 16": {16, func(int) string { return "exit status 127" },
			"max failures: the model has never worked: 19 individuals in a row, all of them: exit status 127"},
		"one reason of the model's own": {1, func(int) string { return "ValueError: infeasible" },
			"max failures: 30 individuals in a row, all of them: ValueError: infeasible"},
		"several reasons": {1, func(n int) string { return []string{"no spikes", "too many spikes"}[n%2] },
			"max failures: 30 individuals in a row, 15 of them: too many spikes; 15 of them: no spikes"},
		"it has worked once": {1, func(n int) string { return map[bool]string{true: "", false: "exit status 127"}[n == 2] },
			"max failures: 30 individuals in a row, all of them: exit status 127"},
	} {
		loop := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "random"), rules()), Evaluator: &oneByOne{evaluator{evaluate: failing(c.reason), capacity: c.room}}, MaxFailures: 30, Hopeless: 3}
		if got := run(t, loop).Reason.String(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLoopThatReachesItsWallTimeNamesIt(t *testing.T) {
	loop := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "random"), rules()), Stop: l2l.Stop{WallTime: 50 * time.Millisecond},
		Evaluator: newEvaluator(1, func(e l2l.Evaluation) l2l.Result { time.Sleep(time.Millisecond); return bowl(e) })}
	if reason := run(t, loop).Reason; reason != (l2l.StopReason{Rule: l2l.WallTime, Detail: "50ms"}) {
		t.Errorf("got %q", reason)
	}
}

func TestLoopWhoseWallTimeIsOverAsksNothing(t *testing.T) {
	for range 200 {
		loop := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "random"), rules()), Stop: l2l.Stop{WallTime: 1, Generations: 1}, Evaluator: newEvaluator(1, bowl)}
		if got := run(t, loop); got.Reason.Rule != l2l.WallTime || got.Evaluations > 0 {
			t.Fatalf("%d evaluations, %q", got.Evaluations, got.Reason)
		}
	}
}

func TestHeadlineIsOneLineThatCanBeShown(t *testing.T) {
	for reason, want := range map[string]string{
		"RuntimeError: diverged\nTraceback": "RuntimeError: diverged", "\n\tx\ty\r\nz": "x y", "\x1b[31m\x00\u202ered": "[31mred", "": "",
		strings.Repeat("é", 1000): strings.Repeat("é", 400) + "…",
	} {
		if got := l2l.Headline(reason); got != want {
			t.Errorf("the headline of %.20q is %q, want %q", reason, got, want)
		}
	}
}

func TestLoopWithoutASuccessHasFailedWhateverEndedIt(t *testing.T) {
	broken := func(e l2l.Evaluation) l2l.Result {
		r := answer(e)
		r.Ending, r.Reason = l2l.Failed, "exit status 3"
		return r
	}
	loop := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules()), Evaluator: newEvaluator(1, broken), Stop: l2l.Stop{Evaluations: 40}}
	reason := run(t, loop).Reason
	if reason.Rule != l2l.NoSuccess || !reason.Failed() || reason.Resumable() || !strings.Contains(reason.Detail, "exit status 3") {
		t.Errorf("got %q", reason)
	}
}

func TestLoopRecordsTheErrorThatEndsIt(t *testing.T) {
	var last l2l.Event
	loop := &l2l.Loop{
		Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules()), Evaluator: noEvaluator{},
		Observers: []l2l.Observer{func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) { last = e }},
	}
	s, err := loop.Run(t.Context())
	if stopped, ok := last.(l2l.Stopped); err == nil || s.Reason.Rule != l2l.Broken || !ok || stopped.Rule != l2l.Broken || stopped.Reason != "error: no rank is left" {
		t.Errorf("%v; %q; %+v", err, s.Reason, last)
	}
}

// noEvaluator cannot evaluate.
type noEvaluator struct{}

func (noEvaluator) Capacity() int                 { return 1 }
func (noEvaluator) Submit([]l2l.Evaluation) error { return nil }
func (noEvaluator) Next(context.Context) ([]l2l.Result, error) {
	return nil, errors.New("no rank is left")
}

func TestLoopTriesAFailedEvaluationAgainWithTheSameSeed(t *testing.T) {
	ev := newEvaluator(4, failing)
	run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules()), Evaluator: ev, Stop: l2l.Stop{Generations: 2}})
	attempts := map[int64][]l2l.Evaluation{}
	for _, e := range ev.seen {
		attempts[e.Individual] = append(attempts[e.Individual], e)
	}
	for id, es := range attempts {
		want := 1
		if id%10 == 4 || id%3 == 1 {
			want = 3
		}
		if len(es) != want {
			t.Errorf("individual %d: %d attempts, want %d", id, len(es), want)
		}
		for i, e := range es {
			if e.Attempt != i || e.Seed != es[0].Seed {
				t.Errorf("individual %d: attempt %+v", id, e)
			}
		}
	}
}

func TestSeedOfDiffersBetweenEvaluationsAndNotBetweenRuns(t *testing.T) {
	seeds := func(run uint64) []uint64 {
		r := rules()
		r.Seed, r.Instances, r.Replicates = run, 3, 2
		ev := newEvaluator(1, bowl)
		_, err := (&l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "random"), r), Evaluator: ev, Stop: l2l.Stop{Generations: 2}}).Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var all []uint64
		for _, e := range ev.seen {
			all = append(all, e.Seed)
		}
		return all
	}
	a := seeds(1)
	if !slices.Equal(a, seeds(1)) {
		t.Error("the same run has other seeds")
	}
	all := append(a, seeds(2)...)
	slices.Sort(all)
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Errorf("%d different seeds among %d evaluations", n, len(all))
	}
}

func TestSearchTakesOtherInstancesEveryFewGenerations(t *testing.T) {
	r := rules()
	r.Instances, r.Rotate = 3, 2
	ev := newEvaluator(1, failing)
	const generations = 5
	asked := map[int64]l2l.Individual{}
	see := func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
		if e, ok := e.(l2l.Asked); ok {
			for _, ind := range e.Individuals {
				asked[ind.ID] = ind
			}
		}
	}
	run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), r), Evaluator: ev, Stop: l2l.Stop{Generations: generations},
		Observers: []l2l.Observer{see}})
	seen := map[int]map[int]bool{} // instances by generation
	for _, e := range ev.seen {
		generation := asked[e.Individual].Generation
		if seen[generation] == nil {
			seen[generation] = map[int]bool{}
		}
		seen[generation][e.Instance] = true
		if want := l2l.SeedOf(r.Seed, e.Individual, e.Instance, 0); e.Seed != want {
			t.Errorf("individual %d on instance %d has seed %d, want %d", e.Individual, e.Instance, e.Seed, want)
		}
	}
	want := map[int]map[int]bool{}
	for g := range generations {
		first := g / 2 * 3
		want[g] = map[int]bool{first: true, first + 1: true, first + 2: true}
	}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("instances by generation: %v, want %v", seen, want)
	}
}

// listener notes what an optimizer is told.
type listener struct {
	optimizer.Optimizer
	told []optimizer.Evaluated
}

func (l *listener) Tell(results []optimizer.Evaluated) error {
	l.told = append(l.told, results...)
	return l.Optimizer.Tell(results)
}

func TestSearchTellsOutputsAndTargetsOfAllEvaluationsInTheirOrder(t *testing.T) {
	l := &listener{Optimizer: newOptimizer(t, "random")}
	search := l2l.NewSearch(l, l2l.Rules{Objectives: objectives, Sampling: l2l.Sampling{Instances: 2, Replicates: 2}})
	run(t, &l2l.Loop{Search: search, Stop: l2l.Stop{Evaluations: 40}, Evaluator: newEvaluator(1, func(e l2l.Evaluation) l2l.Result {
		r := bowl(e)
		id := float64(10*e.Instance + e.Replicate)
		r.Outputs, r.Targets = []float64{id, float64(e.Individual)}, []float64{-id, 7}
		return r
	})})
	if len(l.told) != 10 {
		t.Fatalf("%d individuals were told, want 10", len(l.told))
	}
	for _, ev := range l.told {
		id := float64(ev.ID)
		if want := []float64{0, id, 1, id, 10, id, 11, id}; !slices.Equal(ev.Outputs, want) {
			t.Errorf("individual %d: outputs %v, want %v", ev.ID, ev.Outputs, want)
		}
		if want := []float64{0, 7, -1, 7, -10, 7, -11, 7}; !slices.Equal(ev.Targets, want) {
			t.Errorf("individual %d: targets %v, want %v", ev.ID, ev.Targets, want)
		}
	}
}

func TestRulesAggregateFitnessByObjectiveAndWeighIt(t *testing.T) {
	two := []optimizee.Objective{
		{Name: "error", Direction: optimizee.Minimise, Weight: 2},
		{Name: "speed", Direction: optimizee.Maximise, Weight: 0.5},
	}
	values := [][]float64{{1, 10}, {2, 20}, {6, 90}}
	for aggregate, want := range map[l2l.Aggregate][]float64{l2l.Mean: {3, 40}, l2l.Median: {2, 20}, l2l.Worst: {6, 10}} {
		search := l2l.NewSearch(newOptimizer(t, "random"), l2l.Rules{Objectives: two, Sum: true,
			Sampling: l2l.Sampling{Instances: 3, Aggregate: aggregate}})
		s := run(t, &l2l.Loop{Search: search, Stop: l2l.Stop{Evaluations: 3}, Evaluator: newEvaluator(1, func(e l2l.Evaluation) l2l.Result {
			r := answer(e)
			r.Fitness = values[e.Instance]
			return r
		})})
		if !slices.Equal(s.Best.Fitness, want) || s.Best.Loss != 2*want[0]-0.5*want[1] {
			t.Errorf("%s: fitness %v, loss %v, want %v", aggregate, s.Best.Fitness, s.Best.Loss, want)
		}
	}
}

// tradeOff has an error to minimise and a speed to maximise, which grow together.
var tradeOff = []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise, Weight: 7}, {Name: "speed", Direction: optimizee.Maximise}}

// trading fails like failing, and otherwise is the better in speed the worse in error, but for the distance from where it trades best.
func trading(e l2l.Evaluation) l2l.Result {
	r := failing(e)
	if r.Ending == l2l.OK {
		speed := e.X[0]
		r.Fitness = []float64{speed*speed + float64(e.Instance), speed - e.X[2]*e.X[2]}
	}
	return r
}

func TestSearchSaysThatItsFrontMayHaveBeenCut(t *testing.T) {
	r := l2l.Rules{Objectives: tradeOff}
	incomparable := func(e l2l.Evaluation) l2l.Result {
		a := answer(e)
		a.Fitness = []float64{e.X[0], e.X[0]}
		return a
	}
	for n, cut := range map[int64]bool{100: false, 400: true} {
		s := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizerOf(t, "random", 2), r), Evaluator: newEvaluator(1, incomparable), Stop: l2l.Stop{Evaluations: n}})
		written, err := report.NewResult("", space, tradeOff, s)
		if err != nil || s.FrontCut != cut || (len(s.Front) < int(n)) != cut || strings.Contains(written.FrontCut, "some 256") != cut {
			t.Errorf("%d that none is better than: %d on the front, cut: %v, %q; %v", n, len(s.Front), s.FrontCut, written.FrontCut, err)
		}
	}
}

func TestSearchHasOneFrontWhoeverFinishesFirstAndWhereverItIsResumed(t *testing.T) {
	r := rules()
	r.Objectives, r.Instances = tradeOff, 2
	for _, name := range []string{"nsga2", "nsga3", "ibea", "random", "sobol"} {
		journal := &memory{}
		loop := func(order uint64, search *l2l.Search, recorder l2l.Recorder) l2l.Summary {
			return run(t, &l2l.Loop{Search: search, Evaluator: newEvaluator(order, trading), Recorder: recorder, Stop: l2l.Stop{Evaluations: 1030}})
		}
		want := loop(0, l2l.NewSearch(newOptimizerOf(t, name, 2), r), journal)
		if want.Best != nil || len(want.Front) < 3 || want.Failures == 0 {
			t.Fatalf("%s: best %v, %d on the front, %d failed", name, want.Best, len(want.Front), want.Failures)
		}
		for cut := 0; cut <= len(journal.events); cut += len(journal.events)/7 + 1 {
			search := l2l.NewSearch(newOptimizerOf(t, name, 2), r)
			for i, e := range journal.events[:cut] {
				if _, err := search.Replay(e); err != nil {
					t.Fatal(err)
				}
				if i == cut/2 {
					b, err := search.Snapshot()
					if err != nil {
						t.Fatal(err)
					}
					search = l2l.NewSearch(newOptimizerOf(t, name, 2), r)
					if err := search.Restore(b); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := loop(uint64(cut), search, nil)
			if got.TrajectoryHash != want.TrajectoryHash || !reflect.DeepEqual(got.Front, want.Front) {
				t.Fatalf("%s: resumed after event %d: %d on the front, hash %s; want %d, %s",
					name, cut, len(got.Front), got.TrajectoryHash, len(want.Front), want.TrajectoryHash)
			}
		}
	}
}

func TestSearchHasAFrontWithFitnessInItsOwnDirections(t *testing.T) {
	r := rules()
	r.Objectives = tradeOff
	fitness := map[int64][]float64{}
	s := run(t, &l2l.Loop{
		Search: l2l.NewSearch(newOptimizerOf(t, "nsga2", 2), r), Stop: l2l.Stop{Generations: 4},
		Evaluator: newEvaluator(1, func(e l2l.Evaluation) l2l.Result {
			r := trading(e)
			fitness[e.Individual] = r.Fitness
			return r
		}),
	})
	for _, f := range s.Front {
		if !slices.Equal(f.Fitness, fitness[f.ID]) {
			t.Errorf("individual %d: fitness %v, want %v", f.ID, f.Fitness, fitness[f.ID])
		}
		for id, other := range fitness {
			if other != nil && other[0] < f.Fitness[0] && other[1] > f.Fitness[1] {
				t.Errorf("individual %d, with %v, is on the front, but %d has a smaller error and a higher speed, %v", f.ID, f.Fitness, id, other)
			}
		}
	}
}

func FuzzRestore(f *testing.F) {
	search := l2l.NewSearch(newOptimizer(new(testing.T), "cmaes"), rules())
	loop := &l2l.Loop{Search: search, Evaluator: newEvaluator(1, failing), Stop: l2l.Stop{Evaluations: 30}}
	if _, err := loop.Run(context.Background()); err != nil {
		f.Fatal(err)
	}
	b, err := search.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = l2l.NewSearch(newOptimizer(t, "cmaes"), rules()).Restore(b) // must not panic
	})
}
