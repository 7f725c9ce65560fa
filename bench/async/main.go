// Command async answers: what does a search gain from not waiting, and what does it pay? It runs algorithms on BBOB functions with
// simulated slots, whose evaluations take log-normally distributed times, and prints evaluations and simulated time to the target, as aRT.
//
//	go run ./bench/async cmaes cmaes_async
//	go run ./bench/async -slots 64 jade de_async pso pso_async
//
// Time is simulated (package slots): figures do not depend on the machine.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/meta-optimization/l2l-mpi/bench/internal/slots"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// settings of a simulation.
type settings struct {
	slots  int
	ratio  float64 // of the run times' 95th to their 5th percentile; their median is 1
	dim    int
	budget int
	target float64
}

func main() {
	var s settings
	flag.IntVar(&s.slots, "slots", 8, "evaluations under way at a time")
	flag.Float64Var(&s.ratio, "ratio", 10, "95th percentile of the run times over their 5th; the median is 1")
	flag.IntVar(&s.dim, "dim", 10, "dimension")
	flag.IntVar(&s.budget, "budget", 1_000_000, "evaluations after which a search is given up")
	flag.Float64Var(&s.target, "target", 1e-8, "distance to the optimum that counts as reached")
	searches := flag.Int("searches", 150, "searches for each figure, on instances 1 to 15 in turn")
	flag.Parse()
	if err := run(s, *searches, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "async:", err)
		os.Exit(1)
	}
}

func run(s settings, searches int, names []string) error {
	if len(names) == 0 {
		names = []string{"cmaes", "cmaes_async"}
	}
	fmt.Printf("%s\n%d slots, run times log-normal with %g:1 from the 5th to the 95th percentile, %d dimensions, %d searches\n\n",
		strings.Join(os.Args, " "), s.slots, s.ratio, s.dim, searches)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "function\talgorithm\tevaluations\tratio\ttime\tratio\treached\t")
	for _, function := range []string{"bbob_f1", "bbob_f8", "bbob_f10"} {
		var first outcome
		for i, name := range names {
			sum := outcome{}
			for n := range searches {
				o, err := search(s, name, functions.Spec{Name: function, Dim: s.dim, Instance: n%15 + 1}, uint64(n))
				if err != nil {
					return fmt.Errorf("%s on %s: %w", name, function, err)
				}
				sum.evaluations += o.evaluations
				sum.time += o.time
				sum.reached += o.reached
			}
			if i == 0 {
				first = sum
			}
			fmt.Fprintf(t, "%s\t%s\t%.0f\t%.2f\t%.0f\t%.2f\t%.0f of %d\t\n", function, name,
				sum.evaluations/sum.reached, sum.evaluations/sum.reached*first.reached/first.evaluations,
				sum.time/sum.reached, sum.time/sum.reached*first.reached/first.time, sum.reached, searches)
		}
	}
	return t.Flush()
}

// outcome is how a search ended, or the sum of several.
type outcome struct{ evaluations, time, reached float64 }

// search runs the algorithm until the target is reached.
func search(s settings, name string, spec functions.Spec, seed uint64) (outcome, error) {
	algorithm, ok := catalogue.Find(name)
	if !ok {
		return outcome{}, fmt.Errorf("no algorithm has that name")
	}
	fn, err := functions.New(spec)
	if err != nil {
		return outcome{}, err
	}
	o, err := algorithm.New(optimizer.Box(s.dim, fn.Lower, fn.Upper), algorithm.Params(), seed)
	if err != nil {
		return outcome{}, err
	}
	value := make([]float64, 1)
	simulated, err := slots.Slots{Number: s.slots, Ratio: s.ratio}.Run(o, func(x []float64) (told optimizer.Evaluated, reached bool) {
		fn.Eval(x, value)
		return optimizer.Evaluated{Loss: value}, fn.Gap(x) <= s.target
	}, s.budget, seed)
	out := outcome{evaluations: float64(simulated.Evaluations), time: simulated.Time}
	if simulated.Reached {
		out.reached = 1
	}
	return out, err
}
