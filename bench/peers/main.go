// Command peers asks: how many evaluations of a null function a second do other programs bring to ranks and back, and how many does this one? In one
// run, in turn: package dispatch, the same pattern written by hand in C, mpi4py.futures, libEnsemble and Propulate on as many ranks of one MPI, one
// by one and in chunks; and generations a second beside l2lforhpc, the L2L in Python, whose workers are processes that read files.
//
//	go run ./bench/peers -venv DIR [-install] [-mpi WRAPPER:LAUNCHER] [-ranks 2] [-dims 10] [-seconds 2] [-repeat 5] [-only NAME,NAME] [-json FILE]
//
// Run it in the root of the repository. -install makes the environment of Python with the peers, from PyPI, built with that MPI. One by one means one
// evaluation in a message, and one under way for each worker; in chunks, as many as each program has by itself (C and this one: up to 512), or 64 of
// mpi4py.futures and libEnsemble. Propulate has neither manager nor chunks: all ranks evaluate, and tell each other. Of a run of l2lforhpc the time
// from the end of the first generation to that of the last counts; beside it is a random search of as many individuals, with its journal on disk.
package main

import (
	"bytes"
	_ "embed"
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

	"github.com/meta-optimization/l2l-mpi/bench/internal/lines"
)

//go:embed peers.py
var script []byte

// packages are the peers, by their names in PyPI. Those of the second call need not all that they ask for: l2lforhpc wants what builds its manual.
var packages = [][]string{
	{"mpi4py==4.1.2", "propulate==1.2.2", "libensemble==1.6.1", "numpy", "scipy", "deap", "pyyaml"},
	{"--no-deps", "l2lforhpc==2.0.0b0"},
}

// bench is what is measured, and how.
type bench struct {
	venv          string
	mpicc, mpirun string
	ranks, dims   int
	seconds       float64
	repeat        int
	only          []string

	dir string // of the programs
}

// individuals of a generation, and chunk, evaluations that travel together.
const (
	individuals = 8
	chunk       = 64
)

// contender is one way to evaluate, with the command that prints its rate.
type contender struct {
	name, pattern string
	argv          []string
	each          int // what it prints counts so many evaluations as one; 0: 1
	rates         []float64
}

func main() {
	var b bench
	flag.StringVar(&b.venv, "venv", "", "`directory` of an environment of Python with the peers; \"\": without those in Python")
	install := flag.Bool("install", false, "make that environment")
	mpi := flag.String("mpi", "mpicc.openmpi:mpirun.openmpi", "the MPI, `WRAPPER:LAUNCHER`; the environment's mpi4py must be built with it")
	flag.IntVar(&b.ranks, "ranks", 2, "ranks, at least 2")
	flag.IntVar(&b.dims, "dims", 10, "coordinates of an individual")
	flag.Float64Var(&b.seconds, "seconds", 2, "of each measurement")
	flag.IntVar(&b.repeat, "repeat", 5, "measurements, of which the median is shown")
	only := flag.String("only", "", "`names`, separated by commas, of those that are measured; \"\": all")
	file := flag.String("json", "", "`file` that JSON lines are appended to")
	flag.Parse()
	b.mpicc, b.mpirun, _ = strings.Cut(*mpi, ":")
	if *only != "" {
		b.only = strings.Split(*only, ",")
	}
	err := b.check(*install)
	if err == nil && *install {
		err = b.install()
	}
	if err == nil {
		err = b.run(*file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/peers:", err)
		os.Exit(1)
	}
}

func (b *bench) check(install bool) error {
	switch {
	case b.mpirun == "":
		return fmt.Errorf("-mpi %s: want WRAPPER:LAUNCHER", b.mpicc)
	case b.ranks < 2:
		return fmt.Errorf("-ranks %d: want at least 2, as one only manages", b.ranks)
	case b.dims < 1 || b.repeat < 1 || b.seconds <= 0:
		return errors.New("-dims, -repeat, -seconds: want numbers above 0")
	case install && b.venv == "":
		return errors.New("-install: want the directory, by -venv")
	}
	return nil
}

func (b *bench) install() error {
	if err := command(nil, "python3", "-m", "venv", b.venv); err != nil {
		return err
	}
	for _, p := range packages {
		if err := command([]string{"MPICC=" + b.mpicc}, append([]string{b.python(), "-m", "pip", "install", "--quiet"}, p...)...); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) python() string { return filepath.Join(b.venv, "bin", "python") }

// run measures all contenders in turn, so that all see the same machine, and prints their medians.
func (b *bench) run(file string) (err error) {
	if b.dir, err = os.MkdirTemp("", "bench-peers-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	contenders, err := b.contenders()
	if err != nil {
		return err
	}
	out, err := lines.Open(file, "go run ./bench/peers "+strings.Join(os.Args[1:], " "), map[string]string{"mpi": b.mpirun})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	load, _ := os.ReadFile("/proc/loadavg") // Linux alone has it
	fmt.Printf("go run ./bench/peers %s    # %s, %d CPUs, %s, load %s", strings.Join(os.Args[1:], " "), time.Now().Format(time.DateOnly),
		runtime.NumCPU(), runtime.Version(), load)
	for range b.repeat {
		for _, c := range contenders {
			rate, err := rateOf(c.argv)
			if err != nil {
				return err
			}
			c.rates = append(c.rates, rate/float64(max(c.each, 1)))
		}
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "per second\twhat\tmedian\tlowest\thighest\truns\tl2l-mpi is so many times that")
	for _, c := range contenders {
		median := medianOf(c.rates)
		times := ""
		for _, ours := range contenders {
			if ours.name == "l2l-mpi" && ours.pattern == c.pattern && ours != c {
				times = fmt.Sprintf("%.3g", medianOf(ours.rates)/median)
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%.5g\t%.5g\t%.5g\t%d\t%s\n", c.pattern, c.name, median, c.rates[0], c.rates[len(c.rates)-1], len(c.rates), times)
		if err := out.Write(map[string]any{
			"peer": c.name, "pattern": c.pattern, "per_second": c.rates, "median": median, "ranks": b.ranks, "dims": b.dims,
			"load": strings.TrimSpace(string(load)),
		}); err != nil {
			return err
		}
	}
	return t.Flush()
}

// contenders builds the programs. Of each pattern, l2l-mpi comes first.
func (b *bench) contenders() ([]*contender, error) {
	ours, inC, inPython := filepath.Join(b.dir, "ranks"), filepath.Join(b.dir, "baseline"), filepath.Join(b.dir, "peers.py")
	if err := command(nil, "go", "run", "./mpi/mpienv", b.mpicc, "go", "build", "-tags", "mpi", "-o", ours, "./bench/dispatch/ranks"); err != nil {
		return nil, err
	}
	if err := command(nil, b.mpicc, "-O2", "-o", inC, "bench/dispatch/baseline/baseline.c"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(inPython, script, 0o666); err != nil {
		return nil, err
	}
	const one, many, generations = "evaluations, one by one", "evaluations, in chunks", "generations"
	var all []*contender
	dispatched := func(name, pattern, program, mode string, count int) {
		argv := b.launch(program, mode, strconv.Itoa(b.dims), strconv.Itoa(count), fmt.Sprint(b.seconds))
		all = append(all, &contender{name: name, pattern: pattern, argv: argv})
	}
	python := func(name, pattern, function string, chunk int) {
		if b.venv != "" {
			argv := b.launch(b.python(), inPython, function, strconv.Itoa(b.dims), strconv.Itoa(chunk), fmt.Sprint(b.seconds))
			all = append(all, &contender{name: name, pattern: pattern, argv: argv})
		}
	}
	dispatched("l2l-mpi", one, ours, "one", 1)
	dispatched("C", one, inC, "one", 4096)
	python("mpi4py.futures", one, "futures", 1)
	python("libEnsemble", one, "libensemble", 1)
	python("Propulate", one, "propulate", 1)
	dispatched("l2l-mpi", many, ours, "pull", 4096)
	dispatched("C", many, inC, "pull", 4096)
	python("mpi4py.futures", many, "futures", chunk)
	python("libEnsemble", many, "libensemble", chunk)
	dispatched("l2l-mpi", generations, ours, "loop", individuals)
	all[len(all)-1].each = individuals
	if b.venv != "" { // two generations of it take half a minute
		argv := []string{b.python(), inPython, "l2lforhpc", strconv.Itoa(b.dims), strconv.Itoa(individuals), "3"}
		all = append(all, &contender{name: "l2lforhpc", pattern: generations, argv: argv})
	}
	if b.only != nil {
		all = slices.DeleteFunc(all, func(c *contender) bool { return !slices.Contains(b.only, c.name) })
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("-only %s: nothing has that name", strings.Join(b.only, ","))
	}
	return all, nil
}

// launch is the command that starts the ranks.
func (b *bench) launch(program ...string) []string {
	argv := []string{b.mpirun}
	if exec.Command(b.mpicc, "--showme:version").Run() == nil { // Open MPI
		argv = append(argv, "--oversubscribe")
		if os.Getuid() == 0 {
			argv = append(argv, "--allow-run-as-root")
		}
	}
	return append(append(argv, "-n", strconv.Itoa(b.ranks)), program...)
}

// medianOf sorts rates.
func medianOf(rates []float64) float64 {
	slices.Sort(rates)
	return rates[len(rates)/2]
}

// rateOf is what a contender prints.
func rateOf(argv []string) (float64, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", argv, err, &stderr)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func command(env []string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", argv, err, out)
	}
	return nil
}
