package config

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizee/process"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
	program "github.com/meta-optimization/l2l-mpi/optimizer/process"
)

// bowl is an optimizee with a configuration of its own.
type bowl struct {
	Target float64 `yaml:"target" doc:"where the error is least" range:"[-5, 5]"`
	Goals  int     `yaml:"goals" doc:"objectives" range:"[1, 2]"`
	Sum    string  `yaml:"sum" doc:"how the error is added up" range:"squares | values" before:"values"`
	Where  string  `yaml:"where" doc:"of its data" resume:"free"`
	dir    string
}

func (b *bowl) Locate(dir string) { b.dir = dir }

func (b *bowl) Space() optimizee.Space {
	return optimizee.Space{
		{Name: "v", Lower: -5, Upper: 5}, {Name: "n", Kind: optimizee.Int, Lower: 1, Upper: 4}, {Name: "free", Mean: 1, Std: 2, Lower: -9, Upper: 9},
	}
}

func (b *bowl) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}, {Name: "rate", Direction: optimizee.Maximise}}[:b.Goals]
}

func (b *bowl) Evaluate(context.Context, optimizee.Evaluation) (optimizee.Outcome, error) {
	return optimizee.Outcome{}, fmt.Errorf("no plan evaluates anything")
}

var (
	bowlType = optimizee.Type{Name: "bowl", New: func() optimizee.Optimizee { return &bowl{Target: 3, Goals: 1, Sum: "squares"} }}
	kinds    = Kinds{Optimizees: []optimizee.Type{bowlType, functions.Type, process.Type}, Optimizers: catalogue.All()}
)

// bowlForTwo is a bowl whose evaluations can be shared by two ranks or three.
type bowlForTwo struct{ bowl }

func (*bowlForTwo) Share(ranks int) error {
	if ranks > 3 {
		return fmt.Errorf("a bowl is for three at most")
	}
	return nil
}

func algorithm(t *testing.T, name string) optimizer.Algorithm {
	t.Helper()
	for _, a := range kinds.Optimizers {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("no optimizer is called %s", name)
	return optimizer.Algorithm{}
}

// A plan that was made in Go and one that was read from its effective configuration are the same.
func TestAPlanMadeInGoIsThatOfItsEffectiveConfiguration(t *testing.T) {
	c := Defaults()
	c.Name, c.Seed, c.Stop.Generations, c.Output.Dir = "in-go", 7, 3, "there"
	model := optimizee.Type{Name: "bowl", New: func() optimizee.Optimizee { return &bowl{Target: -1, Goals: 1, Sum: "squares"} }}
	p, err := New(c, model, algorithm(t, "cmaes"), nil)
	if err != nil {
		t.Fatal(err)
	}
	effective, err := p.Effective()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"seed: 7\n", "target: -1\n", "pop_size: 7\n", "generations: 3\n", "dir: there\n"} {
		if !strings.Contains(string(effective), line) {
			t.Errorf("%s\nwant a line %q", effective, line)
		}
	}
	again, err := Parse("effective", effective, kinds)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := again.Effective(); err != nil || string(text) != string(effective) {
		t.Errorf("%v\n%s\nwant\n%s", err, text, effective)
	}
	if len(p.Space) != 3 || !p.Sum || p.CPUs != 1 || p.Prepares || p.Outputs != 0 {
		t.Errorf("%+v", p)
	}
}

func TestAPlanMadeInGoIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	cases := map[string]struct {
		change func(*Config)
		params any
		goals  int
		want   []string
	}{
		"ranges, and a name": {func(c *Config) { c.Name, c.Execution.Batch, c.Evaluation.Replicates = "a/b", 0, -1 }, nil, 1,
			[]string{"execution.batch = 0, want >= 1", "evaluation.replicates = -1, want >= 1", `name: "a/b", want a name without slashes`}},
		"a batch": {func(c *Config) { c.Execution.Batch = 2 }, nil, 1,
			[]string{"optimizee: it evaluates one individual at a time"}},
		"parameters of another optimizer": {func(*Config) {}, new(int), 1, []string{"optimizer cmaes: parameters of type *int, want *"}},
		"a target for two objectives": {func(c *Config) { c.Stop.Target = new(float64) }, nil, 2,
			[]string{"stop.target: the optimizee has 2 objectives, want one"}},
	}
	for name, test := range cases {
		c := Defaults()
		test.change(&c)
		model := optimizee.Type{Name: "bowl", New: func() optimizee.Optimizee { return &bowl{Goals: test.goals} }}
		_, err := New(c, model, algorithm(t, "cmaes"), test.params)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, text := range test.want {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want it to say %s", name, err, text)
			}
		}
	}
}

// Runs that go on at the same time may share a plan: what is made of it does not change it.
func TestAPlanCanBeUsedFromSeveralGoroutines(t *testing.T) {
	p, err := Parse("run.yaml", []byte("optimizee: {type: bowl, target: 2}\noptimizer: {type: cmaes}\n"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	before, err := p.Effective()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			_, err := p.NewSearch()
			if err == nil {
				var o optimizee.Optimizee
				o, err = p.NewOptimizee()
				if err == nil && o.(*bowl).Target != 2 {
					err = fmt.Errorf("target = %g", o.(*bowl).Target)
				}
			}
			if err == nil {
				_, err = p.In(fmt.Sprint(i)).Resumable(string(before))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if after, err := p.Effective(); err != nil || string(after) != string(before) {
		t.Errorf("%v\n%s\nwant\n%s", err, after, before)
	}
}

// A default that has changed since a run was started is not the run's: what its configuration left open then is what it was then.
func TestPlanContinuesARunWithTheDefaultsOfItsTime(t *testing.T) {
	read := func(text string) *Plan {
		p, err := Parse("run.yaml", []byte("optimizee: {type: bowl}\n"+text), kinds)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	then := read("optimizer: {type: cmaes, sigma: 0.4, pop_size: 9}\n") // as if 0.4 and 9 had been the defaults of that time
	started, err := then.Effective()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"optimizer: {type: cmaes}\n", "optimizer: {type: cmaes, pop_size: 9}\nexecution: {slots: 3}\n"} {
		later, err := read(text).Continued(string(started))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := later.Resumable(string(started)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"optimizer: {type: cmaes, sigma: 0.2}\n", "optimizer: {type: snes}\n", "seed: 2\noptimizer: {type: cmaes}\n"} {
		later, err := read(text).Continued(string(started))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := later.Resumable(string(started)); err == nil {
			t.Errorf("%s: it goes on with a run of another search", text)
		}
	}
}

// reread is the plan of an effective configuration.
func reread(t *testing.T, text string) *Plan {
	t.Helper()
	p, err := Parse("run.yaml", []byte(text), kinds)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The number of evaluations that a search keeps under way is settled once; what depends on it is open until then.
func TestParallelIsSettledOnceAndThenKept(t *testing.T) {
	read := func(text string) *Plan {
		p, err := Parse("run.yaml", []byte("optimizee: {type: bowl}\n"+text), kinds)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	effective := func(p *Plan) string {
		b, err := p.Effective()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	settled := func(p *Plan, room int) *Plan {
		q, err := p.Settled(p.Parallel(room))
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	auto := read("optimizer: {type: cmaes}\nevaluation: {instances: 2, replicates: 5}\n")
	if text := effective(auto); !strings.Contains(text, "parallel: auto") || !strings.Contains(text, "restarts: auto") || strings.Contains(text, "pop_size: auto") {
		t.Errorf("before it is settled:\n%s", text)
	}
	few, many := settled(auto, 64), settled(auto, 6400)
	if text := effective(few); !strings.Contains(text, "parallel: 6\n") || !strings.Contains(text, "restarts: bipop") {
		t.Errorf("64 at a time:\n%s", text)
	}
	if text := effective(many); !strings.Contains(text, "parallel: 640\n") || !strings.Contains(text, "restarts: parallel") {
		t.Errorf("6400 at a time:\n%s", text)
	}
	if again := reread(t, effective(many)); effective(again) != effective(many) || settled(again, 3) != again {
		t.Errorf("what is settled is another plan:\n%s", effective(again))
	}
	// A run that began before there were these keys searches as it did.
	for _, name := range []string{"cmaes", "portfolio"} {
		text := effective(settled(read("optimizer: {type: "+name+"}\n"), 640))
		before := regexp.MustCompile(`(?m)^  (learning|added_share): .*\n`).ReplaceAllString(text, "")
		p, err := Recorded("run.yaml", []byte(before), kinds)
		if err != nil {
			t.Fatal(err)
		}
		then := strings.Replace(strings.Replace(text, "learning: fast", "learning: standard", 1), "added_share: 0.33", "added_share: 0", 1)
		if got := effective(p); before == text || then == text || got != then {
			t.Errorf("%s: it goes on as\n%s\nwant\n%s", name, got, then)
		}
	}
	if n := read("optimizer: {type: cmaes}\nevaluation: {rotate: 2}\n").Parallel(500); n != 1 {
		t.Errorf("where evaluations rotate it is %d", n)
	}

	old := strings.Replace(effective(few), "  parallel: 6\n", "", 1)
	for _, c := range []struct {
		text, started string
		want          int // 0: refused
	}{
		{"optimizer: {type: cmaes}\n", effective(many), 640},
		{"optimizer: {type: cmaes, restarts: auto}\n", effective(many), 640},
		{"optimizer: {type: cmaes}\nexecution: {slots: 3, parallel: 640}\n", effective(many), 640},
		{"optimizer: {type: cmaes}\nexecution: {parallel: 64}\n", effective(many), 0},
		{"optimizer: {type: cmaes, restarts: bipop}\n", effective(many), 0},
		{"optimizer: {type: cmaes}\n", old, 1},
		{"optimizer: {type: cmaes}\nexecution: {parallel: 1}\n", old, 1},
		{"optimizer: {type: cmaes}\nexecution: {parallel: 2}\n", old, 0},
	} {
		later, err := read(c.text + "evaluation: {instances: 2, replicates: 5}\n").Continued(c.started)
		if err != nil {
			t.Fatal(err)
		}
		_, err = later.Resumable(c.started)
		if refused := c.want == 0; refused != (err != nil) || !refused && settled(later, 3).Execution.Parallel != c.want {
			t.Errorf("%q goes on with %d, %v; want %d", c.text, later.Execution.Parallel, err, c.want)
		}
	}
	_, err := Parse("run.yaml", []byte("optimizee: {type: bowl}\noptimizer: {type: cmaes}\nevaluation: {rotate: 1}\nexecution: {parallel: 8}\n"), kinds)
	if err == nil || !strings.Contains(err.Error(), "execution.parallel: 8, want 1 where evaluations rotate") {
		t.Errorf("got %v", err)
	}
}

func TestQuorumIsForOptimizersThatHeedIt(t *testing.T) {
	read := func(text string) (*Plan, error) {
		return Parse("run.yaml", []byte("optimizee: {type: bowl}\n"+text), kinds)
	}
	for _, c := range []struct{ text, want string }{
		{"optimizer: {type: cmaes}\nexecution: {quorum: 0.9}\n", ""},
		{"optimizer: {type: cmaes}\nexecution: {quorum: 1}\n", ""},
		{"optimizer: {type: random}\nexecution: {quorum: 1}\n", ""},
		{"optimizer: {type: random}\nexecution: {quorum: auto}\n", ""},
		{"optimizer: {type: cmaes}\nevaluation: {rotate: 1}\n", ""},
		{"optimizer: {type: cmaes}\nexecution: {quorum: 0}\n", "quorum = 0, want > 0"},
		{"optimizer: {type: cmaes}\nexecution: {quorum: 1.5}\n", "quorum = 1.5, want > 0"},
		{"optimizer: {type: random}\nexecution: {quorum: 0.9}\n",
			"execution.quorum: 0.9, want 1, as random learns from whole generations alone (optimizers that need not: cmaes)"},
		{"optimizer: {type: cmaes_async}\nexecution: {quorum: 0.9}\n", "execution.quorum: 0.9, want 1, as cmaes_async has no generations"},
		{"optimizer: {type: cmaes}\nevaluation: {rotate: 1}\nexecution: {quorum: 0.9}\n", "execution.quorum: 0.9, want 1 where evaluations rotate"},
	} {
		if _, err := read(c.text); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}

	early, err := read("optimizer: {type: cmaes}\nexecution: {quorum: 0.5, parallel: 1}\n")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := read("optimizer: {type: cmaes}\nexecution: {parallel: 1}\n")
	if err != nil {
		t.Fatal(err)
	}
	started, err := whole.Effective()
	if err != nil {
		t.Fatal(err)
	}
	// One that began before the quorum could be auto had 1, whether there was such a key or not.
	for _, line := range []string{"", "  quorum: 1\n"} {
		old := strings.Replace(string(started), "  quorum: auto\n", line, 1)
		if old == string(started) {
			t.Fatalf("no quorum in\n%s", started)
		}
		if again, err := whole.Continued(old); err != nil || again.Execution.Quorum != 1 {
			t.Errorf("it goes on with %v, %v, want 1", again.Execution.Quorum, err)
		} else if changes, err := again.Resumable(old); err != nil || len(changes) > 0 {
			t.Errorf("it goes on with %v, %v", changes, err)
		}
		if recorded, err := Recorded("run.yaml", []byte(old), kinds); err != nil || recorded.Execution.Quorum != 1 {
			t.Errorf("it is read as %v, %v, want 1", recorded.Execution.Quorum, err)
		}
		if _, err := early.Resumable(old); err == nil || !strings.Contains(err.Error(), "execution.quorum") {
			t.Errorf("a run of whole generations goes on with a quorum: %v", err)
		}
	}
	if again, err := whole.Continued(string(started)); err != nil || again.Execution.Quorum != 0 {
		t.Errorf("one with auto goes on with %v, %v", again.Execution.Quorum, err)
	}
	always, err := read("optimizer: {type: cmaes}\nexecution: {quorum: 1, parallel: 1}\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := always.Resumable(string(started)); err == nil || !strings.Contains(err.Error(), "execution.quorum") {
		t.Errorf("one with auto goes on with 1: %v", err)
	}
}

// A run of before a key of the optimizee had another default, or was there at all, goes on with what it had. What is searched does not depend on a
// free key, which is that of the configuration at hand.
func TestPlanContinuesARunWithTheOptimizeeOfItsTime(t *testing.T) {
	read := func(text string) *Plan {
		p, err := Parse("run.yaml", []byte("optimizer: {type: random}\n"+text), kinds)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	effective := func(p *Plan) string {
		text, err := p.Effective()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	started := effective(read("optimizee: {type: bowl, target: 2, where: there}\n")) // as if 2 had been the default of that time
	old := strings.Replace(started, "  sum: squares\n", "", 1)
	if old == started {
		t.Fatalf("no sum in\n%s", started)
	}
	for _, c := range []struct {
		started, text string
		has           []string // lines of the plan that goes on; nil if none does
	}{
		{started, "optimizee: {type: bowl}\n", []string{"target: 2\n", "sum: squares\n", "where: \"\"\n"}},
		{old, "optimizee: {type: bowl}\n", []string{"target: 2\n", "sum: values\n"}},
		{old, "optimizee: {type: bowl, sum: values}\n", []string{"target: 2\n", "sum: values\n"}},
		{old, "optimizee: {type: bowl, sum: squares}\n", nil},
		{started, "optimizee: {type: bowl, target: 3}\n", nil},
		{started, "optimizee: {type: bowl, sum: values}\n", nil},
	} {
		later, err := read(c.text).Continued(c.started)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := later.Resumable(c.started); (err == nil) != (c.has != nil) {
			t.Errorf("%s goes on: %v", c.text, err)
		}
		for _, line := range c.has {
			if text := effective(later); !strings.Contains(text, line) {
				t.Errorf("%s\nwant a line %q", text, line)
			}
		}
	}
}

func TestOnlyWhatDoesNotTouchTheSearchMayChangeInAResumedRun(t *testing.T) {
	const text = "optimizee: {type: bowl}\noptimizer: {type: cmaes}\n"
	read := func(assignments ...string) *Plan {
		d, err := parse("run.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p, err := d.plan(assignments, kinds)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	started, err := read().Effective()
	if err != nil {
		t.Fatal(err)
	}
	changes, err := read("stop.generations=5", "execution.slots=3", "output.dir=x").Resumable(string(started))
	if err != nil || len(changes) != 3 {
		t.Errorf("%v, %v", changes, err)
	}
	_, err = read("seed=2", "optimizee.target=1", "execution.on_failure.then=abort").Resumable(string(started))
	if err == nil || strings.Count(err.Error(), "the run was started with") != 3 {
		t.Errorf("got %v, want seed, target and then", err)
	}
}

func TestMaxFailuresThatIsGivenIsANumberAndZeroIsNever(t *testing.T) {
	for given, want := range map[string][2]int{"": {100, 3}, "max_failures: auto": {100, 3}, "max_failures: 0": {0, 0}, "max_failures: 100": {100, 0}} {
		p, err := Parse("run.yaml", []byte("optimizee: {type: bowl}\noptimizer: {type: cmaes}\nexecution: {"+given+"}\n"), kinds)
		if err != nil {
			t.Fatal(err)
		}
		text, err := p.Effective()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("effective", text, kinds)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*Plan{p, again} {
			if inARow, hopeless := p.Execution.Failures(); inARow != want[0] || hopeless != want[1] {
				t.Errorf("%s: %d in a row, %d before a success, want %v", given, inARow, hopeless, want)
			}
		}
		if line := cmp.Or(given, "max_failures: auto"); !strings.Contains(string(text), line+"\n") {
			t.Errorf("%s\nwant a line %s", text, line)
		}
	}
	_, err := Parse("run.yaml", []byte("optimizee: {type: bowl}\noptimizer: {type: cmaes}\nexecution: {max_failures: -1}\n"), kinds)
	if err == nil || !strings.Contains(err.Error(), "execution.max_failures = -1, want >= 0") {
		t.Errorf("a negative number: %v", err)
	}
}

func TestAnotherTypeIsOneDifferenceNotAllOfItsKeys(t *testing.T) {
	read := func(text string) *Plan {
		p, err := Parse("run.yaml", []byte(text), kinds)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	started, err := read("optimizee: {type: bowl}\noptimizer: {type: cmaes}\n").Effective()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"optimizee: {type: bowl}\noptimizer: {type: random}\n": `optimizer.type: the run was started with "cmaes"; with "random" it would be another search`,
		"optimizee: {type: function, dim: 20}\noptimizer: {type: cmaes}\nseed: 5\n": `seed: the run was started with "1"; with "5" it would be another search
optimizee.type: the run was started with "bowl"; with "function" it would be another search`,
	} {
		if _, err := read(text).Resumable(string(started)); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

// What one repairs before a run is resumed may change, and what is searched may not.
func TestResumedRunMayStartItsProgramsOtherwise(t *testing.T) {
	const text = `
optimizee: {type: process, command: [sh, model.sh], parameters: {a.b: {lower: 0, upper: 1}}, objectives: {e: minimise}}
optimizer: {type: process, command: [sh, search.sh], pop_size: 4}
`
	known := Kinds{Optimizees: []optimizee.Type{process.Type}, Optimizers: []optimizer.Algorithm{program.Algorithm}}
	read := func(assignments ...string) *Plan {
		d, err := parse("run.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p, err := d.plan(assignments, known)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	started, err := read().Effective()
	if err != nil {
		t.Fatal(err)
	}
	for _, free := range []string{
		"optimizee.command=[sh, other.sh]", "optimizee.dir=/tmp", "optimizee.env.A=b", "optimizee.inherit=all", "optimizee.launcher=sh -c", "optimizee.cpus=2",
		"optimizee.affinity=free", "optimizee.grace=9s", "optimizee.message_limit=2048", "optimizee.log_limit=2048", "optimizee.constants.file=b",
		"optimizee.parameters={a.b: {lower: 0, upper: 1, doc: rate}}", "optimizer.command=[sh, other.sh]", "optimizer.env.A=b", "optimizer.timeout=3s",
		"execution.max_failures=7", "stop.evaluations=9", "name=other",
	} {
		if changes, err := read(free).Resumable(string(started)); err != nil || len(changes) == 0 {
			t.Errorf("%s: %v, %v", free, changes, err)
		}
	}
	for _, search := range []string{
		"optimizee.parameters={a.b: {lower: 0, upper: 2}}", "optimizee.objectives={e: maximise}", "optimizee.outputs=3", "optimizer.pop_size=5", "seed=9",
		"optimizer.asynchronous=true", "execution.on_failure.retries=3", "evaluation.replicates=2",
	} {
		if _, err := read(search).Resumable(string(started)); err == nil || !strings.Contains(err.Error(), "would be another search") {
			t.Errorf("%s: %v, want an error", search, err)
		}
	}
}

// A zero is no way to say auto, where at least one is wanted.
func TestZeroIsRefusedWhereAtLeastOneIsWanted(t *testing.T) {
	for _, c := range []struct{ assignment, want string }{
		{"execution.slots=0", "execution.slots = 0, want >= 1 and <= 100000, or auto"},
		{"execution.slots=1e9", "execution.slots = 1000000000, want >= 1 and <= 100000"},
		{"optimizer.pop_size=0", "optimizer.pop_size = 0, want >= 4 and <= 1e+06, or auto"},
	} {
		d, err := parse("run.yaml", []byte("optimizee: {type: bowl}\noptimizer: {type: cmaes}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = d.plan([]string{c.assignment}, kinds); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.assignment, err, c.want)
		}
		d, err = parse("run.yaml", []byte("optimizee: {type: bowl}\noptimizer: {type: cmaes}\n"))
		if err != nil {
			t.Fatal(err)
		}
		key, _, _ := strings.Cut(c.assignment, "=")
		if _, err = d.plan([]string{key + "=auto"}, kinds); err != nil {
			t.Error(err)
		}
	}
}

// No wall time, the time that is left to a job, and a time of one's own are three things, also in the effective configuration.
func TestWallTimeMayBeNoneOrTheJobsOrATime(t *testing.T) {
	for text, want := range map[string]time.Duration{"{}": l2l.UntilJobEnds, "{wall_time: auto}": l2l.UntilJobEnds, "{wall_time: 0s}": 0, "{wall_time: 5m}": 5 * time.Minute} {
		p, err := Parse("run.yaml", []byte("optimizee: {type: bowl}\noptimizer: {type: cmaes}\nstop: "+text+"\n"), kinds)
		if err != nil {
			t.Fatal(err)
		}
		effective, err := p.Effective()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("run.yaml", effective, kinds)
		if err != nil || p.Stop.WallTime != want || again.Stop.WallTime != want {
			t.Errorf("%s: %v, and again %v, %v; want %v", text, p.Stop.WallTime, again.Stop.WallTime, err, want)
		}
	}
	if _, err := Parse("run.yaml", []byte("optimizee: {type: bowl}\noptimizer: {type: cmaes}\nstop: {wall_time: -1ns}\n"), kinds); err == nil ||
		!strings.Contains(err.Error(), "stop.wall_time = -1ns, want >= 0, or auto") {
		t.Errorf("-1ns: %v", err)
	}
}

func TestSpaceOfMoreCoordinatesThanMemoryHoldsIsRefused(t *testing.T) {
	text := "optimizee: {type: process, command: sh x, parameters: {a: {lower: 0, upper: 1, size: 1e7}, b: {lower: 0, upper: 1, size: 1e7}}, objectives: {e: minimise}}\n" +
		"optimizer: {type: random}\n"
	known := Kinds{Optimizees: []optimizee.Type{process.Type}, Optimizers: catalogue.All()}
	_, err := Parse("run.yaml", []byte(text), known)
	if err == nil || !strings.Contains(err.Error(), "20000000 coordinates to search, want at most 10000000") {
		t.Errorf("got %v", err)
	}
	for _, c := range []struct{ change, want string }{
		{"optimizer: {type: random, pop_size: 1e6}", "optimizer.pop_size: 1000000 individuals of 1000000 coordinates are 1e+12 numbers, want at most 1e+10"},
		{"optimizer: {type: random, pop_size: 1e4}\nevaluation: {instances: 1e6}", "optimizer.pop_size: 10000 individuals of 1000000 evaluations are 1e+10"},
		{"optimizer: {type: random}\nevaluation: {instances: 1e6, replicates: 1e6}", "evaluation: instances times replicates are 1e+12 evaluations"},
		{"optimizer: {type: random}\nevaluation: {instances: 1e9}", "evaluation.instances = 1000000000, want >= 1 and <= 1e+06"},
	} {
		text := strings.Replace(text, "a: {lower: 0, upper: 1, size: 1e7}, b: {lower: 0, upper: 1, size: 1e7}", "a: {lower: 0, upper: 1, size: 1e6}", 1)
		_, err := Parse("run.yaml", []byte(strings.Replace(text, "optimizer: {type: random}", c.change, 1)), known)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.change, err, c.want)
		}
	}
}

func TestKindsOfOneNameAreRefused(t *testing.T) {
	err := Kinds{Optimizees: []optimizee.Type{bowlType, bowlType, {}}, Optimizers: catalogue.All()}.Check()
	if err == nil || err.Error() != "two kinds of optimizee are called \"bowl\"\nan optimizee has no name" {
		t.Errorf("got %v", err)
	}
	if err := kinds.Check(); err != nil {
		t.Error(err)
	}
}

func TestAPointIsChangedByNames(t *testing.T) {
	p, err := Parse("run.yaml", []byte("optimizee: {type: bowl}\noptimizer: {type: random}\n"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	x, err := p.Change(p.Middle(), map[string]any{"v": 2})
	if err != nil || x[0] != 2 || x[2] != 1 {
		t.Errorf("%v, %v", x, err)
	}
	if _, err = p.Change(x, map[string]any{"vv": 2}); err == nil || err.Error() != `no parameter "vv"; did you mean v?` {
		t.Errorf("got %v", err)
	}
}

// FuzzConfiguration reads configurations of any origin: they give a plan or an error, and a plan's effective configuration gives the
// same plan again.
func FuzzConfiguration(f *testing.F) {
	f.Add("name: a\noptimizee: {type: bowl}\noptimizer: {type: cmaes}\n", "stop.generations=3")
	f.Add("optimizee: {type: function, name: zdt1, dim: 3, delay: 1ms}\noptimizer: &a {type: random, pop_size: 1e3}\nstop: {target: .inf}\n",
		"seed=0x10")
	f.Add("a: &a [*a]\n<<: {}\n? [x]\n: y\n---\n{}", "a.b.c=[1")
	f.Add("optimizee: {type: bowl}\noptimizer: {type: genetic, elite: -1}\nname: null\nexecution: {slots: auto, on_failure: }",
		"execution.on_failure={}")
	f.Add("optimizee: {type: process, command: sh x, parameters: {a: {lower: 1, upper: 2}, b: {choices: [x, y], size: 2}, c: {std: 1}}, "+
		"objectives: {e: minimise}, "+
		"constants: {a: [1, {b: c}]}, env: {A: b}}\noptimizer: {type: random}", "optimizee.mode=oneshot")
	f.Add("optimizee: {type: process, command: [sh, '{a}'], mode: oneshot, fitness: {regex: (.)}, parameters: {a: {type: bool}}, "+
		"objectives: {e: {direction: maximise}}}\n"+
		"optimizer: {type: random}", "optimizee.files=[]")
	f.Fuzz(func(t *testing.T, text, assignment string) {
		d, err := parse("fuzz.yaml", []byte(text))
		var p *Plan
		if err == nil {
			p, err = d.plan([]string{assignment}, kinds)
		}
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Fatal("an error without a text")
			}
			return
		}
		effective, err := p.Effective()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("effective.yaml", effective, kinds)
		if err != nil {
			t.Fatalf("the effective configuration is refused: %v\n%s", err, effective)
		}
		if _, err := again.Resumable(string(effective)); err != nil {
			t.Fatalf("the effective configuration differs from itself: %v", err)
		}
	})
}

// A section that has nothing but comments, such as init writes, is there for --set.
func TestSetReachesIntoASectionOfCommentsAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.yaml")
	text := "optimizee: {type: bowl}\noptimizer: {type: cmaes}\nstop: {generations: 3}\nexecution:\n  # slots: 4\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	p, err := Load(file, []string{"execution.slots=7", "execution.on_failure.retries=2"}, kinds)
	if err != nil || p.Execution.Slots != 7 || p.Execution.OnFailure.Retries != 2 {
		t.Errorf("%v", err)
	}
	if _, err := Load(file, []string{"stop.generations.x=7"}, kinds); err == nil || !strings.Contains(err.Error(), "stop.generations is no section") {
		t.Errorf("stop.generations.x: %v", err)
	}
}

func TestRanksPerEvaluationAreForOptimizeesThatCanBeShared(t *testing.T) {
	some := kinds
	some.Optimizees = append([]optimizee.Type{{Name: "for_two", New: func() optimizee.Optimizee {
		return &bowlForTwo{bowl{Target: 3, Goals: 1, Sum: "squares"}}
	}}}, kinds.Optimizees...)
	const program = "{type: process, command: \"true\", parameters: {x: {lower: 0, upper: 1}}, objectives: {e: minimise}}"
	for _, c := range []struct{ optimizee, execution, want string }{
		{"{type: for_two}", "ranks_per_evaluation: 1, slots: 4", ""},
		{"{type: for_two}", "ranks_per_evaluation: 2", ""},
		{"{type: for_two}", "ranks_per_evaluation: 3, slots: 1, levels: 1", ""},
		{"{type: for_two}", "ranks_per_evaluation: 4", "execution.ranks_per_evaluation: 4, want another number or 1, as optimizee for_two cannot be shared by so many ranks: a bowl is for three at most"},
		{"{type: for_two}", "ranks_per_evaluation: 0", "execution.ranks_per_evaluation = 0, want >= 1"},
		{"{type: for_two}", "ranks_per_evaluation: 2, slots: 2", "execution.slots: 2, want 1 or auto where 2 ranks share each evaluation"},
		{"{type: for_two}", "ranks_per_evaluation: 2, levels: 2", "execution.levels: 2, want 1 or auto where 2 ranks share each evaluation"},
		{"{type: bowl}", "ranks_per_evaluation: 2", "execution.ranks_per_evaluation: 2, want 1, as optimizee bowl cannot be shared by several ranks"},
		{program, "ranks_per_evaluation: 2", "is started by a launcher of its own: optimizee.launcher: mpirun -n 4"},
		{program, "ranks_per_evaluation: 2, batch: 2", "execution.batch: 2, want 1 where 2 ranks share each evaluation"},
	} {
		text := "optimizee: " + c.optimizee + "\noptimizer: {type: cmaes}\nexecution: {" + c.execution + "}\n"
		_, err := Parse("run.yaml", []byte(text), some)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", text, err, c.want)
		}
	}
	read := func(execution string) *Plan {
		p, err := Parse("run.yaml", []byte("optimizee: {type: for_two}\noptimizer: {type: cmaes}\nexecution: {parallel: 1"+execution+"}\n"), some)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	was, err := read("").Effective()
	if err != nil {
		t.Fatal(err)
	}
	if changes, err := read(", ranks_per_evaluation: 2").Resumable(string(was)); err != nil || len(changes) != 1 {
		t.Errorf("a resumed run in teams: %v, %v", changes, err)
	}
}
