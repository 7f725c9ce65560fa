package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func evalCommand(kinds config.Kinds) *cobra.Command {
	var file, dir string
	var set, params []string
	var individual int64
	var instance int
	var seed uint64
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Evaluate one individual here, with full output: how to debug an optimizee",
		Long: "Evaluates one individual in this process. Parameters that are not given are those of an individual of --run, or else in the\n" +
			"middle of their ranges.",
		Example: "  l2l-mpi eval --config run.yaml --param tau=10 --param rule=stdp\n  l2l-mpi eval --config run.yaml --run runs/fit/001 --individual 421",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usage(errors.New("eval: want --config run.yaml"))
			}
			p, err := config.Load(file, set, kinds)
			if err != nil {
				return usage(err)
			}
			x := p.Middle()
			if dir != "" {
				ind, err := individualOf(dir, individual)
				if err != nil {
					return usage(err)
				}
				x = ind.X
				search, err := p.NewSearch()
				if err != nil {
					return usage(err)
				}
				if !cmd.Flags().Changed("instance") {
					instance = search.First(ind).Instance
				}
				if !cmd.Flags().Changed("seed") {
					seed = l2l.SeedOf(p.Seed, ind.ID, instance, 0)
				}
			}
			changed, err := assigned(params)
			if err != nil {
				return usage(err)
			}
			if x, err = p.Change(x, changed); err != nil {
				return usage(err)
			}
			return evaluate(cmd.Context(), p, cmd.OutOrStdout(), x, instance, seed)
		},
	}
	addConfigFlags(cmd, &file, &set)
	f := cmd.Flags()
	f.StringArrayVar(&params, "param", nil, "a parameter: `name=value`; may be repeated")
	f.StringVar(&dir, "run", "", "take the other parameters from an individual of the run in this directory")
	f.Int64Var(&individual, "individual", -1, "which individual of --run; without it the best")
	f.IntVar(&instance, "instance", 0, "the instance to evaluate on; with --run that of the individual's first evaluation")
	f.Uint64Var(&seed, "seed", 1, "the seed of the evaluation; with --run that of the individual's first evaluation")
	return cmd
}

// individualOf finds an individual in a run's journal; id < 0 is the best.
func individualOf(dir string, id int64) (l2l.Individual, error) {
	if id < 0 {
		return report.Best(dir)
	}
	for e, err := range journal.Read(dir, 0) {
		if err != nil && !journal.IsTorn(err) {
			return l2l.Individual{}, err
		}
		if asked, ok := e.Event.(l2l.Asked); ok {
			if i := slices.IndexFunc(asked.Individuals, func(ind l2l.Individual) bool { return ind.ID == id }); i >= 0 {
				return asked.Individuals[i], nil
			}
		}
	}
	return l2l.Individual{}, fmt.Errorf("%s: no individual %d", dir, id)
}

// assigned reads parameters given as name=value.
func assigned(assignments []string) (map[string]any, error) {
	values := map[string]any{}
	for _, a := range assignments {
		name, value, ok := strings.Cut(a, "=")
		if !ok {
			return nil, fmt.Errorf("--param %s: want name=value", a)
		}
		v, err := config.ParseValue(value)
		if err != nil {
			return nil, fmt.Errorf("--param %s: %w", a, err)
		}
		values[name] = v
	}
	return values, nil
}

// evaluate evaluates one point and tells all about it.
func evaluate(ctx context.Context, p *config.Plan, w io.Writer, x []float64, instance int, seed uint64) (err error) {
	ctx, stop := interruptible(ctx, os.Exit)
	defer stop()
	o, err := p.NewOptimizee()
	if err != nil {
		return failure{exitFailed, err}
	}
	if c, ok := o.(optimizee.Opener); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	params, err := p.Space.Decode(x)
	if err != nil {
		return usage(err)
	}
	if err := getReady(ctx, p, o); err != nil {
		return failure{exitFailed, err}
	}
	e := optimizee.Evaluation{Params: params, Instance: instance, Seed: seed}
	if s, ok := o.(optimizee.Scratch); ok {
		if e.Dir, err = os.MkdirTemp("", "l2l-eval-"); err != nil {
			return failure{exitFailed, err}
		}
		if !s.NeedsDir() { // it may make it
			_ = os.Remove(e.Dir)
		}
		defer func() {
			if os.Remove(e.Dir) != nil && exists(e.Dir) { // not empty
				fmt.Fprintf(os.Stderr, "what the evaluation left behind is in %s\n", e.Dir)
			}
		}()
	}
	if p.Execution.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Execution.Timeout)
		defer cancel()
	}
	began := time.Now()
	out, err := o.Evaluate(ctx, e)
	took := time.Since(began)
	if err == nil && len(out.Fitness) != len(p.Objectives) {
		err = fmt.Errorf("it returned %d fitness values, want %d", len(out.Fitness), len(p.Objectives))
	}
	if err != nil {
		if terr := individual(w, p, x, nil); terr != nil {
			return terr
		}
		return failure{exitFailed, fmt.Errorf("the evaluation failed after %v: %w", took.Round(time.Microsecond), err)}
	}
	if err := individual(w, p, x, out.Fitness); err != nil {
		return err
	}
	if len(out.Outputs) > 0 {
		fmt.Fprintf(w, "  %d model outputs: %s\n", len(out.Outputs), text(out.Outputs))
	}
	fmt.Fprintf(os.Stderr, "instance %d, seed %d: %v\n", instance, seed, took.Round(time.Microsecond))
	if rep, ok := o.(optimizee.Reporter); ok {
		fmt.Fprintln(w)
		return rep.Report(ctx, e, w)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// explain has the optimizee, if it can, report on an individual.
func explain(w io.Writer, p *config.Plan, ind l2l.Individual) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if _, ok := p.Optimizee.New().(optimizee.Reporter); !ok {
		return nil
	}
	o, err := p.NewOptimizee()
	if err != nil {
		return err
	}
	if c, ok := o.(optimizee.Opener); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	if err := getReady(context.Background(), p, o); err != nil {
		return err
	}
	search, err := p.NewSearch()
	if err != nil {
		return err
	}
	e := search.First(ind)
	params, err := p.Space.Decode(e.X)
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	return o.(optimizee.Reporter).Report(context.Background(), optimizee.Evaluation{Params: params, Instance: e.Instance, Seed: e.Seed}, w)
}

// getReady gets an optimizee ready to evaluate, as the slots of a run do by themselves.
func getReady(ctx context.Context, p *config.Plan, o optimizee.Optimizee) error {
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
