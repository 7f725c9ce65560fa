package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// begin runs a plan on n ranks, and returns when something has been evaluated. The result comes when it has ended.
func begin(t *testing.T, n int, p *config.Plan, options ...run.Option) <-chan run.Result {
	t.Helper()
	began, ended := make(chan bool, 1), make(chan run.Result, 1)
	options = append(options, run.Observe(func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
		if _, ok := e.(l2l.Result); ok {
			select {
			case began <- true:
			default:
			}
		}
	}))
	go func() {
		var result run.Result
		for rank, err := range everywhere(n, func(comm mpi.Comm) error {
			r, err := run.Run(t.Context(), comm, p, options...)
			if comm.Rank() == 0 {
				result = r
			}
			return err
		}) {
			if err != nil {
				t.Errorf("rank %d: %v", rank, err)
			}
		}
		ended <- result
	}()
	<-began
	return ended
}

// tell gives a run an order.
func tell(t *testing.T, dir, order string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return run.Tell(ctx, dir, run.Order{Order: order, Args: args, By: "a test"})
}

func TestRunThatIsToldWhatToDoFindsTheSame(t *testing.T) {
	const evaluations = 5000 // which take a minute and more where each takes 100 ms: the run has not ended when it is told something
	long := strings.Replace(search, "evaluations: 400", fmt.Sprint("evaluations: ", evaluations), 1)
	want := alone(t, plan(t, long, 3), run.InMemory())
	for _, c := range []struct {
		ranks    int
		schedule string
	}{{1, "pull"}, {3, "pull"}, {3, "collective"}} {
		p := plan(t, strings.Replace(long, "{type: valley}", "{type: valley, delay: 100ms}", 1)+"output: {sync: 20ms}\n", 3)
		p.Execution.Schedule = c.schedule
		dir := p.Output.Dir
		must := func(order string, args ...string) {
			t.Helper()
			if text, err := tell(t, dir, order, args...); err != nil || text == "" {
				t.Errorf("%+v: %s %q: %q, %v", c, order, args, text, err)
			}
		}
		ended := begin(t, c.ranks, p)
		must(run.OrderPause)
		must(run.OrderPause)
		for before := int64(-1); ; time.Sleep(300 * time.Millisecond) { // until nothing ends any more
			s, err := report.ReadStatus(dir)
			if err != nil || !s.Paused || s.State != report.Running || s.Evaluations >= evaluations {
				t.Fatalf("%+v: paused: %+v, %v", c, s, err)
			}
			if s.Evaluations == before {
				break
			}
			before = s.Evaluations
		}
		must(run.OrderSet, "execution.timeout=20m", "stop.generations=1000")
		must(run.OrderResume)
		must(run.OrderStop, run.StopAfter)
		result := <-ended
		if result.Reason.Rule != l2l.ByOrder || !strings.HasPrefix(result.Reason.Detail, "after ") || result.Evaluations >= evaluations {
			t.Errorf("%+v: it ended by %v", c, result.Reason)
		}
		if s, err := report.ReadStatus(dir); err != nil || s.State != report.Stopped || !s.Resumable || s.Paused {
			t.Errorf("%+v: stopped: %+v, %v", c, s, err)
		}
		ended = begin(t, c.ranks, p, run.Resume())
		must(run.OrderPause)
		must(run.OrderStop) // a pause does not delay it
		if result = <-ended; result.Reason.Rule != l2l.ByOrder || !strings.HasPrefix(result.Reason.Detail, "at once") {
			t.Errorf("%+v: it ended by %v", c, result.Reason)
		}
		resumed := alone(t, plan(t, long, 3).In(dir), run.Resume())
		if resumed.TrajectoryHash != want.TrajectoryHash || resumed.Evaluations != evaluations {
			t.Errorf("%+v: %+v, want the trajectory of %+v", c, resumed, want)
		}
		r, err := report.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		sessions, err := r.Sessions()
		var orders []string
		for _, s := range sessions {
			for _, o := range s.Orders {
				orders = append(orders, strings.TrimSpace(o.Order+" "+o.Detail)+" by "+o.By)
			}
		}
		const all = `pause by a test; pause by a test; set stop.generations from "0" to "1000", execution.timeout from "0s" to "20m0s" by a test; ` +
			"resume by a test; stop after generation by a test; pause by a test; stop by a test"
		if err != nil || strings.Join(orders, "; ") != all {
			t.Errorf("%+v: the journal has the orders %s, %v", c, strings.Join(orders, "; "), err)
		}
		if _, err := os.Stat(filepath.Join(dir, "control")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%+v: orders are left: %v", c, err)
		}
	}
}

func TestOrdersThatCannotBeAreRefused(t *testing.T) {
	p := plan(t, strings.NewReplacer("{type: valley}", "{type: valley, delay: 100ms}", "evaluations: 400", "evaluations: 100000").Replace(search), 3)
	ended := begin(t, 1, p)
	for _, c := range []struct {
		order string
		args  []string
		want  string
	}{
		{run.OrderSet, []string{"seed=4"}, `seed: "4" instead of "3" would be another search`},
		{run.OrderSet, []string{"optimizee.target=0.5"}, "optimizee.target"},
		{run.OrderSet, []string{"execution.slots=7"}, "execution.slots: a run has it from its start: stop it, and go on with --resume --set execution.slots=…"},
		{run.OrderSet, []string{"stop.generations=7", "execution.batch=2"}, "execution.batch"},
		{run.OrderSet, []string{"execution.timeout=7"}, "want a duration"},
		{run.OrderSet, []string{"execution.timeouts=7s"}, "unknown key; did you mean timeout?"},
		{run.OrderSet, nil, "set: nothing, want key.path=value"},
		{run.OrderStop, []string{"tomorrow"}, "stop tomorrow: want nothing else, or after generation"},
		{run.OrderPause, []string{"now"}, "pause now: want nothing else"},
		{run.OrderInject, []string{"points.yaml"}, "want the parameters of an individual"},
		{"inspect", nil, "inspect: want pause, resume, stop, set, inject"},
	} {
		text, err := tell(t, p.Output.Dir, c.order, c.args...)
		if !errors.Is(err, run.ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: got %q, %v, want %s", c.order, c.args, text, err, c.want)
		}
	}
	// An order that nobody can read, as another program may leave one.
	if err := errors.Join(os.MkdirAll(filepath.Join(p.Output.Dir, "control"), 0o777),
		os.WriteFile(filepath.Join(p.Output.Dir, "control", "x.order"), []byte("stop!"), 0o666)); err != nil {
		t.Fatal(err)
	}
	if _, err := tell(t, p.Output.Dir, run.OrderStop); err != nil {
		t.Error(err)
	}
	answer, err := os.ReadFile(filepath.Join(p.Output.Dir, "control", "x.answer"))
	if err != nil || !strings.Contains(string(answer), "the order cannot be read") {
		t.Errorf("got %s, %v", answer, err)
	}
	<-ended
	if _, err := tell(t, p.Output.Dir, run.OrderPause); !errors.Is(err, run.ErrNobody) || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("of a run that has ended: %v", err)
	}
	if _, err := tell(t, t.TempDir(), run.OrderPause); !errors.Is(err, report.ErrNoRun) {
		t.Errorf("of no run: %v", err)
	}
}

func TestOrderIsTakenBackWhereNobodyTakesIt(t *testing.T) {
	p := plan(t, search, 3)
	alone(t, p)
	dir := p.Output.Dir
	begunAgain(t, dir, "elsewhere") // on another host, where it may go on
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := run.Tell(ctx, dir, run.Order{Order: run.OrderPause}); !errors.Is(err, run.ErrNobody) || !strings.Contains(err.Error(), "was taken back") {
		t.Errorf("got %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "control", "*")); err != nil || len(left) > 0 {
		t.Errorf("left are %q, %v", left, err)
	}
}

// begunAgain has the journal in dir say that a session has begun on a host.
func begunAgain(t *testing.T, dir, host string) {
	t.Helper()
	r, err := report.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	begun := r.Begun
	begun.Hosts = []string{host}
	if err := errors.Join(j.Record(begun), j.Close()); err != nil {
		t.Fatal(err)
	}
}
