// Command bayes asks: how many evaluations does Bayesian optimisation, in batches of four, need to come within 0.01 of the optimum of the
// functions that it is usually judged by, and how much of a processor's time does it think? Random search of 1,000 evaluations is shown beside it.
//
//	go run ./bench/bayes [-seeds 15] [-output bench/results/bayes.json]
//
// Run it in the root of the repository.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/bayes"
	"github.com/meta-optimization/l2l-mpi/optimizer/design"
)

const (
	gap   = 0.01
	limit = 200 // evaluations of a search, at most
)

// measurement is the searches on one function.
type measurement struct {
	Function     string  `json:"function"`
	Evaluations  int     `json:"evaluations"`   // to the gap, median over the seeds; more than the limit where most do not reach it
	All          []int   `json:"all"`           // by seed
	Within       int     `json:"within"`        // searches that reach it
	Milliseconds float64 `json:"ms_generation"` // of processors, that the optimizer takes for a generation, mean
	RandomGap    float64 `json:"random_gap"`    // of random search after 1,000 evaluations, median
}

func main() {
	seeds := flag.Int("seeds", 15, "searches, of which the median is shown")
	output := flag.String("output", "", "where to write the results as JSON")
	flag.Parse()
	if err := run(*seeds, *output); err != nil {
		fmt.Fprintln(os.Stderr, "bench/bayes:", err)
		os.Exit(1)
	}
}

func run(seeds int, output string) error {
	machine := fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Printf("evaluations to within %v of the optimum, median of %d seeds; %s, %s\n", gap, seeds, runtime.Version(), machine)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "function\tmedian\tbest\tworst\twithin\tms per generation\tgap of random search after 1000\t")
	var results []measurement
	for _, name := range []string{"branin", "hartmann6"} {
		m, err := measure(name, seeds)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		results = append(results, m)
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.1f\t%.3g\t\n", name, m.Evaluations, slices.Min(m.All), slices.Max(m.All), m.Within, m.Milliseconds, m.RandomGap)
	}
	if err := t.Flush(); err != nil || output == "" {
		return err
	}
	b, err := json.MarshalIndent(map[string]any{
		"command": fmt.Sprintf("go run ./bench/bayes -seeds %d", seeds), "date": time.Now().Format(time.DateOnly), "machine": machine,
		"go": runtime.Version(), "gap": gap, "limit": limit, "seeds": seeds, "results": results,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(output, append(b, '\n'), 0o666)
}

func measure(name string, seeds int) (m measurement, err error) {
	fn, err := functions.New(functions.Spec{Name: name})
	if err != nil {
		return m, err
	}
	problem := optimizer.Box(fn.Dim, fn.Lower, fn.Upper)
	m.Function = name
	var random []float64
	var thinking time.Duration
	generations := 0
	for seed := range seeds {
		o, err := bayes.New(problem, bayes.Defaults(), uint64(seed))
		if err != nil {
			return m, err
		}
		began := spent()
		n, _, err := search(o, fn, limit, gap)
		if err != nil {
			return m, err
		}
		thinking += spent() - began
		generations += o.Status().Generation
		if m.All = append(m.All, n); n <= limit {
			m.Within++
		}

		r, err := design.NewRandom(problem, design.RandomDefaults(), uint64(seed))
		if err != nil {
			return m, err
		}
		_, reached, err := search(r, fn, 1000, 0)
		if err != nil {
			return m, err
		}
		random = append(random, reached)
	}
	m.Evaluations = median(m.All)
	m.RandomGap = median(random)
	m.Milliseconds = thinking.Seconds() * 1000 / float64(generations)
	return m, nil
}

// spent is the time of processors that this process has had.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// search runs an optimizer until its best is less than gap above the optimum, or for limit evaluations. It returns the number of the evaluation that
// got there, limit + 1 if none did, and how far the best is above the optimum.
func search(o optimizer.Optimizer, fn *functions.Function, limit int, gap float64) (n int, reached float64, err error) {
	reached = fn.Gap(make([]float64, fn.Dim))
	for n < limit && o.Status().Stop == "" {
		candidates, err := o.Ask(0)
		if err != nil {
			return n, reached, err
		}
		results := make([]optimizer.Evaluated, len(candidates))
		for i, c := range candidates {
			results[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{0}}
			fn.Eval(c.X, results[i].Loss)
			n++
			if reached = min(reached, fn.Gap(c.X)); reached < gap {
				return n, reached, nil
			}
		}
		if err := o.Tell(results); err != nil {
			return n, reached, err
		}
	}
	return limit + 1, reached, nil
}

func median[T int | float64](x []T) T {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}
