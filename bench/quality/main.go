// Command quality answers: how many evaluations does an algorithm need? It runs algorithms of the catalogue, and pycma, on functions of the BBOB
// test bed and prints the average running time (aRT) to the target beside published figures.
//
//	go run ./bench/quality -functions 1,8,10,15 -dims 5,10 cmaes 'cmaes{restarts: none, pop_size: 32}' lshade
//	go run ./bench/quality -python pycma/bin/python cmaes pycma
//	mpirun -n 64 ./quality …      (built with -tags mpi): the trials are split over the ranks
//
// A trial is a run on an instance, of which evaluations to the target are counted. aRT is the number of evaluations of all trials, those that
// do not reach the target included, divided by the number of trials that do. Trials are sequential and reproducible: the
// seed is a hash of function, dimension, instance and the trial's number on that instance.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

func main() {
	comm, err := mpi.World()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := run(comm); err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		if comm.Size() > 1 {
			comm.Abort(1)
		}
		os.Exit(1)
	}
}

func run(comm mpi.Comm) error {
	var p plan
	flag.Func("functions", "numbers of BBOB functions, e.g. 1,8,10-12 (default 1,8,10,15)", list(&p.functions))
	flag.Func("dims", "dimensions (default 5,10)", list(&p.dims))
	flag.Func("instances", "instances (default 1-15)", list(&p.instances))
	flag.IntVar(&p.repeats, "repeats", 10, "trials on each instance, of other seeds; with one, the mean of 15 instances is uncertain by a tenth "+
		"or more")
	flag.IntVar(&p.budget, "budget", 100_000, "evaluations per dimension after which a trial is given up")
	flag.Float64Var(&p.target, "target", 1e-8, "distance to the optimum that counts as reached")
	flag.StringVar(&p.python, "python", "python3", "Python with the packages cma and coco-experiment, for the algorithm pycma")
	workers := flag.Int("workers", 0, "trials at a time on each rank (default: all cores, with several ranks 1)")
	record := flag.String("record", "", "file to which each trial is written, a line of JSON each")
	flag.Parse()
	p.algorithms = flag.Args()
	if len(p.algorithms) == 0 {
		p.algorithms = []string{"cmaes"}
	}
	p.functions = orDefault(p.functions, 1, 8, 10, 15)
	p.dims = orDefault(p.dims, 5, 10)
	p.instances = orDefault(p.instances, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
	if *workers == 0 {
		*workers = 1
		if comm.Size() == 1 {
			*workers = runtime.GOMAXPROCS(0)
		}
	}
	trials, err := p.trials()
	if err != nil {
		return err
	}
	began := time.Now()
	var mine []trial
	for i := comm.Rank(); i < len(trials); i += comm.Size() {
		mine = append(mine, trials[i])
	}
	done, err := p.runAll(mine, *workers)
	if err != nil {
		return err
	}
	all, err := gather(comm, done)
	if err != nil || comm.Rank() != 0 {
		return cmp.Or(err, comm.Close())
	}
	if *record != "" {
		if err := write(*record, all); err != nil {
			return err
		}
	}
	fmt.Printf("%s\n%s, %d ranks of %d workers, %s, %v\n\n", strings.Join(os.Args, " "),
		runtime.Version(), comm.Size(), *workers, time.Now().Format("2006-01-02"), time.Since(began).Round(time.Second))
	p.print(os.Stdout, all)
	return comm.Close()
}

// runAll runs trials, the most expensive ones first.
func (p *plan) runAll(trials []trial, workers int) ([]trial, error) {
	trials = slices.Clone(trials)
	slices.SortStableFunc(trials, func(a, b trial) int { return cmp.Or(cmp.Compare(b.Dim, a.Dim), cmp.Compare(b.Function, a.Function)) })
	next := make(chan *trial)
	errs := make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var r runner
			defer r.close()
			for t := range next {
				if err := r.run(p, t); err != nil {
					select {
					case errs <- fmt.Errorf("%s on f%d in %d-D: %w", t.Algorithm, t.Function, t.Dim, err):
					default:
					}
				}
			}
		})
	}
	for i := range trials {
		next <- &trials[i]
	}
	close(next)
	wg.Wait()
	close(errs)
	return trials, <-errs
}

// gather returns on rank 0 the trials of all ranks.
func gather(comm mpi.Comm, done []trial) ([]trial, error) {
	b, err := json.Marshal(done)
	if err != nil {
		return nil, err
	}
	parts, err := comm.Gatherv(context.Background(), 0, b)
	if err != nil {
		return nil, err
	}
	var all []trial
	for _, part := range parts {
		var ts []trial
		if err := json.Unmarshal(part, &ts); err != nil {
			return nil, err
		}
		all = append(all, ts...)
	}
	return all, nil
}

func write(file string, trials []trial) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	for _, t := range trials {
		if err := enc.Encode(t); err != nil {
			return err
		}
	}
	return f.Close()
}

// list is the parser of numbers and ranges separated by commas.
func list(into *[]int) func(string) error {
	return func(s string) error {
		*into = nil
		for part := range strings.SplitSeq(s, ",") {
			from, to, ranged := strings.Cut(part, "-")
			lo, err := strconv.Atoi(from)
			hi := lo
			if ranged && err == nil {
				hi, err = strconv.Atoi(to)
			}
			if err != nil || hi < lo {
				return fmt.Errorf("%q, want numbers and ranges, e.g. 1,3-5", s)
			}
			for ; lo <= hi; lo++ {
				*into = append(*into, lo)
			}
		}
		return nil
	}
}

func orDefault(given []int, otherwise ...int) []int {
	if len(given) > 0 {
		return given
	}
	return otherwise
}
