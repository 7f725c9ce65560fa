package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// noisy is an optimizee of every kind of parameter whose evaluations differ much by their seeds. One of sixteen fails, and another one does at
// its first attempt.
type noisy struct {
	Goals int `yaml:"goals" doc:"objectives" range:"[1, 2]"`
}

var seen sync.Map // seeds of evaluations that have failed once

func (n *noisy) Space() optimizee.Space {
	return optimizee.Space{
		{Name: "x", Size: 3, Lower: -2, Upper: 2, Unit: "mV"}, {Name: "n", Kind: optimizee.Int, Size: 2, Lower: -3, Upper: 3},
		{Name: "on", Kind: optimizee.Bool}, {Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm"}},
	}
}

func (n *noisy) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "gain", Direction: optimizee.Maximise, Unit: "nA"}, {Name: "cost", Direction: optimizee.Minimise}}[:n.Goals]
}

func (n *noisy) Evaluate(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	switch e.Seed % 16 {
	case 0:
		return optimizee.Outcome{}, errors.New("one of sixteen")
	case 1:
		if _, again := seen.LoadOrStore(e.Seed, true); !again {
			return optimizee.Outcome{}, errors.New("at first")
		}
	}
	gain, cost := float64(e.Seed%1009)/1009*4, 0.0
	for _, x := range slices.Concat(e.Vector("x"), e.Vector("n")) {
		gain -= (x - 1) * (x - 1)
		cost += math.Abs(x)
	}
	return optimizee.Outcome{Fitness: []float64{gain, cost}[:n.Goals]}, nil
}

var kinds = config.Kinds{
	Optimizees: []optimizee.Type{functions.Type, {Name: "noisy", New: func() optimizee.Optimizee { return &noisy{Goals: 1} }}},
	Optimizers: catalogue.All(),
}

// begin runs a configuration in a directory of the test.
func begin(t *testing.T, text string, options ...run.Option) (dir string, result run.Result) {
	t.Helper()
	plan, err := config.Parse("run.yaml", []byte(text), kinds)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "run")
	if result, err = run.Run(t.Context(), mpi.Local(1)[0], plan.In(dir), options...); err != nil {
		t.Fatal(err)
	}
	return dir, result
}

func open(t *testing.T, dir string) *report.Run {
	t.Helper()
	r, err := report.Open(dir, kinds.Search)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a run says of its individuals is what its search did with them, whatever the aggregate, with failures and second attempts.
func TestBestOfARunIsThatOfItsResult(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs take their time")
	}
	for _, aggregate := range []string{"mean", "median", "worst"} {
		for seed := range 8 {
			dir, want := begin(t, fmt.Sprintf("seed: %d\noptimizee: {type: noisy}\noptimizer: {type: genetic, pop_size: 10}\nstop: {evaluations: 300}\n"+
				"evaluation: {replicates: 3, instances: 2, aggregate: %s}\nexecution: {slots: 3, on_failure: {retries: 1, then: resample}}\n", seed, aggregate))
			r := open(t, dir)
			best, err := r.Best()
			if err != nil {
				t.Fatal(err)
			}
			if want.Best == nil || best.ID != want.Best.Individual.ID || !slices.Equal(best.Fitness, want.Best.Fitness) || best.Loss[0] != want.Best.Loss {
				t.Errorf("%s, seed %d: best %+v, want %+v", aggregate, seed, best, want.Best)
			}
			individuals, failures := int64(0), int64(0)
			for i, err := range r.Individuals() {
				if err != nil {
					t.Fatal(err)
				}
				individuals++
				if i.Failed() {
					failures++
				}
				if len(i.Results) != 6 {
					t.Fatalf("individual %d has %d results, want 6", i.ID, len(i.Results))
				}
			}
			if individuals != want.Individuals || failures != want.Failures || failures == 0 {
				t.Errorf("%s, seed %d: %d individuals, %d failed, want %d and %d", aggregate, seed, individuals, failures, want.Individuals, want.Failures)
			}
			evaluations, attempts := int64(0), 0
			for e, err := range r.Evaluations() {
				if err != nil {
					t.Fatal(err)
				}
				if e.Final {
					evaluations++
				} else {
					attempts++
				}
			}
			if evaluations != want.Evaluations || attempts == 0 {
				t.Errorf("%s, seed %d: %d evaluations and %d attempts before them, want %d and some", aggregate, seed, evaluations, attempts, want.Evaluations)
			}
			result, err := report.ReadResult(dir)
			if err != nil || result.Best.Individual != best.ID || result.Best.Fitness["gain"] != best.Fitness[0] ||
				result.TrajectoryHash != want.TrajectoryHash {
				t.Errorf("%s, seed %d: result.json: %+v, %v", aggregate, seed, result, err)
			}
		}
	}
}

// Runs of every version say of themselves what a replay of their search finds.
func TestRunsOfEarlierVersionsSayWhatTheirSearchFound(t *testing.T) {
	dirs, err := filepath.Glob("../app/testdata/golden/*/*/run")
	if err != nil || len(dirs) < 6 {
		t.Fatalf("%d golden runs, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		r := open(t, dir)
		proof, err := run.Prove(dir, kinds)
		if _, changed := kinds.Search(r.Begun); changed != nil {
			// There is no search to compare with any more, but what it found has been written down.
			result, err := report.ReadResult(dir)
			if err != nil {
				t.Fatal(err)
			}
			if best, err := r.Best(); err != nil || best.ID != result.Best.Individual || best.Fitness[0] != result.Best.Fitness["value"] {
				t.Errorf("%s: best %+v, want %+v; %v", dir, best, result.Best, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !r.Begun.Rules.Sum {
			front, err := r.Front()
			if err != nil || len(front) != len(proof.Search.Front()) {
				t.Errorf("%s: a front of %d, want %d; %v", dir, len(front), len(proof.Search.Front()), err)
			}
			continue
		}
		best, err := r.Best()
		if want := proof.Search.Best(); err != nil || best.ID != want.Individual.ID || !slices.Equal(best.Fitness, want.Fitness) {
			t.Errorf("%s: best %+v, want %+v; %v", dir, best, want, err)
		}
		evaluations := int64(0)
		for e, err := range r.Evaluations() {
			if err != nil {
				t.Fatal(err)
			}
			if e.Final {
				evaluations++
			}
		}
		if evaluations != proof.Search.Evaluations() {
			t.Errorf("%s: %d evaluations, want %d", dir, evaluations, proof.Search.Evaluations())
		}
	}
}

func TestFrontOfARunIsThatOfItsResult(t *testing.T) {
	for seed := range 5 {
		dir, _ := begin(t, fmt.Sprintf("seed: %d\noptimizee: {type: noisy, goals: 2}\noptimizer: {type: nsga2, pop_size: 12}\nstop: {generations: 20}\n"+
			"evaluation: {replicates: 2, aggregate: worst}\nexecution: {slots: 2}\n", seed))
		result, err := report.ReadResult(dir)
		if err != nil {
			t.Fatal(err)
		}
		front, err := open(t, dir).Front()
		if err != nil {
			t.Fatal(err)
		}
		if len(front) != len(result.Front) || len(front) < 3 || result.Best != nil || result.Hypervolume == nil {
			t.Fatalf("seed %d: %d individuals, want %d", seed, len(front), len(result.Front))
		}
		for i, f := range front {
			if f.ID != result.Front[i].Individual || f.Fitness[0] != result.Front[i].Fitness["gain"] {
				t.Errorf("seed %d: member %d is %+v, want %+v", seed, i, f, result.Front[i])
			}
		}
	}
}

const search = "seed: 3\noptimizee: {type: noisy}\noptimizer: {type: cmaes}\nstop: {evaluations: 120}\n" +
	"evaluation: {replicates: 2}\nexecution: {slots: 1, on_failure: {retries: 1}}\n"

// count is what a run says of itself, in numbers.
func count(t *testing.T, r *report.Run) (n [4]int) {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range r.Events() {
		fail(err)
		n[0]++
	}
	for _, err := range r.Evaluations() {
		fail(err)
		n[1]++
	}
	for _, err := range r.Individuals() {
		fail(err)
		n[2]++
	}
	for _, err := range r.Generations() {
		fail(err)
		n[3]++
	}
	return n
}

// The answer of a noisy run is read from its directory, by everybody alike; the best individual remains what was told.
func TestAnswerOfANoisyRunIsReadFromItsDirectory(t *testing.T) {
	dir, summary := begin(t, strings.Replace(search, "120", "600", 1))
	r := open(t, dir)
	result, err := report.ReadResult(dir)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := r.Answer()
	if err != nil {
		t.Fatal(err)
	}
	want := summary.Answer
	if !result.Noisy || result.Answer == nil || !reflect.DeepEqual(*result.Answer, answer) || !slices.Equal(answer.X, want.X) || answer.Basis != l2l.Finished {
		t.Errorf("the answer is %+v, in the result %+v, want %+v", answer, result.Answer, want)
	}
	name := r.Begun.Rules.Objectives[0].Name
	m := answer.Measured
	if m.Mean[name] != want.Anew.Mean[0] || m.StandardError[name] <= 0 || m.Interval[name][0] >= m.Mean[name] || m.Interval[name][1] <= m.Mean[name] ||
		m.Fitnesses != want.Anew.Count || m.Evaluations != int64(2*(m.Fitnesses+m.Failed)) || m.Confidence != 0.95 {
		t.Errorf("measured: %+v, want %+v", m, want.Anew)
	}
	if best, err := r.Best(); err != nil || best.ID != result.Best.Individual || best.ID != summary.Best.Individual.ID {
		t.Errorf("the best is %d, in the result %d, want %d; %v", best.ID, result.Best.Individual, summary.Best.Individual.ID, err)
	}
	finals, seeds := 0, map[uint64]bool{}
	for e, err := range r.Evaluations() {
		if err != nil {
			t.Fatal(err)
		}
		if !e.Final {
			continue
		}
		if e.Of.ID < 0 {
			finals++
			if len(e.Of.X) == 0 || seeds[e.Seed] {
				t.Fatalf("a final evaluation of %+v, seed %d", e.Of, e.Seed)
			}
		} else {
			seeds[e.Seed] = true
		}
	}
	if finals == 0 || int64(finals+len(seeds)) != result.Evaluations {
		t.Errorf("%d evaluations of finals, %d of the search, %d in the result", finals, len(seeds), result.Evaluations)
	}
	var text strings.Builder
	if err := report.WriteAnswer(&text, r.Begun.Space, r.Begun.Rules.Objectives, want); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"answer: ", "finalists, evaluated anew, it was the best", " ± ", "95 %: ", "mean of "} {
		if !strings.Contains(text.String(), words) {
			t.Errorf("no %q in\n%s", words, text.String())
		}
	}

	// A run that goes on has no answer yet, whatever its last session has found.
	if err := os.Truncate(filepath.Join(dir, "journal", "events"), beforeStopped(t, dir)); err != nil {
		t.Fatal(err)
	}
	unfinished, err := r.Answer()
	if err != nil || unfinished.Basis != l2l.Untested || unfinished.Individual == nil || *unfinished.Individual != result.Best.Individual {
		t.Errorf("before its end: %+v, %v", unfinished, err)
	}
}

// beforeStopped is where the last event of the run in dir begins.
func beforeStopped(t *testing.T, dir string) (end int64) {
	t.Helper()
	last := int64(0)
	for e, err := range journal.Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		end, last = last, e.End
	}
	return end
}

// Wherever a journal is cut off, as by a kill, what is whole of it is reported.
func TestATornJournalIsReportedUpToItsLastEvent(t *testing.T) {
	dir, _ := begin(t, search)
	file := filepath.Join(dir, "journal", "events")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := count(t, open(t, dir))
	last := [4]int{}
	for size := 0; size < len(whole); size += 97 {
		if err := os.WriteFile(file, whole[:size], 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := report.Open(dir, nil)
		if err != nil {
			if last != [4]int{} || !strings.Contains(err.Error(), "nothing has happened in the run") {
				t.Fatalf("%d bytes: %v", size, err)
			}
			continue
		}
		n := count(t, r)
		for k := range n {
			if n[k] < last[k] || n[k] > all[k] {
				t.Fatalf("%d bytes: %v events, evaluations, individuals and generations, before %v, of %v", size, n, last, all)
			}
		}
		last = n
	}
	if all[0]-last[0] > 3 {
		t.Errorf("nearly all of the journal has %v, want about %v", last, all)
	}
}

// A run that goes on is reported from time to time, and then has always more to say.
func TestARunThatGoesOnIsReported(t *testing.T) {
	plan, err := config.Parse("run.yaml", []byte(search), kinds)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	var last [4]int
	looks := 0
	look := func(run.Progress) {
		looks++
		r, err := report.Open(dir, nil)
		if err != nil {
			return // the first event is not written yet
		}
		n := count(t, r)
		for k := range n {
			if n[k] < last[k] {
				t.Errorf("look %d: %v, before %v", looks, n, last)
			}
		}
		last = n
	}
	if _, err := run.Run(t.Context(), mpi.Local(1)[0], plan.In(dir), run.Watch(0, look)); err != nil {
		t.Fatal(err)
	}
	if looks < 100 || last[1] == 0 {
		t.Errorf("%d looks, the last with %v", looks, last)
	}
}

// Every table has a cell for each column, of one type in all rows.
func TestTablesHaveACellForEachColumn(t *testing.T) {
	point, _ := begin(t, search)
	front, _ := begin(t, strings.Replace(strings.Replace(search, "noisy", "noisy, goals: 2", 1), "cmaes", "nsga2, pop_size: 12", 1))
	posterior, _ := begin(t, strings.Replace(search, "cmaes", "abc_smc, particles: 20", 1))
	has := map[string]string{
		"evaluations": point, "individuals": point, "generations": point, "failures": point, "front": front, "posterior": posterior, "measurements": measured(t),
		"injected": measured(t,
			l2l.Injected{Individuals: []l2l.Individual{{ID: l2l.FirstInjected, Generation: 3, X: codec.Vector{0.75, 1, 0}}}, By: "somebody"},
			l2l.Result{Individual: l2l.FirstInjected, Fitness: codec.Vector{2}}),
	}
	for _, kind := range report.Tables() {
		table, err := open(t, has[kind.Name]).Table(kind)
		if err != nil {
			t.Errorf("%s: %v", kind.Name, err)
			continue
		}
		types, n := make([]reflect.Type, len(table.Columns)), 0
		for row, err := range table.Rows {
			if err != nil || len(row) != len(table.Columns) {
				t.Fatalf("%s: row %d has %d cells for %d columns, %v", kind.Name, n, len(row), len(table.Columns), err)
			}
			for i, cell := range row {
				switch {
				case cell == nil:
				case types[i] == nil:
					types[i] = reflect.TypeOf(cell)
				case types[i] != reflect.TypeOf(cell):
					t.Errorf("%s: %s is a %T in row %d, before a %v", kind.Name, table.Columns[i].Name, cell, n, types[i])
				}
			}
			n++
		}
		var text bytes.Buffer
		if err := table.WriteCSV(&text); err != nil {
			t.Errorf("%s: %v", kind.Name, err)
		}
		if rows, err := csv.NewReader(&text).ReadAll(); err != nil || len(rows) != n+1 || n == 0 || !slices.Equal(rows[0], table.Names()) {
			t.Errorf("%s: as CSV %d rows, want %d and the names; %v", kind.Name, len(rows), n, err)
		}
	}
	for _, wrong := range []struct{ table, dir, want string }{
		{"front", point, "has no front"}, {"posterior", point, "has no posterior"}, {"measurements", point, "has no measurements"}, {"injected", point, "nobody has injected"},
	} {
		kind := report.Tables()[slices.IndexFunc(report.Tables(), func(k report.TableKind) bool { return k.Name == wrong.table })]
		if _, err := open(t, wrong.dir).Table(kind); err == nil || !strings.Contains(err.Error(), wrong.want) {
			t.Errorf("%s: %v, want %s", wrong.table, err, wrong.want)
		}
	}
}

// measured is the directory of a run whose model measures something beside its objective, and has a parameter by the name of a column;
// more follows.
func measured(t *testing.T, more ...l2l.Event) string {
	t.Helper()
	dir := t.TempDir()
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append([]l2l.Event{
		l2l.Begun{
			Space:        optimizee.Space{{Name: "seed", Upper: 1, Unit: "mV"}, {Name: "k", Kind: optimizee.Categorical, Choices: []any{1, "two"}, Size: 2}},
			Rules:        l2l.Rules{Objectives: []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise, Unit: "ms"}}, Sum: true},
			Measurements: []string{"rate", "spikes"},
		},
		l2l.Asked{Individuals: []l2l.Individual{{ID: 0, X: codec.Vector{0.25, 1, 0}}, {ID: 1, X: codec.Vector{0.5, 0, 0}}, {ID: 2, Generation: 3, X: codec.Vector{1, 1, 1}}}},
		l2l.Result{Individual: 1, Fitness: codec.Vector{1.5}, Measurements: codec.Vector{20, 3}},
		l2l.Result{Individual: 0, Ending: l2l.Failed, Reason: "no spikes\nat all"},
		l2l.Result{Individual: 2, Fitness: codec.Vector{0.5}, Measurements: codec.Vector{7, 0}},
	}, more...) {
		if err := j.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// csvOf is a table of a run as CSV, changed by change.
func csvOf(t *testing.T, dir, name string, change func(report.Table) (report.Table, error)) string {
	t.Helper()
	kind := report.Tables()[slices.IndexFunc(report.Tables(), func(k report.TableKind) bool { return k.Name == name })]
	table, err := open(t, dir).Table(kind)
	if err == nil {
		table, err = change(table)
	}
	var text bytes.Buffer
	if err == nil {
		err = table.WriteCSV(&text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestTablesAreCutToColumnsAndGenerations(t *testing.T) {
	dir := measured(t)
	for _, of := range []struct {
		table, want string
		change      func(report.Table) (report.Table, error)
	}{
		{"measurements", "individual,generation,instance,replicate,attempt,rate,spikes\n1,0,0,0,0,20,3\n2,3,0,0,0,7,0\n",
			func(t report.Table) (report.Table, error) { return t, nil }},
		{"evaluations", "reason,individual,fitness_error\n,1,1.5\nno spikes,0,\n,2,0.5\n",
			func(t report.Table) (report.Table, error) {
				return t.Select([]string{"reason", "individual", "fitness_error"})
			}},
		{"individuals", "individual,seed,k[0],k[1]\n1,0.5,1,1\n0,0.25,two,1\n2,1,two,two\n",
			func(t report.Table) (report.Table, error) { return t.Select([]string{"individual", "seed", "k"}) }},
		{"individuals", "k,individual\n\"[\"\"two\"\",\"\"two\"\"]\",2\n",
			func(t report.Table) (report.Table, error) {
				return t.Since(1).Lists().Select([]string{"k", "individual"})
			}},
		{"evaluations", "seed_2,individual\n1,2\n",
			func(t report.Table) (report.Table, error) { return t.Since(3).Select([]string{"seed_2", "individual"}) }},
	} {
		if got := csvOf(t, dir, of.table, of.change); got != of.want {
			t.Errorf("%s: got\n%swant\n%s", of.table, got, of.want)
		}
	}
	table, err := open(t, dir).Table(report.Tables()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []struct {
		names []string
		want  string
	}{
		{[]string{"individual", "tau"}, `no column "tau", want some of individual, generation, instance`}, {[]string{"k", "k[0]"}, `the column "k[0]" is there twice`},
	} {
		if _, err := table.Select(wrong.names); err == nil || !strings.HasPrefix(err.Error(), wrong.want) {
			t.Errorf("%v: %v, want %s", wrong.names, err, wrong.want)
		}
	}
}

// Columns say units, directions and types, and a categorical parameter's type is that of its choices.
func TestColumnsSayWhatTheyHold(t *testing.T) {
	table, err := open(t, measured(t)).Table(report.Tables()[0])
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]report.Column{
		"fitness_error": {Name: "fitness_error", Type: report.Number, Unit: "ms", Direction: optimizee.Minimise},
		"seed":          {Name: "seed", Type: report.Unsigned}, "seed_2": {Name: "seed_2", Type: report.Number, Unit: "mV"},
		"k[1]": {Name: "k[1]", Type: report.Mixed, Vector: "k"}, "seconds": {Name: "seconds", Type: report.Number, Unit: "s"},
	}
	for _, c := range table.Columns {
		if w, ok := want[c.Name]; ok && c != w {
			t.Errorf("%+v, want %+v", c, w)
		}
		delete(want, c.Name)
	}
	if len(want) > 0 {
		t.Errorf("no columns %v", want)
	}
}

func trajectory(t *testing.T, r *report.Run) string {
	t.Helper()
	table, err := r.Table(report.Tables()[0])
	if err != nil {
		t.Fatal(err)
	}
	keep := slices.DeleteFunc(slices.Clone(table.Names()), func(c string) bool { return c == "seconds" || c == "finished_unix_us" })
	var text strings.Builder
	for row, err := range table.Rows {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range keep {
			fmt.Fprint(&text, row[slices.Index(table.Names(), c)], " ")
		}
		fmt.Fprintln(&text)
	}
	return text.String()
}

// A run that records digests of its individuals, from the beginning or from a resume on, is reported as one that records the individuals.
func TestDigestsAreReportedAsTheIndividualsThatTheyStandFor(t *testing.T) {
	whole, _ := begin(t, search)
	finals, _ := begin(t, search+"output: {record: digest}\n")
	if got, want := trajectory(t, open(t, finals)), trajectory(t, open(t, whole)); got != want || !strings.Contains(want, "\n-3 ") {
		t.Errorf("%s\nwant\n%s", got, want)
	}

	search := strings.Replace(search, "{replicates: 2}", "{replicates: 2, finalists: {count: 0}}", 1)
	points, _ := begin(t, search)
	want := trajectory(t, open(t, points))
	digests, _ := begin(t, search+"output: {record: digest}\n")
	if got := trajectory(t, open(t, digests)); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}

	half := strings.Replace(search, "120", "60", 1)
	dir, _ := begin(t, half)
	plan, err := config.Parse("run.yaml", []byte(search+"output: {record: digest}\n"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Run(t.Context(), mpi.Local(1)[0], plan.In(dir), run.Resume()); err != nil {
		t.Fatal(err)
	}
	if got := trajectory(t, open(t, dir)); got != want {
		t.Errorf("resumed with digests: %s\nwant\n%s", got, want)
	}

	unknown, err := report.Open(digests, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unknown.Best(); err == nil || !strings.Contains(err.Error(), "has only digests of its individuals") {
		t.Errorf("without its optimizer: %v", err)
	}
}

func TestGenerationsHaveTheBestSoFarAndTheFiguresOfTheOptimizer(t *testing.T) {
	dir, result := begin(t, strings.Replace(search, "evaluations: 120", "generations: 7", 1))
	n, before := 0, math.Inf(-1)
	for g, err := range open(t, dir).Generations() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if g.Generation != n || len(g.Names) == 0 || g.Names[0] != "sigma" || len(g.Figures) != len(g.Names) || g.Figures[0] <= 0 || g.Best[0] < before {
			t.Errorf("row %d: %+v", n, g)
		}
		before = g.Best[0]
	}
	if n != result.Generations || before != result.Best.Fitness[0] {
		t.Errorf("%d rows, the last with %g, want %d and %g", n, before, result.Generations, result.Best.Fitness[0])
	}

	// Of several objectives each has its own best; a version without figures recorded less.
	for _, dir := range []string{"../app/testdata/golden/journal-1/front/run", "../app/testdata/golden/journal-1/plain/run"} {
		r := open(t, dir)
		rows := slices.Collect(func(yield func(report.Generation) bool) {
			for g, err := range r.Generations() {
				if err != nil {
					t.Fatal(err)
				}
				if !yield(g) {
					return
				}
			}
		})
		if len(rows) < 2 {
			t.Fatalf("%s: %d generations", dir, len(rows))
		}
		for i, g := range rows {
			if g.Generation != i+1 || len(g.Names) > 0 || len(g.Best) != len(r.Begun.Rules.Objectives) {
				t.Errorf("%s: row %d: %+v", dir, i, g)
			}
			if i == 0 {
				continue
			}
			now, then := l2l.Losses(g.Best, r.Begun.Rules.Objectives), l2l.Losses(rows[i-1].Best, r.Begun.Rules.Objectives)
			for k := range now {
				if now[k] > then[k] || g.Evaluations <= rows[i-1].Evaluations {
					t.Errorf("%s: row %d: %+v, before %+v", dir, i, g, rows[i-1])
				}
			}
		}
	}
}

func TestADirectoryWithoutARunOrAResultIsAnError(t *testing.T) {
	dir := t.TempDir()
	if _, err := report.Open(dir, nil); !errors.Is(err, report.ErrNoRun) {
		t.Errorf("got %v, want ErrNoRun", err)
	}
	if _, err := report.ReadResult(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "result.json"), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := report.ReadResult(dir); err == nil {
		t.Error("half a result is read")
	}
}

func TestMarginalsOfNumbersAndOfChoices(t *testing.T) {
	space := optimizee.Space{
		{Name: "x", Lower: 0, Upper: 9}, {Name: "n", Kind: optimizee.Int, Lower: 0, Upper: 9},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"a", "b"}},
		{Name: "size", Kind: optimizee.Categorical, Choices: []any{16, 0.5, "auto", false}}, {Name: "on", Kind: optimizee.Bool},
	}
	at := func(weight float64, x ...float64) optimizer.Weighted {
		return optimizer.Weighted{Solution: optimizer.Solution{X: x, Loss: x[:1]}, Weight: weight}
	}
	sample := []optimizer.Weighted{at(0.25, 1, 2, 0, 0, 1), at(0.25, 2, 2, 1, 1, 1), at(0.5, 4, 2, 1, 3, 1)}
	got, err := report.Marginals(space, sample)
	if err != nil {
		t.Fatal(err)
	}
	x, n, rule := got[0], got[1], got[2]
	if x.Label != "x" || x.Mean != 2.75 || math.Abs(x.Std*x.Std-1.6875) > 1e-12 || x.Q05 != 1 || x.Median != 2 || x.Q95 != 4 || x.Choices != nil {
		t.Errorf("x: %+v", x)
	}
	if n.Mean != 2 || n.Std != 0 || n.Median != 2 {
		t.Errorf("n: %+v", n)
	}
	if !slices.Equal(rule.Choices, []report.Choice{{Value: "b", Probability: 0.75}, {Value: "a", Probability: 0.25}}) {
		t.Errorf("rule: %+v", rule)
	}
	var text strings.Builder
	if err := report.WritePosterior(&text, space, sample); err != nil {
		t.Fatal(err)
	}
	const want = `posterior: 3 individuals, by their weights worth 3, with losses up to 4
  parameter  mean  std  5 %  50 %  95 %
  x          2.75  1.3  1    2     4
  n          2     0    2    2     2
  rule       b 0.750, a 0.250
  size       false 0.500, 0.5 0.250, 16 0.250
  on         true 1.000
`
	if text.String() != want {
		t.Errorf("%s\nwant\n%s", text.String(), want)
	}
}

// FuzzReadResult reads a result.json of any content, and the table that is made of it.
func FuzzReadResult(f *testing.F) {
	golden := "../app/testdata/golden/journal-2/posterior/run"
	text, err := os.ReadFile(filepath.Join(golden, "result.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add([]byte(`{"best": null, "front": [{"individual": 1, "fitness": {"a": 1}, "x": [1]}], "hypervolume": {"value": 2, "reference": {}}}`))
	f.Add([]byte(`{"posterior": [{"individual": 0, "weight": 1e308, "loss": -0, "x": []}, {}], "posterior": null}`))
	dir := filepath.Join(f.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS(golden)); err != nil {
		f.Fatal(err)
	}
	r, err := report.Open(dir, kinds.Search)
	if err != nil {
		f.Fatal(err)
	}
	tables := report.Tables()
	posterior := tables[slices.IndexFunc(tables, func(k report.TableKind) bool { return k.Name == "posterior" })]
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, "result.json"), text, 0o666); err != nil {
			t.Fatal(err)
		}
		result, err := report.ReadResult(dir)
		if err != nil && !strings.HasPrefix(err.Error(), "report: ") {
			t.Fatalf("%v does not say where", err)
		}
		if err == nil {
			written, err := json.Marshal(result)
			if err != nil {
				t.Fatal(err)
			}
			var again report.Result
			if err := json.Unmarshal(written, &again); err != nil {
				t.Fatal(err)
			}
			if twice, err := json.Marshal(again); err != nil || !bytes.Equal(twice, written) {
				t.Fatalf("written and read again it is %s, %v; want %s", twice, err, written)
			}
		}
		table, err := r.Table(posterior)
		if err != nil {
			return
		}
		for row, err := range table.Rows {
			if err != nil || len(row) != len(table.Columns) {
				t.Fatalf("a row of %d cells, %v; want %d", len(row), err, len(table.Columns))
			}
		}
	})
}
