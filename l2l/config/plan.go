package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Plan is a configuration with the optimizee and the optimizer that it names: all that a run is. Everything about it has been checked. It is
// not changed after it has been made, and its methods may be called from several goroutines at a time.
type Plan struct {
	Config
	Optimizee optimizee.Type
	Optimizer optimizer.Algorithm
	Params    any   // of the optimizer, a pointer to its parameter struct; what is chosen automatically is filled in
	Kinds     Kinds // what else the configuration could have named

	// What the optimizee says of itself.
	Space      optimizee.Space
	Objectives []optimizee.Objective
	Outputs    int  // model outputs of an evaluation
	CPUs       int  // that an evaluation keeps busy, at least 1
	Batches    bool // it evaluates several together (optimizee.Batch)
	Prepares   bool // it gets ready before its evaluations (optimizee.Preparer)
	Once       bool // its evaluations must not run twice at a time (optimizee.Once)
	Stochastic bool // it says that the same point has another fitness with another seed (optimizee.Stochastic)

	// Interpreter is how the Python is started that runs the model, or the optimizer, and where; nil where neither is in Python.
	Interpreter *Interpreter

	// Sum says that the objectives are added up, because there is one alone or because the optimizer takes only one.
	Sum bool

	given      any                                 // the optimizer's parameters before what is chosen automatically was filled in
	configured func() (optimizee.Optimizee, error) // makes an optimizee with its configuration, not opened

	// Whether a key of the optimizer, and of the optimizee, was left to its default; nil where that is not known.
	unnamed, unnamedModel func(key string) bool
}

// New makes a plan in Go. model.New makes optimizees that are configured as this plan wants them; params is a pointer to algorithm's parameter
// struct, as its Params makes one, or nil for the defaults. It returns an error naming everything that is wrong.
func New(c Config, model optimizee.Type, algorithm optimizer.Algorithm, params any) (*Plan, error) {
	defaults := algorithm.Params()
	if params == nil {
		params = defaults
	}
	if got, want := reflect.TypeOf(params), reflect.TypeOf(defaults); got != want {
		return nil, fmt.Errorf("config: optimizer %s: parameters of type %v, want %v", algorithm.Name, got, want)
	}
	p := &Plan{Config: c, Optimizee: model, Optimizer: algorithm, Params: copied(params)}
	p.Kinds = Kinds{[]optimizee.Type{model}, []optimizer.Algorithm{algorithm}}
	p.configured = func() (optimizee.Optimizee, error) { return model.New(), nil }
	err := errors.Join(schema.Check("", c), p.checkName(), p.checkMetrics(), p.learn())
	if err == nil {
		err = p.complete()
	}
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return p, nil
}

// Interpreter is how an interpreter is started.
type Interpreter struct {
	Argv []string
	Dir  string
	Env  []string
}

// interpreterOf is that of an optimizee, or of the parameters of an optimizer; nil if there is none.
func interpreterOf(v any) *Interpreter {
	i, ok := v.(optimizee.Interpreted)
	if !ok {
		return nil
	}
	argv, dir, env := i.Interpreter()
	if len(argv) == 0 {
		return nil
	}
	return &Interpreter{argv, dir, env}
}

// wrongf is an error about the value at a path of the configuration, whose keys are joined by dots.
func wrongf(path, format string, args ...any) error {
	return schema.At(fmt.Errorf(format, args...), strings.Split(path, ".")...)
}

func (p *Plan) checkName() error {
	switch {
	case len(p.Name) > maxName:
		return wrongf("name", "%d bytes, want at most %d, as it names a directory", len(p.Name), maxName)
	case p.Name == "" || strings.ContainsAny(p.Name, "/\\\x00") || strings.HasPrefix(p.Name, "."):
		return wrongf("name", "%q, want a name without slashes that does not begin with a dot", p.Name)
	}
	return nil
}

func (p *Plan) checkMetrics() error {
	if p.Output.Metrics == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(p.Output.MetricsAddress())
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return wrongf("output.metrics", "%q, want host:port, or a port from 0 to 65535", p.Output.Metrics)
	}
	return nil
}

// Up to where sizes are taken for what their user means. What is larger would end in the runtime's words on memory.
const (
	maxName        = 200  // bytes of the run's name: that of a directory
	maxCoordinates = 1e7  // of a space: a gigabyte
	maxEach        = 1e7  // evaluations of an individual
	maxNumbers     = 1e10 // coordinates of all individuals of a generation: 80 gigabytes
	maxEvaluations = 1e9  // of a generation
)

// checkSizes checks the sizes of a generation, where the optimizer is told how many individuals it has.
func (p *Plan) checkSizes() error {
	each, dim := float64(p.Evaluation.Instances)*float64(p.Evaluation.Replicates), float64(p.Space.Dim())
	if each > maxEach {
		return wrongf("evaluation", "instances times replicates are %.3g evaluations of each individual, want at most %.3g", each, maxEach)
	}
	switch n := float64(p.PopSize()); {
	case n*dim > maxNumbers:
		return wrongf("optimizer.pop_size", "%.0f individuals of %.0f coordinates are %.3g numbers, want at most %.3g", n, dim, n*dim, maxNumbers)
	case n*each > maxEvaluations:
		return wrongf("optimizer.pop_size", "%.0f individuals of %.0f evaluations are %.3g, want at most %.3g", n, each, n*each, maxEvaluations)
	}
	return nil
}

// learn makes and opens an optimizee once to hear what it says of itself.
func (p *Plan) learn() (err error) {
	o, err := p.configured()
	if err != nil {
		return err
	}
	if c, ok := o.(optimizee.Opener); ok {
		if err := c.Open(); err != nil {
			return schema.At(err, "optimizee")
		}
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	p.Space, p.Objectives, p.CPUs = o.Space(), o.Objectives(), 1
	if err := errors.Join(p.Space.Check(), optimizee.CheckObjectives(p.Objectives)); err != nil {
		return schema.At(err, "optimizee")
	}
	if n := p.Space.Dim(); n > maxCoordinates {
		return wrongf("optimizee", "%d coordinates to search, want at most %d", n, int(maxCoordinates))
	}
	if m, ok := o.(optimizee.Modeller); ok {
		p.Outputs = m.NumOutputs()
	}
	if wide, ok := o.(optimizee.Wide); ok {
		p.CPUs = max(wide.CPUs(), 1)
	}
	_, p.Prepares = o.(optimizee.Preparer)
	if once, ok := o.(optimizee.Once); ok {
		p.Once = once.Once()
	}
	if s, ok := o.(optimizee.Stochastic); ok {
		p.Stochastic = s.Stochastic()
	}
	if p.Interpreter = interpreterOf(o); p.Interpreter == nil {
		p.Interpreter = interpreterOf(p.Params)
	}
	if _, p.Batches = o.(optimizee.Batch); !p.Batches && p.Execution.Batch > 1 {
		return wrongf("optimizee", "it evaluates one individual at a time, but execution.batch = %d, want 1", p.Execution.Batch)
	}
	return p.checkTeams(o)
}

// checkTeams returns an error if evaluations are to be shared by several ranks, and cannot be.
func (p *Plan) checkTeams(o optimizee.Optimizee) error {
	const key = "execution.ranks_per_evaluation"
	k := p.Execution.RanksPerEvaluation
	if k <= 1 {
		return nil
	}
	shared, ok := o.(optimizee.Shared)
	switch {
	case !ok:
		return wrongf(key, "%d, want 1, as optimizee %s cannot be shared by several ranks: it is no optimizee.Shared", k, p.Optimizee.Name)
	case p.Execution.Slots > 1:
		return wrongf("execution.slots", "%d, want 1 or auto where %d ranks share each evaluation: a team is one slot", p.Execution.Slots, k)
	case p.Execution.Batch == AutoBatch:
		return wrongf("execution.batch", "auto, want 1 where %d ranks share each evaluation", k)
	case p.Execution.Batch > 1:
		return wrongf("execution.batch", "%d, want 1 where %d ranks share each evaluation", p.Execution.Batch, k)
	case p.Execution.Levels == 2:
		return wrongf("execution.levels", "2, want 1 or auto where %d ranks share each evaluation: rank 0 speaks to the first rank of each team", k)
	}
	if err := shared.Share(k); err != nil {
		return wrongf(key, "%d, want another number or 1, as optimizee %s cannot be shared by so many ranks: %v", k, p.Optimizee.Name, err)
	}
	return nil
}

// complete makes an optimizer once, to settle its parameters, and checks the rules that need it.
func (p *Plan) complete() (err error) {
	if err := p.checkSizes(); err != nil {
		return err
	}
	if p.given == nil {
		p.given = copied(p.Params)
	}
	o, sum, err := p.optimizerWith(p.Params)
	if err != nil {
		var of *schema.Error
		if errors.As(err, &of) { // it says which of its parameters
			return schema.At(of, "optimizer")
		}
		key := "optimizer"
		if errors.Is(err, optimizer.ErrUnsuited) {
			key = "optimizer.type" // another one may do
		}
		return wrongf(key, "%s", strings.TrimPrefix(err.Error(), "optimizer: "))
	}
	p.Sum = sum
	_, recalled := o.(optimizer.Recaller)
	_, begins := o.(optimizer.WarmStarter)
	_, endless := o.(optimizer.Asynchronous)
	if _, err := p.Individuals(); err != nil {
		return err
	}
	rules := p.Rules()
	reserved := rules.Reserved(p.Stop.Evaluations)
	switch {
	case p.Execution.Parallel > 1 && p.Evaluation.Rotate > 0:
		return wrongf("execution.parallel", "%d, want 1 where evaluations rotate: searches side by side would be on different instances",
			p.Execution.Parallel)
	case p.Execution.Quorum < 1 && !p.Optimizer.Quorum && endless:
		return wrongf("execution.quorum", "%v, want 1, as %s has no generations whose end anything could wait for", p.Execution.Quorum, p.Optimizer.Name)
	case p.Execution.Quorum < 1 && !p.Optimizer.Quorum:
		return wrongf("execution.quorum", "%v, want 1, as %s learns from whole generations alone%s", p.Execution.Quorum, p.Optimizer.Name, p.quorate())
	case p.Execution.Quorum < 1 && p.Evaluation.Rotate > 0:
		return wrongf("execution.quorum", "%v, want 1 where evaluations rotate: late results would be of other instances than those that they are compared with",
			p.Execution.Quorum)
	case !begins && (p.WarmStart.Run != "" || len(p.WarmStart.Individuals) > 0):
		return wrongf("warm_start", "optimizer %s cannot begin with what is known", p.Optimizer.Name)
	case recalled && p.Output.Record == l2l.Digest:
		return wrongf("output.record", "%s, but %s cannot make its points again, want %s", l2l.Digest, p.Optimizer.Name, l2l.Points)
	case p.Stop.Stagnation > 0 && !p.Sum:
		return wrongf("stop.stagnation", "%s searches for the front of %d objectives, which changes until the end; want generations or evaluations",
			p.Optimizer.Name, len(p.Objectives))
	case len(p.Evaluation.Test.Instances) > 0 && !p.Sum:
		return wrongf("evaluation.test", "%s searches for the front of %d objectives, want one answer, which can be tested", p.Optimizer.Name,
			len(p.Objectives))
	case p.Sum && reserved > 0 && reserved+p.each() > p.Stop.Evaluations:
		return wrongf("stop.evaluations", "%d, of which %d are for the finalists and the test, want at least %d more for the first individual",
			p.Stop.Evaluations, reserved, p.each())
	case p.Stop.Target != nil && len(p.Objectives) > 1:
		return wrongf("stop.target", "the optimizee has %d objectives, want one", len(p.Objectives))
	}
	return nil
}

// optimizerWith makes the optimizer, and settles params. It is offered all objectives; one that cannot have several searches for their best
// weighted sum.
func (p *Plan) optimizerWith(params any) (o optimizer.Optimizer, sum bool, err error) {
	problem := l2l.Problem(p.Space, p.Outputs*p.Evaluation.Instances*p.Evaluation.Replicates)
	problem.Objectives, problem.Parallel = len(p.Objectives), p.Execution.Parallel
	problem.Quorum = p.Execution.Quorum
	rules := p.Rules()
	problem.Noisy = p.Optimizer.Noise != "" && rules.Noisy()
	reserved := int64(0)
	if len(p.Objectives) == 1 {
		reserved = rules.Reserved(p.Stop.Evaluations)
	}
	problem.Budget = max(p.Stop.Evaluations-reserved, 0) / p.each()
	o, err = p.Optimizer.New(problem, params, p.Seed)
	if problem.Objectives > 1 && errors.Is(err, optimizer.ErrUnsuited) {
		problem.Objectives = 1
		var alone error
		if o, alone = p.Optimizer.New(problem, params, p.Seed); alone != nil {
			return nil, false, errors.Join(err, alone)
		}
		err = nil
	}
	return o, problem.Objectives == 1, err
}

// quorate names, in brackets, the optimizers that do not need whole generations; "" where there are none.
func (p *Plan) quorate() string {
	var names []string
	for _, a := range p.Kinds.Optimizers {
		if a.Quorum {
			names = append(names, a.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" (optimizers that need not: %s)", strings.Join(names, ", "))
}

// Parallel is what execution.parallel is, or becomes where it is auto and that many evaluations can be under way at a time.
func (p *Plan) Parallel(room int) int {
	switch {
	case p.Execution.Parallel > 0:
		return p.Execution.Parallel
	case p.Evaluation.Rotate > 0:
		return 1
	}
	return int(min(max(int64(room)/p.each(), 1), maxParallel))
}

// maxParallel is what execution.parallel may be at most.
const maxParallel = 1_000_000

// Settled is the plan with execution.parallel, and what the optimizer makes of it, no longer auto but n, at least 1. Where it is not auto, it is the
// plan itself.
func (p *Plan) Settled(n int) (*Plan, error) {
	if p.Execution.Parallel > 0 {
		return p, nil
	}
	q := *p
	q.Execution.Parallel, q.Params = n, copied(p.given)
	return &q, q.complete()
}

// open are the optimizer's parameters with those left to be chosen that depend on execution.parallel, while that is.
func (p *Plan) open() any {
	if p.Execution.Parallel > 0 || !slices.ContainsFunc(schema.Fields(p.given), schema.Field.IsAuto) {
		return p.Params
	}
	q := *p
	q.Execution.Parallel = 1 << 16 // more than any default population
	many := copied(p.given)
	if _, _, err := q.optimizerWith(many); err != nil {
		return p.Params
	}
	params := copied(p.Params)
	with, given := schema.Fields(many), schema.Fields(p.given)
	for i, f := range schema.Fields(params) {
		if given[i].IsAuto() && !reflect.DeepEqual(f.Value.Interface(), with[i].Value.Interface()) {
			f.SetAuto()
		}
	}
	return params
}

// PopSize is the number of individuals of a generation, as far as a parameter of the optimizer says it; otherwise 0.
func (p *Plan) PopSize() int64 {
	for _, f := range schema.Fields(p.Params) {
		if f.Key == "pop_size" && f.Value.CanInt() {
			return f.Value.Int()
		}
	}
	return 0
}

// each is the number of evaluations of an individual.
func (p *Plan) each() int64 { return int64(p.Evaluation.Evaluations()) }

// copied is a pointer to a copy of the struct that v points to.
func copied(v any) any {
	c := reflect.New(reflect.TypeOf(v).Elem())
	c.Elem().Set(reflect.ValueOf(v).Elem())
	return c.Interface()
}

// NewOptimizer makes an optimizer of the plan.
func (p *Plan) NewOptimizer() (optimizer.Optimizer, error) {
	o, _, err := p.optimizerWith(copied(p.Params))
	return o, err
}

// NewOptimizee makes an optimizee of the plan, and opens it if it is an Opener: the caller closes it.
func (p *Plan) NewOptimizee() (optimizee.Optimizee, error) {
	o, err := p.configured()
	if err != nil {
		return nil, err
	}
	if c, ok := o.(optimizee.Opener); ok {
		if err := c.Open(); err != nil {
			return nil, fmt.Errorf("optimizee %s: %w", p.Optimizee.Name, err)
		}
	}
	return o, nil
}

// Rules say how results become losses.
func (p *Plan) Rules() l2l.Rules {
	r := l2l.Rules{Seed: p.Seed, Objectives: p.Objectives, Sum: p.Sum, Sampling: p.Evaluation, OnFailure: p.Execution.OnFailure}
	r.Stochastic = r.Stochastic || p.Stochastic
	return r
}

// NewSearch is the state of the run before its first event.
func (p *Plan) NewSearch() (*l2l.Search, error) {
	o, err := p.NewOptimizer()
	if err != nil {
		return nil, err
	}
	return l2l.NewSearch(o, p.Rules()), nil
}

// In is the plan with its output in another directory.
func (p *Plan) In(dir string) *Plan {
	q := *p
	q.Output.Dir = dir
	return &q
}

// With is the plan with what assignments, each "key.path=value", change in it.
func (p *Plan) With(assignments []string) (*Plan, error) {
	text, err := p.Effective()
	if err != nil {
		return nil, err
	}
	d, err := parse("the configuration", text)
	if err != nil {
		return nil, err
	}
	return d.plan(assignments, p.Kinds)
}

// Individuals are the points that the configuration gives to begin with, in the coordinates of Space.
func (p *Plan) Individuals() ([][]float64, error) {
	return p.points(p.WarmStart.Individuals, func(err error, i int) error {
		return schema.At(err, "warm_start", fmt.Sprintf("individuals[%d]", i))
	})
}

// points are individuals in the coordinates of Space; at says of an error which it is about.
func (p *Plan) points(individuals []map[string]any, at func(err error, i int) error) (points [][]float64, err error) {
	points = make([][]float64, len(individuals))
	var errs []error
	for i, values := range individuals {
		points[i], err = p.Change(p.Middle(), values)
		if err != nil {
			errs = append(errs, at(err, i))
		}
	}
	return points, errors.Join(errs...)
}

// Points are the individuals of a YAML text, in the coordinates of Space: a list of individuals or one alone, as warm_start.individuals has them.
func (p *Plan) Points(text []byte) ([][]float64, error) {
	document, err := ParseValue(string(text))
	if err != nil {
		return nil, err
	}
	list, ok := document.([]any)
	if !ok {
		list = []any{document}
	}
	var individuals []map[string]any
	for i, v := range list {
		values, ok := v.(map[string]any)
		if !ok || len(values) == 0 {
			return nil, fmt.Errorf("[%d]: want the parameters of an individual, name: value", i)
		}
		individuals = append(individuals, values)
	}
	if len(individuals) == 0 {
		return nil, errors.New("there is no individual in it")
	}
	return p.points(individuals, func(err error, i int) error { return fmt.Errorf("[%d]: %w", i, err) })
}

// Remarks are what a user may not expect of the plan, though nothing is wrong with it.
func (p *Plan) Remarks() []string {
	rules := p.Stop
	if rules.WallTime == l2l.UntilJobEnds {
		rules.WallTime = 0 // where there is no job, the run does not end for it
	}
	if rules == (l2l.Stop{}) {
		return []string{fmt.Sprintf("stop: there is no rule: the run ends when %s has nothing more to propose, if ever, or by a signal", p.Optimizer.Name)}
	}
	return nil
}

// Middle is the point in the middle of every range, or at its mean, in the coordinates of Space.
func (p *Plan) Middle() []float64 {
	coords := p.Space.Coordinates()
	x := make([]float64, len(coords))
	for i, c := range coords {
		if x[i] = c.Mean; c.Std == 0 {
			x[i] = (c.Lower + c.Upper) / 2
		}
	}
	return x
}

// Change is the point x with other values of some parameters, each as [optimizee.Space.Encode] takes it.
func (p *Plan) Change(x []float64, changed map[string]any) ([]float64, error) {
	if len(changed) == 0 {
		return x, nil
	}
	params, err := p.Space.Decode(x)
	if err != nil {
		return nil, err
	}
	values := params.Map()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if _, known := values[name]; !known {
			errs = append(errs, fmt.Errorf("no parameter %q%s", name, DidYouMean(name, namesOf(p.Space, parameterName))))
			continue
		}
		values[name] = changed[name]
	}
	point, err := p.Space.Encode(values)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return point, nil
}
