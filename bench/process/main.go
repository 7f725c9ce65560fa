// Command process asks: what does an evaluation by a program cost, beyond the program's own time? It calls a function in Python directly, and
// through a worker, in turn, with the package l2l_optimizee, with and without msgpack and numpy, and in JSON without a library; and it starts a
// small program for each evaluation.
//
//	go run ./bench/process [-python .venv/bin/python] [-calls 2000] [-repeat 5]
//
// Run it in the root of the repository, best with an interpreter that has msgpack and numpy.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/process"
)

func main() {
	python := flag.String("python", "python3", "the interpreter")
	calls := flag.Int("calls", 2000, "evaluations of each measurement, of which the median counts")
	repeat := flag.Int("repeat", 5, "measurements, of which the median is shown")
	flag.Parse()
	if err := run(*python, *calls, *repeat); err != nil {
		fmt.Fprintln(os.Stderr, "bench/process:", err)
		os.Exit(1)
	}
}

func run(python string, calls, repeat int) error {
	if strings.Contains(python, "/") {
		var err error
		if python, err = filepath.Abs(python); err != nil {
			return err
		}
	}
	source, err := filepath.Abs("optimizee/process/python/src")
	if err != nil {
		return err
	}
	blocked, err := os.MkdirTemp("", "bench-process-") // where modules are found before those that are installed
	if err != nil {
		return err
	}
	defer os.RemoveAll(blocked)
	for _, module := range []string{"msgpack.py", "numpy.py"} {
		if err := os.WriteFile(filepath.Join(blocked, module), []byte("raise ImportError\n"), 0o666); err != nil {
			return err
		}
	}
	version, err := exec.Command(python, "-c", "import platform; print('Python', platform.python_version())").Output()
	if err != nil {
		return fmt.Errorf("%s: %w", python, err)
	}
	fmt.Printf("%s, %d CPUs, %s, %s", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.Version(), version)
	fmt.Printf("µs per evaluation of a function that does nothing; medians of %d, the median of %d of them\n", calls, repeat)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "parameters\tworker\tcalled directly\tby the worker\toverhead\t")
	ways := []way{
		{"l2l_optimizee alone", "bench/process/model.py", blocked + ":" + source},
		{"JSON, no library", "optimizee/process/testdata/json_worker.py", blocked + ":" + source},
	}
	if exec.Command(python, "-c", "import msgpack, numpy").Run() == nil {
		ways = append([]way{{"l2l_optimizee, msgpack, numpy", "bench/process/model.py", source}}, ways...)
	} else {
		fmt.Println("this Python has no msgpack and no numpy; one with them does better")
	}
	for _, dims := range []int{1, 10, 1000} {
		for _, way := range ways {
			w, err := worker(python, way, dims)
			if err != nil {
				return err
			}
			var direct, through []float64
			for range repeat { // in turn, so that both see the same machine
				a, err1 := callDirectly(python, way, calls, dims)
				b, err2 := evaluate(w, calls)
				if err := errors.Join(err1, err2); err != nil {
					return err
				}
				direct, through = append(direct, a), append(through, b)
			}
			if err := w.Close(); err != nil {
				return err
			}
			shape := strconv.Itoa(dims)
			if dims >= 100 {
				shape = "a vector of " + shape
			}
			fmt.Fprintf(t, "%s\t%s\t%.1f\t%.0f\t%.0f\t\n", shape, way.name, median(direct), median(through), median(through)-median(direct))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Println("µs per evaluation of a program that is started for each")
	for _, command := range []child.Words{{"sh", "-c", "echo 1"}, {python, "-c", "print(1)"}} {
		p := newProcess(1)
		p.Mode, p.Command = "oneshot", command
		if err := p.Open(); err != nil {
			return err
		}
		var times []float64
		for range repeat {
			x, err := evaluate(p, max(calls/100, 5))
			if err != nil {
				return err
			}
			times = append(times, x)
		}
		fmt.Printf("  %.0f  %s\n", median(times), strings.Join(append(child.Words{filepath.Base(command[0])}, command[1:]...), " "))
	}
	return nil
}

// way is a way to write a worker.
type way struct{ name, script, path string }

// newProcess has dims parameters, from a hundred on as one vector.
func newProcess(dims int) *process.Process {
	p := process.New()
	one := 1.0
	p.Parameters = schema.Map[process.Parameter]{{Key: "x", Value: process.Parameter{Lower: new(float64), Upper: &one, Size: dims}}}
	if dims < 100 {
		p.Parameters = nil
		for i := range dims {
			*p.Parameters.Append("x" + strconv.Itoa(i)).(*process.Parameter) = process.Parameter{Lower: new(float64), Upper: &one}
		}
	}
	p.Config.Objectives = schema.Map[process.Objective]{{Key: "value", Value: process.Objective{Direction: "minimise"}}}
	return p
}

// worker starts the model as a worker.
func worker(python string, w way, dims int) (*process.Process, error) {
	p := newProcess(dims)
	p.Command, p.Env = child.Words{python, w.script}, map[string]string{"PYTHONPATH": w.path}
	if err := p.Open(); err != nil {
		return nil, err
	}
	return p, p.Prepare(context.Background())
}

// evaluate returns the median time of an evaluation, in µs.
func evaluate(p *process.Process, calls int) (float64, error) {
	x := make([]float64, p.Space().Dim())
	for i := range x {
		x[i] = 1 / float64(i+3)
	}
	params, err := p.Space().Decode(x)
	if err != nil {
		return 0, err
	}
	times := make([]float64, calls)
	for i := range times {
		began := time.Now()
		if _, err := p.Evaluate(context.Background(), optimizee.Evaluation{Params: params, Seed: uint64(i)}); err != nil {
			return 0, err
		}
		times[i] = float64(time.Since(began)) / float64(time.Microsecond)
	}
	return median(times), nil
}

func callDirectly(python string, w way, calls, dims int) (float64, error) {
	cmd := exec.Command(python, "bench/process/model.py", "--direct", strconv.Itoa(calls), strconv.Itoa(dims))
	cmd.Env = append(cmd.Environ(), "PYTHONPATH="+w.path)
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}
