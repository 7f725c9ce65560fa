package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// config is a run's configuration, apart from what the optimizee and the optimizer have to say.
type config struct {
	Name       string     `yaml:"name" doc:"of the run; its directory is runs/<name>/<number>"`
	Seed       uint64     `yaml:"seed" doc:"where all randomness starts: same configuration and seed, same trajectory"`
	WarmStart  warmStart  `yaml:"warm_start" doc:"what the optimizer begins with"`
	Evaluation evaluation `yaml:"evaluation" doc:"what an individual is evaluated on"`
	Stop       stop       `yaml:"stop" doc:"when the run ends; any rule that holds ends it"`
	Execution  execution  `yaml:"execution" doc:"where and how evaluations run"`
	Output     output     `yaml:"output" doc:"what is kept"`
}

type evaluation struct {
	Instances  int    `yaml:"instances" doc:"tasks of the optimizee's family that each individual is evaluated on" range:"[1, inf)"`
	Rotate     int    `yaml:"rotate" doc:"generations after which individuals are evaluated on the next instances: mini-batches; fitnesses of different instances are then compared as if they were of the same. 0 is never" range:"[0, inf)"`
	Replicates int    `yaml:"replicates" doc:"evaluations per instance, which differ by their seeds" range:"[1, inf)"`
	Aggregate  string `yaml:"aggregate" doc:"how the evaluations of an individual become its fitness" range:"mean | median | worst"`
}

type stop struct {
	Generations int           `yaml:"generations" doc:"generations completed; 0 is no rule, here and below" range:"[0, inf)"`
	Evaluations int64         `yaml:"evaluations" doc:"evaluations; not one more is made, retries apart" range:"[0, inf)"`
	Target      *float64      `yaml:"target" doc:"the best fitness is at least as good as this; for one objective only"`
	Stagnation  int           `yaml:"stagnation" doc:"generations without a better individual; not for a front" range:"[0, inf)"`
	WallTime    time.Duration `yaml:"wall_time" doc:"time since this start; the run can be resumed" range:"[0, inf)"`
}

type execution struct {
	Schedule     string        `yaml:"schedule" doc:"how evaluations are spread over ranks: in chunks on demand, all at once, or the one that fits their time" range:"auto | pull | collective"`
	Slots        int           `yaml:"slots" doc:"evaluations at a time on each rank" range:"[1, inf)" auto:"the CPUs that the rank has to itself, divided by those that an evaluation needs"`
	Batch        int           `yaml:"batch" doc:"evaluations that a slot hands over at a time, for optimizees that evaluate several together" range:"[1, 1e6]"`
	Timeout      time.Duration `yaml:"timeout" doc:"of one evaluation, or batch of them; 0 is none" range:"[0, inf)"`
	StartTimeout time.Duration `yaml:"start_timeout" doc:"of getting an optimizee ready, for those that take time to start; 0 is none" range:"[0, inf)"`
	OnFailure    onFailure     `yaml:"on_failure" doc:"what follows a failed evaluation"`
	MaxFailures  int           `yaml:"max_failures" doc:"individuals that fail in a row, after which the run ends; 0 is never" range:"[0, inf)"`
}

type onFailure struct {
	Retries int    `yaml:"retries" doc:"further attempts" range:"[0, inf)"`
	Then    string `yaml:"then" doc:"what becomes of the individual after that: ranked behind all others, replaced by another, or the end of the run" range:"worst | resample | abort"`
}

type output struct {
	Dir        string        `yaml:"dir" doc:"the run's directory" auto:"runs/<name>/<number>, a new one at each start"`
	Sync       time.Duration `yaml:"sync" doc:"how often the journal is flushed to the disk" range:"(0, inf)"`
	Checkpoint time.Duration `yaml:"checkpoint" doc:"how often the optimizer's state is kept" range:"(0, inf)"`
	KeepFailed int           `yaml:"keep_failed" doc:"directories of failed evaluations that stay in <dir>/work, where an optimizee has such" range:"[0, inf)"`
}

func defaults() config {
	return config{
		Name:       "run",
		Seed:       1,
		WarmStart:  warmStart{Best: 100},
		Evaluation: evaluation{Instances: 1, Replicates: 1, Aggregate: "mean"},
		Execution: execution{
			Schedule: "auto", Batch: 1, StartTimeout: 5 * time.Minute, OnFailure: onFailure{Then: "worst"}, MaxFailures: 100,
		},
		Output: output{Sync: time.Second, Checkpoint: 10 * time.Second, KeepFailed: 100},
	}
}

// plan is a configuration with the optimizee and the optimizer that it names.
type plan struct {
	config
	optimizeeType optimizee.Type
	algorithm     optimizer.Algorithm
	optimizeeNode *yaml.Node // the section, which each new optimizee is configured from
	params        any        // of the algorithm
	document      *document

	// What the optimizee says of itself.
	space      optimizee.Space
	objectives []optimizee.Objective
	outputs    int  // model outputs of an evaluation
	cpus       int  // that an evaluation keeps busy
	starts     bool // it has to be prepared

	sum bool // the objectives are added up, as the optimizer takes only one
}

// newPlan reads a configuration completely. Everything that is wrong with it is reported, each with its place.
func newPlan(d *document, types []optimizee.Type) (*plan, error) {
	p := &plan{config: defaults(), document: d}
	errs := []error{d.decode(d.root, "", &p.config, "optimizee", "optimizer")}
	if p.Name == "" || strings.ContainsAny(p.Name, "/\\") || strings.HasPrefix(p.Name, ".") {
		errs = append(errs, d.wrong(orRoot(child(d.root, "name"), d), "name", "%q, want a name without slashes that does not begin with a dot", p.Name))
	}

	var err error
	p.optimizeeNode, p.optimizeeType, err = section(d, "optimizee", types, func(t optimizee.Type) string { return t.Name })
	errs = append(errs, err)
	algorithmNode, algorithm, err := section(d, "optimizer", catalogue.All(), func(a optimizer.Algorithm) string { return a.Name })
	errs = append(errs, err)
	p.algorithm = algorithm
	if algorithmNode != nil {
		p.params = algorithm.Params()
		errs = append(errs, d.decode(algorithmNode, "optimizer", p.params, "type"))
	}
	if p.optimizeeNode != nil {
		o, err := p.configured()
		if err == nil {
			err = p.describe(o)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if _, p.sum, err = p.newOptimizer(); err != nil {
		return nil, d.wrong(algorithmNode, "optimizer", "%s", strings.TrimPrefix(err.Error(), "optimizer: "))
	}
	if p.Stop.Stagnation > 0 && !p.sum {
		return nil, d.wrong(child(child(d.root, "stop"), "stagnation"), "stop.stagnation",
			"%s searches for the front of %d objectives, which changes until the end; want generations or evaluations", p.algorithm.Name, len(p.objectives))
	}
	if p.Stop.Target != nil && len(p.objectives) > 1 {
		return nil, d.wrong(child(child(d.root, "stop"), "target"), "stop.target", "the optimizee has %d objectives, want one", len(p.objectives))
	}
	return p, nil
}

func orRoot(n *yaml.Node, d *document) *yaml.Node {
	if n == nil {
		return d.root
	}
	return n
}

// section finds the section of a name and the kind that its type names.
func section[K any](d *document, name string, kinds []K, nameOf func(K) string) (n *yaml.Node, kind K, err error) {
	n = child(d.root, name)
	if n == nil {
		return nil, kind, fmt.Errorf("%s: %s: the section is missing, want %s: {type: …}", d.name, name, name)
	}
	n = resolve(n)
	var names []string
	for _, k := range kinds {
		names = append(names, nameOf(k))
	}
	if n.Kind != yaml.MappingNode || child(n, "type") == nil {
		return nil, kind, d.wrong(n, name, "want a section with a type: %s", strings.Join(names, ", "))
	}
	typ := resolve(child(n, "type"))
	i := slices.Index(names, typ.Value)
	if i < 0 {
		return nil, kind, d.wrong(typ, name+".type", "unknown %s %q%s", name, typ.Value, didYouMean(typ.Value, names))
	}
	return n, kinds[i], nil
}

// describe opens an optimizee once to learn its space and objectives.
func (p *plan) describe(o optimizee.Optimizee) (err error) {
	wrong := func(err error) error { return p.document.wrong(p.optimizeeNode, "optimizee", "%v", err) }
	if c, ok := o.(optimizee.Opener); ok {
		if err := c.Open(); err != nil {
			return wrong(err)
		}
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	p.space, p.objectives, p.cpus = o.Space(), o.Objectives(), 1
	if err := errors.Join(p.space.Check(), optimizee.CheckObjectives(p.objectives)); err != nil {
		return wrong(err)
	}
	if m, ok := o.(optimizee.Modeller); ok {
		p.outputs = m.NumOutputs()
	}
	if wide, ok := o.(optimizee.Wide); ok {
		p.cpus = max(wide.CPUs(), 1)
	}
	_, p.starts = o.(optimizee.Preparer)
	if _, ok := o.(optimizee.Batch); !ok && p.Execution.Batch > 1 {
		return wrong(fmt.Errorf("it evaluates one individual at a time, but execution.batch = %d, want 1", p.Execution.Batch))
	}
	return nil
}

// configured makes an optimizee with the plan's configuration.
func (p *plan) configured() (optimizee.Optimizee, error) {
	o := p.optimizeeType.New()
	if l, ok := o.(optimizee.Located); ok && p.document.dir != "" {
		defer func() { l.Locate(p.document.dir) }()
	}
	return o, p.document.decode(p.optimizeeNode, "optimizee", o, "type")
}

// newOptimizee makes an optimizee of the plan, ready for use.
func (p *plan) newOptimizee() (optimizee.Optimizee, error) {
	o, err := p.configured()
	if err != nil {
		return nil, err
	}
	if c, ok := o.(optimizee.Opener); ok {
		if err := c.Open(); err != nil {
			return nil, fmt.Errorf("optimizee %s: %w", p.optimizeeType.Name, err)
		}
	}
	return o, nil
}

// prepare gets an optimizee ready to evaluate, as the slots of a run do by themselves.
func (p *plan) prepare(ctx context.Context, o optimizee.Optimizee) error {
	r, ok := o.(optimizee.Preparer)
	if !ok {
		return nil
	}
	if p.Execution.StartTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Execution.StartTimeout)
		defer cancel()
	}
	return r.Prepare(ctx)
}

// newOptimizer makes the optimizer. It is offered all objectives; one that cannot have several searches for their best weighted sum.
func (p *plan) newOptimizer() (o optimizer.Optimizer, sum bool, err error) {
	problem := l2l.Problem(p.space, p.outputs*p.Evaluation.Instances*p.Evaluation.Replicates)
	problem.Objectives = len(p.objectives)
	o, err = p.algorithm.New(problem, p.params, p.Seed)
	if problem.Objectives > 1 && errors.Is(err, optimizer.ErrUnsuited) {
		problem.Objectives = 1
		var alone error
		if o, alone = p.algorithm.New(problem, p.params, p.Seed); alone != nil {
			return nil, false, errors.Join(err, alone)
		}
		err = nil
	}
	return o, problem.Objectives == 1, err
}

// newSearch is the state of the run before its first event.
func (p *plan) newSearch() (*l2l.Search, error) {
	o, sum, err := p.newOptimizer()
	if err != nil {
		return nil, err
	}
	return l2l.NewSearch(o, l2l.Rules{
		Seed: p.Seed, Objectives: p.objectives, Sum: sum,
		Instances: p.Evaluation.Instances, Rotate: p.Evaluation.Rotate, Replicates: p.Evaluation.Replicates, Aggregate: l2l.Aggregate(p.Evaluation.Aggregate),
		Retries: p.Execution.OnFailure.Retries, Then: l2l.Then(p.Execution.OnFailure.Then),
	}), nil
}

func (p *plan) stopRules() l2l.Stop {
	return l2l.Stop{
		Generations: p.Stop.Generations, Evaluations: p.Stop.Evaluations, Target: p.Stop.Target,
		Stagnation: p.Stop.Stagnation, WallTime: p.Stop.WallTime, MaxFailures: p.Execution.MaxFailures,
	}
}

// dispatchOptions say how a rank evaluates that has these slots, in a run of so many ranks.
func (p *plan) dispatchOptions(slots, ranks int) (dispatch.Options, error) {
	work, err := filepath.Abs(filepath.Join(p.Output.Dir, workDir))
	workers := max(ranks-1, 1)
	return dispatch.Options{
		Make: p.newOptimizee, Slots: slots, Batch: p.Execution.Batch, Timeout: p.Execution.Timeout, PrepareTimeout: p.Execution.StartTimeout,
		Dir: work, KeepFailed: (p.Output.KeepFailed + workers - 1) / workers,
	}, err
}

// workDir is where, in the run's directory, evaluations have directories of their own.
const workDir = "work"

// coordinator is rank 0's side, for workers with these slots.
func (p *plan) coordinator(comm mpi.Comm, slots []int) (*dispatch.Coordinator, error) {
	room := make([]int, len(slots))
	for rank, n := range slots {
		room[rank] = n * p.Execution.Batch
	}
	longest := p.Execution.Timeout
	switch start := p.Execution.StartTimeout; {
	case p.starts && start == 0:
		longest = 0
	case p.starts && longest > 0:
		longest += start
	}
	return dispatch.NewCoordinator(comm, dispatch.Schedule(p.Execution.Schedule), room, longest)
}

// effective is the configuration with every default written out: what another run needs to repeat this one.
func (p *plan) effective() ([]byte, error) {
	root, err := encode(&p.config)
	if err != nil {
		return nil, err
	}
	o, err := p.configured()
	if err != nil {
		return nil, err
	}
	model, err := typed(p.optimizeeType.Name, o)
	if err != nil {
		return nil, err
	}
	algorithm, err := typed(p.algorithm.Name, p.params)
	if err != nil {
		return nil, err
	}
	const after = 4 // name and seed come first
	root.Content = slices.Insert(root.Content, after, scalarNode("optimizee"), model, scalarNode("optimizer"), algorithm)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(root), enc.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func typed(name string, v any) (*yaml.Node, error) {
	n, err := encode(v)
	if err != nil {
		return nil, err
	}
	n.Content = append([]*yaml.Node{scalarNode("type"), scalarNode(name)}, n.Content...)
	return n, nil
}

// changeable are the sections and keys that a resumed run may have other than the run before: they do not touch the search.
var changeable = []string{
	"stop", "optimizee.dir", "execution.schedule", "execution.slots", "execution.batch", "execution.timeout", "execution.start_timeout", "execution.max_failures", "output",
}

// resumable returns an error naming each value that differs between the configuration that a run was started with and this one, unless
// it may change.
func (p *plan) resumable(started string) error {
	now, err := p.effective()
	if err != nil {
		return err
	}
	var before, after yaml.Node
	if err := errors.Join(unmarshal([]byte(started), &before), unmarshal(now, &after)); err != nil {
		return err
	}
	var errs []error
	compare("", before.Content[0], after.Content[0], func(path, was, is string) {
		if strings.HasPrefix(path, "optimizee.parameters.") && strings.HasSuffix(path, ".doc") {
			return // a text for people
		}
		if !slices.ContainsFunc(changeable, func(c string) bool { return path == c || strings.HasPrefix(path, c+".") }) {
			errs = append(errs, fmt.Errorf("%s: the run was started with %s, and is to be resumed with %s; only %s may change",
				path, was, is, strings.Join(changeable, ", ")))
		}
	})
	return errors.Join(errs...)
}

// compare calls differ for each value that two configurations do not share.
func compare(path string, a, b *yaml.Node, differ func(path, a, b string)) {
	if a.Kind != yaml.MappingNode || b.Kind != yaml.MappingNode {
		if x, y := flat(a), flat(b); x != y {
			differ(path, x, y)
		}
		return
	}
	none := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	for i := 0; i+1 < len(a.Content); i += 2 {
		key := a.Content[i].Value
		other := child(b, key)
		if other == nil {
			other = none
		}
		compare(join(path, key), a.Content[i+1], other, differ)
	}
	for i := 0; i+1 < len(b.Content); i += 2 {
		if key := b.Content[i].Value; child(a, key) == nil {
			compare(join(path, key), none, b.Content[i+1], differ)
		}
	}
}

// flat is a value on one line.
func flat(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return shown(n)
	}
	var parts []string
	for _, c := range n.Content {
		parts = append(parts, flat(c))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// load reads the configuration of a file with what --set changes in it.
func load(path string, assignments []string, types []optimizee.Type) (*plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	if d.dir, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return d.plan(assignments, types)
}

// loadText reads a configuration that is no file of its user's: its paths are absolute.
func loadText(name string, text []byte, assignments []string, types []optimizee.Type) (*plan, error) {
	d, err := parse(name, text)
	if err != nil {
		return nil, err
	}
	return d.plan(assignments, types)
}

func (d *document) plan(assignments []string, types []optimizee.Type) (*plan, error) {
	var errs []error
	for _, a := range assignments {
		errs = append(errs, d.assign(a))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newPlan(d, types)
}

// directory chooses the run's directory where the configuration leaves it open: the next number, or, to resume, the last one.
func (p *plan) directory(resume bool) string {
	if p.Output.Dir != "" {
		return p.Output.Dir
	}
	base := filepath.Join("runs", p.Name)
	last := 0
	entries, _ := os.ReadDir(base) // none: the first run
	for _, e := range entries {
		n := 0
		if _, err := fmt.Sscanf(e.Name(), "%d", &n); err == nil && e.IsDir() {
			last = max(last, n)
		}
	}
	if !resume || last == 0 {
		last++
	}
	return filepath.Join(base, fmt.Sprintf("%03d", last))
}
