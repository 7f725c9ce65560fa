// Command budget asks: how near does an algorithm come to the optimum with a given number of evaluations? It runs algorithms of the catalogue, with
// their defaults or with settings, on test functions, and prints the quartiles of the gap over the seeds, the share of seeds within a target, and
// how the searches ended that ended by themselves.
//
//	go run ./bench/budget -functions Rosenbrock10d,Rastrigin10d -evaluations 3000 -seeds 40 genetic 'genetic{tourn_size: 2}'
//
// Seeds are 1, 2, … (or from -first on); nothing else is random, so that the table is the same on every machine.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/meta-optimization/l2l-mpi/bench/internal/named"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func main() {
	names := flag.String("functions", "Rastrigin10d,Rosenbrock10d", "functions; a name may end with its dimension, as in rastrigin:5")
	evaluations := flag.Int("evaluations", 3000, "evaluations of a search")
	seeds := flag.Int("seeds", 40, "searches")
	first := flag.Int("first", 1, "seed of the first search")
	target := flag.Float64("target", 1e-2, "the gap within which a search has found the optimum")
	flag.Parse()
	if err := run(flag.Args(), strings.Split(*names, ","), *evaluations, *seeds, *first, *target); err != nil {
		fmt.Fprintln(os.Stderr, "bench/budget:", err)
		os.Exit(1)
	}
}

func run(algorithms, names []string, evaluations, seeds, first int, target float64) error {
	if len(algorithms) == 0 || evaluations < 1 || seeds < 1 || first < 0 {
		return errors.New("want algorithms as arguments, at least one evaluation and one seed, and no seed below 0")
	}
	fmt.Printf("%s, gap after %d evaluations, %d seeds from %d\n", strings.Join(names, " "), evaluations, seeds, first)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "algorithm\tfunction\tlower quartile\tmedian\tupper quartile\tworst\twithin %g\tended\t\n", target)
	for _, algorithm := range algorithms {
		for _, name := range names {
			name, dim, _ := strings.Cut(name, ":")
			n, err := strconv.Atoi(cmp.Or(dim, "0"))
			if err != nil {
				return err
			}
			fn, err := functions.New(functions.Spec{Name: name, Dim: n})
			if err != nil {
				return err
			}
			var gaps []float64
			within, ended := 0, 0
			for seed := range seeds {
				gap, stop, err := search(algorithm, fn, uint64(first+seed), evaluations)
				if err != nil {
					return fmt.Errorf("%s on %s: %w", algorithm, name, err)
				}
				gaps = append(gaps, gap)
				if gap <= target {
					within++
				}
				if stop != "" {
					ended++
				}
			}
			slices.Sort(gaps)
			fmt.Fprintf(t, "%s\t%s\t%.2g\t%.2g\t%.2g\t%.2g\t%d\t%d\t\n", algorithm, fmt.Sprintf("%s:%d", name, fn.Dim), gaps[seeds/4], gaps[seeds/2],
				gaps[3*seeds/4], gaps[seeds-1], within, ended)
		}
	}
	return t.Flush()
}

// search returns the smallest gap of so many evaluations, and why the search has ended before, if it has.
func search(algorithm string, fn *functions.Function, seed uint64, evaluations int) (gap float64, stop string, err error) {
	a, params, err := named.Parse(algorithm)
	if err != nil {
		return 0, "", err
	}
	o, err := a.New(optimizer.Box(fn.Dim, fn.Lower, fn.Upper), params, seed)
	if err != nil {
		return 0, "", err
	}
	used := 0
	for used < evaluations && o.Status().Stop == "" {
		cs, err := o.Ask(evaluations - used)
		if err != nil || len(cs) == 0 {
			return gap, "", err
		}
		evs := make([]optimizer.Evaluated, len(cs))
		for i, c := range cs {
			evs[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{0}}
			fn.Eval(c.X, evs[i].Loss)
			if g := fn.Gap(c.X); used == 0 || g < gap {
				gap = g
			}
			used++
		}
		if err := o.Tell(evs); err != nil {
			return gap, "", err
		}
	}
	return gap, o.Status().Stop, nil
}
