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
				ind, err := individualOf(dir, kinds, individual)
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

// individualOf finds an individual of a run; id < 0 is the best.
func individualOf(dir string, kinds config.Kinds, id int64) (l2l.Individual, error) {
	r, err := open(dir, kinds)
	if err != nil {
		return l2l.Individual{}, err
	}
	if id >= 0 {
		return r.Individual(id)
	}
	best, err := r.Best()
	return best.Individual, err
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
func evaluate(ctx context.Context, p *config.Plan, w io.Writer, x []float64, instance int, seed uint64) (err error) {
	ctx, stop := interruptible(ctx, os.Exit)
	defer stop()
	if _, err := p.Space.Decode(x); err != nil {
		return usage(err)
	}
	dir, err := os.MkdirTemp("", "l2l-eval-")
	if err != nil {
		return failure{exitFailed, err}
	}
	defer tellLeftovers(dir)
	slot, err := run.OpenSlot(ctx, p, dir)
	if err != nil {
		return failure{exitFailed, err}
	}
	defer func() {
		if cerr := slot.Close(); cerr != nil {
			err = errors.Join(err, failure{exitFailed, cerr})
		}
	}()
	e := l2l.Evaluation{Instance: instance, Seed: seed, X: x}
	r := slot.Evaluate(ctx, e)
	took := time.Duration(r.Seconds * float64(time.Second)).Round(time.Microsecond)
	if err := report.WriteIndividual(w, p.Space, p.Objectives, x, r.Fitness); err != nil {
		return err
	}
	if r.Ending != l2l.OK {
		return failure{exitFailed, fmt.Errorf("the evaluation failed after %v: %s", took, r.Reason)}
	}
	if len(r.Outputs) > 0 {
		fmt.Fprintf(w, "  %d model outputs: %s\n", len(r.Outputs), report.VectorText(r.Outputs))
	}
	fmt.Fprintf(os.Stderr, "instance %d, seed %d: %v\n", instance, seed, took)
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
	slot, err := run.OpenSlot(context.Background(), p, "")
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
