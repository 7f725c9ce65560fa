package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// judges are the two that a configuration is shown: what a run is refused by, and what an editor refuses it by.
type judges struct {
	kinds  config.Kinds
	schema *jsonschema.Schema
}

func newJudges(t *testing.T, kinds config.Kinds) judges {
	t.Helper()
	return judges{kinds, compiled(t, kinds.JSONSchema)}
}

// compiled is a schema as an editor has it, once it has been checked against draft 7.
func compiled(t *testing.T, write func() ([]byte, error)) *jsonschema.Schema {
	t.Helper()
	text, err := write()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("l2l-mpi.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("l2l-mpi.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// check is the error with which a run would be refused.
func (j judges) check(text string) error {
	p, err := config.Parse("run.yaml", []byte(text), j.kinds)
	if err == nil {
		err = run.Check(p)
	}
	return err
}

// edit is the error that an editor would show.
func (j judges) edit(text string) error {
	v, err := config.ParseValue(text)
	if err != nil {
		return err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return err
	}
	return j.schema.Validate(doc)
}

// beyond is what check refuses and no schema can: the kinds of rules, and how their messages read. A message is of the first kind that it is of.
var beyond = []struct{ kind, message string }{
	{"what is not there: a program, a directory, a run", `there is no (program|directory)|holds no run|no such file or directory`},
	{"a number's writing: to a schema 1.0 and 1e6 are whole numbers", `"[0-9.e]+", want the number of an instance`},
	{"the optimizer does not suit the problem, or how it is set", `problem does not suit the algorithm`},
	{"a rule between keys of the optimizer, or with the number of parameters", `run.yaml:\d+:\d+: optimizer(\.pop_size)?: `},
	{"a rule between keys of a parameter", `optimizee\.parameters\.g\.(lower|mean): .*want (lower < upper|a value between the bounds)`},
	{"choices that are written alike, or are not of the type", `optimizee\.parameters\.g\.choices: \[\d\]:`},
	{"a rule between keys of a program", `optimizee\.(fitness|outputs|pass|files): `},
	{"what the model itself finds wrong", `optimizee(\.train)?: (neuron|functions|the simulator is not installed|it is empty|the recording has)`},
	{"a batch for a model that evaluates one at a time", `execution\.batch = \d+, want 1`},
	{"a team for a model that one rank evaluates", `execution\.ranks_per_evaluation: \d+, want 1, as optimizee`},
	{"an address", `output\.metrics: .*want host:port`},
	{"a parameter's name and value", `warm_start\.individuals`},
	{"a rule between sections", `stop\.(evaluations|target): |warm_start: optimizer|execution\.quorum: .*want 1, as`},
}

// cases are configurations, right ones and wrong ones, each made of a right one by one change: every key of every section is left out, is given values
// of all types, and numbers at and beyond the ends of its range.
func cases(t *testing.T, kinds config.Kinds) []string {
	t.Helper()
	const model, search, rest = "optimizee: {type: moody}\n", "optimizer: {type: genetic}\n", "stop: {generations: 2}\n"
	var all []string
	add := func(lines ...string) { all = append(all, strings.Join(lines, "")) }
	for _, a := range kinds.Optimizers {
		for _, parameters := range [][]string{{"g=0.1..10 log nS"}, {"n=1..8 int", "rule=stdp|bcm|1", "w[30]=-20..20 mV", "b=true|false", "on=on|off"}} {
			d := newDraft()
			d.kinds, d.path, d.search = kinds, "run.yaml", a.Name
			if err := errors.Join(d.setCommand("sh model.sh"), d.addObjective("error=minimise mV")); err != nil {
				t.Fatal(err)
			}
			for _, p := range parameters {
				if err := d.addParameter(p); err != nil {
					t.Fatal(err)
				}
			}
			add(d.yaml())
		}
	}
	add(model, search, rest)
	add(model, rest)
	add(search, rest)
	add(model, search, "stop:\n")
	for _, o := range kinds.Optimizees {
		if o.Name != anyProgram {
			d := newDraft()
			d.kinds, d.path, d.model, d.search = kinds, "run.yaml", o.Name, "genetic"
			add(d.yaml())
		}
	}
	add(model, "optimizer: {type: genetik}\n")
	add(model, "optimizer: {pop_size: 4}\n")
	add(model, "optimizer: genetic\n")
	add(model, search, "stopp: {generations: 2}\n")
	add("optimizee: {type: moody, targets: 3}\n", search)
	add(model, search, "warm_start: {individuals: [{v: 1, w: 2}]}\n")
	add(model, search, "stop: {evaluations: 5}\nevaluation: {test: {instances: 100..139}}\n")
	add(model, "optimizer: {type: grid}\nwarm_start: {individuals: [{v: 1}]}\n")
	add("optimizer: {type: nsga2, pop_size: 8}\n", "optimizee: {type: function, name: zdt1}\n")
	for _, value := range values {
		add(value, "\n")
	}
	vary := func(v any, write func(key, value string)) {
		for _, f := range schema.Fields(v) {
			of := slices.Clone(values)
			for _, end := range regexp.MustCompile(`-?[0-9.]+(e[0-9]+)?`).FindAllString(f.Range, -1) {
				of = append(of, end, end+"1", "-"+end)
			}
			for _, word := range schema.Words(f.Range) {
				of = append(of, word, "["+word+"]", word+"s")
			}
			for _, value := range of {
				write(f.Key, value)
			}
		}
		write("unknown", "1")
	}
	c := config.Defaults()
	vary(&c, func(key, value string) {
		if key != "stop" {
			add(model, search, rest, key, ": ", value, "\n")
		}
	})
	for _, f := range schema.Fields(&c) {
		vary(f.Value.Addr().Interface(), func(key, value string) {
			add(model, search, fmt.Sprintf("%s: {%s: %s}\n", f.Key, key, value))
		})
	}
	vary(&c.Evaluation.Test, func(key, value string) { add(model, search, fmt.Sprintf("evaluation: {test: {%s: %s}}\n", key, value)) })
	vary(&c.Evaluation.Finalists, func(key, value string) {
		add(model, search, fmt.Sprintf("evaluation: {finalists: {%s: %s}}\n", key, value))
	})
	vary(&c.Execution.OnFailure, func(key, value string) {
		add(model, search, fmt.Sprintf("execution: {on_failure: {%s: %s}}\n", key, value))
	})
	for _, a := range kinds.Optimizers {
		base := "optimizer: {type: " + a.Name
		if a.Name == "process" {
			base += ", command: [sh, search.sh]"
		}
		add(model, base, "}\n")
		vary(a.Params(), func(key, value string) {
			if a.Name == "process" && key == "command" {
				base = "optimizer: {type: process"
			}
			add(model, base, ", ", key, ": ", value, "}\n")
		})
	}
	for _, o := range kinds.Optimizees {
		if o.Name != "process" {
			vary(o.New(), func(key, value string) { add(search, "optimizee: {type: ", o.Name, ", ", key, ": ", value, "}\n") })
		}
	}
	right := map[string]string{"command": "[sh, model.sh]", "parameters": "{g: {lower: 0, upper: 1}}", "objectives": "{e: minimise}"}
	program := func(key, value string) {
		keys := maps.Clone(right)
		if keys[key] = value; value == "" {
			delete(keys, key)
		}
		text := "optimizee: {type: process"
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			text += fmt.Sprintf(", %s: %s", k, keys[k])
		}
		add(search, text, "}\n")
	}
	for key := range right {
		program(key, "")
	}
	for _, o := range kinds.Optimizees {
		if o.Name == "process" {
			vary(o.New(), program)
		}
	}
	for _, of := range parameters {
		program("parameters", "{g: "+of+"}")
	}
	for _, lower := range []string{"", "lower: 0, upper: 1", "choices: [a, b]", "type: bool", "std: 1", "lower: 1, upper: 2, scale: log", "type: int, lower: 0, upper: 4"} {
		for _, key := range []string{"type: int", "type: float", "type: bool", "type: categorical", "scale: log", "mean: 0.5", "std: 2", "upper: 3", "lower: 0.5",
			"lower: null", "choices: [1]", "choices: []", "choices: [1, 2]", "size: 3", "size: -1", "unit: mV", "unit: 1", "doc: 3", "units: mV"} {
			if name, _, _ := strings.Cut(key, ":"); strings.Contains(", "+lower, ", "+name+":") {
				continue
			}
			program("parameters", "{g: {"+strings.TrimPrefix(lower+", "+key, ", ")+"}}")
		}
	}
	for _, of := range []string{"", "minimise", "maximise", "minimize", "null", "3", "[]", "{}", "{direction: maximise}", "{direction: 3}",
		"{direction: minimise, weight: 2}", "{direction: minimise, weight: -2}", "{direction: minimise, unit: Hz, x: 1}", "{weight: 1}"} {
		program("objectives", "{e: "+of+"}")
	}
	program("objectives", `{"": minimise}`)
	program("fitness", "{json: out.json}")
	return all
}

// values are of all types, and of the sizes that ranges are about.
var values = []string{
	"null", "true", "text", "auto", `""`, "5s", "-5s", "0s", "1.5h30m", "s", "0", "3", "-1", "0.5", "1.0", "64", "1e6", "1e13", `"3"`,
	"2001-01-01", "[]", "[1]", "[0.5, 3]", "[text]", "[null]", "[[1, 2], [3]]", "[{v: 1}]", "{}", "{a: 1}", "{a: null}", "3..5", "[3..5, 9]", "[-1]", "5..x",
}

var parameters = []string{"", "null", "3", "text", "[]", "{}", "{lower: 0}", "{upper: 1}", "{lower: 2, upper: 1}", "{lower: a, upper: 1}", "{choices: [a, a]}"}

// What check and an editor say of a configuration is the same, but for the rules that no schema can say.
func TestEditorsRefuseWhatCheckRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	kinds := kindsWith(moody)
	j := newJudges(t, kinds)
	used := map[string]int{}
	accepted, refused := 0, 0
	for _, text := range cases(t, kinds) {
		check, edit := j.check(text), j.edit(text)
		switch {
		case check == nil && edit == nil:
			accepted++
		case check != nil && edit != nil:
			refused++
		case check == nil:
			t.Errorf("%scheck takes it, an editor says: %v", text, edit)
		default:
			at := slices.IndexFunc(beyond, func(b struct{ kind, message string }) bool {
				return regexp.MustCompile(b.message).MatchString(check.Error())
			})
			if at < 0 {
				t.Errorf("%san editor takes it, check says: %v", text, check)
				continue
			}
			used[beyond[at].kind]++
		}
	}
	if accepted < 500 || refused < 3000 {
		t.Errorf("%d were taken and %d refused, want a test of 500 and 3000", accepted, refused)
	}
	for _, b := range beyond {
		if used[b.kind] == 0 {
			t.Errorf("nothing is %s", b.kind)
		}
	}
}

// An editor takes and refuses the file of a campaign as the program does; what lies between its keys it cannot know.
func TestCampaignSchemaTakesWhatTheProgramTakes(t *testing.T) {
	t.Chdir(t.TempDir())
	const base = "{optimizee: {type: function}, optimizer: {type: cmaes}, stop: {evaluations: 20}}"
	const inFile = "base: base.yaml\n"
	if err := os.WriteFile("base.yaml", []byte(base), 0o666); err != nil {
		t.Fatal(err)
	}
	j := judges{kindsWith(moody), compiled(t, kindsWith(moody).CampaignSchema)}
	refused, between := 0, 0
	for _, c := range []struct{ text, beyond string }{
		{text: inFile + "seeds: 2"},
		{text: inFile + "seeds: [3, 8]"},
		{text: inFile + "seeds: 0"},
		{text: inFile + "seeds: 10001"},
		{text: inFile + "seeds: []"},
		{text: inFile + "seeds: [3, 3]"},
		{text: inFile + "seeds: [-1]"},
		{text: inFile + "seeds: few"},
		{text: inFile},
		{text: "seeds: 2"},
		{text: "base:\nseeds: 2"},
		{text: "base: [base.yaml]\nseeds: 2"},
		{text: inFile + "seeds: 2\nname: sweep"},
		{text: inFile + "seeds: 2\noutput: {dir: there}"},
		{text: inFile + "seeds: 2\noutput: {sync: 2s}"},
		{text: "base: " + base + "\nseeds: 2"},
		{text: "base: {optimizee: {type: function}, optimizer: {type: cmaes, sigma: 20}}\nseeds: 2"},
		{text: "base: {optimizee: {type: function}, optimizer: {type: cmaes, sigm: 2}}\nseeds: 2"},
		{text: "base: {optimizee: {type: function}, optimizer: {type: cmaess}}\nseeds: 2"},
		{text: "base: {optimizee: {type: function}, stop: {evaluations: -1}, optimizer: {type: cmaes}}\nseeds: 2"},
		{text: "base: {optimizee: {type: function}}\nvary: {optimizer: [{type: cmaes}, {type: lshade, pop_size: 8}]}"},
		{text: "base: {optimizee: {type: function}, optimizer: {pop_size: 8}}\nvary: {optimizer.type: [cmaes, lshade]}"},
		{text: "base: {optimizee: {type: function}}\nseeds: 2", beyond: "optimizer: the section is missing"},
		{text: inFile + "vary: {optimizer: [{type: cmaes}, {type: lshad}]}"},
		{text: inFile + "vary: {optimizer: [{type: cmaes, sigma: 20}]}"},
		{text: inFile + "vary: {optimizer: {type: cmaes}}"},
		{text: inFile + "vary: {stop.evaluations: [20, 40], evaluation.replicates: [1, 4]}"},
		{text: inFile + "vary: {stop.evaluations: []}"},
		{text: inFile + "vary: {stop.evaluations: 20}"},
		{text: inFile + "vary: {stop.evaluations: [20, -1]}"},
		{text: inFile + "vary: {stop.evaluations: [many]}"},
		{text: inFile + "vary: {stop.evaluation: [20]}"},
		{text: inFile + "vary: {execution.on_failure.then: [worst, resample]}"},
		{text: inFile + "vary: {execution.on_failure.then: [best]}"},
		{text: inFile + "vary: {stop: [{evaluations: 20}, {generations: 4}]}"},
		{text: inFile + "vary: {optimizer.sigma: [0.1, 0.2]}"},
		{text: inFile + "vary: {optimizer.sigma: [0.1, 20]}", beyond: "optimizer.sigma = 20"},
		{text: inFile + "vary: {optimizee.dim: [2, 3]}\nseeds: 2"},
		{text: inFile + "vary: {name: [a, b]}"},
		{text: inFile + "vary: {output.dir: [a, b]}"},
		{text: inFile + "vary: {seed: [1, 2]}"},
		{text: inFile + "vary: {seed: [1, 2]}\nseeds: 2", beyond: "beside seeds, seed"},
		{text: inFile + "vary:\nseeds: 2"},
		{text: inFile + "runs: [{name: near}, {name: far, set: {optimizee.dim: 4, stop.evaluations: 30}}]"},
		{text: inFile + "runs: [{name: near}, {name: near}]", beyond: "which no other run has"},
		{text: inFile + "runs: [{set: {stop.evaluations: 30}}]"},
		{text: inFile + "runs: [{name: far, set: {stop.evaluations: -30}}]"},
		{text: inFile + "runs: [{name: far, set: {stopp: 3}}]"},
		{text: inFile + "runs: [{name: far, but: {stop.evaluations: 30}}]"},
		{text: inFile + "runs: [{name: a/b}]"},
		{text: inFile + "runs: [near]"},
		{text: inFile + "runs: []"},
		{text: inFile + "runs:\nseeds: 2"},
	} {
		if err := os.WriteFile("sweep.yaml", []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, _, check := config.LoadCampaign("sweep.yaml", nil, j.kinds)
		edit := j.edit(c.text)
		switch {
		case c.beyond != "" && check != nil && strings.Contains(check.Error(), c.beyond) && edit == nil:
			between++
		case c.beyond != "" || (check == nil) != (edit == nil):
			t.Errorf("%s\ncampaign: %v\neditor: %v", c.text, check, edit)
		case check != nil:
			refused++
		}
	}
	if refused < 20 || between < 4 {
		t.Errorf("%d are refused by both, %d by the program alone", refused, between)
	}
}
