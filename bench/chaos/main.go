// Command chaos asks: is a run lost, whatever happens to its processes? It starts runs, disturbs them at random moments in every way that it
// knows, resumes them, and looks afterwards whether
//
//   - every individual was evaluated once, by the journal, and the replay of the journal holds;
//   - the trajectory is that of an undisturbed run, where the optimizer has generations;
//   - no process and no directory is left over.
//
// A cycle is a run that is disturbed and resumed some times, and then left alone to its end; with -beside, some go on at a time, as they mostly
// wait. What was disturbed, how often, and with which exit codes the launcher answered is printed as a table; an interrupt ends the program with
// that, after the present cycles. The exit code is 1 if anything was lost.
//
//	go run ./bench/chaos -cycles 40
//	go run ./bench/chaos -cycles 2000 -mpis "mpicc.openmpi:mpirun.openmpi mpicc.mpich:mpirun.mpich"
package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	cycles := flag.Int("cycles", 40, "runs that are disturbed and brought to their end")
	beside := flag.Int("beside", 1, "cycles that go on at a time")
	seed := flag.Uint64("seed", 1, "of all randomness of the program itself")
	mpis := flag.String("mpis", "", `MPIs beside goroutines, each "WRAPPER:LAUNCHER"`)
	only := flag.String("only", "", "only setups whose names match this regular expression")
	verbose := flag.Bool("v", false, "tell each cycle")
	flag.Parse()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // so that what is started does not ignore it, even where this program does, by nohup
	if err := run(*cycles, *beside, *seed, strings.Fields(*mpis), *only, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// evaluations of each run: so many that it outlives most disturbances.
const evaluations = 400

// models are sections of configurations. Each evaluation takes some milliseconds.
var models = []struct{ name, text string }{
	{"in Go", "{type: function, name: rosenbrock, dim: 3, delay: 4ms, delay_spread: 0.5}"},
	{"worker", `{type: process, command: [python3, model.py], dir: %s, parameters: {x: {size: 3, lower: -2, upper: 2}}, objectives: {value: minimise}, env: {PYTHONPATH: %s}}`},
	{"oneshot", `{type: process, mode: oneshot, command: [sh, model.sh, "{x}"], dir: %s, files: [model.sh], parameters: {x: {lower: -2, upper: 2}}, objectives: {value: minimise}}`},
}

const modelPy = `import time
from l2l_optimizee import serve

def evaluate(params, seed, instance):
    time.sleep(0.004)
    return sum(x * x for x in params["x"])

serve(evaluate)
`

// The script leaves a child behind while it runs, which has to be gone when its evaluation is over.
const modelSh = `sleep 60 &
sleep 0.01
awk "BEGIN { print ($1) * ($1) }"
kill $!
`

// optimizers, and whether their trajectory depends on who finishes first.
var optimizers = []struct {
	name         string
	asynchronous bool
}{{"cmaes", false}, {"genetic", false}, {"lshade", false}, {"cmaes_async", true}, {"de_async", true}}

// setup is a way to run.
type setup struct {
	launch    []string // what comes before the program; empty for goroutines
	program   string
	ranks     int
	model     int
	optimizer int
	schedule  string
}

func (s *setup) name() string {
	launcher := "goroutines"
	if len(s.launch) > 0 {
		launcher = filepath.Base(s.launch[0])
	}
	return fmt.Sprintf("%s %s %s %s", launcher, optimizers[s.optimizer].name, models[s.model].name, s.schedule)
}

func run(cycles, beside int, seed uint64, mpis []string, only string, verbose bool) error {
	dir, err := os.MkdirTemp("", "l2l-chaos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	setups, err := prepare(dir, mpis)
	if err != nil {
		return err
	}
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	setups = slices.DeleteFunc(setups, func(s setup) bool { return !wanted.MatchString(s.name()) })
	if len(setups) == 0 {
		return fmt.Errorf("-only: no setup has a name that matches %q", only)
	}
	fmt.Printf("%s\n%s, %d cores, %s; %d setups\n", strings.Join(os.Args, " "), time.Now().Format("2006-01-02"), runtime.NumCPU(), runtime.Version(), len(setups))
	all := &books{undisturbed: map[string]string{}, told: tally{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM) // after the present cycles, and with the table
	var lost []string
	places, n := make(chan bool, max(beside, 1)), 0
	var under sync.WaitGroup
	for ; n < cycles; n++ {
		if places <- true; len(ended) > 0 {
			break
		}
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		c := &cycle{setup: setups[rng.IntN(len(setups))], dir: filepath.Join(dir, fmt.Sprint(n)), number: n, rng: rng, all: all}
		under.Go(func() {
			defer func() { <-places }()
			err := errors.Join(c.run(), os.RemoveAll(c.dir))
			all.mu.Lock()
			defer all.mu.Unlock()
			line := fmt.Sprintf("cycle %d, %s, %v: %s", c.number, c.name(), c.did, said(err))
			if verbose || err != nil {
				fmt.Println(line)
			}
			if err != nil {
				lost = append(lost, line)
			}
		})
	}
	under.Wait()
	all.told.print()
	fmt.Printf("%d cycles, %d with something lost\n", n, len(lost))
	if len(lost) > 0 { // once more, for whoever sees only the end of this
		return fmt.Errorf("%d of %d cycles lost something:\n%s", len(lost), n, strings.Join(lost, "\n"))
	}
	return nil
}

func said(err error) string {
	if err == nil {
		return "nothing lost"
	}
	return err.Error()
}

// prepare builds the program for goroutines and for each MPI, and writes the models.
func prepare(dir string, mpis []string) ([]setup, error) {
	python, err := filepath.Abs("optimizee/process/python/src")
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"model.py": modelPy, "model.sh": modelSh} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			return nil, err
		}
	}
	models[1].text = fmt.Sprintf(models[1].text, dir, python)
	models[2].text = fmt.Sprintf(models[2].text, dir)
	build := func(name string, command ...string) (string, error) {
		program := filepath.Join(dir, name)
		out, err := exec.Command(command[0], append(command[1:], "-o", program, "./cmd/l2l-mpi")...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%v: %w\n%s", command, err, out)
		}
		return program, nil
	}
	alone, err := build("l2l-mpi-alone", "go", "build")
	if err != nil {
		return nil, err
	}
	var all []setup
	add := func(s setup) {
		for s.model = range models {
			for s.optimizer = range optimizers {
				all = append(all, s)
			}
		}
	}
	add(setup{program: alone, ranks: 1, schedule: "pull"})
	for _, m := range mpis {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		program, err := build("l2l-mpi-"+mpicc, "go", "run", "./mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		if err != nil {
			return nil, err
		}
		launch := []string{mpirun}
		if exec.Command(mpicc, "--showme:version").Run() == nil { // Open MPI
			if launch = append(launch, "--oversubscribe"); os.Getuid() == 0 {
				launch = append(launch, "--allow-run-as-root")
			}
		}
		for _, schedule := range []string{"pull", "collective"} {
			add(setup{launch: append(launch, "-n", "4"), program: program, ranks: 4, schedule: schedule})
		}
	}
	return all, nil
}

// books are what all cycles know and tell.
type books struct {
	mu          sync.Mutex
	undisturbed map[string]string // trajectories, by what was searched and how
	told        tally
}

// count counts an exit code.
func (b *books) count(what string, code int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.told[what] == nil {
		b.told[what] = map[int]int{}
	}
	b.told[what][code]++
}

// tally are exit codes by what was done.
type tally map[string]map[int]int

func (t tally) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "done to\ttimes\texit codes of the launcher: times")
	for _, what := range slices.Sorted(maps.Keys(t)) {
		n, codes := 0, ""
		for _, code := range slices.Sorted(maps.Keys(t[what])) {
			n += t[what][code]
			codes += fmt.Sprintf("%d: %d  ", code, t[what][code])
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", what, n, codes)
	}
	_ = w.Flush()
}
