package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// script is a oneshot program in the shell, with parameters of several kinds and one objective.
func script(t testing.TB, text string, more ...string) *Process {
	t.Helper()
	p := New()
	p.Mode = modeOneshot
	p.Command = append(child.Words{"sh", "-c", text, "sh"}, more...)
	for _, e := range []struct {
		name string
		Parameter
	}{
		{"tau", Parameter{Lower: number64(1), Upper: number64(100)}},
		{"n", Parameter{Type: "int", Lower: number64(1), Upper: number64(9)}},
		{"on", Parameter{Type: "bool"}},
		{"rule", Parameter{Choices: []any{"stdp", "two words"}}},
		{"w", Parameter{Size: 3, Lower: number64(-1), Upper: number64(1)}},
	} {
		*p.Parameters.Append(e.name).(*Parameter) = e.Parameter
	}
	*p.Config.Objectives.Append("error").(*Objective) = Objective{Direction: "minimise"}
	return p
}

func someValues() map[string]any {
	return map[string]any{"tau": 12.5, "n": 3, "on": true, "rule": "two words", "w": []float64{0.1, -1, 1e-7}}
}

// fails evaluates a program that writes down in what its fitness is to be read from, and returns the text of the failure: how a test sees
// what the program sees.
func fails(t testing.TB, p *Process) string {
	t.Helper()
	_, err := evaluate(t, opened(t, p), someValues())
	if err == nil {
		t.Fatal("the evaluation succeeded")
	}
	return err.Error()
}

func TestParametersArePassedAsTheConfigurationSays(t *testing.T) {
	seed := uint64(1<<63 + 345)
	show := `for a; do echo "<$a>"; done >&2; exit 1`
	for name, c := range map[string]struct {
		process *Process
		want    string
	}{
		"all as arguments": {script(t, show), "<--tau=12.5>\n<--n=3>\n<--on=true>\n<--rule=two words>\n<--w=0.1,-1,1e-07>"},
		"by name": {
			script(t, show, "-t", "{tau}ms", "{rule}:{on}", "{{tau}}", "$x {y z} ${tau}", `{"a": {"tau":{tau}}}`),
			"<-t>\n<12.5ms>\n<two words:true>\n<{tau}>\n<$x {y z} ${tau}>\n<{\"a\": {\"tau\":12.5}}>\n<--n=3>\n<--w=0.1,-1,1e-07>",
		},
		"what is not a parameter": {script(t, show, "{seed}", "{seed31}", "{instance}"), fmt.Sprintf("<%d>\n<%d>\n<7>\n<--tau", seed, seed>>33)},
	} {
		if got := fails(t, c.process); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s\nwant %s", name, got, c.want)
		}
	}

	p := script(t, `env | grep ^L2L_ | grep -v MARK | sort >&2; echo "$#" >&2; exit 1`)
	p.Pass = passEnvironment
	want := fmt.Sprintf("L2L_INSTANCE=7\nL2L_PARAM_n=3\nL2L_PARAM_on=true\nL2L_PARAM_rule=two words\nL2L_PARAM_tau=12.5\nL2L_PARAM_w=0.1,-1,1e-07\nL2L_SEED=%d\n0", seed)
	if got := fails(t, p); !strings.Contains(got, want) {
		t.Errorf("environment: got %s\nwant %s", got, want)
	}

	p = script(t, `cat "$1" >&2; echo "$#" >&2; exit 1`, "{params}")
	p.Pass = passCSV
	if got, want := fails(t, p), "\ntau,n,on,rule,w[0],w[1],w[2]\n12.5,3,true,two words,0.1,-1,1e-07\n1"; !strings.HasSuffix(got, want) {
		t.Errorf("csv: got %s\nwant %s", got, want)
	}

	p = script(t, `cat params.json`, "{params}")
	p.Pass, p.Constants, p.Fitness.Regex = passJSON, map[string]any{"dt": 0.1, "list": []any{1, "x"}}, "(nothing)"
	dir := t.TempDir()
	if _, err := evaluateIn(t, opened(t, p), someValues(), dir, time.Minute); err == nil {
		t.Fatal("the evaluation succeeded")
	}
	b, err := os.ReadFile(filepath.Join(dir, "stdout.txt"))
	var got map[string]any
	if err = errors.Join(err, json.Unmarshal(b, &got)); err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{
		"params": map[string]any{"tau": 12.5, "n": 3.0, "on": true, "rule": "two words", "w": []any{0.1, -1.0, 1e-7}},
		"seed":   float64(seed), "instance": 7.0, "constants": map[string]any{"dt": 0.1, "list": []any{1.0, "x"}},
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("json: got %v\nwant %v", got, want)
	}

	p = script(t, show)
	choose := func(p *Process) map[string]any {
		values := someValues()
		for name, choices := range map[string][]any{"fast": {true, false}, "size": {16, 32}, "rate": {1.0, 2.5}, "mixed": {"auto", 8, 0.5, false}} {
			*p.Parameters.Append(name).(*Parameter) = Parameter{Choices: choices}
			values[name] = choices[0]
		}
		values["mixed"], values["fast"] = 8, false
		return values
	}
	values := choose(p)
	_, err = evaluate(t, opened(t, p), values)
	for _, want := range []string{"<--fast=false>", "<--size=16>", "<--rate=1>", "<--mixed=8>"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("choices as arguments: %v, want %s", err, want)
		}
	}
	p = script(t, `python3 -c 'import json; p = json.load(open("params.json"))["params"]; print(repr([p[n] for n in ("fast", "size", "rate", "mixed", "w")]))' >&2; exit 1`)
	p.Pass = passJSON
	values = choose(p)
	values["w"] = []float64{1, 0, -0.5}
	if _, err = evaluate(t, opened(t, p), values); err == nil || !strings.Contains(err.Error(), "[False, 16, 1.0, 8, [1.0, 0.0, -0.5]]") {
		t.Errorf("choices in JSON: %v", err)
	}

	p = script(t, show, "{dt}", "{list}")
	p.Constants = map[string]any{"dt": 0.1, "list": []any{1, "x"}}
	if got := fails(t, p); !strings.Contains(got, "<0.1>\n<1,x>\n<--tau=12.5>") {
		t.Errorf("constants: %s", got)
	}
}

func TestTheFitnessIsFoundWhereTheConfigurationSays(t *testing.T) {
	two := []string{"error", "rate"}
	one := two[:1]
	for _, c := range []struct {
		fitness    Fitness
		objectives []string
		output     string // of the program, or content of the file
		want       string // the fitness, or part of the error
	}{
		{Fitness{}, one, "starting\n3.5\n\n", "[3.5]"},
		{Fitness{}, two, "1 2\n3.5, -1e-3", "[3.5 -0.001]"},
		{Fitness{}, one, "fitness: 3.5\n", `the last line of the standard output is "fitness: 3.5", want the fitness: "fitness:", want a number`},
		{Fitness{}, two, "3.5\n", "fitness: 1 number, want 2: error, rate"},
		{Fitness{}, one, "1 2 3\n", "fitness: 3 numbers, want 1: error"},
		{Fitness{}, one, "\n \n", "the program printed nothing, want the fitness in the last line"},
		{Fitness{}, one, "nan", "[NaN]"}, // for the run to refuse
		{Fitness{}, one, "1e999", "[+Inf]"},
		{Fitness{Regex: `error = (\S+)`}, one, "error = 1\nerror = 2\ndone", "[2]"},
		{Fitness{Regex: `(\S+) Hz, (\S+) mV`}, two, "4 Hz, 5 mV", "[4 5]"},
		{Fitness{Regex: `(?P<rate>\S+) Hz, (?P<error>\S+) mV`}, two, "4 Hz, 5 mV", "[5 4]"},
		{Fitness{Regex: `error = (\S+)`}, one, "segmentation fault", `no match of fitness.regex in the standard output: error = (\S+)`},
		{Fitness{Regex: `error = (\S+)`}, one, "error = none", `fitness.regex matches "error = none": "none", want a number`},
		{Fitness{JSON: "out"}, one, "3.5", "[3.5]"},
		{Fitness{JSON: "out"}, two, "[1, 2]", "[1 2]"},
		{Fitness{JSON: "out"}, two, `{"rate": 2, "error": 1, "more": "x"}`, "[1 2]"},
		{Fitness{JSON: "out"}, two, `{"fitness": {"rate": 2, "error": 1}}`, "[1 2]"},
		{Fitness{JSON: "out"}, one, `{"fitness": [7]}`, "[7]"},
		{Fitness{JSON: "out", Key: "a.1.b"}, one, `{"a": [0, {"b": 7}]}`, "[7]"},
		{Fitness{JSON: "out", Key: "a.b"}, one, `{"a": {"c": 7, "d": 8}}`, `out: no key "b" in a, only "c", "d"`},
		{Fitness{JSON: "out", Key: "a.2"}, one, `{"a": [1]}`, `out: no element "2" in a, a list of 1`},
		{Fitness{JSON: "out", Key: "a.b"}, one, `{"a": 1}`, `out: no key "b" in a, which is 1`},
		{Fitness{JSON: "out"}, one, `{"error": "no spikes"}`, `no spikes`},
		{Fitness{JSON: "out"}, one, `{"fitness": "high"}`, `out: fitness: "high", want a number`},
		{Fitness{JSON: "out"}, one, `{"fitness": null}`, `out: fitness: nothing, want a number`},
		{Fitness{JSON: "out"}, one, `{"score": 1}`, `out: no "error" among the keys "score"`},
		{Fitness{JSON: "out"}, one, `{"fitness": NaN}`, `there is no NaN and no Infinity in JSON`},
		{Fitness{JSON: "out"}, one, `{"fitness": 1`, `out: unexpected end of JSON input`},
		{Fitness{JSON: "out"}, one, "", "the program ended in order, but left no file out with its fitness"},
		{Fitness{CSV: "out"}, one, "1\n2\n3.5\n", "[3.5]"},
		{Fitness{CSV: "out"}, two, "time,rate,error\n0,1,2\n1, 3, 4\n", "[4 3]"},
		{Fitness{CSV: "out"}, two, "time,value\n1,2\n", "[1 2]"},
		{Fitness{CSV: "out", Key: "value"}, one, "time,value\n1,2\n", "[2]"},
		{Fitness{CSV: "out", Key: "valeu"}, one, "time,value\n1,2\n", `out: no row has a column "valeu"; the first one has "time", "value"`},
		{Fitness{CSV: "out", Key: "food"}, one, "\"NetLogo 6.4.0\",\"Table version 2.0\"\n\"-16\",\"16\"\n\"[step]\",\"food\"\n\"800\",\"12.5\"\n", "[12.5]"},
		{Fitness{CSV: "out"}, two, "1\n", "out: 1 columns in its last row, want at least 2"},
		{Fitness{CSV: "out"}, one, "time\nend\n", `out: last row, column 1: "end", want a number`},
		{Fitness{CSV: "out"}, one, "\n", "out: there is no row in it"},
	} {
		text := "cat $L2L_TEST_INPUT"
		if c.fitness.JSON != "" || c.fitness.CSV != "" {
			text = "[ ! -s $L2L_TEST_INPUT ] || cp $L2L_TEST_INPUT out"
		}
		p := script(t, text)
		p.Fitness = c.fitness
		p.Config.Objectives = nil
		for _, name := range c.objectives {
			*p.Config.Objectives.Append(name).(*Objective) = Objective{Direction: "minimise"}
		}
		input := filepath.Join(t.TempDir(), "input")
		if err := os.WriteFile(input, []byte(c.output), 0o666); err != nil {
			t.Fatal(err)
		}
		p.Env = map[string]string{"L2L_TEST_INPUT": input}
		out, err := evaluate(t, opened(t, p), someValues())
		if got := fmt.Sprint(out.Fitness); err == nil && got != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v of %q: %s, %v; want %s", c.fitness, c.output, got, err, c.want)
		}
	}
}

func TestOutputsComeWithTheFitness(t *testing.T) {
	p := script(t, `echo '{"fitness": 1, "outputs": [1, 2], "targets": [3, 4]}' >out.json`)
	p.Fitness.JSON, p.Outputs = "out.json", 2
	out, err := evaluate(t, opened(t, p), someValues())
	if want := (optimizee.Outcome{Fitness: []float64{1}, Outputs: []float64{1, 2}, Targets: []float64{3, 4}}); err != nil || !reflect.DeepEqual(out, want) || p.NumOutputs() != 2 {
		t.Errorf("%+v, %v; want %+v", out, err, want)
	}
}

func TestAOneshotProgramRunsInItsDirectoryAndFindsItsFilesThere(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(home, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("model.sh", "set -e; cat data/table; echo used >scratch; echo 1.5", 0o666)
	write("data/table", "42\n", 0o666)
	write("program", "#!/bin/sh\necho used >scratch; echo 2.5\n", 0o777)
	for _, c := range []struct {
		command string
		files   []string // nil: the first argument
		want    float64
		reason  string
	}{
		{"sh model.sh", []string{"model.sh", "data"}, 1.5, ""},
		{"sh model.sh", []string{"model.sh", "data/table"}, 1.5, ""},
		{"sh model.sh", nil, 0, "data/table"},
		{"sh model.sh", []string{}, 0, "model.sh"},
		{"./program", nil, 2.5, ""},
		{"./program .", nil, 2.5, ""},
	} {
		p := script(t, "")
		p.Dir, p.Files = home, c.files
		if err := p.Command.UnmarshalText([]byte(c.command)); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		out, err := evaluateIn(t, opened(t, p), someValues(), dir, time.Minute)
		if c.reason != "" {
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("%q with %q: %v, %v; want %s", c.command, c.files, out, err, c.reason)
			}
			continue
		}
		if err != nil || out.Fitness[0] != c.want {
			t.Errorf("%q with %q: %v, %v; want %v", c.command, c.files, out, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "scratch")); err != nil {
			t.Errorf("%q has not run in its directory: %v", c.command, err)
		}
	}
	if _, err := os.Stat(filepath.Join(home, "scratch")); err == nil {
		t.Error("a program has written into the directory of its files")
	}
}

func TestWhateverAOneshotProgramDoesIsAnErrorWithAReason(t *testing.T) {
	for text, want := range map[string]string{
		"echo out; echo no such file >&2; exit 3":    "the program ended (exit status 3): no such file\nits standard error:\nno such file",
		"echo only this; exit 1":                     "the program ended (exit status 1): only this\nits standard output:\nonly this",
		"kill -9 $$":                                 "the program ended (killed by signal 9 (killed), as by the system when memory runs out",
		"sleep 1000 & exit 1":                        "exit status 1",
		"sleep 1000":                                 "context deadline exceeded",
		"trap '' TERM; while true; do sleep 1; done": "context deadline exceeded",
		"yes | head -c 100000000; exit 1":            "exit status 1): y\nits standard output:\ny\ny\n",
	} {
		p := script(t, text)
		p.Grace = 200 * time.Millisecond
		opened(t, p)
		dir, timeout := t.TempDir(), time.Minute
		if strings.Contains(want, "deadline") {
			timeout = 300 * time.Millisecond
		}
		_, err := evaluateIn(t, p, someValues(), dir, timeout)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		if strings.HasPrefix(text, "yes") {
			log, err := os.ReadFile(filepath.Join(dir, "stdout.txt"))
			if err != nil || len(log) > p.LogLimit+100 || !strings.Contains(string(log), "\n… 99737856 bytes are left out here …\n") {
				t.Errorf("a log of %d bytes, %v", len(log), err)
			}
		}
	}
	p := opened(t, script(t, "echo 1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x, err := p.Space().Encode(someValues())
	if err != nil {
		t.Fatal(err)
	}
	params, err := p.Space().Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	_, errs := p.EvaluateBatch(ctx, []optimizee.Evaluation{{Params: params}, {Params: params}})
	for _, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of the run: %v", err)
		}
	}
}

func TestALauncherStartsAOneshotProgram(t *testing.T) {
	p := script(t, "echo $X")
	p.Launcher = child.Words{"env", "X=4.5"}
	if out, err := evaluate(t, opened(t, p), someValues()); err != nil || out.Fitness[0] != 4.5 {
		t.Errorf("%v, %v", out, err)
	}
}
