package process

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	wholerun "github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// fates are what testdata/unlucky.py does with an evaluation by its parameter fate, and what is to be said of that. Where fate is larger, all is
// well: of the values up to 199, a tenth fail, and one in a hundred hangs.
var fates = []struct {
	kind   string
	ending l2l.Ending
	reason string // a regular expression
}{
	{"an exception", l2l.Failed, `ValueError: no spikes`},
	{"NaN", l2l.Failed, `^the fitness is not finite: value = nan`},
	{"infinity", l2l.Failed, `^the fitness is not finite: value = \+?inf`},
	{"a number too many", l2l.Failed, `the model returned \[1.0, 2.0\]: 2 numbers, want 1: value`},
	{"a text", l2l.Failed, `the model returned 'many'`},
	{"nothing", l2l.Failed, `the model returned None: want a number; is a return missing\?`},
	{"a whole number beyond doubles", l2l.Failed, `the model returned 1000`},
	{"5 MB of output and exit code 3", l2l.Failed, `^the program ended \(exit status 3\) without an answer`},
	{"killed", l2l.Failed, `^the program ended \(killed by signal 9 `},
	{"a segmentation fault", l2l.Failed, `^the program ended \(killed by signal 11 `},
	{"out of memory", l2l.Failed, `MemoryError`},
	{"garbage as an answer", l2l.Failed, `^its answer is not msgpack: `},
	{"a text in the connection", l2l.Failed, `^a frame longer than allowed: \d+ bytes \(they begin with "Segm"\)`},
	{"a closed connection", l2l.Failed, `^the program closed its connection without an answer, and was ended`},
	{"half an answer", l2l.Failed, `^the program ended \(exit status 0\) without an answer`},
	{"two answers", l2l.OK, ``},
	{"recursion without end", l2l.Failed, `RecursionError`},
	{"a child that survives", l2l.Failed, `^the program ended \(exit status 1\) without an answer`},
	{"an answer of 2 MB", l2l.Failed, `^a frame longer than allowed: 2000000 bytes`},
	{"sys.exit", l2l.Failed, `(?s)SystemExit: 4\nthe program wanted to exit`},
	{"a hang", l2l.TimedOut, `^took longer than the timeout of 10s`},
	{"an answer after the timeout", l2l.TimedOut, `^took longer than the timeout of 10s`},
}

// twice is the fate of two answers. The first is the evaluation's; the second fails the one after it, before or after that is asked for.
const (
	twice  = 15
	second = `it has to answer each request once`
)

// TestRunSurvivesTwentyKindsOfFailureAndHangs runs evaluations of which a tenth fail, each of which ends as it should and for the
// right reason. L2L_TEST_EVALUATIONS says how many, 1000 if it is not given.
func TestRunSurvivesTwentyKindsOfFailureAndHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts some hundred programs")
	}
	t.Parallel() // it mostly waits
	evaluations := 1000
	if text := os.Getenv("L2L_TEST_EVALUATIONS"); text != "" {
		var err error
		if evaluations, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	py, mark := alone(t), seconds()
	model, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	const slots = 8
	random, _ := catalogue.Find("random")
	plan, err := config.Parse("run.yaml", fmt.Appendf(nil, `
optimizee:
  type: process
  command: [%s, unlucky.py]
  dir: %s
  env: {PYTHONPATH: %q, L2L_TEST_MARK: %s}
  parameters: {x: {lower: 0, upper: 0.5}, fate: {type: int, lower: 0, upper: 199}}
  objectives: {value: minimise}
  message_limit: 1000000
  grace: 200ms
optimizer: {type: random, pop_size: %[5]d}
stop: {evaluations: %[5]d}
execution: {slots: %[6]d, timeout: 10s, max_failures: 0}
`, py.path, model, py.env["PYTHONPATH"], mark, evaluations, slots),
		config.Kinds{Optimizees: []optimizee.Type{Type}, Optimizers: []optimizer.Algorithm{random}})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	result, err := wholerun.Run(t.Context(), mpi.Local(1)[0], plan.In(dir))
	if err != nil || result.Reason.Rule != l2l.Evaluations {
		t.Fatalf("it ends for %v, %v", result.Reason, err)
	}
	points, counts, found, ended := map[int64][]float64{}, make([]int, len(fates)+1), 0, 0
	for e, err := range journal.Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if asked, ok := e.Event.(l2l.Asked); ok {
			for _, i := range asked.Individuals {
				points[i.ID] = i.X
			}
		}
		r, ok := e.Event.(l2l.Result)
		if !ok {
			continue
		}
		ended++
		x := points[r.Individual]
		delete(points, r.Individual) // each has one result
		fate := int(x[1])
		counts[min(fate, len(fates))]++
		switch {
		case r.Ending == l2l.Failed && strings.Contains(r.Reason, second):
			found++
		case fate >= len(fates) || fates[fate].ending == l2l.OK:
			if r.Ending != l2l.OK || len(r.Fitness) != 1 || r.Fitness[0] != x[0]+x[1] {
				t.Errorf("individual %d: %v %v %s, want a fitness of %v", r.Individual, r.Ending, r.Fitness, r.Reason, x[0]+x[1])
			}
		default:
			if f := fates[fate]; r.Ending != f.ending || !regexp.MustCompile(f.reason).MatchString(r.Reason) {
				t.Errorf("individual %d, %s: %v %.400s, want %v: %s", r.Individual, f.kind, r.Ending, r.Reason, f.ending, f.reason)
			}
		}
	}
	if ended < evaluations || int64(ended) != result.Evaluations {
		t.Errorf("%d evaluations ended, the run says %d; want %d", ended, result.Evaluations, evaluations)
	}
	if n := counts[twice]; found > n || found < n-slots {
		t.Errorf("%d second answers are found, want %d, but for those of the workers' last evaluations", found, n)
	}
	for i, f := range fates {
		t.Logf("%4d of %s", counts[i], f.kind)
	}
	t.Logf("%4d without a fault; %d second answers found", counts[len(fates)], found)
	soon(t, "all processes end", func() bool { return len(processesWith("L2L_TEST_MARK="+mark)) == 0 })
}
