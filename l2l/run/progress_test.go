package run

import (
	"context"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func TestProgressLineFitsAnyNumberOfColumns(t *testing.T) {
	p := Progress{
		Generation: 12, Evaluations: 3148, Failures: 17, Best: "error 149.151 µV", Figures: []optimizer.Figure{{Name: "sigma", Value: 0.205}, {Name: "axis_ratio", Value: 1.14}},
		PerSecond: 0.0123, Done: 0.5, Left: 90 * time.Minute, UnderWay: 128, Longest: 200*time.Second + 300*time.Millisecond,
	}
	const whole = "gen 12  best error 149.151 µV  sigma 0.205, axis_ratio 1.14  3148 evaluations  17 failed  0.738/min  128 under way, the longest 3m20s  ETA 1h30m0s"
	if got := p.String(); got != whole {
		t.Errorf("%q, want %q", got, whole)
	}
	for columns := 1; columns <= 200; columns++ {
		if got := p.Line(columns); utf8.RuneCountInString(got) > columns || got == "" {
			t.Errorf("in %d columns: %q", columns, got)
		}
	}
	for columns, want := range map[int]string{
		150: whole, 100: "gen 12  best error 149.151 µV  3148 evaluations  17 failed  128 under way, the longest 3m20s",
		78: "best error 149.151 µV  3148 evaluations  128 under way, the longest 3m20s", 50: "best error 149.151 µV  3148 evaluations", 20: "3148 evaluations", 4: "3148",
	} {
		if got := p.Line(columns); got != want {
			t.Errorf("in %d columns: %q, want %q", columns, got, want)
		}
	}
	for rates, want := range map[float64]string{0: "0/s", 1234: "1.23e+03/s", 2: "2/s", 0.5: "30/min", 0.001: "3.6/h"} {
		if got := rate(rates); got != want {
			t.Errorf("%v a second is %q, want %q", rates, got, want)
		}
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
func (q *queue) Close() error { return nil }

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
	if len(p.all) != 1 || len(p.waiting) != 0 {
		t.Errorf("%d and %d are remembered", len(p.all), len(p.waiting))
	}
}
