// Command bounds asks: what do bounds cost? It runs CMA-ES and pycma on losses whose optimum lies on bounds, or whose samples leave the box, and
// prints the average numbers of evaluations to the targets (aRT) beside each other, or the best losses after a number of evaluations.
//
//	python3 -m venv pycma && pycma/bin/pip install cma coco-experiment
//	go run ./bench/bounds -python pycma/bin/python [-trials 15] [-rows 'sphere|ellipsoid'] [-seed 1]
//
// An instance, which its trial's number and the seed determine, is the same for all algorithms: where the optimum lies, and the rotation. Every
// search begins at a random point of the middle 80 % of the box [-5, 5]^n with step size 2, and starts again when it has converged.
package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/bench/internal/pycma"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
)

// bounds are the parameter of cmaes.
var bounds string

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bounds:", err)
		os.Exit(1)
	}
}

// search is an algorithm that is compared: it calls loss, which says when it is enough.
type search struct {
	name string
	run  func(r row, seed uint64, loss func(x []float64) (value float64, enough bool)) error
}

func run() error {
	python := flag.String("python", "", "Python with the packages cma and coco-experiment; none: without pycma")
	trials := flag.Int("trials", 15, "trials, each on an instance of its own; a third of it where there are more than 100 dimensions")
	rows := flag.String("rows", "", "regular expression that the names of rows have")
	seed := flag.Uint64("seed", 1, "another seed is other instances")
	flag.StringVar(&bounds, "bounds", "", "cmaes' bounds: adaptive, penalised or projected; none: its default")
	flag.Parse()
	named, err := regexp.Compile(*rows)
	if err != nil {
		return err
	}
	var worker *pycma.Worker
	version := "without pycma"
	if *python != "" {
		if worker, err = pycma.Start(*python, 1); err != nil {
			return err
		}
		defer worker.Close()
		if version, err = worker.Version(); err != nil {
			return err
		}
	}
	fmt.Printf("%s\n%s, %s, %s\n\n", strings.Join(os.Args, " "), runtime.Version(), version, time.Now().Format("2006-01-02"))
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range allRows {
		if !named.MatchString(r.String()) {
			continue
		}
		searches := []search{ours(r.covariance, true)}
		if r.unbounded {
			searches = append(searches, ours(r.covariance, false))
		}
		if worker != nil && r.pycma {
			searches = append(searches, theirs(worker))
		}
		count := *trials
		if r.dim > 100 {
			count = max(1, count/3)
		}
		for _, s := range searches {
			spent, reached := make([]int, len(r.targets)), make([]int, len(r.targets))
			lowest := make([]float64, count)
			for trial := range count {
				if lowest[trial], err = r.try(s, *seed, trial, spent, reached); err != nil {
					return fmt.Errorf("%s: %s: %w", r, s.name, err)
				}
			}
			fmt.Fprintf(table, "%s\t%s", r, s.name)
			if len(r.targets) == 0 {
				slices.Sort(lowest)
				fmt.Fprintf(table, "\tafter %d: %.3g (median of %d)", r.budget, lowest[count/2], count)
			}
			for i, target := range r.targets {
				art := "-"
				if reached[i] > 0 {
					art = fmt.Sprint(spent[i] / reached[i])
				}
				fmt.Fprintf(table, "\tto %g: %s (%d/%d)", target, art, reached[i], count)
			}
			fmt.Fprintln(table)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// try adds a trial's evaluations to spent, counts the targets that it has reached, and returns its best loss above the best value in the box.
func (r row) try(s search, seed uint64, trial int, spent, reached []int) (lowest float64, err error) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s, seed %d, trial %d", r, seed, trial)
	rng := rand.New(rand.NewPCG(h.Sum64(), 0))
	f, best := r.instance(r.dim, rng)
	used, next := 0, 0
	enough := func() bool { return used == r.budget || next == len(r.targets) && next > 0 }
	lowest = math.Inf(1)
	err = s.run(r, rng.Uint64(), func(x []float64) (float64, bool) {
		v := f(x)
		if enough() {
			return v, true
		}
		used++
		lowest = min(lowest, v-best)
		for next < len(r.targets) && v-best <= r.targets[next] {
			spent[next] += used
			reached[next]++
			next++
		}
		return v, enough()
	})
	for i := next; i < len(r.targets); i++ {
		spent[i] += used
	}
	return lowest, err
}

// ours is cmaes, with bounds or without.
func ours(covariance string, bounded bool) search {
	name := "cmaes"
	if covariance != "" {
		name += ", " + covariance
	}
	if !bounded {
		name += ", without bounds"
	}
	return search{name, func(r row, seed uint64, loss func(x []float64) (float64, bool)) error {
		problem := optimizer.Box(r.dim, -half, half)
		if !bounded {
			problem = free(problem, rand.New(rand.NewPCG(seed, 1)))
		}
		par := cmaes.Defaults()
		par.Covariance, par.Bounds = covariance, bounds
		o, err := cmaes.New(problem, par, seed)
		if err != nil {
			return err
		}
		for enough := false; !enough; {
			asked, err := o.Ask(0)
			if err != nil || len(asked) == 0 {
				return err
			}
			told := make([]optimizer.Evaluated, len(asked))
			for i, c := range asked {
				var v float64
				v, enough = loss(c.X)
				told[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{v}}
			}
			if err := o.Tell(told); err != nil {
				return err
			}
		}
		return nil
	}}
}

// theirs is pycma with bounds, separable where ours has no full covariance.
func theirs(w *pycma.Worker) search {
	return search{"pycma", func(r row, seed uint64, loss func(x []float64) (float64, bool)) error {
		rng := rand.New(rand.NewPCG(seed, 1))
		for enough := false; !enough; {
			options := map[string]any{"bounds": []float64{-half, half}, "maxfevals": r.budget + 1}
			if r.covariance != "" {
				options["CMA_diagonal"] = true
			}
			if err := w.Begin(start(r.dim, rng), 0.2*2*half, rng.Uint32(), options); err != nil {
				return err
			}
			for stop := ""; stop == "" && !enough; {
				points, err := w.Ask()
				if err != nil {
					return err
				}
				losses := make([]float64, len(points))
				for i, x := range points {
					losses[i], enough = loss(x)
				}
				if stop, err = w.Tell(losses); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}
