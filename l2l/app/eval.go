package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func evalCommand(kinds config.Kinds) *cobra.Command {
	var file, dir string
	var set, params []string
	var individual int64
	var instance, replicate int
	var seed uint64
	cmd := &cobra.Command{
		Use:   "eval --config run.yaml",
		Short: "Evaluate one individual here, with all that its model prints: how to debug an optimizee",
		Long: "Evaluates one individual in this process, as a run does, in one slot. What its model prints is shown as it comes. Parameters that are\n" +
			"not given are those of an individual of --run, or else in the middle of their ranges.",
		Example: "  l2l-mpi eval --config run.yaml --param tau=10 --param rule=stdp\n  l2l-mpi eval --config run.yaml --run runs/fit/001 --individual 421",
		Args:    operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usage(errors.New("eval: want --config run.yaml"))
			}
			for name, value := range map[string]int64{"instance": int64(instance), "replicate": int64(replicate), "individual": individual} {
				if cmd.Flags().Changed(name) && value < 0 {
					return usage(fmt.Errorf("--%s %d: want 0 or more", name, value))
				}
			}
			p, err := config.Load(file, set, kinds)
			if err != nil {
				return usage(err)
			}
			x, what := p.Middle(), "an individual"
			if dir != "" {
				ind, which, err := individualOf(dir, kinds, individual)
				if err != nil {
					return usage(err)
				}
				if x, what = ind.X, fmt.Sprintf("individual %d of %s%s", ind.ID, dir, which); ind.ID < 0 {
					what = fmt.Sprintf("the answer of %s, a point that its optimizer recommends", dir)
				}
				if len(params) > 0 {
					what += ", changed"
				}
				search, err := p.NewSearch()
				if err != nil {
					return usage(err)
				}
				if !cmd.Flags().Changed("instance") {
					instance = search.First(ind).Instance
				}
				if !cmd.Flags().Changed("seed") {
					rules := p.Rules()
					seed = rules.SeedOf(ind, instance, replicate)
				}
			}
			changed, err := assigned(params)
			if err != nil {
				return usage(err)
			}
			if x, err = p.Change(x, changed); err != nil {
				return usage(err)
			}
			fmt.Fprintf(os.Stderr, "%s, instance %d, replicate %d, seed %d\n", what, instance, replicate, seed)
			return evaluate(cmd.Context(), p, cmd.OutOrStdout(), l2l.Evaluation{Instance: instance, Replicate: replicate, Seed: seed, X: x})
		},
	}
	addConfigFlags(cmd, &file, &set)
	f := cmd.Flags()
	f.StringArrayVar(&params, "param", nil, "a parameter: `name=value`; may be repeated")
	f.StringVar(&dir, "run", "", "take the other parameters from an individual of the run in this directory")
	f.Int64Var(&individual, "individual", -1, "which individual of --run; without it its answer, or, of a front, the one with the best weighted sum of its objectives")
	f.IntVar(&instance, "instance", 0, "the instance to evaluate on; with --run that of the individual's first evaluation")
	f.IntVar(&replicate, "replicate", 0, "with --run, which of the individual's evaluations on the instance, which differ by their seeds")
	f.Uint64Var(&seed, "seed", 1, "the seed of the evaluation; with --run that of the individual's on the instance")
	return cmd
}

// individualOf finds an individual of a run, and says which it is if nobody has; id < 0 is its answer.
func individualOf(dir string, kinds config.Kinds, id int64) (ind l2l.Individual, which string, err error) {
	r, err := open(dir, kinds)
	if err != nil {
		return ind, "", err
	}
	if id >= 0 {
		ind, err = r.Individual(id)
		return ind, "", err
	}
	if !r.Begun.Rules.Sum {
		best, err := r.Best()
		return best.Individual, ", the one of its front with the best weighted sum of the objectives (another: --individual)", err
	}
	answer, err := r.Answer()
	if err == nil && answer.Individual != nil {
		ind, err = r.Individual(*answer.Individual)
		return ind, ", its answer", err
	}
	return l2l.Individual{ID: -1, X: answer.X}, ", its answer", err
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

// evaluate evaluates one point, in a slot like those of a run, and tells all about it.
func evaluate(ctx context.Context, p *config.Plan, w io.Writer, e l2l.Evaluation) (err error) {
	ctx, stop := interruptible(ctx, os.Exit)
	defer stop()
	if _, err := p.Space.Decode(e.X); err != nil {
		return usage(err)
	}
	dir, err := os.MkdirTemp("", "l2l-eval-")
	if err != nil {
		return failure{exitFailed, err}
	}
	defer tellLeftovers(dir)
	slot, err := run.OpenSlot(ctx, p, dir, w, os.Stderr)
	if err != nil {
		return failure{exitFailed, errors.New(child.WithoutPrinted(err.Error()))} // which was shown as it came
	}
	defer func() {
		if cerr := slot.Close(); cerr != nil {
			err = errors.Join(err, failure{exitFailed, cerr})
		}
	}()
	r := slot.Evaluate(ctx, e)
	took := time.Duration(r.Seconds * float64(time.Second)).Round(time.Microsecond)
	if err := report.WriteIndividual(w, p.Space, p.Objectives, e.X, r.Fitness); err != nil {
		return err
	}
	if r.Ending != l2l.OK {
		return failure{exitFailed, fmt.Errorf("the evaluation failed after %v: %s", took, child.WithoutPrinted(r.Reason))}
	}
	if len(r.Outputs) > 0 {
		fmt.Fprintf(w, "  %d model outputs: %s\n", len(r.Outputs), report.VectorText(r.Outputs))
	}
	fmt.Fprintf(os.Stderr, "evaluated in %v\n", took)
	if err := writeReport(ctx, w, slot, e); err != nil {
		return failure{exitFailed, err}
	}
	return nil
}

// explain has the optimizee, if it can, report on an individual, in a slot like those of the run.
func explain(w io.Writer, p *config.Plan, ind l2l.Individual) (err error) {
	if _, ok := p.Optimizee.New().(optimizee.Reporter); !ok {
		return nil // without starting one
	}
	search, err := p.NewSearch()
	if err != nil {
		return err
	}
	slot, err := run.OpenSlot(context.Background(), p, "", nil, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, slot.Close()) }()
	return writeReport(context.Background(), w, slot, search.First(ind))
}

// writeReport writes what the optimizee of a slot, if it can, reports on an evaluation, after an empty line.
func writeReport(ctx context.Context, w io.Writer, slot *dispatch.Slot, e l2l.Evaluation) error {
	var text bytes.Buffer
	err := slot.Report(ctx, e, &text)
	if text.Len() > 0 {
		fmt.Fprintln(w)
	}
	_, werr := text.WriteTo(w)
	return errors.Join(err, werr)
}

// tellLeftovers removes a directory with directories of evaluations, as far as they are empty, and says where the others are.
func tellLeftovers(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		_ = os.Remove(filepath.Join(dir, e.Name())) // unless something is in it
	}
	if os.Remove(dir) != nil {
		fmt.Fprintf(os.Stderr, "what the evaluation left behind is in %s\n", dir)
	}
}
