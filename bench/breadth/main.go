// Command breadth asks: how many of the 24 BBOB functions does an algorithm solve at all? It tries the instances of each function in turn until
// one trial has come within 1e-8 of the optimum, and prints which one that was and what it took.
//
//	go run ./bench/breadth [-algorithm portfolio] [-dims 5,10,20] [-budget 300000] [-output bench/results/breadth.json]
//
// At 20 dimensions it takes hours: a trial that fails is 6 million evaluations.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// row is what came of a function.
type row struct {
	Dim         int  `json:"dim"`
	Function    int  `json:"function"`
	Solved      bool `json:"solved"`
	Trials      int  `json:"trials"`      // on instances 1, 2, …, of which the last one may have succeeded
	Evaluations int  `json:"evaluations"` // of the last trial
}

const (
	target = 1e-8 // distance to the optimum that counts as reached
	all    = 24   // functions
)

func main() {
	algorithm := flag.String("algorithm", "portfolio", "name in the catalogue; it runs with its defaults")
	dims := flag.String("dims", "5,10,20", "dimensions")
	budget := flag.Int("budget", 300_000, "evaluations of a trial, divided by the dimension")
	instances := flag.Int("instances", 15, "instances of a function that are tried at most")
	output := flag.String("output", "", "where to write the results as JSON")
	flag.Parse()
	if err := run(*algorithm, *dims, *budget, *instances, *output); err != nil {
		fmt.Fprintln(os.Stderr, "bench/breadth:", err)
		os.Exit(1)
	}
}

func run(algorithm, dims string, budget, instances int, output string) error {
	searched, ok := catalogue.Find(algorithm)
	if !ok {
		return fmt.Errorf("no algorithm is called %q", algorithm)
	}
	var rows []row
	for _, word := range strings.Split(dims, ",") {
		dim, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		solved := 0
		for f := 1; f <= all; f++ {
			r := row{Dim: dim, Function: f}
			for !r.Solved && r.Trials < instances {
				r.Trials++
				if r.Evaluations, r.Solved, err = trial(searched, f, dim, r.Trials, budget*dim); err != nil {
					return fmt.Errorf("f%d in %d dimensions: %w", f, dim, err)
				}
			}
			verdict := "not solved"
			if r.Solved {
				verdict = fmt.Sprintf("solved with %d evaluations", r.Evaluations)
				solved++
			}
			fmt.Printf("%d-D f%d, trial %d: %s\n", dim, f, r.Trials, verdict)
			rows = append(rows, r)
		}
		fmt.Printf("%d-D: %d of %d functions\n", dim, solved, all)
	}
	if output == "" {
		return nil
	}
	b, err := json.MarshalIndent(map[string]any{
		"command": fmt.Sprintf("go run ./bench/breadth -algorithm %s -dims %s -budget %d -instances %d", algorithm, dims, budget, instances),
		"date":    time.Now().Format(time.DateOnly), "go": runtime.Version(), "results": rows,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(output, append(b, '\n'), 0o644)
}

// trial runs a search on an instance, with the instance's number as its seed, until it reaches the target, ends, or has used the budget.
func trial(a optimizer.Algorithm, function, dim, instance, budget int) (used int, solved bool, err error) {
	fn, err := functions.New(functions.Spec{Name: fmt.Sprintf("bbob_f%d", function), Dim: dim, Instance: instance})
	if err != nil {
		return 0, false, err
	}
	o, err := a.New(optimizer.Box(dim, fn.Lower, fn.Upper), a.Params(), uint64(instance))
	if err != nil {
		return 0, false, err
	}
	loss := make([]float64, 1)
	for {
		cs, err := o.Ask(0)
		if err != nil || len(cs) == 0 {
			return used, false, err
		}
		evs := make([]optimizer.Evaluated, len(cs))
		for i, c := range cs {
			if used == budget {
				return used, false, nil
			}
			used++
			if fn.Gap(c.X) <= target {
				return used, true, nil
			}
			fn.Eval(c.X, loss)
			evs[i] = optimizer.Evaluated{ID: c.ID, Loss: slices.Clone(loss)}
		}
		if err := o.Tell(evs); err != nil {
			return used, false, err
		}
	}
}
