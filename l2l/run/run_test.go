package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// valley is an optimizee with something to find, and with an evaluation that fails now and then.
type valley struct {
	Target float64       `yaml:"target" doc:"where the error is least"`
	Delay  time.Duration `yaml:"delay" doc:"time an evaluation takes" resume:"free"`
	Broken bool          `yaml:"broken" doc:"it cannot start"`
	Noise  float64       `yaml:"noise" doc:"by how much evaluations differ"`
}

func (v *valley) Prepare(context.Context) error {
	if v.Broken {
		return errors.New("the simulator is not installed")
	}
	return nil
}

func (v *valley) Space() optimizee.Space {
	return optimizee.Space{{Name: "x", Size: 3, Lower: -2, Upper: 2}, {Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm"}}}
}

func (v *valley) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise, Unit: "mV"}}
}

func (v *valley) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	if e.Seed%16 == 0 {
		return optimizee.Outcome{}, errors.New("one of sixteen")
	}
	select {
	case <-time.After(v.Delay):
	case <-ctx.Done():
	}
	sum := 0.0
	for _, x := range e.Vector("x") {
		sum += (x - v.Target) * (x - v.Target)
	}
	if e.Choice("rule") == "bcm" {
		sum++
	}
	return optimizee.Outcome{Fitness: []float64{sum + v.Noise*float64(e.Seed%1009)/1009}}, ctx.Err()
}

var kinds = config.Kinds{
	Optimizees: []optimizee.Type{functions.Type, {Name: "valley", New: func() optimizee.Optimizee { return &valley{Target: 1} }}},
	Optimizers: catalogue.All(),
}

// plan reads the plan of a run that keeps its output in a directory of the test.
func plan(t *testing.T, format string, args ...any) *config.Plan {
	t.Helper()
	p, err := config.Parse("run.yaml", fmt.Appendf(nil, format, args...), kinds)
	if err != nil {
		t.Fatal(err)
	}
	return p.In(filepath.Join(t.TempDir(), "run"))
}

const search = "seed: %d\noptimizee: {type: valley}\noptimizer: {type: cmaes}\nstop: {evaluations: 400}\nexecution: {slots: 2}\n"

func alone(t *testing.T, p *config.Plan, options ...run.Option) run.Result {
	t.Helper()
	result, err := run.Run(t.Context(), mpi.Local(1)[0], p, options...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// everywhere calls do on n goroutine ranks and returns their errors.
func everywhere(n int, do func(comm mpi.Comm) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for rank, comm := range mpi.Local(n) {
		all.Go(func() { errs[rank] = errors.Join(do(comm), comm.Close()) })
	}
	all.Wait()
	return errs
}

func TestRunIsTheSameOnAnyNumberOfRanksAndInMemory(t *testing.T) {
	p := plan(t, search, 3)
	want := alone(t, p, run.InMemory())
	if want.Dir != "" || want.Evaluations != 400 || want.Failures == 0 || want.Best == nil || want.Elapsed <= 0 || want.Resumed {
		t.Errorf("%+v", want)
	}
	if _, err := os.Stat(p.Output.Dir); err == nil {
		t.Errorf("a run in memory has made %s", p.Output.Dir)
	}
	for _, ranks := range []int{1, 2, 4, 7} {
		q := p.In(filepath.Join(t.TempDir(), "run"))
		if ranks > 4 {
			q.Execution.Levels = 2
		}
		var result run.Result
		for rank, err := range everywhere(ranks, func(comm mpi.Comm) error {
			r, err := run.Run(t.Context(), comm, q)
			if comm.Rank() == 0 {
				result = r
			}
			return err
		}) {
			if err != nil {
				t.Fatalf("rank %d of %d: %v", rank, ranks, err)
			}
		}
		if result.TrajectoryHash != want.TrajectoryHash || result.Dir != q.Output.Dir || len(result.Lost) > 0 {
			t.Errorf("%d ranks: %+v, want the trajectory of %+v", ranks, result, want)
		}
		written, err := os.ReadFile(filepath.Join(q.Output.Dir, "result.json"))
		if err != nil || !strings.Contains(string(written), want.TrajectoryHash) {
			t.Errorf("%d ranks: result.json: %v, %s", ranks, err, written)
		}
	}
}

// Two runs at a time, each on half of the ranks of one world, with directories that are numbered by themselves.
func TestTwoRunsAtATimeDoNotDisturbEachOther(t *testing.T) {
	t.Chdir(t.TempDir())
	plans := []*config.Plan{plan(t, search, 3).In(""), plan(t, search, 4).In("")}
	results := make([]run.Result, 2)
	for rank, err := range everywhere(6, func(world mpi.Comm) error {
		half := world.Rank() % 2
		comm, err := world.Split(t.Context(), half, world.Rank())
		if err != nil {
			return err
		}
		r, err := run.Run(t.Context(), comm, plans[half])
		if comm.Rank() == 0 {
			results[half] = r
		}
		return errors.Join(err, comm.Close())
	}) {
		if err != nil {
			t.Fatalf("rank %d: %v", rank, err)
		}
	}
	for half, p := range plans {
		if want := alone(t, p, run.InMemory()); results[half].TrajectoryHash != want.TrajectoryHash {
			t.Errorf("run %d: %+v, want the trajectory of %+v", half, results[half], want)
		}
	}
	dirs := []string{results[0].Dir, results[1].Dir}
	slices.Sort(dirs)
	if !slices.Equal(dirs, []string{filepath.Join("runs", "run", "001"), filepath.Join("runs", "run", "002")}) {
		t.Errorf("directories: %v", dirs)
	}
}

// learner is an optimizee whose evaluation is a search: how well one with this step size does on the tasks of a family.
type learner struct{}

func (learner) Space() optimizee.Space {
	return optimizee.Space{{Name: "sigma", Lower: 0.01, Upper: 1, Log: true}}
}

func (learner) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}}
}

func (learner) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	text := fmt.Appendf(nil, "seed: %d\noptimizee: {type: function, name: sphere, dim: 4}\noptimizer: {type: cmaes, sigma: %g}\n"+
		"stop: {evaluations: 60}\nexecution: {slots: 1}\n", e.Seed>>1, e.Float("sigma"))
	inner, err := config.Parse("inner", text, kinds)
	if err != nil {
		return optimizee.Outcome{}, err
	}
	r, err := run.Run(ctx, mpi.Local(1)[0], inner, run.InMemory())
	if err != nil || r.Best == nil {
		return optimizee.Outcome{}, errors.Join(err, ctx.Err())
	}
	return optimizee.Outcome{Fitness: r.Best.Fitness}, nil
}

// A run inside of an evaluation of another one, several at a time.
func TestRunInsideAnEvaluation(t *testing.T) {
	c := config.Defaults()
	c.Evaluation.Instances, c.Stop.Evaluations, c.Execution.Slots = 2, 60, 2
	outer, err := config.New(c, optimizee.Type{Name: "learner", New: func() optimizee.Optimizee { return learner{} }}, named(t, "cmaes"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var hashes []string
	for _, ranks := range []int{1, 3} {
		var result run.Result
		for rank, err := range everywhere(ranks, func(comm mpi.Comm) error {
			r, err := run.Run(t.Context(), comm, outer, run.InMemory())
			if comm.Rank() == 0 {
				result = r
			}
			return err
		}) {
			if err != nil {
				t.Fatalf("rank %d of %d: %v", rank, ranks, err)
			}
		}
		if result.Evaluations != 60 || result.Failures != 0 || result.Best == nil {
			t.Errorf("%d ranks: %+v", ranks, result)
		}
		hashes = append(hashes, result.TrajectoryHash)
	}
	if hashes[0] != hashes[1] {
		t.Errorf("the trajectory depends on the ranks: %v", hashes)
	}
}

func named(t *testing.T, name string) optimizer.Algorithm {
	t.Helper()
	for _, a := range kinds.Optimizers {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("no optimizer is called %s", name)
	return optimizer.Algorithm{}
}

// A context that ends interrupts a run in order, on all ranks; it is resumed to what it would have found.
func TestRunIsInterruptedByItsContextAndResumed(t *testing.T) {
	p := plan(t, search+"output: {sync: 50ms}\n", 3)
	want := alone(t, p, run.InMemory())
	ctx, cancel := context.WithCancelCause(t.Context())
	seen := 0
	stop := run.Observe(func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
		if _, ok := e.(l2l.Result); ok {
			if seen++; seen == 100 {
				cancel(errors.New("enough for today"))
			}
		}
	})
	var result run.Result
	for rank, err := range everywhere(3, func(comm mpi.Comm) error {
		r, err := run.Run(ctx, comm, p, stop)
		if comm.Rank() == 0 {
			result = r
		}
		return err
	}) {
		if err != nil {
			t.Fatalf("rank %d: %v", rank, err)
		}
	}
	if result.Reason.String() != "interrupted: enough for today" || result.Evaluations < 100 || result.Evaluations >= 400 {
		t.Errorf("%+v", result)
	}
	if _, err := run.Run(t.Context(), mpi.Local(1)[0], p); !errors.Is(err, run.ErrUsage) || !strings.Contains(err.Error(), "holds a run") {
		t.Errorf("the directory is used again: %v", err)
	}
	other := plan(t, search, 4).In(p.Output.Dir)
	_, err := run.Run(t.Context(), mpi.Local(1)[0], other, run.Resume())
	if !errors.Is(err, run.ErrUsage) || !strings.Contains(err.Error(), "seed: the run was started with") {
		t.Errorf("it is resumed with another seed: %v", err)
	}
	resumed := alone(t, p, run.Resume())
	if !resumed.Resumed || resumed.TrajectoryHash != want.TrajectoryHash || resumed.Evaluations != 400 {
		t.Errorf("%+v, want the trajectory of %+v", resumed, want)
	}
	proof, err := run.Prove(p.Output.Dir, kinds)
	if err != nil || proof.Torn != nil || proof.Events < 400 || proof.Search.TrajectoryHash() != want.TrajectoryHash {
		t.Errorf("%+v, %v", proof, err)
	}
	if _, err := run.Prove(p.Output.Dir, config.Kinds{}); !errors.Is(err, run.ErrUsage) {
		t.Errorf("it is proved without knowing its kinds: %v", err)
	}
}

func TestFollowTakesThePlanOfRank0(t *testing.T) {
	p := plan(t, search, 3)
	want := alone(t, p, run.InMemory())
	for rank, err := range everywhere(3, func(comm mpi.Comm) error {
		if comm.Rank() > 0 {
			return run.Follow(t.Context(), comm, kinds)
		}
		r, err := run.Run(t.Context(), comm, p, run.InMemory())
		if r.TrajectoryHash != want.TrajectoryHash {
			t.Errorf("%+v, want the trajectory of %+v", r, want)
		}
		return err
	}) {
		if err != nil {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

// watched is an optimizee of which each start takes the next number; the second one fails.
type watched struct {
	valley
	started, open *atomic.Int32
}

func (w *watched) Open() error {
	w.open.Add(1)
	return nil
}

func (w *watched) Close() error {
	w.open.Add(-1)
	return nil
}

func (w *watched) Prepare(context.Context) error {
	if w.started.Add(1) == 2 {
		return errors.New("the second one cannot start")
	}
	return nil
}

// What the other ranks have started until one of them cannot is closed.
func TestRunThatIsCalledOffLeavesNoOptimizeeOpen(t *testing.T) {
	var started, open atomic.Int32
	kinds := config.Kinds{Optimizers: catalogue.All(), Optimizees: []optimizee.Type{
		{Name: "watched", New: func() optimizee.Optimizee { return &watched{started: &started, open: &open} }},
	}}
	p, err := config.Parse("run.yaml", []byte("optimizee: {type: watched}\noptimizer: {type: cmaes}\nexecution: {slots: 1}\n"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	for rank, err := range everywhere(4, func(comm mpi.Comm) error {
		_, err := run.Run(t.Context(), comm, p, run.InMemory())
		return err
	}) {
		if err == nil {
			t.Errorf("rank %d: no error", rank)
		}
	}
	if n := open.Load(); n != 0 || started.Load() != 3 {
		t.Errorf("%d of %d optimizees are open, want none", n, started.Load())
	}
}

// Whatever is wrong on any rank, all of them end, and rank 0 tells the reason.
func TestWhatIsWrongOnOneRankEndsAll(t *testing.T) {
	good, other := plan(t, search, 3), plan(t, search, 4)
	broken := plan(t, "optimizee: {type: valley, broken: true}\noptimizer: {type: cmaes}\nexecution: {slots: 1}\n")
	taken := good.In(t.TempDir())
	if err := os.WriteFile(filepath.Join(taken.Output.Dir, "result.json"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		do    func(comm mpi.Comm) error
		want  string // what rank 0 says
		usage bool
	}{
		"another plan": {func(comm mpi.Comm) error {
			p := good
			if comm.Rank() == 1 {
				p = other
			}
			_, err := run.Run(t.Context(), comm, p, run.InMemory())
			return err
		}, "it has another plan than rank 0: seed = \"4\", want \"3\"", false},
		"an optimizee that cannot start": {func(comm mpi.Comm) error {
			_, err := run.Run(t.Context(), comm, broken, run.InMemory())
			return err
		}, "the simulator is not installed", false},
		"kinds that it does not know": {func(comm mpi.Comm) error {
			if comm.Rank() == 1 {
				return run.Follow(t.Context(), comm, config.Kinds{})
			}
			_, err := run.Run(t.Context(), comm, good, run.InMemory())
			return err
		}, "configuration of rank 0:4:9: optimizee.type: unknown optimizee \"valley\"", false},
		"a directory that is taken": {func(comm mpi.Comm) error {
			_, err := run.Run(t.Context(), comm, taken)
			return err
		}, "holds result.json of a run, and no journal", true},
		"a run in memory to be resumed": {func(comm mpi.Comm) error {
			_, err := run.Run(t.Context(), comm, good, run.InMemory(), run.Resume())
			return err
		}, "a run in memory cannot be resumed", true},
		"no plan": {func(comm mpi.Comm) error {
			if comm.Rank() > 0 {
				return run.Follow(t.Context(), comm, kinds)
			}
			return errors.Join(errors.New("there is no such file"), run.CallOff(t.Context(), comm))
		}, "there is no such file", true},
	}
	for name, test := range cases {
		errs := everywhere(3, test.do)
		if errs[0] == nil || !strings.Contains(errs[0].Error(), test.want) {
			t.Errorf("%s: rank 0: %v, want %s", name, errs[0], test.want)
		}
		for rank, err := range errs[1:] {
			if !errors.Is(err, run.ErrElsewhere) || errors.Is(err, run.ErrUsage) != test.usage {
				t.Errorf("%s: rank %d: %v", name, rank+1, err)
			}
		}
	}
}

// Without noise an earlier run's answer is its best individual; with noise it is the winner of its finals, with what that was measured to be worth,
// and nothing else that is known is better.
func TestWarmStartBeginsWithTheAnswerOfTheEarlierRun(t *testing.T) {
	for seed := range 8 {
		for _, noise := range []float64{0, 5} {
			evaluations := map[float64]int{0: 120, 5: 600}[noise]
			earlier := plan(t, "seed: %d\noptimizee: {type: valley, noise: %v}\noptimizer: {type: random, pop_size: 20}\nstop: {evaluations: %d}\n"+
				"evaluation: {replicates: %d, aggregate: median}\nexecution: {slots: 2}\noutput: {record: digest}\n", seed, noise, evaluations, 1+int(noise)/2)
			want := alone(t, earlier)
			for best := 1; best < 20; best += 18 {
				later := plan(t, "optimizee: {type: valley}\noptimizer: {type: genetic, pop_size: 6}\nstop: {evaluations: 6}\nexecution: {slots: 1}\n"+
					"warm_start: {run: %s, best: %d}\n", earlier.Output.Dir, best)
				var known []optimizer.Solution
				alone(t, later, run.Observe(func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
					if k, ok := e.(l2l.WarmStart); ok {
						known = k.Solutions
					}
				}))
				loss := want.Best.Loss
				if noise > 0 {
					loss = want.Answer.Anew.Mean[0]
				}
				if len(known) != best || !slices.Equal(known[0].X, want.Answer.X) || known[0].Loss[0] != loss {
					t.Errorf("seed %d, noise %v: it begins with %+v, want %+v with loss %v", seed, noise, known[0], want.Answer, loss)
				}
				for _, k := range known {
					if k.Loss[0] < loss {
						t.Errorf("seed %d, noise %v: %+v is known, better than the answer", seed, noise, k)
					}
				}
			}
		}
	}
}

func TestProgressOfARunWhoseEvaluationsTakeLongIsTold(t *testing.T) {
	p := plan(t, "optimizee: {type: valley, delay: 2m}\noptimizer: {type: random}\nstop: {evaluations: 1}\nexecution: {slots: 1}\noutput: {dir: x}\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told []run.Progress
	alive := 0
	result, err := run.Run(ctx, mpi.Local(1)[0], p, run.Watch(10*time.Millisecond, func(p run.Progress) {
		told = append(told, p)
		if p.Evaluations == 0 && p.UnderWay == 1 && p.Longest > 900*time.Millisecond {
			if alive++; alive == 2 {
				cancel() // before the evaluation ends
			}
		}
	}))
	if err != nil || alive < 2 || result.Evaluations > 0 {
		t.Errorf("%d signs of life within two minutes: %+v; %v", alive, told, err)
	}
}

// A loss of very small numbers is searched as one of large ones is; and where the search does begin again, a reader is told how often and why.
func TestRunTellsHowOftenAndWhyItsSearchHasBegunAgain(t *testing.T) {
	p := plan(t, "seed: 3\noptimizee: {type: function, name: sphere, dim: 2}\noptimizer: {type: cmaes}\nstop: {evaluations: 3000}\n")
	var log bytes.Buffer
	var last run.Progress
	alone(t, p, run.Log(&log, zerolog.InfoLevel), run.Watch(0, func(p run.Progress) { last = p }))
	result, err := report.ReadResult(p.Output.Dir)
	if err != nil || result.Restarts == nil || result.Restarts.Count < 1 || len(result.Restarts.Last) != result.Restarts.Count {
		t.Fatalf("%+v, %v", result.Restarts, err)
	}
	for _, r := range result.Restarts.Last {
		want := fmt.Sprintf(`"individuals":%d,"reason":%q,"pop_size":%d`, r.Individuals, r.Reason, r.PopSize)
		if r.Reason == "" || !strings.Contains(log.String(), want) {
			t.Errorf("no %s in the log\n%s", want, log.String())
		}
	}
	if got := strings.Count(log.String(), "the search begins again"); got != result.Restarts.Count || last.Restarts.Count != got {
		t.Errorf("%d restarts in the log, %d in the progress, %d in the result", got, last.Restarts.Count, result.Restarts.Count)
	}
}

func TestProgressAndLogAreTold(t *testing.T) {
	p := plan(t, "name: told\noptimizee: {type: valley, delay: 1ms}\noptimizer: {type: cmaes}\nstop: {evaluations: 100}\nexecution: {slots: 1}\n")
	var log bytes.Buffer
	var seen []run.Progress
	see := run.Watch(0, func(p run.Progress) {
		if p.Evaluations > int64(len(seen)) { // where a machine is busy, it also tells in between that it lives
			seen = append(seen, p)
		}
	})
	result := alone(t, p, run.Log(&log, zerolog.InfoLevel), run.LogProgress(10*time.Millisecond), see)
	if len(seen) != 100 {
		t.Fatalf("the progress was told %d times, want 100", len(seen))
	}
	half, last := seen[49], seen[99]
	if half.Evaluations != 50 || half.Done != 0.5 || half.Left < 0 || half.PerSecond <= 0 ||
		!strings.HasPrefix(half.Best, "error ") || !strings.HasSuffix(half.Best, " mV") {
		t.Errorf("halfway: %+v", half)
	}
	if last.Done != 1 || last.ETA() != "?" || last.Failures != result.Failures || last.Generation == 0 {
		t.Errorf("at the end: %+v", last)
	}
	if text := half.String(); !strings.Contains(text, "50 evaluations  ") || !strings.Contains(text, "sigma ") {
		t.Errorf("as a line: %s", text)
	}
	written, err := os.ReadFile(filepath.Join(p.Output.Dir, "logs", "rank-0.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{`"message":"begun"`, `"message":"running"`, `"message":"an evaluation failed"`} {
		if !strings.Contains(log.String(), message) || !strings.Contains(string(written), message) {
			t.Errorf("no %s in the log\n%s\nor in its file\n%s", message, log.String(), written)
		}
	}
	for line := range strings.Lines(log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a line that is no JSON: %s", line)
		}
	}
	if files, err := filepath.Glob(filepath.Join(p.Output.Dir, "failures", "*.yaml")); err != nil || len(files) == 0 {
		t.Errorf("failures: %v, %v", files, err)
	}
}
