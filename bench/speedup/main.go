// Command speedup answers: how much sooner is a search done on many slots? It runs algorithms on BBOB functions with simulated slots and prints the
// time to the target, the median over searches, in units of one evaluation; searches that do not get there count as infinite.
//
//	go run ./bench/speedup
//	go run ./bench/speedup -slots 64,1024 cmaes 'cmaes{pop_size: 300, restarts: bipop}' @1:cmaes
//	go run ./bench/speedup -ratios 1,10 -functions 1,8 cmaes cmaes_async
//	go run ./bench/speedup -all -slots 1,8,64,1024,16384 -dim 40     # every algorithm of the catalogue: many hours
//
// An algorithm is told the number of slots, as execution.parallel: auto tells it; with @n: before its name it is told n. Run times are log-normal, of
// a median of 1 and the ratios given of the 95th to the 5th percentile; 1 is equal times. Time is simulated: figures do not depend on the machine.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/bench/internal/named"
	"github.com/meta-optimization/l2l-mpi/bench/internal/slots"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// settings are the same for all cells.
type settings struct {
	dim      int
	target   float64
	budget   int // evaluations
	searches int
	first    int // instance
	quorum   float64
	counts   bool // print evaluations, too
}

// cell is a figure: searches of an algorithm on a function.
type cell struct {
	Algorithm   string
	Function    string
	Dim         int
	Slots       int
	Ratio       float64
	Quorum      float64
	Time        float64 // median; +Inf where half of the searches have not got there
	Evaluations float64 // median of those of all searches
	Busy        float64 // median
	Reached     int
	Searches    int
	counts      bool // its evaluations are printed
}

func main() {
	var s settings
	flag.IntVar(&s.dim, "dim", 10, "dimension")
	flag.Float64Var(&s.target, "target", 1e-8, "distance to the optimum that counts as reached")
	flag.IntVar(&s.budget, "budget", 4_000_000, "evaluations after which a search is given up")
	flag.IntVar(&s.searches, "searches", 5, "searches for each figure, on instances of their own")
	flag.IntVar(&s.first, "instance", 1, "the first instance")
	flag.Float64Var(&s.quorum, "quorum", 0, "part of a generation's results with which it is complete, execution.quorum, for algorithms that heed it; 0: auto")
	flag.BoolVar(&s.counts, "evaluations", false, "print the median of the evaluations, too")
	numbers := flag.String("slots", "64,1024", "slots")
	ratios := flag.String("ratios", "1", "95th percentile of the run times over their 5th")
	which := flag.String("functions", "1,3,8,10,15,16,21,22", "numbers of BBOB functions")
	all := flag.Bool("all", false, "measure every algorithm of the catalogue, with its defaults")
	lines := flag.String("json", "", "file to append a line of JSON for each figure to")
	workers := flag.Int("workers", runtime.NumCPU(), "searches at a time, which figures do not depend on")
	flag.Parse()
	names := flag.Args()
	if *all {
		for _, a := range catalogue.All() {
			names = append(names, a.Name)
		}
	}
	if err := run(s, *numbers, *ratios, *which, *lines, *workers, names); err != nil {
		fmt.Fprintln(os.Stderr, "speedup:", err)
		os.Exit(1)
	}
}

// list reads numbers that are separated by commas.
func list(text string) (all []float64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil || v < 1 {
			return nil, fmt.Errorf("%q in %q, want numbers from 1 on, separated by commas", part, text)
		}
		all = append(all, v)
	}
	return all, nil
}

func run(s settings, numbers, ratios, which, lines string, workers int, names []string) error {
	if len(names) == 0 {
		names = []string{"cmaes", "@1:cmaes"}
		for _, n := range []int{10, 30, 100, 300, 1000, 3000} {
			names = append(names, fmt.Sprintf("cmaes{pop_size: %d, restarts: bipop}", n))
		}
	}
	slotNumbers, err := list(numbers)
	if err != nil {
		return err
	}
	ratioNumbers, err := list(ratios)
	if err != nil {
		return err
	}
	functionNumbers, err := list(which)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%d dimensions, %d searches from instance %d on, to %g\n", strings.Join(os.Args, " "), s.dim, s.searches, s.first, s.target)
	for _, ratio := range ratioNumbers {
		for _, n := range slotNumbers {
			if err := table(s, slots.Slots{Number: int(n), Ratio: ratio}, functionNumbers, names, lines, workers); err != nil {
				return err
			}
		}
	}
	return nil
}

// table prints the times of all algorithms on all functions, with the part of searches that got there where not all did, and below them the part of
// the slots' time that was used.
func table(s settings, on slots.Slots, which []float64, names []string, lines string, workers int) error {
	counts := ""
	if s.counts {
		counts = ", evaluations"
	}
	fmt.Printf("\n%d slots, run times %g:1: time to the target (searches that got there, if not all), busy%s\n\n", on.Number, on.Ratio, counts)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	head := "algorithm"
	for _, f := range which {
		head += fmt.Sprintf("\tf%g", f)
	}
	fmt.Fprintln(t, head)
	for _, name := range names {
		row := name
		for _, f := range which {
			c, err := measure(s, on, name, fmt.Sprintf("bbob_f%g", f), workers)
			if err != nil {
				return fmt.Errorf("%s on f%g: %w", name, f, err)
			}
			row += "\t" + c.String()
			if err := c.append(lines); err != nil {
				return err
			}
		}
		fmt.Fprintln(t, row)
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// String is the figure as the table has it.
func (c cell) String() string {
	reached := ""
	if c.Reached < c.Searches {
		reached = fmt.Sprintf(" (%d/%d)", c.Reached, c.Searches)
	}
	text := fmt.Sprintf("%.0f%s %.0f%%", c.Time, reached, 100*c.Busy)
	if c.counts {
		text += fmt.Sprintf(" %.0f", c.Evaluations)
	}
	return text
}

// append writes the figure, and what it was made by, to a file.
func (c cell) append(file string) error {
	if file == "" {
		return nil
	}
	line := struct {
		cell
		Time                     any // JSON knows no infinity
		Command, Go, CPU, Commit string
	}{cell: c, Time: c.Time, Command: strings.Join(os.Args, " "), Go: runtime.Version()}
	line.CPU = fmt.Sprintf("%s, %d cores", runtime.GOARCH, runtime.NumCPU())
	if math.IsInf(c.Time, 1) {
		line.Time = nil
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				line.Commit = s.Value
			}
		}
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// measure makes the searches of a figure.
func measure(s settings, on slots.Slots, name, function string, workers int) (cell, error) {
	outcomes, errs := make([]slots.Outcome, s.searches), make([]error, s.searches)
	var all sync.WaitGroup
	free := make(chan struct{}, max(workers, 1))
	for i := range s.searches {
		free <- struct{}{}
		all.Go(func() {
			outcomes[i], errs[i] = search(s, on, name, functions.Spec{Name: function, Dim: s.dim, Instance: s.first + i}, uint64(s.first+i))
			<-free
		})
	}
	all.Wait()
	c := cell{Algorithm: name, Function: function, Dim: s.dim, Slots: on.Number, Ratio: on.Ratio, Quorum: s.quorum, Searches: s.searches, counts: s.counts}
	var times, evaluations, busy []float64
	for i, o := range outcomes {
		if errs[i] != nil {
			return c, errs[i]
		}
		if !o.Reached {
			o.Time = math.Inf(1)
		} else {
			c.Reached++
		}
		times, evaluations, busy = append(times, o.Time), append(evaluations, float64(o.Evaluations)), append(busy, o.Busy)
	}
	c.Time, c.Evaluations, c.Busy = median(times), median(evaluations), median(busy)
	return c, nil
}

// median is the upper one of an even number.
func median(x []float64) float64 { return slices.Sorted(slices.Values(x))[len(x)/2] }

// search runs an algorithm until the target is reached.
func search(s settings, on slots.Slots, name string, spec functions.Spec, seed uint64) (slots.Outcome, error) {
	fn, err := functions.New(spec)
	if err != nil {
		return slots.Outcome{}, err
	}
	problem := optimizer.Box(s.dim, fn.Lower, fn.Upper)
	problem.Parallel, problem.Quorum = on.Number, s.quorum
	if told, rest, ok := strings.Cut(name, ":"); ok && strings.HasPrefix(told, "@") {
		if problem.Parallel, err = strconv.Atoi(told[1:]); err != nil {
			return slots.Outcome{}, fmt.Errorf("%s, want @n: and the name of an algorithm", name)
		}
		name = rest
	}
	algorithm, params, err := named.Parse(name)
	if err != nil {
		return slots.Outcome{}, err
	}
	o, problem, err := suited(algorithm, problem, params, seed)
	if err != nil {
		return slots.Outcome{}, err
	}
	return on.Run(o, func(x []float64) (told optimizer.Evaluated, reached bool) {
		gap := fn.Gap(x)
		told.Loss = []float64{gap + fn.Optimum}
		switch {
		case problem.Objectives == 2:
			told.Loss, gap = append(told.Loss, floats.Norm(x, 2)), math.Inf(1)
		case problem.Outputs > 0:
			told.Outputs, told.Targets = x, make([]float64, len(x))
		}
		return told, gap <= s.target
	}, s.budget, seed)
}

// suited makes the search. What does not search for the least loss is given what it needs: a second objective, the distance from the middle, whose front
// has no target, or the parameters as outputs of a model.
func suited(a optimizer.Algorithm, problem optimizer.Problem, params any, seed uint64) (o optimizer.Optimizer, _ optimizer.Problem, err error) {
	for _, change := range []func(p *optimizer.Problem){
		func(*optimizer.Problem) {}, func(p *optimizer.Problem) { p.Objectives = 2 }, func(p *optimizer.Problem) { p.Objectives, p.Outputs = 1, p.Dim() },
	} {
		change(&problem)
		if o, err = a.New(problem, params, seed); !errors.Is(err, optimizer.ErrUnsuited) {
			break
		}
	}
	return o, problem, err
}
