// Command scaling asks: how much sooner is a run done on more ranks, and how much more does it do in the same time? It starts bench/scaling/ranks
// under a launcher, for each number of ranks of a list, and prints evaluations a second and the parallel efficiency: what the slots did per second and
// slot, as a part of what those of the least number of ranks did. This is what a site runs on its partition.
//
//	go run ./mpi/mpienv mpicc go build -tags mpi -o scaling-ranks ./bench/scaling/ranks
//	go run ./bench/scaling -launch 'srun -n {ranks}' -ranks 2,3,5,9,17 [-model sleep|spin|real] [-task 10ms] [-json FILE]
//	go run ./bench/scaling -sbatch -ranks 2,129,1025 -json scaling.jsonl > scaling.sbatch    # a script that runs the sweep as a job
//	go run ./bench/scaling -draw scaling.jsonl > scaling.svg                                  # a picture of what was measured
//
// Rank 0 only manages: of so many ranks one less evaluates, in one slot each. Strong: the evaluations of all are -evaluations; weak: they are so many
// for each slot. The population is that of the slots, or -each times that. "sleep" waits for -task, which costs no processor, so that more ranks than
// there are cores show what the dispatch does; "spin" computes as long, and "real" is the neuron model adex. Times are those of rank 0's run, without the
// start of MPI.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/meta-optimization/l2l-mpi/bench/internal/lines"
	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
)

type sweep struct {
	program, launch, model string
	task                   time.Duration
	evaluations, each      int
	repeat                 int
	ranks                  []int
}

func main() {
	var s sweep
	flag.StringVar(&s.program, "program", "./scaling-ranks", "bench/scaling/ranks, built for the launcher's MPI")
	flag.StringVar(&s.launch, "launch", "mpirun -n {ranks}", "the launcher, with {ranks} for their number")
	flag.StringVar(&s.model, "model", "sleep", "sleep, spin or real")
	flag.DurationVar(&s.task, "task", 10*time.Millisecond, "mean time of an evaluation that sleeps or spins; its spread is 10:1")
	flag.IntVar(&s.evaluations, "evaluations", 2000, "of a strong run; a weak one has as many for each slot as the run with the least ranks")
	flag.IntVar(&s.each, "each", 4, "individuals of a generation for each slot")
	flag.IntVar(&s.repeat, "repeat", 3, "runs, of which the median counts")
	ranks := flag.String("ranks", "2,3,5", "numbers of ranks, at least 2 each")
	file := flag.String("json", "", "`file` that JSON lines are appended to")
	sbatch := flag.Bool("sbatch", false, "print a script for sbatch that runs the sweep, instead of running it")
	draw := flag.String("draw", "", "draw what a `file` of JSON lines holds, as SVG on the standard output")
	flag.Parse()
	err := s.numbers(*ranks)
	switch {
	case err != nil:
	case *draw != "":
		err = picture(*draw, os.Stdout)
	case *sbatch:
		s.script(*file)
	default:
		err = s.run(*file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/scaling:", err)
		os.Exit(1)
	}
}

func (s *sweep) numbers(list string) error {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 2 {
			return fmt.Errorf("-ranks: %q, want numbers from 2 on", word)
		}
		s.ranks = append(s.ranks, n)
	}
	slices.Sort(s.ranks)
	return nil
}

// script prints a job that has room for the largest number of ranks.
func (s *sweep) script(file string) {
	var list []string
	for _, n := range s.ranks {
		list = append(list, strconv.Itoa(n))
	}
	fmt.Printf(`#!/bin/sh
#SBATCH --job-name=l2l-scaling
#SBATCH --ntasks=%d
#SBATCH --time=01:00:00
# In the directory of the repository, with the modules loaded by which %[2]s was built. --exact gives a step of fewer ranks no more than it asks for.
for model in sleep spin real; do
	go run ./bench/scaling -program %[2]s -launch 'srun --exact -n {ranks}' -ranks %s -model "$model" -task %v -evaluations %d -each %d -repeat %d -json %s
done
`, s.ranks[len(s.ranks)-1], s.program, strings.Join(list, ","), s.task, s.evaluations, s.each, s.repeat, file)
}

func (s *sweep) run(file string) error {
	version, err := exec.Command(s.program, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", s.program, err)
	}
	w, err := lines.Open(file, "go run ./bench/scaling "+strings.Join(os.Args[1:], " "), map[string]string{"program": strings.TrimSpace(string(version))})
	if err != nil {
		return err
	}
	defer w.Close()
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "scaling\tmodel\tranks\tslots\tevaluations\tseconds\tper second\tefficiency\tbusy\t")
	for _, kind := range []string{"strong", "weak"} {
		first := 0.0
		for _, n := range s.ranks {
			slots, evaluations := n-1, s.evaluations
			if kind == "weak" {
				evaluations = s.evaluations / (s.ranks[0] - 1) * slots
			}
			var all []measured
			for range s.repeat {
				m, err := s.measure(n, evaluations)
				if err != nil {
					return err
				}
				all = append(all, m)
			}
			slices.SortFunc(all, func(a, b measured) int { return int(1e6 * (a.seconds - b.seconds)) })
			m := all[len(all)/2]
			each := float64(evaluations) / m.seconds / float64(slots)
			if first == 0 {
				first = each
			}
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%.2f\t%.0f\t%.2f\t%.0f %%\t\n", kind, s.model, n, slots, evaluations, m.seconds,
				float64(evaluations)/m.seconds, each/first, 100*m.busy)
			if err := w.Write(map[string]any{
				"scaling": kind, "model": s.model, "task": s.task.String(), "ranks": n, "slots": slots, "evaluations": evaluations, "seconds": m.seconds,
				"per_second": float64(evaluations) / m.seconds, "efficiency": each / first, "busy": m.busy,
			}); err != nil {
				return err
			}
		}
	}
	return t.Flush()
}

type measured struct{ seconds, busy float64 }

// measure is one run, by what its journal says.
func (s *sweep) measure(ranks, evaluations int) (m measured, err error) {
	dir, err := os.MkdirTemp(".", "bench-scaling-") // which all hosts of a job see
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	model := fmt.Sprintf("{type: function, name: sphere, dim: 10, delay: %v, delay_spread: 0.7}", s.task)
	switch s.model {
	case "spin":
		model = fmt.Sprintf("{type: spin, delay: %v, delay_spread: 0.7}", s.task)
	case "real":
		model = "{type: adex}"
	case "sleep":
	default:
		return m, fmt.Errorf("-model: %q, want sleep, spin or real", s.model)
	}
	text := fmt.Sprintf("seed: 1\noptimizee: %s\noptimizer: {type: random, pop_size: %d}\nstop: {evaluations: %d}\nexecution: {slots: 1}\noutput: {dir: %s}\n",
		model, s.each*(ranks-1), evaluations, filepath.Join(dir, "run"))
	if err := os.WriteFile(filepath.Join(dir, "run.yaml"), []byte(text), 0o666); err != nil {
		return m, err
	}
	words := strings.Fields(strings.ReplaceAll(s.launch, "{ranks}", strconv.Itoa(ranks)))
	words = append(words, s.program, "--quiet", "--config", filepath.Join(dir, "run.yaml"))
	if b, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		return m, fmt.Errorf("%v: %w\n%s", words, err, b)
	}
	var began, ended int64 // Unix time in microseconds
	for e, err := range journal.Read(filepath.Join(dir, "run"), 0) {
		if err != nil {
			return m, err
		}
		switch e := e.Event.(type) {
		case l2l.Begun:
			began = e.At
		case l2l.Result:
			m.busy += e.Seconds
		case l2l.Stopped:
			ended = e.At
		}
	}
	if ended <= began {
		return m, fmt.Errorf("%s: the journal of the run has no end", dir)
	}
	m.seconds = float64(ended-began) / 1e6
	m.busy /= m.seconds * float64(ranks-1)
	return m, nil
}

// picture draws the efficiency over the slots, a line for each model and kind.
func picture(file string, to io.Writer) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	series := map[string]plotter.XYs{}
	var names []string
	for in := bufio.NewScanner(bytes.NewReader(b)); in.Scan(); {
		var l struct {
			Scaling, Model string
			Slots          int
			Efficiency     float64
		}
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := l.Scaling + ", " + l.Model
		if series[name] == nil {
			names = append(names, name)
		}
		series[name] = append(series[name], plotter.XY{X: float64(l.Slots), Y: l.Efficiency})
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: it has no lines", file)
	}
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text, p.Y.Min, p.Legend.Top = "slots", "parallel efficiency", 0, false
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{}
	colours := []color.Color{color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255}}
	for i, name := range names {
		line, points, err := plotter.NewLinePoints(series[name])
		if err != nil {
			return err
		}
		line.Color, points.Color = colours[i%len(colours)], colours[i%len(colours)]
		if i >= len(colours) {
			line.Dashes = []vg.Length{4, 3}
		}
		p.Add(line, points)
		p.Legend.Add(name, line, points)
	}
	svg, err := p.WriterTo(14*vg.Centimeter, 9*vg.Centimeter, "svg")
	if err == nil {
		_, err = svg.WriteTo(to)
	}
	return err
}
