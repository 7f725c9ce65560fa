package config

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

const plainRest = "optimizee: {type: bowl}\noptimizer: {type: cmaes}\n"

// process is a configuration of a program with parameters.
func programOf(parameters string) string {
	return "name: r\noptimizee:\n  type: process\n  command: sh x\n  parameters:\n" + parameters + "  objectives: {e: minimise}\noptimizer: {type: random}\n"
}

// A configuration that is large, deep or means harm is refused in a few lines, and before it takes much memory.
func TestHostileConfigurationIsRefusedInAFewLines(t *testing.T) {
	const large = 10 << 20
	much := func(s string) string { return strings.Repeat(s, large/len(s)) }
	deep := func(open, inner, end string) string {
		return strings.Repeat(open, 1000) + inner + strings.Repeat(end, 1000)
	}
	var laughs, keys, ranges strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10))
	}
	for i := range 60_000 {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
		if i < 30_000 {
			fmt.Fprintf(&ranges, "    p%d: {lower: 2, upper: 1}\n", i)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"many unknown keys":     {plainRest + keys.String(), "… and there is more that is wrong; the first 20 are told"},
		"many ranges":           {programOf(ranges.String()), "… and there is more that is wrong; the first 20 are told"},
		"10 MB of keys":         {plainRest + much("k: 1\n"), "want a configuration of at most 262144 values"},
		"10 MB of quotes":       {much(`"`), "want a configuration of at most 262144 values"},
		"10 MB of numbers":      {plainRest + "warm_start: {individuals: [{v: [" + much("1, ") + "]}]}\n", "want a configuration of at most 262144 values"},
		"a key of 10 MB":        {much("k") + ": 1", "kkk…: unknown key"},
		"a name of 10 MB":       {plainRest + "name: " + much("v"), "name: 10485760 bytes, want at most 200"},
		"a number of 10 MB":     {programOf("    a: {lower: " + much("x") + ", upper: 1}\n"), `"…, want a number`},
		"1,000 levels of keys":  {plainRest + deep("a: {", "", "}"), ""},
		"1,000 levels of lists": {plainRest + "name: " + deep("[", "", "]"), "nested more than 100 levels deep"},
		"constants of 1,000 levels": {"optimizee: {type: process, command: sh x, constants: " + deep("{a: ", "1", "}") + "}\noptimizer: {type: random}\n",
			"nested more than 100 levels deep"},
		"aliases within aliases": {laughs.String() + plainRest, "more than 262144 values, with those that aliases stand for"},
		"an alias of itself":     {"a: &a [*a]\n" + plainRest, "nested more than 100 levels deep"},
		"a merge of itself":      {"a: &a {<<: *a}\n" + plainRest, "nested more than 100 levels deep"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d, err := parse("run.yaml", []byte(c.text))
		if err == nil {
			_, err = d.plan(nil, kinds)
		}
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.300v, want an error with %q", name, err, c.want)
			continue
		}
		if lines := strings.Count(err.Error(), "\n"); lines > 3*maxTold || len(err.Error()) > 12_000 {
			t.Errorf("%s: %d lines, %d bytes: %.300v", name, lines, len(err.Error()), err)
		}
		if taken := (after.TotalAlloc - before.TotalAlloc) >> 20; taken > 500 {
			t.Errorf("%s: %d MB were taken", name, taken)
		}
	}
}

// Each of the errors of a space points at the parameter and the key, and all are told at once.
func TestErrorsOfASpacePointAtTheParameterAndTheKey(t *testing.T) {
	text := programOf(`    a: {lower: 0, upper: 1}
    c:
      lower: 5
      upper: 1
    d: {lower: 0, upper: 1, scale: log}
    e.f: {lower: -1.7e308, upper: 1.7e308}
    g: {mean: 0, std: 1.0e308}
    h: {lower: 0, upper: 100, mean: 90}
    i: {choices: [x, y, x]}
    j: {type: int, choices: [1, 2.5]}
    k: {type: bool, lower: 1}
    l: {lower: 1}
`)
	_, err := Parse("run.yaml", []byte(text), kinds)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"run.yaml:8:14: optimizee.parameters.c.lower: 5, want lower < upper = 1",
		"run.yaml:10:16: optimizee.parameters.d.lower: 0 on a log scale, want > 0",
		"run.yaml:11:18: optimizee.parameters.e.f.lower: -1.7e+308, want at most 1e+300 in magnitude",
		"run.yaml:11:35: optimizee.parameters.e.f.upper: 1.7e+308, want at most 1e+300 in magnitude",
		"run.yaml:12:23: optimizee.parameters.g.std: 1e+308, want at most 1e+300 in magnitude",
		"run.yaml:13:37: optimizee.parameters.h.mean: 90 without a std, want a std as well",
		`run.yaml:14:18: optimizee.parameters.i.choices: [2]: "x" and "x" are both written as x`,
		"run.yaml:15:29: optimizee.parameters.j.choices: [1]: 2.5, want numbers, as the type is int",
		"run.yaml:16:8: optimizee.parameters.k: bounds, a mean or a std, which a bool does not have",
		"run.yaml:17:8: optimizee.parameters.l: want lower and upper, or a mean and a std",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant a line %s", err, want)
		}
	}
	if n := strings.Count(err.Error(), "run.yaml:"); n != 10 {
		t.Errorf("%d errors, want 10:\n%v", n, err)
	}
}

func TestMergeKeysAndAliasesStandForWhatTheyName(t *testing.T) {
	text := "optimizee: {type: process, command: sh x, objectives: {e: minimise}, parameters: {a: &range {lower: 0, upper: 2}, " +
		"b: {<<: *range, upper: 1, unit: mV}, c: *range, d: {<<: [{upper: 5}, *range]}}}\noptimizer: {type: random}\n"
	p, err := Parse("run.yaml", []byte(text), kinds)
	if err != nil {
		t.Fatal(err)
	}
	want := optimizee.Space{{Name: "a", Upper: 2}, {Name: "b", Upper: 1, Unit: "mV"}, {Name: "c", Upper: 2}, {Name: "d", Upper: 5}}
	if !reflect.DeepEqual(p.Space, want) {
		t.Errorf("%+v, want %+v", p.Space, want)
	}
	for _, c := range []struct{ text, want string }{
		{plainRest + "stop: {<<: 5}\n", `run.yaml:3:12: <<: "5", want a section, or a list of sections`},
		{plainRest + "---\nname: other\n", "run.yaml:4:1: a second document, want one"},
		{plainRest + "---\n", "run.yaml:4:1: a second document, want one"},
		{plainRest + "...\nx: [", "run.yaml:"},
	} {
		if _, err := Parse("run.yaml", []byte(c.text), kinds); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
	if _, err := Parse("run.yaml", []byte("---\n"+plainRest+"...\n"), kinds); err != nil {
		t.Errorf("one document with its marks: %v", err)
	}
}

// What may be anything keeps its type from the configuration to the effective one, which other ranks and resumed runs read.
func TestValuesOfAnyTypeComeThroughTheEffectiveConfiguration(t *testing.T) {
	text := "optimizee: {type: process, command: sh x, objectives: {e: minimise}, constants: {f: 1.0, i: 1, l: [2.0, 3, {deep: -0.0, big: 1e20}], t: '1', " +
		"d: 2001-01-01, b: true, n: null, 5: x}, parameters: {a: {choices: [true, 'true ', 16, 1.0, 0.5, '2', 2001-01-01, 1e300, auto, \"\"]}, " +
		"s: {type: float, choices: [1, 2.5]}, b: {choices: ['true', 'false']}}}\n" +
		"optimizer: {type: genetic}\nwarm_start: {individuals: [{a: 16, s: 1.0, b: 'true'}]}\n"
	p, err := Parse("run.yaml", []byte(text), kinds)
	if err != nil {
		t.Fatal(err)
	}
	choices := []any{true, "true ", 16, 1.0, 0.5, "2", "2001-01-01", 1e300, "auto", ""}
	for range 2 {
		if got := p.Space[0].Choices; !reflect.DeepEqual(got, choices) {
			t.Fatalf("%#v, want %#v", got, choices)
		}
		if s, b := p.Space[1].Choices, p.Space[2].Choices; !reflect.DeepEqual(s, []any{1.0, 2.5}) || !reflect.DeepEqual(b, []any{"true", "false"}) {
			t.Errorf("%#v, %#v", s, b)
		}
		o, err := p.configured()
		if err != nil {
			t.Fatal(err)
		}
		constants := reflect.ValueOf(o).Elem().FieldByName("Constants").Interface()
		if want := (map[string]any{"f": 1.0, "i": 1, "l": []any{2.0, 3, map[string]any{"deep": 0.0, "big": 1e20}}, "t": "1", "d": "2001-01-01", "b": true,
			"n": nil, "5": "x"}); !reflect.DeepEqual(constants, want) {
			t.Errorf("constants %#v, want %#v", constants, want)
		}
		effective, err := p.Effective()
		if err != nil {
			t.Fatal(err)
		}
		if p, err = Parse("effective", effective, kinds); err != nil {
			t.Fatalf("%v\n%s", err, effective)
		}
		if changes, err := p.Resumable(string(effective)); err != nil || len(changes) > 0 {
			t.Errorf("%v, %v", changes, err)
		}
	}
}

// A run of before, whose choices were all texts, is not taken for one with choices of other types.
func TestResumedRunMayNotHaveChoicesOfAnotherType(t *testing.T) {
	before := programOf("    fast: {choices: ['true', 'false']}\n")
	p, err := Parse("run.yaml", []byte(programOf("    fast: {choices: [true, false]}\n")), kinds)
	if err != nil {
		t.Fatal(err)
	}
	old, err := Parse("run.yaml", []byte(before), kinds)
	if err != nil {
		t.Fatal(err)
	}
	effective, err := old.Effective()
	if err != nil {
		t.Fatal(err)
	}
	const want = `optimizee.parameters.fast.choices: the run was started with ["true", "false"]; with [true, false]`
	if _, err := p.Resumable(string(effective)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := old.Resumable(string(effective)); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		before, after string
		same          bool
	}{{"x: 1", "x: 1.0", true}, {"x: '1'", "x: 1", false}, {"x: [1, 2]", "x: [1.0, 2]", true}, {"x: [1]", "x: 1", false}, {"x: true", "x: 'true'", false}} {
		if d, err := Differences([]byte(c.before), []byte(c.after)); err != nil || (len(d) == 0) != c.same {
			t.Errorf("%s, %s: %v, %v", c.before, c.after, d, err)
		}
	}
}

func TestParseValueGivesTheTypeThatAConfigurationWould(t *testing.T) {
	for text, want := range map[string]any{
		"1": 1, "1.0": 1.0, "true": true, "on": "on", "x": "x", "'1'": "1", "[1, x, 2.5]": []any{1, "x", 2.5}, "2001-01-01": "2001-01-01", "": nil,
		"{a: 1}": map[string]any{"a": 1}, "null": nil, "1e-3": 1e-3,
	} {
		if got, err := ParseValue(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, %v, want %#v", text, got, err, want)
		}
	}
	for _, text := range []string{"[1", "{a: 1, a: 2}", "a: b: c", strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		if got, err := ParseValue(text); err == nil {
			t.Errorf("%.20q: %v, want an error", text, got)
		}
	}
}
