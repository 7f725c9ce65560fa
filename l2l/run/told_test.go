package run

// What people are told of a run: its progress, and its failures.

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func TestProgressLineFitsAnyNumberOfColumns(t *testing.T) {
	p := Progress{
		Generation: 12, Evaluations: 3148, Failures: 17, Best: "error 149.151 µV", Figures: []optimizer.Figure{{Name: "sigma", Value: 0.205}, {Name: "axis_ratio", Value: 1.14}},
		PerSecond: 0.0123, Done: 0.5, Left: 90 * time.Minute, UnderWay: 128, Longest: 200*time.Second + 300*time.Millisecond,
	}
	const whole = "12 generations  best error 149.151 µV  sigma 0.205, axis_ratio 1.14  3148 evaluations  17 failed  0.738/min  128 under way, the longest 3m20s  ETA 1h30m0s"
	if got := p.String(); got != whole {
		t.Errorf("%q, want %q", got, whole)
	}
	for columns := 1; columns <= 200; columns++ {
		if got := p.Line(columns); utf8.RuneCountInString(got) > columns || got == "" {
			t.Errorf("in %d columns: %q", columns, got)
		}
	}
	for columns, want := range map[int]string{
		160: whole, 100: "12 generations  best error 149.151 µV  3148 evaluations  17 failed  128 under way, the longest 3m20s",
		78: "best error 149.151 µV  3148 evaluations  128 under way, the longest 3m20s", 50: "best error 149.151 µV  3148 evaluations", 20: "3148 evaluations", 4: "3148",
	} {
		if got := p.Line(columns); got != want {
			t.Errorf("in %d columns: %q, want %q", columns, got, want)
		}
	}
	for rates, want := range map[float64]string{0: "0/s", 1234: "1234/s", 2: "2/s", 0.5: "30/min", 0.001: "3.6/h"} {
		if got := report.Rate(rates); got != want {
			t.Errorf("%v a second is %q, want %q", rates, got, want)
		}
	}
}

func TestProgressTellsOfRestartsAndTheRuleBehindTheLast(t *testing.T) {
	p := Progress{Generation: 12, Evaluations: 3148, Best: "error 1"}
	if got := p.String(); strings.Contains(got, "restart") {
		t.Errorf("%q", got)
	}
	p.Restarts.Add(optimizer.Restart{Told: 100, Reason: "tol_x: steps are below 1e-12 of the initial ones", PopSize: 12})
	p.Restarts.Add(optimizer.Restart{Told: 300, Reason: "rounding: losses differ by rounding alone", PopSize: 24})
	if got, want := p.String(), "2 restarts (rounding)"; !strings.Contains(got, want) {
		t.Errorf("%q, want %q in it", got, want)
	}
}

// queue is an evaluator whose results are what it is told.
type queue struct {
	room    int
	results []l2l.Result
}

func (q *queue) Capacity() int                 { return q.room }
func (q *queue) Submit([]l2l.Evaluation) error { return nil }
func (q *queue) Next(context.Context) (rs []l2l.Result, err error) {
	rs, q.results = q.results, nil
	return rs, nil
}
func (q *queue) Close() error                { return nil }
func (q *queue) Hold(bool)                   {}
func (q *queue) Limit(dispatch.Limits) error { return nil }

func TestPulseKnowsWhatIsUnderWay(t *testing.T) {
	q := &queue{room: 3}
	p := newPulse(q)
	begin := time.Now()
	if err := p.Submit([]l2l.Evaluation{{Individual: 0}, {Individual: 1}, {Individual: 2, Replicate: 1}, {Individual: 3}, {Individual: 4}}); err != nil {
		t.Fatal(err)
	}
	check := func(what string, n int) {
		t.Helper()
		if got, longest := p.underWay(begin.Add(time.Hour)); got != n || longest > time.Hour || (longest < 59*time.Minute) != (n == 0) {
			t.Errorf("%s: %d under way, the longest %v, want %d", what, got, longest, n)
		}
	}
	ends := func(rs ...l2l.Result) {
		t.Helper()
		q.results = rs
		if got, err := p.Next(t.Context()); err != nil || len(got) != len(rs) {
			t.Fatal(got, err)
		}
	}
	check("of five, with room for three", 3)
	ends(l2l.Result{Individual: 2, Replicate: 1})
	check("one has ended, and another begun", 3)
	ends(l2l.Result{Individual: 4}, l2l.Result{Individual: 4}, l2l.Result{Individual: 77}) // before it was thought to have begun; twice; one that nobody knows
	check("one has ended before its turn", 3)
	ends(l2l.Result{Individual: 0}, l2l.Result{Individual: 1})
	check("the last", 1)
	ends(l2l.Result{Individual: 3})
	check("all", 0)
	if err := p.Submit([]l2l.Evaluation{{Individual: 3, Attempt: 1}}); err != nil {
		t.Fatal(err)
	}
	check("a further attempt", 1)
	if p.all.Len() != 1 || len(p.queue) != 1 || p.next != 1 {
		t.Errorf("%d and %d are remembered", p.all.Len(), len(p.queue))
	}
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func failing(id int, reason string) (l2l.Result, *l2l.Individual) {
	return l2l.Result{Individual: int64(id), Ending: l2l.Failed, Reason: reason}, &l2l.Individual{ID: int64(id), X: []float64{float64(id)}}
}

func TestFailureLogKeepsTheFirstAndTheLastOfEachKind(t *testing.T) {
	var log bytes.Buffer
	f := &failureLog{dir: t.TempDir(), space: optimizee.Space{{Name: "x", Lower: 0, Upper: 1e6}}, log: zerolog.New(&log), kinds: map[string]*failureKind{}}
	const n = 3000
	for id := range n {
		switch {
		case id%3 == 0:
			r, of := failing(id, fmt.Sprintf("ValueError: x = %d.5 is too large\nTraceback of %d", id, id))
			f.observe(r, of, nil)
		case id == 1000:
			r, of := failing(id, "no licence")
			f.observe(r, of, nil)
		case id%3 == 1:
			r, of := failing(id, "took longer than the timeout of 1m0s")
			r.Ending, r.Attempt = l2l.TimedOut, 1
			f.observe(r, of, nil)
		default:
			f.observe(l2l.Result{Individual: int64(id), Fitness: []float64{1}}, nil, nil)
		}
	}
	f.observe(l2l.Stopped{}, nil, nil)
	files, err := filepath.Glob(filepath.Join(f.dir, "failures", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"individual-0-0-0-attempt-0":    "failures_of_this_kind: 1\nparameters:\n    x: 0\nreason: |-\n    ValueError: x = 0.5 is too large\n    Traceback of 0\n",
		"individual-2997-0-0-attempt-0": "failures_of_this_kind: 1000\nparameters:\n    x: 2997\nreason: |-\n    ValueError: x = 2997.5 is too large\n    Traceback of 2997\n",
		"individual-1-0-0-attempt-1":    "outcome: timeout\nfailures_of_this_kind: 1\n",
		"individual-2998-0-0-attempt-1": "outcome: timeout\nfailures_of_this_kind: 999\n",
		"individual-1000-0-0-attempt-0": "failures_of_this_kind: 1\nparameters:\n    x: 1000\nreason: no licence\n",
	} {
		if text := fileText(t, filepath.Join(f.dir, "failures", name+".yaml")); !strings.Contains(text, want) {
			t.Errorf("%s holds\n%swant\n%s", name, text, want)
		}
	}
	if len(files) != 5 {
		t.Errorf("the files are %q, want 5", files)
	}
	want := []Failure{{l2l.Failed, "ValueError: x = 0.5 is too large", 1000}, {l2l.TimedOut, "took longer than the timeout of 1m0s", 999}, {l2l.Failed, "no licence", 1}}
	if got := f.all(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the kinds are %v, want %v", got, want)
	}
	if warnings := strings.Count(log.String(), `"level":"warn"`); warnings != 3 || !strings.Contains(log.String(), `"reason":"ValueError: x = 0.5 is too large"`) {
		t.Errorf("%d warnings, want 3, of one line: %s", warnings, log.String())
	}
}

func TestFailureLogHoldsLittleWhateverFails(t *testing.T) {
	f := &failureLog{dir: t.TempDir(), space: optimizee.Space{{Name: "x", Lower: 0, Upper: 1e6}}, log: zerolog.Nop(), kinds: map[string]*failureKind{}}
	for id := range 2000 {
		r, of := failing(id, fmt.Sprintf("reason %s%s", string(rune('a'+id%26)), strings.Repeat("z", id/26)))
		f.observe(r, of, nil)
	}
	f.observe(l2l.Stopped{}, nil, nil)
	files, err := filepath.Glob(filepath.Join(f.dir, "failures", "*"))
	all := f.all()
	sum := 0
	for _, k := range all {
		sum += k.Count
	}
	if err != nil || len(files) > 2*maxFailureKinds || len(all) != maxFailureKinds || all[0].Reason != others || sum != 2000 {
		t.Errorf("%v: %d files, %d kinds of %d failures, the most frequent %v", err, len(files), len(all), sum, all[0])
	}
}
