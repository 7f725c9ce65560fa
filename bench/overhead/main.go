// Command overhead asks: what does an optimizer take of the time and memory, besides the evaluations? It prints the time that CMA-ES spends per
// evaluation in Ask and Tell beside what pycma spends in ask and tell, in the same run on the same function, and what a generation of 98
// individuals costs in spaces of tens of thousands of parameters and more.
//
//	python3 -m venv /tmp/pycma && /tmp/pycma/bin/pip install cma coco-experiment
//	go run ./bench/overhead -python /tmp/pycma/bin/python [-output bench/results/overhead.json]
//
// Without -python pycma is left out. Times are those of the processor, garbage collection included, so that they do not depend on what else the
// machine does; of several rounds, in which both take turns, the shortest counts. Both compute with one thread.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/bench/internal/pycma"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
	"github.com/meta-optimization/l2l-mpi/optimizer/nes"
)

// small is a comparison with pycma; times are in µs per evaluation.
type small struct {
	Dim   int     `json:"dim"`
	Ours  float64 `json:"ours_us"`
	Pycma float64 `json:"pycma_us,omitempty"`
	Ratio float64 `json:"ratio,omitempty"` // Pycma / Ours
}

// large is what a generation costs in a large space.
type large struct {
	Algorithm   string  `json:"algorithm"`
	Dim         int     `json:"dim"`
	Individuals int     `json:"individuals"`
	Ms          float64 `json:"ms"` // a generation's Ask and Tell
	MB          float64 `json:"mb"` // of the heap, at most, the individuals and the state included
}

func main() {
	python := flag.String("python", "", "an interpreter that has the packages cma and coco-experiment")
	rounds := flag.Int("rounds", 5, "measurements, of which the shortest counts")
	output := flag.String("output", "", "where to write the results as JSON")
	flag.Parse()
	if err := run(*python, *rounds, *output); err != nil {
		fmt.Fprintln(os.Stderr, "bench/overhead:", err)
		os.Exit(1)
	}
}

func run(python string, rounds int, output string) error {
	out := map[string]any{
		"command": fmt.Sprintf("go run ./bench/overhead -python PYTHON -rounds %d", rounds), "date": time.Now().Format(time.DateOnly),
		"machine": fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()), "go": runtime.Version(),
	}
	var worker *pycma.Worker
	if python != "" {
		var err error
		if worker, err = pycma.Start(python, 1); err != nil {
			return err
		}
		defer worker.Close()
		if out["pycma"], err = worker.Version(); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "dimensions\tcmaes, µs per evaluation\tpycma\tratio\t")
	var beside []small
	for _, dim := range []int{10, 40, 100} {
		s, err := compare(dim, rounds, worker)
		if err != nil {
			return fmt.Errorf("%d dimensions: %w", dim, err)
		}
		beside = append(beside, s)
		fmt.Fprintf(t, "%d\t%.2f\t%.2f\t%.1f\t\n", s.Dim, s.Ours, s.Pycma, s.Ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Println()
	fmt.Fprintln(t, "algorithm\tdimensions\tindividuals\tms per generation\tMB at most\t")
	var alone []large
	for _, c := range []struct {
		algorithm string
		dim       int
		make      func(optimizer.Problem) (optimizer.Optimizer, error)
	}{
		{"cmaes, covariance: diagonal", 28_800, cmaesWith("diagonal")},
		{"cmaes, covariance: low_rank", 28_800, cmaesWith("low_rank")},
		{"snes", 28_800, func(p optimizer.Problem) (optimizer.Optimizer, error) {
			par := nes.SNESDefaults()
			par.PopSize = 98
			return nes.NewSNES(p, par, 1)
		}},
		{"evolution_strategies", 28_800, evolutionStrategies},
		{"evolution_strategies", 1_000_000, evolutionStrategies},
	} {
		l := large{Algorithm: c.algorithm, Dim: c.dim}
		o, err := c.make(optimizer.Box(c.dim, -5, 5))
		if err == nil {
			err = l.measure(o, rounds)
		}
		if err != nil {
			return fmt.Errorf("%s, %d dimensions: %w", c.algorithm, c.dim, err)
		}
		alone = append(alone, l)
		fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\t%.0f\t\n", l.Algorithm, l.Dim, l.Individuals, l.Ms, l.MB)
	}
	if err := t.Flush(); err != nil || output == "" {
		return err
	}
	out["beside_pycma"], out["large"] = beside, alone
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(output, append(b, '\n'), 0o644)
}

func cmaesWith(covariance string) func(optimizer.Problem) (optimizer.Optimizer, error) {
	return func(p optimizer.Problem) (optimizer.Optimizer, error) {
		par := cmaes.Defaults()
		par.PopSize, par.Covariance = 98, covariance
		return cmaes.New(p, par, 1)
	}
}

func evolutionStrategies(p optimizer.Problem) (optimizer.Optimizer, error) {
	par := nes.ESDefaults()
	par.PopSize, par.EvaluateCentre = 98, false
	return nes.NewES(p, par, 1)
}

// compare measures a search of both on the Rosenbrock function, from a random point to its convergence or as many evaluations as show
// what most of them cost.
func compare(dim, rounds int, worker *pycma.Worker) (small, error) {
	budget := 200 * dim
	s := small{Dim: dim, Ours: math.Inf(1)}
	for round := range rounds {
		par := cmaes.Defaults()
		par.Restarts = "none"
		o, err := cmaes.New(optimizer.Box(dim, -5, 5), par, uint64(round))
		if err != nil {
			return s, err
		}
		evaluations, sum := 0, time.Duration(0)
		for evaluations < budget && o.Status().Stop == "" {
			n, took, err := generation(o, rosenbrock, func() {})
			if err != nil {
				return s, err
			}
			evaluations, sum = evaluations+n, sum+took
		}
		s.Ours = min(s.Ours, sum.Seconds()*1e6/float64(evaluations))
		if worker == nil {
			continue
		}
		a, err := worker.Run(pycma.Request{Do: "overhead", Dim: dim, Budget: budget, Seed: uint32(round)})
		if err != nil {
			return s, err
		}
		if us := a.Seconds * 1e6 / float64(a.Evaluations); s.Pycma == 0 || us < s.Pycma {
			s.Pycma = us
		}
	}
	s.Ratio = s.Pycma / s.Ours
	return s, nil
}

// measure fills in what a generation of the optimizer costs.
func (l *large) measure(o optimizer.Optimizer, rounds int) error {
	l.Ms = math.Inf(1)
	for range rounds {
		var heap runtime.MemStats
		n, took, err := generation(o, sphere, func() {
			runtime.ReadMemStats(&heap)
			l.MB = max(l.MB, float64(heap.HeapAlloc)/1e6)
		})
		if err != nil {
			return err
		}
		l.Individuals, l.Ms = n, min(l.Ms, took.Seconds()*1e3)
	}
	return nil
}

// generation asks and tells once. It returns the number of individuals and the time of both calls; look is called after each.
func generation(o optimizer.Optimizer, loss func([]float64) float64, look func()) (individuals int, took time.Duration, err error) {
	began := spent()
	candidates, err := o.Ask(0)
	took = spent() - began
	if err != nil {
		return 0, took, err
	}
	look()
	results := make([]optimizer.Evaluated, len(candidates))
	for i, c := range candidates {
		results[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{loss(c.X)}}
	}
	began = spent()
	err = o.Tell(results)
	took += spent() - began
	look()
	return len(candidates), took, err
}

// spent is the processor's time that this process has had.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func rosenbrock(x []float64) (sum float64) {
	for i, v := range x[:len(x)-1] {
		sum += 100*(x[i+1]-v*v)*(x[i+1]-v*v) + (1-v)*(1-v)
	}
	return sum
}

func sphere(x []float64) (sum float64) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}
