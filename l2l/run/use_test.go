package run

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

func TestUseOfSlotsHasPartsThatAddUpToOne(t *testing.T) {
	began := time.Now()
	for _, c := range []struct {
		use  use
		lost time.Duration
		want Use
		text string
	}{
		{use{slots: 4, began: began, starting: time.Second, busy: 30}, 2 * time.Second, Use{0.75, 0.1, 0.05, 0.1}, "75 % busy, 10 % without work, 10 % starting, 5 % lost"},
		{use{slots: 4, began: began, busy: 10}, 0, Use{0.25, 0, 0, 0.75}, "25 % busy, 75 % without work"},
		{use{slots: 1, began: began, starting: time.Second, busy: 11}, time.Hour, Use{1, 0, 0, 0}, "100 % busy, 0 % without work"},
		{use{began: began}, 0, Use{}, ""},
	} {
		got := c.use.at(began.Add(10*time.Second), c.lost)
		for _, d := range []float64{got.Busy - c.want.Busy, got.Starting - c.want.Starting, got.Lost - c.want.Lost, got.Waiting - c.want.Waiting} {
			if math.Abs(d) > 1e-9 {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		}
		if got.String() != c.text {
			t.Errorf("%q, want %q", got, c.text)
		}
	}
}

func TestRunTellsHowItsSlotsWereUsed(t *testing.T) {
	text := "optimizee: {type: function, name: sphere, dim: 2, delay: 20ms}\noptimizer: {type: random, pop_size: 3}\nstop: {generations: 3}\nexecution: {slots: 2}\n"
	kinds := config.Kinds{Optimizees: []optimizee.Type{functions.Type}, Optimizers: catalogue.All()}
	plan, err := config.Parse("run.yaml", []byte(text), kinds)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	var seconds float64
	result, err := Run(t.Context(), mpi.Local(1)[0], plan.In(dir), Observe(func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
		if r, ok := e.(l2l.Result); ok {
			seconds += r.Seconds
		}
	}))
	if err != nil || result.Reason.Rule != l2l.Generations {
		t.Fatal(result.Reason, err)
	}
	u := result.Use
	if u.Busy <= 0 || u.Waiting <= 0 || math.Abs(u.Busy+u.Starting+u.Lost+u.Waiting-1) > 1e-9 || seconds < 9*0.02 {
		t.Errorf("%+v with evaluations of %v s", u, seconds)
	}
	var manifest struct{ Use Use }
	if err := json.Unmarshal([]byte(fileText(t, filepath.Join(dir, "manifest.json"))), &manifest); err != nil || manifest.Use != u {
		t.Errorf("the manifest has %+v, want %+v; %v", manifest.Use, u, err)
	}
	// The report of the run, which knows the journal alone, has the same share.
	read, err := report.Open(dir, kinds.Search)
	if err != nil {
		t.Fatal(err)
	}
	data, err := figure.Gather(read)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range figure.Kinds() {
		if k.Name != "utilisation" {
			continue
		}
		_, after, _ := strings.Cut(k.Make(data).Caption, "they were busy for ")
		var percent float64
		// It knows of none of the time before the session's first event, which is a part of the start.
		if _, err := fmt.Sscan(after, &percent); err != nil || percent < 100*u.Busy-1 || percent > 100*u.Busy/(1-u.Starting)+1 {
			t.Errorf("the report has %v %%, and the manifest %+v: %v", percent, u, err)
		}
	}
}
