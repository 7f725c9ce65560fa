package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

func checkCommand(types []optimizee.Type) *cobra.Command {
	var config, replay string
	var set []string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration and show it with every default; or prove that a run's journal is what its optimizer does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case (config == "") == (replay == ""):
				return usage(errors.New("check: want either --config run.yaml or --replay RUN"))
			case replay != "":
				return checkReplay(cmd.OutOrStdout(), replay, types)
			}
			p, err := load(config, set, types)
			if err != nil {
				return usage(err)
			}
			text, err := p.effective()
			if err != nil {
				return failure{exitFailed, err}
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	addConfigFlags(cmd, &config, &set)
	cmd.Flags().StringVar(&replay, "replay", "", "the directory of a run")
	return cmd
}

// checkReplay replays a journal from its first event, without checkpoints.
func checkReplay(w io.Writer, dir string, types []optimizee.Type) error {
	var search *l2l.Search
	events := 0
	for e, err := range journal.Read(dir, 0) {
		if journal.IsTorn(err) {
			fmt.Fprintf(w, "%v; a resume will cut it off\n", err)
			break
		}
		if err != nil {
			return failure{exitFailed, err}
		}
		if begun, ok := e.Event.(l2l.Begun); ok && search == nil {
			p, err := loadText(dir, []byte(begun.Config), nil, types)
			if err != nil {
				return usage(err)
			}
			if search, err = p.newSearch(); err != nil {
				return failure{exitFailed, err}
			}
		}
		if search == nil {
			return failure{exitFailed, fmt.Errorf("%s: its journal does not begin with a configuration", dir)}
		}
		if err := search.Replay(e.Event); err != nil {
			return failure{exitFailed, fmt.Errorf("%s: event %d, which ends at byte %d: %w", dir, events, e.End, err)}
		}
		events++
	}
	if search == nil {
		return failure{exitFailed, fmt.Errorf("%s: its journal is empty", dir)}
	}
	fmt.Fprintf(w, "%d events, %d evaluations, %d generations: all as the optimizer does\ntrajectory hash %s\n",
		events, search.Evaluations(), search.Status().Generation, search.TrajectoryHash())
	return nil
}

func describeCommand(types []optimizee.Type) *cobra.Command {
	return &cobra.Command{
		Use:   "describe [NAME …]",
		Short: "Describe the optimizers and optimizees: parameters, defaults, ranges, references",
		RunE: func(cmd *cobra.Command, names []string) error {
			w := cmd.OutOrStdout()
			if len(names) == 0 {
				return list(w, types)
			}
			for i, name := range names {
				if i > 0 {
					fmt.Fprintln(w)
				}
				if err := describe(w, name, types); err != nil {
					return usage(err)
				}
			}
			return nil
		},
	}
}

func list(w io.Writer, types []optimizee.Type) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "optimizers")
	for _, a := range catalogue.All() {
		fmt.Fprintf(t, "  %s\t%s\n", a.Name, a.Title)
	}
	fmt.Fprintln(t, "optimizees")
	for _, o := range types {
		fmt.Fprintf(t, "  %s\t%s\n", o.Name, o.Title)
	}
	fmt.Fprintln(t, "configuration\n  run\tthe keys of a configuration besides those two sections")
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\ndescribe NAME tells all about one of them, and when to choose it. Where to begin: cmaes; with several objectives nsga2,\n"+
		"with few and long evaluations bayes, with model outputs and their targets enkf, with mostly choices and whole numbers genetic.")
	return err
}

func describe(w io.Writer, name string, types []optimizee.Type) error {
	var known []string
	for _, a := range catalogue.All() {
		if a.Name == name {
			fmt.Fprintf(w, "%s: %s\n\n", a.Name, a.Title)
			for _, fact := range [][2]string{{"Choose it", a.When}, {"Cost per generation", a.Cost}, {"Parallelism", a.Parallelism}, {"Reference", a.Reference}} {
				paragraph(w, "", fact[0]+": "+fact[1]+".")
			}
			fmt.Fprintln(w)
			describeRows(w, "", a.Params())
			return nil
		}
		known = append(known, a.Name)
	}
	for _, o := range types {
		if o.Name == name {
			fmt.Fprintf(w, "%s: %s\n\n", o.Name, o.Title)
			paragraph(w, "", o.Doc)
			if o.Reference != "" {
				paragraph(w, "", "Reference: "+o.Reference)
			}
			fmt.Fprintln(w)
			describeRows(w, "", o.New())
			return nil
		}
		known = append(known, o.Name)
	}
	if name == "run" {
		c := defaults()
		describeRows(w, "", &c)
		return nil
	}
	return fmt.Errorf("nothing is called %q%s", name, didYouMean(name, append(known, "run")))
}

// describeRows tells of each parameter what it is, what it may be, and what it is by default.
func describeRows(w io.Writer, prefix string, v any) {
	for _, f := range schema.Fields(v) {
		inner := schema.Fields(f.Value.Interface())
		if len(inner) > 0 && f.Auto == "" {
			describeRows(w, prefix+f.Key+".", f.Value.Interface())
			continue
		}
		kind := f.Type()
		if words := schema.Words(f.Range); words != nil {
			kind = strings.Join(words, " or ")
		} else if f.Range != "" {
			kind += " in " + f.Range
		}
		if f.Unit != "" {
			kind += " " + f.Unit
		}
		fmt.Fprintf(w, "%s  (%s; default %s)\n", prefix+f.Key, kind, f.Default())
		paragraph(w, "    ", f.Doc)
		if len(inner) > 0 {
			describeRows(w, prefix+f.Key+".", f.Value.Interface())
		}
		if m, ok := f.Value.Interface().(schema.Mapping); ok {
			describeRows(w, prefix+f.Key+".NAME.", m.New())
		}
	}
}

// paragraph writes text in lines of at most 100 characters, each indented.
func paragraph(w io.Writer, indent, text string) {
	line := indent
	for _, word := range strings.Fields(text) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 100 {
			fmt.Fprintln(w, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}

func evalCommand(types []optimizee.Type) *cobra.Command {
	var config, run string
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
			if config == "" {
				return usage(errors.New("eval: want --config run.yaml"))
			}
			p, err := load(config, set, types)
			if err != nil {
				return usage(err)
			}
			x := p.middle()
			if run != "" {
				ind, err := individualOf(run, individual)
				if err != nil {
					return usage(err)
				}
				x = ind.X
				search, err := p.newSearch()
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
			if x, err = p.change(x, changed); err != nil {
				return usage(err)
			}
			return p.evaluate(cmd.Context(), cmd.OutOrStdout(), x, instance, seed)
		},
	}
	addConfigFlags(cmd, &config, &set)
	f := cmd.Flags()
	f.StringArrayVar(&params, "param", nil, "a parameter: `name=value`; may be repeated")
	f.StringVar(&run, "run", "", "take the other parameters from an individual of the run in this directory")
	f.Int64Var(&individual, "individual", -1, "which individual of --run; without it the best")
	f.IntVar(&instance, "instance", 0, "the instance to evaluate on; with --run that of the individual's first evaluation")
	f.Uint64Var(&seed, "seed", 1, "the seed of the evaluation; with --run that of the individual's first evaluation")
	return cmd
}

// middle is the point in the middle of every range, or at its mean.
func (p *plan) middle() []float64 {
	coords := p.space.Coordinates()
	x := make([]float64, len(coords))
	for i, c := range coords {
		if x[i] = c.Mean; c.Std == 0 {
			x[i] = (c.Lower + c.Upper) / 2
		}
	}
	return x
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
		var v any
		if err := unmarshal([]byte(value), &v); err != nil {
			return nil, fmt.Errorf("--param %s: %w", a, err)
		}
		values[name] = v
	}
	return values, nil
}

// change is the point x with other values of some parameters.
func (p *plan) change(x []float64, changed map[string]any) ([]float64, error) {
	if len(changed) == 0 {
		return x, nil
	}
	params, err := p.space.Decode(x)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	var names []string
	for _, v := range params.All() {
		values[v.Name] = v.Value
		names = append(names, v.Name)
	}
	for name, v := range changed {
		if _, known := values[name]; !known {
			return nil, fmt.Errorf("no parameter %q%s", name, didYouMean(name, names))
		}
		values[name] = v
	}
	return p.space.Encode(values)
}

// evaluate evaluates one point and tells all about it.
func (p *plan) evaluate(ctx context.Context, w io.Writer, x []float64, instance int, seed uint64) (err error) {
	ctx, stop := interruptible(ctx)
	defer stop()
	o, err := p.newOptimizee()
	if err != nil {
		return failure{exitFailed, err}
	}
	if c, ok := o.(optimizee.Opener); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	params, err := p.space.Decode(x)
	if err != nil {
		return usage(err)
	}
	if err := p.prepare(ctx, o); err != nil {
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
	if err == nil && len(out.Fitness) != len(p.objectives) {
		err = fmt.Errorf("it returned %d fitness values, want %d", len(out.Fitness), len(p.objectives))
	}
	if err != nil {
		if terr := p.individual(w, x, nil); terr != nil {
			return terr
		}
		return failure{exitFailed, fmt.Errorf("the evaluation failed after %v: %w", took.Round(time.Microsecond), err)}
	}
	if err := p.individual(w, x, out.Fitness); err != nil {
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

func exportCommand() *cobra.Command {
	var format, output, table string
	cmd := &cobra.Command{
		Use:   "export RUN",
		Short: "Write the trajectory of a run, finished or not: one row per evaluation; or the posterior of one that is finished",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if format != "csv" {
				return usage(fmt.Errorf("--format %s: want csv", format))
			}
			if table != "trajectory" && table != "posterior" {
				return usage(fmt.Errorf("--table %s: want trajectory or posterior", table))
			}
			if !journal.Exists(args[0]) {
				return usage(fmt.Errorf("%s holds no run", args[0]))
			}
			w := cmd.OutOrStdout()
			if output != "" {
				f, err := os.Create(output)
				if err != nil {
					return failure{exitFailed, err}
				}
				defer func() { err = errors.Join(err, f.Close()) }()
				w = f
			}
			write := report.CSV
			if table == "posterior" {
				write = report.PosteriorCSV
			}
			if err := write(w, args[0]); err != nil {
				return failure{exitFailed, err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "csv", "csv")
	cmd.Flags().StringVar(&table, "table", "trajectory", "trajectory; or posterior: the individuals of the posterior sample with their weights")
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write; without it the standard output")
	return cmd
}
