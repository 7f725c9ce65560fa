package process

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// interpreter is a way to run Python.
type interpreter struct {
	name string
	path string
	env  map[string]string
}

// python is the interpreter of these tests.
var python = cmp.Or(os.Getenv("PYTHON"), "python3")

// alone is Python without anything installed.
func alone(t testing.TB) interpreter {
	t.Helper()
	source, err := filepath.Abs("python/src")
	if err != nil {
		t.Fatal(err)
	}
	blocked := t.TempDir() // modules here are found before those that are installed
	for _, module := range []string{"msgpack", "numpy"} {
		text := "raise ImportError('" + module + " is blocked')\n"
		if err := os.WriteFile(filepath.Join(blocked, module+".py"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return interpreter{"alone", python, map[string]string{"PYTHONPATH": blocked + ":" + source}}
}

// imported tries the packages, once: to import them takes a while.
var imported = sync.OnceValue(func() error {
	if out, err := exec.Command(python, "-c", "import msgpack, numpy").CombinedOutput(); err != nil {
		return fmt.Errorf("PYTHON=%s: %w\n%s", python, err, out)
	}
	return nil
})

// interpreters are Python alone, and, if the variable PYTHON names an interpreter that has msgpack and numpy, that one.
func interpreters(t testing.TB) []interpreter {
	t.Helper()
	list := []interpreter{alone(t)}
	if os.Getenv("PYTHON") != "" {
		if err := imported(); err != nil {
			t.Fatal(err)
		}
		source, err := filepath.Abs("python/src")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, interpreter{"with msgpack and numpy", python, map[string]string{"PYTHONPATH": source}})
	}
	return list
}

func number64(x float64) *float64 { return &x }

// acting is a worker of testdata/model.py, whose parameter act has these choices.
func acting(t testing.TB, py interpreter, acts ...string) *Process {
	t.Helper()
	p := New()
	p.Command = child.Words{py.path, "model.py"}
	p.Dir = "testdata"
	p.Env = map[string]string{}
	for name, value := range py.env {
		p.Env[name] = value
	}
	p.Constants = map[string]any{"fd_out": 4}
	*p.Parameters.Append("tau").(*Parameter) = Parameter{Lower: number64(1), Upper: number64(100), Unit: "ms"}
	choices := []any{"ok", "fine"}
	for _, act := range acts {
		choices = append(choices, act)
	}
	*p.Parameters.Append("act").(*Parameter) = Parameter{Choices: choices}
	*p.Config.Objectives.Append("error").(*Objective) = Objective{Direction: "minimise"}
	*p.Config.Objectives.Append("rate").(*Objective) = Objective{Direction: "maximise", Weight: 2, Unit: "Hz"}
	return p
}

// opened opens a Process, which is closed at the end of the test. Nothing that it has started may then be left.
func opened(t testing.TB, p *Process) *Process {
	t.Helper()
	if p.Env == nil {
		p.Env = map[string]string{}
	}
	mark := "L2L_TEST_MARK=" + strconv.FormatInt(time.Now().UnixNano(), 36) + t.Name()
	name, value, _ := strings.Cut(mark, "=")
	p.Env[name] = value
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if left := processesWith(mark); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
		reaped(t)
	})
	return p
}

// processesWith lists the processes that have a variable in their environment.
func processesWith(variable string) (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is sound
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err == nil && strings.Contains("\x00"+string(env)+"\x00", "\x00"+variable+"\x00") {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "cmdline")) // for the message
			list = append(list, filepath.Base(filepath.Dir(f))+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

// reaped tells that no child of this process has ended without being reaped. One of a test beside this one may be about to be.
func reaped(t testing.TB) {
	t.Helper()
	soon(t, "no zombies are left", func() bool { return len(zombies()) == 0 })
}

// zombies lists the children of this process that have ended and were not reaped.
func zombies() (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		stat, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			list = append(list, string(stat))
		}
	}
	return list
}

// soon waits until a condition holds, and fails if it does not soon.
func soon(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// evaluate evaluates with values given by name.
func evaluate(t testing.TB, p *Process, values map[string]any) (optimizee.Outcome, error) {
	t.Helper()
	return evaluateIn(t, p, values, "", 2*time.Minute)
}

func evaluateIn(t testing.TB, p *Process, values map[string]any, dir string, timeout time.Duration) (optimizee.Outcome, error) {
	t.Helper()
	x, err := p.Space().Encode(values)
	if err != nil {
		t.Fatal(err)
	}
	params, err := p.Space().Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return p.Evaluate(ctx, optimizee.Evaluation{Params: params, Seed: 1<<63 + 345, Instance: 7, Dir: dir})
}

func TestTheConfigurationDescribesTheSpace(t *testing.T) {
	p := New()
	p.Command = child.Words{"true"}
	for name, q := range map[string]Parameter{
		"float": {Lower: number64(1), Upper: number64(100), Scale: "log", Unit: "ms", Doc: "a time"},
		"free":  {Mean: 3, Std: 2, Size: 3},
		"half":  {Lower: number64(0), Mean: 3, Std: 2},
		"int":   {Type: "int", Lower: number64(1), Upper: number64(10)},
		"bool":  {Type: "bool"},
		"rule":  {Choices: []any{"stdp", "bcm"}},
		"rules": {Type: "categorical", Choices: []any{"stdp", "bcm"}, Size: 4},
		"fast":  {Type: "bool", Choices: []any{true, false}},
		"sizes": {Type: "int", Choices: []any{16, 32}},
		"rates": {Type: "float", Choices: []any{1, 0.5}},
	} {
		p.Parameters = schema.Map[Parameter]{{Key: name, Value: q}}
		p.Config.Objectives = nil
		*p.Config.Objectives.Append("error").(*Objective) = Objective{Direction: "minimise", Weight: 3, Unit: "mV"}
		if err := p.Open(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := map[string]string{
			"float": "[{float float 1 100 true [] 0 ms a time 0 0}]",
			"free":  "[{free float -Inf +Inf false [] 3   3 2}]",
			"half":  "[{half float 0 +Inf false [] 0   3 2}]",
			"int":   "[{int int 1 10 false [] 0   0 0}]",
			"bool":  "[{bool bool 0 0 false [] 0   0 0}]",
			"rule":  "[{rule categorical 0 0 false [stdp bcm] 0   0 0}]",
			"rules": "[{rules categorical 0 0 false [stdp bcm] 4   0 0}]",
			"fast":  "[{fast categorical 0 0 false [true false] 0   0 0}]",
			"sizes": "[{sizes categorical 0 0 false [16 32] 0   0 0}]",
			"rates": "[{rates categorical 0 0 false [1 0.5] 0   0 0}]",
		}[name]
		if got := fmt.Sprint(p.Space()); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got, want := fmt.Sprint(p.Objectives()), "[{error minimise 3 mV}]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestAConfigurationThatCannotWorkIsRefusedWithAReason(t *testing.T) {
	oneshot := func(p *Process) { p.Mode = modeOneshot }
	for _, c := range []struct {
		change func(p *Process)
		want   string
	}{
		{func(p *Process) { p.Command = nil }, "command: nothing to start"},
		{func(p *Process) { p.Command = child.Words{"nest-does-not-exist"} }, `command: there is no program "nest-does-not-exist" in the PATH; one in dir is written ./nest-does-not-exist`},
		{func(p *Process) { p.Command = child.Words{"./nothing"} }, "no such file"},
		{func(p *Process) { p.Command = child.Words{"testdata/model.py"} }, "permission denied"},
		{func(p *Process) { p.Launcher = child.Words{"mpirun-does-not-exist"} }, "launcher: there is no program"},
		{func(p *Process) { p.Parameters = nil }, "no parameters"},
		{func(p *Process) { p.Config.Objectives = nil }, "no objectives"},
		{func(p *Process) { p.Parameters[0].Value.Upper = nil }, "parameters.tau: want lower and upper, or a mean and a std"},
		{func(p *Process) { p.Parameters[0].Value.Type = "bool" }, "parameters.tau: bounds, a mean or a std, which a bool does not have"},
		{func(p *Process) { p.Parameters[0].Value.Scale, p.Parameters[0].Value.Lower = "log", number64(0) }, "parameters.tau.lower: 0 on a log scale, want > 0"},
		{func(p *Process) { p.Config.Objectives[0].Value.Direction = "" }, "objectives.error: no direction, want minimise or maximise"},
		{func(p *Process) { p.Constants = map[string]any{"when": time.Now()} }, "constants.when: "},
		{func(p *Process) { p.Constants = map[string]any{"a": []any{1, map[string]any{"b": []int{1}}}} }, "constants.a: [1]: b: "},
		{func(p *Process) { p.Fitness.JSON = "out.json" }, "fitness: that of a worker is in its answer"},
		{func(p *Process) { oneshot(p); p.Outputs = 2; p.Fitness.CSV = "x" }, "outputs: of a oneshot program they come with its fitness"},
		{func(p *Process) { oneshot(p); p.Command = child.Words{"true", "{tua}"} }, "command: {tua}: no such parameter or constant; known are also seed"},
		{func(p *Process) { oneshot(p); p.Command = child.Words{"true", "{params}"} }, "command: {params}: there is no file with parameters"},
		{func(p *Process) { oneshot(p); p.Parameters[0].Key = "seed" }, "parameters.seed: the name means something else"},
		{func(p *Process) { oneshot(p); p.Constants = map[string]any{"tau": 1} }, "constants.tau: the name means something else"},
		{func(p *Process) { oneshot(p); p.Files = []string{"nothing"} }, `files: "nothing", want a file or directory within dir`},
		{func(p *Process) { oneshot(p); p.Files = []string{"../optimizee.go"} }, `files: "../optimizee.go", want`},
		{func(p *Process) { oneshot(p); p.Fitness = Fitness{JSON: "a", CSV: "b"} }, "fitness: in several places"},
		{func(p *Process) { oneshot(p); p.Fitness = Fitness{Regex: "(", Key: ""} }, "fitness.regex: "},
		{func(p *Process) { oneshot(p); p.Fitness = Fitness{Regex: "error=(.*)"} }, "fitness.regex: 1 groups, want one for each of 2 objectives"},
		{func(p *Process) { oneshot(p); p.Fitness = Fitness{Key: "x"} }, "fitness.key: there is no file"},
		{func(p *Process) { oneshot(p); p.Fitness = Fitness{CSV: "x", Key: "x"} }, "fitness.key: one column for several objectives"},
	} {
		p := acting(t, interpreter{path: "true"})
		p.Dir = ""
		c.change(p)
		if err := p.Open(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestThePathsOfAConfigurationStartAtItsDirectory(t *testing.T) {
	for dir, want := range map[string]string{"": "/models", "sub": "/models/sub", "/abs": "/abs"} {
		p := New()
		p.Dir = dir
		if p.Locate("/models"); p.Dir != want {
			t.Errorf("dir %q is %q, want %q", dir, p.Dir, want)
		}
	}
}

func TestTheCPUsOfAnEvaluationFollowFromItsLauncher(t *testing.T) {
	for launcher, want := range map[string]int{
		"": 1, "mpirun": 1, "mpirun -n 4": 4, "mpirun -np 4 --bind-to none": 4, "srun --exact -N 1 -n 4 -c 3": 12,
		"srun --ntasks=2 --cpus-per-task=8": 8 * 2, "mpirun -n": 1, "mpirun -n all": 1, "nice -n": 1,
	} {
		p := New()
		if err := p.Launcher.UnmarshalText([]byte(launcher)); err != nil {
			t.Fatal(err)
		}
		if got := p.CPUs(); got != want {
			t.Errorf("%q: %d, want %d", launcher, got, want)
		}
		if p.Width = 7; p.CPUs() != 7 {
			t.Errorf("%q with 7 CPUs: %d", launcher, p.CPUs())
		}
	}
}

func TestWhereTheTimeGoesIsToldOfAWorkerThatSaysHowLongItsModelTookAndOfAProgram(t *testing.T) {
	told := func(p *Process, values map[string]any) map[optimizee.Part]time.Duration {
		t.Helper()
		parts := map[optimizee.Part]time.Duration{}
		p.TimeTo(func(part optimizee.Part, took time.Duration) { parts[part] += took })
		if _, err := evaluate(t, opened(t, p), values); err != nil {
			t.Fatal(err)
		}
		return parts
	}
	x := map[string]any{"x": 1.0}
	for answer, divided := range map[string]bool{
		`{"results": [3], "seconds": 0}`: true, `{"results": [3], "seconds": 1e-6}`: true, `{"results": [3]}`: false,
		`{"results": [3], "seconds": 1e9}`: false, `{"results": [3], "seconds": -1}`: false, `{"results": [3], "seconds": "long"}`: false,
	} {
		parts := told(speaking(t, answer), x)
		if _, transfer := parts[optimizee.Transfer]; transfer != divided || parts[optimizee.Answered] > 0 == divided || parts[optimizee.StartUp] <= 0 {
			t.Errorf("%s: %v", answer, parts)
		}
	}
	for _, py := range interpreters(t) { // the model is asked to be timed
		parts := told(acting(t, py), map[string]any{"tau": 5.0, "act": "ok"})
		if len(parts) != 3 || parts[optimizee.Computed] <= 0 || parts[optimizee.Transfer] <= 0 || parts[optimizee.StartUp] < time.Millisecond {
			t.Errorf("%s: %v", py.name, parts)
		}
	}
	parts := told(script(t, "sleep 0.1; echo 3"), someValues())
	if len(parts) != 3 || parts[optimizee.Computed] <= 0 || parts[optimizee.Transfer] <= 0 || parts[optimizee.StartUp] <= 0 ||
		parts[optimizee.Computed]+parts[optimizee.StartUp] < 100*time.Millisecond { // it may well sleep before it is seen to have started
		t.Errorf("a oneshot program: %v", parts)
	}
}
