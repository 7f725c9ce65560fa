// Package process makes any program an optimizee, described in the configuration alone: a worker, which is started once per slot and then
// answers requests over pipes of its own, or a program that is started for each evaluation. PROTOCOL.md tells how to write a worker in any
// language; the Python package in python/ is one. Package l2l/child starts them and talks to them.
//
// Whatever a program does, short of stopping the machine, costs at most the evaluation that it did it in.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Type is what a configuration calls "process".
var Type = optimizee.Type{
	Name:  "process",
	Title: "Any program, started once per slot or for each evaluation",
	Doc: "A program that returns the fitness of its parameters. As a worker it is started once per slot and answers requests: with the Python " +
		"package l2l_optimizee that takes one line, in other languages a page (optimizee/process/PROTOCOL.md). As a oneshot program it is " +
		"started for each evaluation, takes the parameters from its command line, its environment or a file, and leaves the fitness in its output or a file.",
	New: func() optimizee.Optimizee { return New() },
}

// Process is a program as an optimizee.
type Process struct {
	Config

	space      optimizee.Space
	objectives []optimizee.Objective
	guardian   child.Guardian // of the worker, or of the oneshot programs
	worker     *child.Server  // nil while there is none
	stdout     io.Writer      // where what they print goes, too; nil: nowhere
	stderr     io.Writer
	place      []string                            // variables of the environment that tell where the slot is
	tell       func(optimizee.Part, time.Duration) // where the time goes; nil: nobody wants to know

	// Of a oneshot program.
	named   map[string]bool // parameters that the command names
	files   []string        // that it finds in its directory, relative to Dir
	capture *capture        // of the fitness
}

var (
	_ optimizee.Opener        = (*Process)(nil)
	_ optimizee.Located       = (*Process)(nil)
	_ optimizee.Preparer      = (*Process)(nil)
	_ optimizee.Batch         = (*Process)(nil)
	_ optimizee.Scratch       = (*Process)(nil)
	_ optimizee.Shared        = (*Process)(nil)
	_ optimizee.Modeller      = (*Process)(nil)
	_ optimizee.Wide          = (*Process)(nil)
	_ optimizee.Printer       = (*Process)(nil)
	_ optimizee.Interruptible = (*Process)(nil)
	_ optimizee.Once          = (*Process)(nil)
	_ optimizee.Interpreted   = (*Process)(nil)
	_ optimizee.Placed        = (*Process)(nil)
	_ optimizee.Timed         = (*Process)(nil)
	_ optimizee.Tester        = (*Process)(nil)
)

// New returns a Process with the default configuration. Its Config must be completed before Open.
func New() *Process { return &Process{Config: defaultConfig()} }

// Open checks the configuration. It starts nothing.
func (p *Process) Open() error {
	var errs []error
	p.space, p.objectives = nil, nil
	for _, e := range p.Parameters {
		q, err := e.Value.parameter(e.Key)
		if err == nil {
			p.space = append(p.space, q)
		}
		errs = append(errs, err)
	}
	for _, e := range p.Config.Objectives {
		o, err := e.Value.objective(e.Key)
		if err == nil {
			p.objectives = append(p.objectives, o)
		}
		errs = append(errs, err)
	}
	if len(p.space) > 0 || len(p.Parameters) == 0 {
		errs = append(errs, p.space.Check())
	}
	if len(p.objectives) > 0 || len(p.Config.Objectives) == 0 {
		errs = append(errs, schema.At(optimizee.CheckObjectives(p.objectives), "objectives"))
	}
	errs = append(errs, p.CheckConstants(), p.Find(p.Launcher))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if p.Mode == modeOneshot {
		return p.openOneshot()
	}
	if p.Fitness != (Fitness{}) {
		return wrongf("fitness", "that of a worker is in its answer; for a program that is started for each evaluation, want mode: oneshot")
	}
	return nil
}

// wrongf is an error about the value at a path of the configuration, whose keys are joined by dots.
func wrongf(path, format string, args ...any) error {
	return schema.At(fmt.Errorf(format, args...), strings.Split(path, ".")...)
}

// Close ends the worker, and the guardian.
func (p *Process) Close() error {
	if p.worker != nil {
		p.worker.Close()
		p.worker = nil
	}
	p.guardian.Close()
	return nil
}

// Space implements optimizee.Optimizee.
func (p *Process) Space() optimizee.Space { return p.space }

// Objectives implements optimizee.Optimizee.
func (p *Process) Objectives() []optimizee.Objective { return p.objectives }

// Stochastic implements optimizee.Stochastic.
func (p *Process) Stochastic() bool { return p.Random }

// NumOutputs implements optimizee.Modeller.
func (p *Process) NumOutputs() int { return p.Outputs }

// NeedsDir implements optimizee.Scratch.
func (p *Process) NeedsDir() bool { return p.Scratch || p.Mode == modeOneshot }

// CPUs implements optimizee.Wide.
func (p *Process) CPUs() int {
	if p.Width > 0 {
		return p.Width
	}
	return launched(p.Launcher, "-n", "-np", "--np", "--ntasks") * launched(p.Launcher, "-c", "--cpus-per-task")
}

// Share implements optimizee.Shared: it refuses.
func (p *Process) Share(int) error {
	return errors.New("a program is started by one rank; one that is an MPI program itself is started by a launcher of its own: optimizee.launcher: mpirun -n 4")
}

// launched is the number that a launcher is given by one of the options, at least 1.
func launched(launcher child.Words, options ...string) int {
	for i, w := range launcher {
		option, value, joined := strings.Cut(w, "=")
		if !joined && i+1 < len(launcher) {
			value = launcher[i+1]
		}
		if slices.Contains(options, option) {
			n, _ := strconv.Atoi(value) // no number: 1
			return max(n, 1)
		}
	}
	return 1
}

// Interruptible implements optimizee.Interruptible: a worker would have to be started again.
func (p *Process) Interruptible() bool { return p.Mode == modeOneshot }

// Once implements optimizee.Once.
func (p *Process) Once() bool { return p.SideEffects }

// Prepare starts the worker, unless it runs.
func (p *Process) Prepare(ctx context.Context) error {
	if p.Mode == modeOneshot {
		return nil
	}
	if p.worker != nil {
		select {
		case <-p.worker.Ended(): // while it had nothing to do
			p.worker.Close()
			p.worker = nil
		default:
			return nil
		}
	}
	ours := &setup{Opening: child.Opening{Role: "optimizee", Constants: p.Constants}, Outputs: p.Outputs}
	for _, q := range p.space {
		ours.Parameters = append(ours.Parameters, setupParameter{q.Name, q.Kind.String(), q.Size, q.Choices, q.Unit})
	}
	for _, o := range p.objectives {
		ours.Objectives = append(ours.Objectives, setupObjective{o.Name, o.Direction.String()})
	}
	var err error
	began := time.Now()
	p.worker, err = child.Serve(ctx, &p.guardian, p.command(p.Command, p.Dir), child.Introduction{
		Launched: len(p.Launcher) > 0, Setup: ours, Oldest: 1, MessageLimit: p.MessageLimit, Grace: p.Grace,
		Mute: "; if it evaluates once and ends, it wants mode: oneshot",
	})
	if err == nil {
		p.took(optimizee.StartUp, time.Since(began))
	}
	return err
}

// TimeTo implements optimizee.Timed.
func (p *Process) TimeTo(tell func(part optimizee.Part, took time.Duration)) { p.tell = tell }

// took tells whoever wants to know where time has gone.
func (p *Process) took(part optimizee.Part, d time.Duration) {
	if p.tell != nil {
		p.tell(part, d)
	}
}

// Interpreter implements optimizee.Interpreted.
func (p *Process) Interpreter() (argv []string, dir string, env []string) {
	return p.Program.Interpreter(), p.Dir, p.Environment(p.Launcher)
}

// PrintTo implements optimizee.Printer.
func (p *Process) PrintTo(stdout, stderr io.Writer) { p.stdout, p.stderr = stdout, stderr }

// Place implements optimizee.Placed.
func (p *Process) Place(at optimizee.Place) {
	p.place = []string{"L2L_RANK=" + strconv.Itoa(at.Rank), "L2L_SLOT=" + strconv.Itoa(at.Slot)}
	if len(at.CPUs) > 0 {
		p.place = append(p.place, "L2L_CPUS="+at.CPUList())
	}
	if len(at.GPUs) > 0 {
		p.place = append(p.place, at.Variable+"="+strings.Join(at.GPUs, ","))
	}
}

// environment is that of the program. What the configuration says goes before what follows from its place.
func (p *Process) environment() []string {
	env := p.Environment(p.Launcher)
	for _, v := range p.place {
		if name, _, _ := strings.Cut(v, "="); !has(p.Env, name) {
			env = append(env, v)
		}
	}
	return env
}

func has(m map[string]string, name string) bool {
	_, ok := m[name]
	return ok
}

// command is how the program is started.
func (p *Process) command(argv []string, dir string) child.Command {
	c := child.Command{Argv: slices.Concat(p.Launcher, argv), Dir: dir, Env: p.environment(), LogLimit: p.LogLimit, Free: p.Affinity == "free"}
	c.Stdout, c.Stderr = p.stdout, p.stderr
	if p.Affinity == "" {
		var own unix.CPUSet
		c.Free = unix.SchedGetaffinity(0, &own) == nil && own.Count() < p.CPUs()
	}
	return c
}

// Evaluate implements optimizee.Optimizee.
func (p *Process) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	if p.Mode == modeOneshot {
		return p.once(ctx, e)
	}
	outs, errs := p.EvaluateBatch(ctx, []optimizee.Evaluation{e})
	return outs[0], errs[0]
}

// EvaluateBatch implements optimizee.Batch: in one request to a worker, or in as many starts of a oneshot program.
func (p *Process) EvaluateBatch(ctx context.Context, es []optimizee.Evaluation) ([]optimizee.Outcome, []error) {
	outs, errs := make([]optimizee.Outcome, len(es)), make([]error, len(es))
	if p.Mode == modeOneshot {
		for i, e := range es {
			outs[i], errs[i] = p.once(ctx, e)
		}
		return outs, errs
	}
	results, err := p.ask(ctx, es)
	for i, e := range es {
		if errs[i] = err; err != nil {
			continue
		}
		if outs[i], errs[i] = outcomeOf(child.Item(results, i), p.objectives); errs[i] != nil {
			errs[i] = errors.Join(p.worker.Explained(errs[i], false), p.worker.WriteLogs(e.Dir))
		}
	}
	return outs, errs
}

// divide tells where the time of an exchange has gone, of which so many seconds are the model's, as the worker says; it need not say any.
func (p *Process) divide(all time.Duration, seconds any) {
	model, err := child.Number(seconds)
	if err != nil || !(model >= 0 && model <= all.Seconds()) {
		p.took(optimizee.Answered, all)
		return
	}
	own := time.Duration(model * float64(time.Second))
	p.took(optimizee.Computed, own)
	p.took(optimizee.Transfer, all-own)
}

// ask has the worker evaluate, and returns a list with a result for each evaluation. After an error the worker is gone, unless it has not
// heard of the request.
func (p *Process) ask(ctx context.Context, es []optimizee.Evaluation) (results any, err error) {
	if err := p.Prepare(ctx); err != nil {
		return nil, err
	}
	w := p.worker
	w.ForgetOutput()
	r := &request{Evaluations: make([]evaluation, len(es)), Profile: p.tell != nil}
	for i, e := range es {
		r.Evaluations[i] = newEvaluation(e)
		if p.NeedsDir() {
			r.Evaluations[i].Dir = e.Dir
		}
	}
	began := time.Now()
	v, err := w.Exchange(ctx, r)
	if err == nil {
		answer, _ := v.(map[string]any)
		if p.tell != nil {
			p.divide(time.Since(began), answer["seconds"])
		}
		if p.stdout != nil {
			w.Settle() // it is of this request
		}
		if results := answer["results"]; child.Len(results) == len(es) {
			return results, nil
		}
		err = fmt.Errorf("its answer is %s, want a list of results, as many as evaluations were asked for: %d", child.Shown(v), len(es))
	}
	if errors.As(err, new(child.Unwritable)) {
		return nil, fmt.Errorf("the parameters %w", err)
	}
	p.worker = nil
	err = w.Obituary(err)
	for _, e := range es {
		err = errors.Join(err, w.WriteLogs(e.Dir))
	}
	return nil, err
}
