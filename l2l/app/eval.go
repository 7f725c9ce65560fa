package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func evalCommand(kinds config.Kinds) *cobra.Command {
	var file, dir string
	var set, params []string
	var individual int64
	var instance, replicate, replicates int
	var seed uint64
	var timed bool
	cmd := &cobra.Command{
		Use:   "eval --config run.yaml",
		Short: "Evaluate one individual here, with all that its model prints: how to debug an optimizee",
		Long: "Evaluates one individual in this process, as a run does, in one slot. What its model prints is shown as it comes. Parameters that are\n" +
			"not given are those of an individual of --run, or else in the middle of their ranges.\n\n" +
			"With --replicates it does so several times, each with another seed, and shows the median and the quartiles of the fitness. --profile\n" +
			"tells where the time goes. The start-up of a worker ends when it says that it is ready, and is outside of its evaluations; that of a\n" +
			"program that is started for each ends when it has been started, and what it then takes to get ready counts as the model's time.",
		Example: "  l2l-mpi eval --config run.yaml --param tau=10 --param rule=stdp\n" +
			"  l2l-mpi eval --config run.yaml --run runs/fit/001 --individual 421 --replicates 20 --profile",
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usage(errors.New("eval: want --config run.yaml"))
			}
			if replicates < 1 {
				return usage(fmt.Errorf("--replicates %d: want 1 or more", replicates))
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
			seeds := func(replicate int) uint64 { return seed + uint64(replicate) }
			first := replicate // of --run
			if dir != "" {
				ind, which, err := individualOf(dir, kinds, individual)
				if err != nil {
					return usage(err)
				}
				if x, what = ind.X, fmt.Sprintf("individual %d of %s%s", ind.ID, dir, which); ind.ID < 0 {
					what = fmt.Sprintf("the answer of %s, a point of none of its individuals", dir)
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
					seeds = func(replicate int) uint64 { return rules.SeedOf(ind, instance, first+replicate) }
				}
			}
			changed, err := assigned(params)
			if err != nil {
				return usage(err)
			}
			if x, err = p.Change(x, changed); err != nil {
				return usage(err)
			}
			var es []l2l.Evaluation
			for k := range replicates {
				es = append(es, l2l.Evaluation{Instance: instance, Replicate: replicate + k, Seed: seeds(k), X: x})
			}
			which := fmt.Sprintf("replicate %d, seed %d", replicate, seeds(0))
			if replicates > 1 {
				which = fmt.Sprintf("replicates %d to %d, each with another seed", replicate, replicate+replicates-1)
			}
			fmt.Fprintf(os.Stderr, "%s, instance %d, %s\n", what, instance, which)
			return evaluate(cmd.Context(), p, cmd.OutOrStdout(), es, timed)
		},
	}
	addConfigFlags(cmd, &file, &set)
	f := cmd.Flags()
	f.StringArrayVar(&params, "param", nil, "a parameter: `name=value`; may be repeated")
	f.StringVar(&dir, "run", "", "take the other parameters from an individual of the run in this directory")
	f.Int64Var(&individual, "individual", -1, "which individual of --run; without it its answer, or, of a front, the one with the best weighted sum of its objectives")
	f.IntVar(&instance, "instance", 0, "the instance to evaluate on; with --run that of the individual's first evaluation")
	f.IntVar(&replicate, "replicate", 0, "with --run, which of the individual's evaluations on the instance, which differ by their seeds")
	f.Uint64Var(&seed, "seed", 1, "the seed of the evaluation, and of the next ones the numbers after it; with --run those of the individual's on the instance")
	f.IntVar(&replicates, "replicates", 1, "how many evaluations, from --replicate on")
	f.BoolVar(&timed, "profile", false, "tell where the time goes: start-up, transfer, model")
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

// evaluate evaluates one point, once or several times, in a slot like those of a run, and tells all about it; where the time goes, if that is asked for.
func evaluate(ctx context.Context, p *config.Plan, w io.Writer, es []l2l.Evaluation, timed bool) (err error) {
	ctx, stop := interruptible(ctx, os.Exit)
	defer stop()
	if _, err := p.Space.Decode(es[0].X); err != nil {
		return usage(err)
	}
	dir, err := os.MkdirTemp("", "l2l-eval-")
	if err != nil {
		return failure{exitFailed, err}
	}
	defer tellLeftovers(dir)
	times := &profile{parts: map[optimizee.Part][]float64{}}
	took := times.take
	if !timed {
		took = nil
	}
	slot, err := run.OpenSlot(ctx, p, dir, w, os.Stderr, took)
	if err != nil {
		return failure{exitFailed, errors.New(child.WithoutPrinted(err.Error()))} // which was shown as it came
	}
	defer func() {
		if cerr := slot.Close(); cerr != nil {
			err = errors.Join(err, failure{exitFailed, cerr})
		}
	}()
	var good []l2l.Result
	var failed error
	failures := 0
	for _, e := range es {
		times.begin()
		r := slot.Evaluate(ctx, e)
		if r.Ending != l2l.OK {
			took := time.Duration(r.Seconds * float64(time.Second)).Round(time.Microsecond)
			failed, failures = fmt.Errorf("the evaluation failed after %v: %s", took, child.WithoutPrinted(r.Reason)), failures+1
			if ctx.Err() != nil {
				break
			}
			continue
		}
		times.end(r.Seconds)
		good = append(good, r)
	}
	several := len(es) > 1
	var fitness []float64
	if !several && failed == nil {
		fitness = good[0].Fitness
	}
	if err := report.WriteIndividual(w, p.Space, p.Objectives, es[0].X, fitness); err != nil {
		return err
	}
	if failed != nil && several {
		failed = fmt.Errorf("%d of %d evaluations failed; the last one: %w", failures, len(es), failed)
	}
	var rows []numbers
	for k, o := range p.Objectives {
		values := make([]float64, len(good))
		for i, r := range good {
			values[i] = r.Fitness[k]
		}
		if several {
			rows = append(rows, numbers{strings.TrimSuffix(o.Name+", "+o.Unit, ", "), values})
		}
	}
	if timed {
		rows = append(rows, times.rows()...)
	}
	if len(good) > 0 && len(rows) > 0 {
		if err := writeNumbers(w, report.Count(len(good), "evaluation"), rows); err != nil {
			return failure{exitFailed, err}
		}
	}
	if failed != nil {
		return failure{exitFailed, failed}
	}
	if several {
		return nil
	}
	if r := good[0]; len(r.Outputs) > 0 {
		fmt.Fprintf(w, "  %d model outputs: %s\n", len(r.Outputs), report.VectorText(r.Outputs))
	}
	fmt.Fprintf(os.Stderr, "evaluated in %v\n", time.Duration(good[0].Seconds*float64(time.Second)).Round(time.Microsecond))
	if err := writeReport(ctx, w, slot, es[0]); err != nil {
		return failure{exitFailed, err}
	}
	return nil
}

// profile is where the time of evaluations went, in milliseconds.
type profile struct {
	mu    sync.Mutex // an evaluation that was given up may go on telling
	now   map[optimizee.Part]float64
	parts map[optimizee.Part][]float64
	whole []float64
}

// take is told of a part of the time.
func (p *profile) take(part optimizee.Part, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ms := took.Seconds() * 1e3
	if part == optimizee.StartUp { // there need not be one for each evaluation
		p.parts[part] = append(p.parts[part], ms)
		return
	}
	p.now[part] += ms
}

// begin begins an evaluation.
func (p *profile) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = map[optimizee.Part]float64{}
}

// end ends one that has succeeded.
func (p *profile) end(seconds float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for part, ms := range p.now {
		p.parts[part] = append(p.parts[part], ms)
	}
	p.whole = append(p.whole, 1e3*seconds)
}

// rows are the times of the parts. Where a model tells of none, all of an evaluation is the model's.
func (p *profile) rows() (rows []numbers) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.parts) == 0 {
		return []numbers{{"model, ms", p.whole}}
	}
	for _, part := range []optimizee.Part{optimizee.StartUp, optimizee.Transfer, optimizee.Computed, optimizee.Answered} {
		if ms := p.parts[part]; len(ms) > 0 {
			name := string(part) + ", ms"
			if part == optimizee.StartUp && len(ms) < len(p.whole) {
				name += fmt.Sprintf(" (%s)", report.Count(len(ms), "time"))
			}
			rows = append(rows, numbers{name, ms})
		}
	}
	return append(rows, numbers{"evaluation, ms", p.whole})
}

// numbers are several of one kind.
type numbers struct {
	name   string
	values []float64
}

// writeNumbers writes the median of each row, and its quartiles where there are several.
func writeNumbers(w io.Writer, title string, rows []numbers) error {
	width := utf8.RuneCountInString(title)
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.name)+2)
	}
	text := fmt.Sprintf("%-*s  %10s  %s\n", width, title, "median", "quartiles")
	for _, r := range rows {
		sorted := slices.Sorted(slices.Values(r.values))
		at := func(p float64) string { return fmt.Sprintf("%.4g", statistics.Quantile(sorted, p)) }
		quartiles := ""
		if len(sorted) > 1 {
			quartiles = "  " + at(0.25) + " to " + at(0.75)
		}
		text += fmt.Sprintf("  %-*s  %10s%s\n", width-2, r.name, at(0.5), quartiles)
	}
	_, err := io.WriteString(w, text)
	return err
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
	slot, err := run.OpenSlot(context.Background(), p, "", nil, nil, nil)
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
