package process

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func TestAWorkerEvaluates(t *testing.T) {
	for _, py := range interpreters(t) {
		p := opened(t, acting(t, py))
		for i := range 50 {
			tau := 1 + 1.7*float64(i)
			out, err := evaluate(t, p, map[string]any{"tau": tau, "act": "ok"})
			if want := (tau - 10) * (tau - 10); err != nil || len(out.Fitness) != 2 || out.Fitness[0] != want || out.Fitness[1] != (1<<63+345)%1000+7 {
				t.Fatalf("%s: fitness %v, %v; want %v", py.name, out.Fitness, err, want)
			}
		}
	}
}

func TestEveryKindOfParameterArrivesAsWhatItIs(t *testing.T) {
	for _, py := range interpreters(t) {
		p := acting(t, py, "types")
		p.Constants = map[string]any{"list": []any{1, 2.5, "x"}, "n": 3, "section": map[string]any{"deep": true}}
		for _, e := range []schema.Entry[Parameter]{
			{Key: "on", Value: Parameter{Type: "bool"}}, {Key: "n", Value: Parameter{Type: "int", Lower: number64(1), Upper: number64(10)}},
			{Key: "w", Value: Parameter{Size: 2, Lower: number64(-1), Upper: number64(1)}}, {Key: "flags", Value: Parameter{Type: "bool", Size: 2}},
			{Key: "k", Value: Parameter{Type: "int", Size: 2, Lower: number64(1), Upper: number64(6)}},
			{Key: "rules", Value: Parameter{Choices: []any{"a", "b"}, Size: 2}},
			{Key: "fast", Value: Parameter{Choices: []any{true, false}}}, {Key: "size", Value: Parameter{Choices: []any{16, 32}}},
			{Key: "rate", Value: Parameter{Choices: []any{1, 2.5}, Type: "float"}},
			{Key: "mixed", Value: Parameter{Choices: []any{"auto", 8, 0.5, false}, Size: 4}},
		} {
			p.Parameters = append(p.Parameters, e)
		}
		opened(t, p)
		_, err := evaluate(t, p, map[string]any{
			"tau": 10.0, "act": "types", "n": 3, "on": true, "w": []float64{0.1, -1}, "k": []int{1, 6}, "flags": []bool{true, false}, "rules": []string{"b", "a"},
			"fast": false, "size": 32, "rate": 1, "mixed": []any{false, 0.5, 8, "auto"},
		})
		want := []string{
			"'tau': ('float', 10.0)", "'n': ('int', 3)", "'on': ('bool', True)", "'rules': ('list', ['b', 'a'])",
			"'w': ('array', array('d', [0.1, -1.0]))", "'k': ('list', [1, 6])", "'flags': ('list', [True, False])",
			"(9223372036854776153, 7, {'list': [1, 2.5, 'x'], 'n': 3, 'section': {'deep': True}})",
			"RuntimeError: {'tau': ('float', 10.0), 'act': ('str', 'types'), 'on': ", // in the order of the space
			"'fast': ('bool', False), 'size': ('int', 32), 'rate': ('float', 1.0), 'mixed': ('list', [False, 0.5, 8, 'auto'])",
		}
		if py.name != "alone" {
			want[4], want[5], want[6] = "'w': ('ndarray', array([ 0.1, -1. ]))", "'k': ('ndarray', array([1, 6]))", "'flags': ('ndarray', array([ True, False]))"
		}
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got %v, want %s", py.name, err, w)
			}
		}
	}
}

// run evaluates through the slots of a run and returns the results by individual. With limits it evaluates one after the other, each with its own.
func run(t *testing.T, opts dispatch.Options, es []l2l.Evaluation, limits ...time.Duration) []l2l.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	solo, err := dispatch.NewSolo(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	results := make([]l2l.Result, len(es))
	evaluate := func(es []l2l.Evaluation) {
		t.Helper()
		if err := solo.Submit(es); err != nil {
			t.Fatal(err)
		}
		for left := len(es); left > 0; {
			rs, err := solo.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rs {
				results[r.Individual] = r
			}
			left -= len(rs)
		}
	}
	for i, limit := range limits {
		if err := solo.Limit(dispatch.Limits{Timeout: limit}); err != nil {
			t.Fatal(err)
		}
		evaluate(es[i : i+1])
	}
	if len(limits) == 0 {
		evaluate(es)
	}
	if err := solo.Close(); err != nil {
		t.Error(err)
	}
	return results
}

func TestWhateverAWorkerDoesFailsOneEvaluationWithAReasonAndTheRunGoesOn(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, py := range interpreters(t) {
		for name, c := range map[string]struct {
			timeout, grace time.Duration
			deeds          []deed
		}{
			"fails":           {enough, 500 * time.Millisecond, failures},
			"hangs":           {10 * time.Second, time.Minute, hangs[:1]}, // it ends when it has said where it hangs
			"hangs and lives": {10 * time.Second, 500 * time.Millisecond, hangs[1:]},
		} {
			all.Go(func() { // side by side, however few cores there are: they mostly wait
				t.Run(py.name+", it "+name, func(t *testing.T) { whateverAWorkerDoes(t, py, c.timeout, c.grace, c.deeds) })
			})
		}
	}
	all.Wait()
}

// enough is a timeout that only what hangs reaches.
const enough = 2 * time.Minute

// deed is something that a worker does, and what is to follow; want is a regular expression.
type deed struct {
	act     string
	outcome l2l.Ending
	want    string
}

var (
	failures = []deed{
		{"raise", l2l.Failed, `(?s)^ValueError: tau is too long\nTraceback.*model.py", line \d+, in evaluate.*ValueError: tau is too long\nits standard error:\nthis is stderr of raise$`},
		{"exit0", l2l.Failed, `^the program ended \(exit status 0\) without an answer: this is stderr of exit0\nits standard error:\nthis is stderr of exit0$`},
		{"exit3", l2l.Failed, `the program ended \(exit status 3\) without an answer`},
		{"sysexit", l2l.Failed, `(?s)^SystemExit: 0\nTraceback.*SystemExit: 0\nthe program wanted to exit`},
		{"kill", l2l.Failed, `killed by signal 9 \(killed\), as by the system when memory runs out\) without an answer`},
		{"abort", l2l.Failed, `(?s)killed by signal 6 \(aborted\)\) without an answer: Fatal Python error: Aborted\n.*Fatal Python error: Aborted.*model.py", line \d+ in evaluate`},
		{"flood", l2l.OK, ``},
		{"garbage", l2l.Failed, `its answer is not msgpack: .*this is no message`},
		{"text", l2l.Failed, `a frame longer than allowed: 1835492691 bytes \(they begin with "Segm"\), at most 67108864 are: does something else print to descriptor 4\?`},
		{"number", l2l.Failed, `its answer is 3, want an object with the number \d+`},
		{"torn", l2l.Failed, `the program ended \(exit status 0\) without an answer`},
		{"nan", l2l.Failed, `(the fitness is not finite: error = nan)|(the model returned nan: 1 number)`},
		{"few", l2l.Failed, `the model returned \[1.0\]: 1 number, want 2: error, rate`},
		{"none", l2l.Failed, `the model returned None: want a number; is a return missing\?`},
		{"children", l2l.Failed, `the program ended \(exit status 1\) without an answer`},
		{"daemon", l2l.Failed, `the program ended \(exit status 1\) without an answer`},
	}
	hangs = []deed{
		{"hang", l2l.TimedOut, `(?s)^took longer than the timeout of 10s: at \S*model.py:\d+, in hang\nits standard error:\nthis is stderr of hang\nCurrent thread .*model.py", line \d+ in hang`},
		{"stubborn", l2l.TimedOut, `(?s)^took longer than the timeout of 10s: .*this is stderr of stubborn`},
	}
)

func whateverAWorkerDoes(t *testing.T, py interpreter, timeout, grace time.Duration, cases []deed) {
	t.Helper()
	var acts []string
	for _, c := range cases {
		acts = append(acts, c.act)
	}
	m := seconds()
	mark := "L2L_TEST_MARK=" + m
	opts := dispatch.Options{Slots: 2, Timeout: timeout, PrepareTimeout: 2 * time.Minute, Dir: filepath.Join(t.TempDir(), "work"), KeepFailed: 1000}
	var space optimizee.Space
	opts.Make = func() (optimizee.Optimizee, error) {
		p := acting(t, py, acts...)
		p.Grace = grace
		p.Env["L2L_TEST_MARK"] = m
		err := p.Open()
		space = p.Space()
		return p, err
	}
	if _, err := opts.Make(); err != nil {
		t.Fatal(err)
	}
	var es []l2l.Evaluation
	for i := range 2 * len(cases) { // every second one succeeds
		act := "ok"
		if i%2 == 0 {
			act = cases[i/2].act
		}
		x, err := space.Encode(map[string]any{"tau": 12.0, "act": act})
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, l2l.Evaluation{Individual: int64(i), X: x})
	}
	var limits []time.Duration
	if timeout != enough {
		for range cases {
			limits = append(limits, timeout, enough)
		}
	}
	for i, r := range run(t, opts, es, limits...) {
		outcome, want := l2l.OK, ""
		if i%2 == 0 {
			outcome, want = cases[i/2].outcome, cases[i/2].want
		}
		if r.Ending != outcome || !regexp.MustCompile(want).MatchString(r.Reason) || outcome == l2l.OK && r.Fitness[0] != 4 {
			t.Errorf("%s: %s: %+v, want %v: %s", py.name, cases[i/2].act, r, outcome, want)
		}
		log, err := os.ReadFile(filepath.Join(opts.Dir, fmt.Sprintf("%d-0-0-0", i), "stdout.txt"))
		if r.Ending == l2l.OK && err == nil || r.Ending != l2l.OK && string(log) != "this is stdout of "+cases[i/2].act+"\n" {
			t.Errorf("%s: %s: stdout.txt: %q, %v", py.name, cases[i/2].act, log, err)
		}
	}
	left := func() []string { return processesWith(mark) }
	soon(t, "the daemon, which has left the group, ends", func() bool { return len(left()) == 0 })
	reaped(t)
}

func TestTheModelIsImportedOncePerSlot(t *testing.T) {
	for _, py := range interpreters(t) {
		imports := filepath.Join(t.TempDir(), "imports")
		var x []float64
		opts := dispatch.Options{Slots: 3, Timeout: time.Minute, Make: func() (optimizee.Optimizee, error) {
			p := acting(t, py)
			p.Env["L2L_TEST_IMPORTS"] = imports
			p.Parameters = p.Parameters[:1]
			err := p.Open()
			x = []float64{12}
			return p, err
		}}
		if _, err := opts.Make(); err != nil {
			t.Fatal(err)
		}
		var es []l2l.Evaluation
		for i := range 500 {
			es = append(es, l2l.Evaluation{Individual: int64(i), X: x})
		}
		for i, r := range run(t, opts, es) {
			if r.Ending != l2l.OK || r.Fitness[0] != 4 {
				t.Fatalf("%s: individual %d: %+v", py.name, i, r)
			}
		}
		b, err := os.ReadFile(imports)
		if n := strings.Count(string(b), "\n"); err != nil || n != 3 {
			t.Errorf("%s: 500 evaluations in 3 slots imported the model %d times, %v; want 3", py.name, n, err)
		}
	}
}

func TestAWorkerThatCannotStartEndsTheRunWithAReason(t *testing.T) {
	t.Parallel()
	py := alone(t)
	for _, c := range []struct {
		change func(p *Process)
		want   string
	}{
		{func(p *Process) { p.Env["L2L_TEST_VERSION"] = "3" }, `it speaks version 3 of the protocol, want 1 to 2: install the version of its library`},
		{func(p *Process) { p.Env["L2L_TEST_NO_HELLO"] = "0" }, `the program ended (exit status 0) without an answer: it said no hello; if it evaluates once and ends, it wants mode: oneshot`},
		{func(p *Process) { p.Env["L2L_TEST_NO_HELLO"] = "2" }, "the program ended (exit status 2) without an answer: usage: model FILE\nits standard error:"},
		{func(p *Process) { p.Command[1] = "no-such-model.py" }, "can't open file"},
		{func(p *Process) { p.Constants["setup"] = "import nest_does_not_exist" }, ": ModuleNotFoundError: No module named 'nest_does_not_exist'\nTraceback"},
		{func(p *Process) { p.Command = child.Words{py.path, "-c", "import nest_does_not_exist"} },
			"the program ended (exit status 1) without an answer: ModuleNotFoundError: No module named 'nest_does_not_exist'\nits standard error:"},
		{func(p *Process) {
			p.Command = child.Words{py.path, "-c", `raise ModuleNotFoundError("No module named 'l2l_optimizee'")`}
		}, "No module named 'l2l_optimizee', which comes with l2l-mpi: " + child.Install + "\nits standard error:"},
		{func(p *Process) { p.Constants["setup"] = "import os; os._exit(5)" }, "the program ended (exit status 5) without an answer"},
		{func(p *Process) { p.Constants["setup"] = "import time; time.sleep(1000)" }, "it is not ready in time: context deadline exceeded"},
		{func(p *Process) { p.Command = child.Words{"sh", "-c", "echo hello world >&4; sleep 1000"} }, `a frame longer than allowed: 1819043176 bytes (they begin with "hell")`},
		{func(p *Process) { p.Command = child.Words{"sh", "-c", `printf '\2\0\0\0{}' >&4; sleep 1000`} }, `it speaks version nothing of the protocol, want 1 to 2`},
		{func(p *Process) { p.Command = child.Words{"sh", "-c", `printf '\2\0\0\0{{' >&4; sleep 1000`} }, `its hello is not JSON: `},
		{func(p *Process) {
			p.Command = child.Words{"sh", "-c", `printf '\037\0\0\0{"protocol":1,"encoding":"xml"}' >&4; sleep 1000`}
		}, `its hello chooses the encoding "xml", want "json" or "msgpack"`},
		{func(p *Process) { p.Command = child.Words{"sh", "-c", `exec 3<&- 4>&-; sleep 1000`} }, `the program closed its connection without an answer, and was ended`},
	} {
		p := acting(t, py)
		c.change(p)
		opened(t, p)
		timeout := 2 * time.Minute
		if strings.Contains(c.want, "in time") {
			timeout = time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		err := p.Prepare(ctx)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot start ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// later has the second and later starts of a worker do something else than the first.
const later = `n=$(cat starts 2>/dev/null || echo 0); n=$((n + 1)); echo $n >starts; if [ $n -gt 1 ]; then %s; fi; exec "$@"`

func TestAWorkerThatCannotStartAgainFailsTheEvaluation(t *testing.T) {
	py := alone(t)
	model, err := filepath.Abs("testdata/model.py")
	if err != nil {
		t.Fatal(err)
	}
	p := acting(t, py, "kill")
	p.Dir = t.TempDir()
	p.Command = child.Words{"sh", "-c", fmt.Sprintf(later, "[ $n -gt 3 ] || export L2L_TEST_VERSION=9"), "sh", py.path, model}
	opened(t, p)
	ok := map[string]any{"tau": 12.0, "act": "ok"}
	for i, c := range []struct {
		values map[string]any
		want   string
	}{
		{ok, ""}, {map[string]any{"tau": 12.0, "act": "kill"}, "signal 9"}, {ok, "speaks version 9"}, {ok, "speaks version 9"}, {ok, ""}, {ok, ""},
	} {
		out, err := evaluate(t, p, c.values)
		switch {
		case c.want == "" && (err != nil || out.Fitness[0] != 4):
			t.Errorf("evaluation %d: %v, %v", i, out, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("evaluation %d: %v, want %s", i, err, c.want)
		}
	}
}

func TestAWorkerThatDiesIdleIsReplacedWithoutAFailure(t *testing.T) {
	t.Parallel()
	p := opened(t, acting(t, alone(t)))
	for range 3 {
		if out, err := evaluate(t, p, map[string]any{"tau": 12.0, "act": "ok"}); err != nil || out.Fitness[0] != 4 {
			t.Fatalf("%v, %v", out, err)
		}
		if err := syscall.Kill(p.worker.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-p.worker.Ended()
	}
}

func TestABatchIsOneRequestWithAResultForEach(t *testing.T) {
	for _, py := range interpreters(t) {
		p := opened(t, acting(t, py, "raise", "kill"))
		batch := func(acts ...string) (outs []optimizee.Outcome, errs []error) {
			var es []optimizee.Evaluation
			for i, act := range acts {
				x, err := p.Space().Encode(map[string]any{"tau": 10.0 + float64(i), "act": act})
				if err != nil {
					t.Fatal(err)
				}
				params, err := p.Space().Decode(x)
				if err != nil {
					t.Fatal(err)
				}
				es = append(es, optimizee.Evaluation{Params: params, Seed: uint64(i)})
			}
			return p.EvaluateBatch(t.Context(), es)
		}
		outs, errs := batch("ok", "raise", "ok")
		if errs[0] != nil || errs[2] != nil || outs[0].Fitness[0] != 0 || outs[2].Fitness[0] != 4 || errs[1] == nil || !strings.Contains(errs[1].Error(), "tau is too long") {
			t.Errorf("%s: %v, %v", py.name, outs, errs)
		}
		_, errs = batch("ok", "kill", "ok")
		for i, err := range errs {
			if err == nil || !strings.Contains(err.Error(), "signal 9") {
				t.Errorf("%s: evaluation %d of a batch that killed the worker: %v", py.name, i, err)
			}
		}
	}
}

func TestTheConnectionAndTheLauncherAreHiddenFromChildren(t *testing.T) {
	for _, v := range []string{"OMPI_COMM_WORLD_RANK=3", "SLURM_JOB_ID=7", "SLURM_NTASKS=4", "PMIX_RANK=3"} {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	py := alone(t)
	p := acting(t, py, "leak")
	opened(t, p)
	if _, err := evaluate(t, p, map[string]any{"tau": 12.0, "act": "leak"}); err == nil || !strings.Contains(err.Error(), "RuntimeError: ['0', '1', '2', '3'] []") { // 3 lists them
		t.Errorf("a child of the worker sees %v", err)
	}
	for inherit, want := range map[string]string{
		"": "RuntimeError: MODEL_X=y\n", "user": "RuntimeError: MODEL_X=y\n", "slurm": "RuntimeError: MODEL_X=y SLURM_JOB_ID=7\n",
		"all": "RuntimeError: MODEL_X=y OMPI_COMM_WORLD_RANK=3 PMIX_RANK=3 SLURM_JOB_ID=7 SLURM_NTASKS=4\n",
	} {
		p := acting(t, py, "environment")
		p.Inherit = inherit
		p.Env["MODEL_X"] = "y"
		opened(t, p)
		if _, err := evaluate(t, p, map[string]any{"tau": 12.0, "act": "environment"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("inherit %q: got %v, want %s", inherit, err, want)
		}
	}
}

func TestAWorkerBehindALauncherIsReachedByASocket(t *testing.T) {
	t.Parallel()
	launcher, err := filepath.Abs("testdata/launcher.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, py := range interpreters(t) {
		p := acting(t, py, "kill", "hang")
		p.Launcher = child.Words{py.path, launcher, "-n", "2"}
		opened(t, p)
		for _, act := range []string{"ok", "kill", "ok", "hang", "ok"} {
			timeout := time.Minute
			if act == "hang" {
				timeout = time.Second // the worker runs already
			}
			out, err := evaluateIn(t, p, map[string]any{"tau": 12.0, "act": act}, "", timeout)
			switch {
			case act == "ok" && (err != nil || out.Fitness[0] != 4):
				t.Errorf("%s: %v, %v", py.name, out, err)
			case act == "kill" && (err == nil || !strings.Contains(err.Error(), "the program ended (exit status")):
				t.Errorf("%s: killed: %v", py.name, err)
			case act == "hang" && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("%s: hanging: %v", py.name, err)
			}
		}
	}
	p := acting(t, alone(t))
	p.Launcher = child.Words{"false"}
	opened(t, p)
	if err := p.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "the program ended (exit status 1)") {
		t.Errorf("a launcher that fails: %v", err)
	}
}

func TestAWorkerMayUseAllCPUsIfItNeedsThem(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Log("one CPU: bound and free are the same")
	}
	if os.Getenv("L2L_TEST_BOUND") != "" {
		for _, c := range []struct {
			affinity string
			width    int
			free     bool
		}{{"", 1, false}, {"", 2, true}, {"inherit", 2, false}, {"free", 1, true}} {
			p := acting(t, alone(t), "affinity")
			p.Affinity, p.Width = c.affinity, c.width
			opened(t, p)
			_, err := evaluate(t, p, map[string]any{"tau": 12.0, "act": "affinity"})
			bound := err != nil && strings.Contains(err.Error(), "RuntimeError: 1\n")
			if bound == (c.free && os.Getenv("L2L_TEST_BOUND") != "1") {
				t.Errorf("%+v: %v", c, err)
			}
		}
		return
	}
	script := "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
	cmd := exec.Command("python3", "-c", script, os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("L2L_TEST_BOUND=%d", runtime.NumCPU()))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// speaking is a worker that speaks JSON, and that answers every request with a text if it is not "".
func speaking(t *testing.T, answer string) *Process {
	t.Helper()
	p := New()
	p.Command = child.Words{python, "json_worker.py"}
	p.Dir = "testdata"
	if answer != "" {
		p.Constants = map[string]any{"answer": answer}
	}
	*p.Parameters.Append("x").(*Parameter) = Parameter{Std: 1}
	*p.Config.Objectives.Append("error").(*Objective) = Objective{Direction: "minimise"}
	return p
}

func TestAWorkerMaySpeakJSON(t *testing.T) {
	t.Parallel()
	p := opened(t, speaking(t, ""))
	for _, x := range []float64{0, -1.5, 1e-300, 0.1, 1.0 / 3, math.MaxFloat64, 5e-324} {
		if out, err := evaluate(t, p, map[string]any{"x": x}); err != nil || len(out.Fitness) != 1 || out.Fitness[0] != x {
			t.Errorf("%v arrives and comes back as %v, %v", x, out.Fitness, err)
		}
	}
	params, err := p.Space().Decode([]float64{math.Inf(1)}) // which JSON does not have, and no parameter is
	if err != nil {
		t.Fatal(err)
	}
	if out, err := p.Evaluate(t.Context(), optimizee.Evaluation{Params: params}); err != nil || out.Fitness[0] != math.MaxFloat64 {
		t.Errorf("infinity arrives and comes back as %v, %v", out.Fitness, err)
	}
	beyond := opened(t, speaking(t, `{"results": [-1e400]}`)) // as Python writes -10**400: it is a fitness that is not finite, and the worker goes on
	for range 2 {
		if out, err := evaluate(t, beyond, map[string]any{"x": 1.0}); err != nil || !math.IsInf(out.Fitness[0], -1) {
			t.Errorf("beyond the doubles: %v, %v", out.Fitness, err)
		}
	}
	for answer, want := range map[string]string{
		`{"results": [3.5]}`:                            "",
		`{"results": [{"fitness": {"error": 3.5}}]}`:    "",
		`{"results": [{"error": 3.5}]}`:                 "",
		`{"results": [{"error": "no spikes"}]}`:         "no spikes",
		`{"results": [{"fitness": NaN}]}`:               "there is no NaN and no Infinity in JSON",
		`{"results": [1, 2]}`:                           "its answer is an object with the keys \"results\", want a list of results, as many as evaluations were asked for: 1",
		`{"results": 3}`:                                "want a list of results",
		`[3]`:                                           "its answer is a list of 1, want a list of results",
		`{"results": [{"fitness": [1], "outputs": 3}]}`: "outputs: 3, want a list of numbers",
		`{"results": [{"fitness": [1, 2, 3]}]}`:         "fitness: 3 numbers, want 1: error",
		`{"results": [`:                                 `its answer is not json: unexpected end of JSON input: "{\"results\": ["`,
		strings.Repeat("[", 100_000):                    "its answer is not json: ",
	} {
		out, err := evaluate(t, opened(t, speaking(t, answer)), map[string]any{"x": 1.0})
		if want == "" && (err != nil || out.Fitness[0] != 3.5) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: %v, %v; want %s", answer, out, err, want)
		}
	}
}
