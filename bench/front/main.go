// Command front asks: are the fronts that NSGA-II and NSGA-III find as good as those of pymoo, the field's reference, at the same population
// and the same number of evaluations? It runs both, measures all fronts by the same hypervolume, and prints them beside each other.
//
//	python3 -m venv /tmp/pymoo && /tmp/pymoo/bin/pip install pymoo
//	go run ./bench/front -python /tmp/pymoo/bin/python [-evaluations 25000] [-seeds 9] [-output bench/results/front.json]
//
// Run it in the root of the repository.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/moo"
)

// comparison is an algorithm on a problem. The populations are 100 for nsga2, and 92 for nsga3, which has 91 reference directions.
type comparison struct {
	Algorithm string    `json:"algorithm"`
	Problem   string    `json:"problem"`
	Reference []float64 `json:"reference"` // of the hypervolume

	// Hypervolumes: the greatest possible one, and the medians over the seeds.
	Limit   float64 `json:"limit"`   // of 1,000 points of the true front or more
	Ours    float64 `json:"ours"`    // of the last population
	Archive float64 `json:"archive"` // of Status().Front, which also knows what the population has lost
	Pymoo   float64 `json:"pymoo"`   // of the last population
	Ratio   float64 `json:"ratio"`   // Ours / Pymoo

	OursAll  []float64 `json:"ours_all"` // by seed
	PymooAll []float64 `json:"pymoo_all"`
}

var plane, space = []float64{1.1, 1.1}, []float64{1.1, 1.1, 1.1}

var comparisons = []comparison{
	{Algorithm: "nsga2", Problem: "zdt1", Reference: plane}, {Algorithm: "nsga2", Problem: "zdt2", Reference: plane},
	{Algorithm: "nsga2", Problem: "zdt3", Reference: plane}, {Algorithm: "nsga2", Problem: "zdt4", Reference: plane},
	{Algorithm: "nsga2", Problem: "zdt6", Reference: plane},
	{Algorithm: "nsga3", Problem: "dtlz1", Reference: []float64{0.55, 0.55, 0.55}}, {Algorithm: "nsga3", Problem: "dtlz2", Reference: space},
}

func main() {
	python := flag.String("python", "python3", "an interpreter that has pymoo")
	evaluations := flag.Int("evaluations", 25_000, "evaluations of each search")
	seeds := flag.Int("seeds", 9, "searches, of which the median is shown")
	output := flag.String("output", "", "where to write the results as JSON")
	flag.Parse()
	if err := run(*python, *evaluations, *seeds, *output); err != nil {
		fmt.Fprintln(os.Stderr, "bench/front:", err)
		os.Exit(1)
	}
}

func run(python string, evaluations, seeds int, output string) error {
	out := map[string]any{
		"command": fmt.Sprintf("go run ./bench/front -evaluations %d -seeds %d", evaluations, seeds), "date": time.Now().Format(time.DateOnly),
		"machine": fmt.Sprintf("%s, %d CPUs", runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU()), "go": runtime.Version(),
		"evaluations": evaluations, "seeds": seeds,
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "algorithm\tproblem\tlimit\tl2l-mpi\tarchive\tpymoo\tratio\t")
	for i := range comparisons {
		c := &comparisons[i]
		version, err := c.measure(python, evaluations, seeds)
		if err != nil {
			return fmt.Errorf("%s on %s: %w", c.Algorithm, c.Problem, err)
		}
		out["pymoo"] = version
		fmt.Fprintf(t, "%s\t%s\t%.5f\t%.5f\t%.5f\t%.5f\t%.4f\t\n", c.Algorithm, c.Problem, c.Limit, c.Ours, c.Archive, c.Pymoo, c.Ratio)
	}
	fmt.Printf("hypervolume after %d evaluations, median of %d seeds; pymoo %v, %s, %s\n", evaluations, seeds, out["pymoo"], out["go"],
		out["machine"])
	if err := t.Flush(); err != nil || output == "" {
		return err
	}
	out["results"] = comparisons
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(output, append(b, '\n'), 0o666)
}

// measure fills in the hypervolumes, and returns the version of pymoo.
func (c *comparison) measure(python string, evaluations, seeds int) (version string, err error) {
	fn, err := functions.New(functions.Spec{Name: c.Problem})
	if err != nil {
		return "", err
	}
	c.Limit = optimizer.Hypervolume(fn.Front(1000), c.Reference)

	var archives []float64
	for seed := range seeds {
		population, archive, err := c.search(fn, evaluations, uint64(seed))
		if err != nil {
			return "", err
		}
		c.OursAll = append(c.OursAll, optimizer.Hypervolume(population, c.Reference))
		archives = append(archives, optimizer.Hypervolume(archive, c.Reference))
	}

	cmd := exec.Command(python, "bench/front/pymoo_front.py", c.Algorithm, c.Problem, strconv.Itoa(evaluations), strconv.Itoa(seeds))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, &stderr)
	}
	var theirs struct {
		Version string
		Fronts  [][][]float64
	}
	if err := json.Unmarshal(b, &theirs); err != nil {
		return "", err
	}
	for _, front := range theirs.Fronts {
		c.PymooAll = append(c.PymooAll, optimizer.Hypervolume(front, c.Reference))
	}
	c.Ours, c.Archive, c.Pymoo = median(c.OursAll), median(archives), median(c.PymooAll)
	c.Ratio = c.Ours / c.Pymoo
	return theirs.Version, nil
}

// search is one search of ours: the losses of its last population, and of its front.
func (c *comparison) search(fn *functions.Function, evaluations int, seed uint64) (population, archive [][]float64, err error) {
	problem := optimizer.Box(fn.Dim, fn.Lower, fn.Upper)
	problem.Objectives = fn.Objectives
	var o interface {
		optimizer.Optimizer
		Population() []optimizer.Solution
	}
	switch c.Algorithm {
	case "nsga2":
		o, err = moo.NewNSGA2(problem, moo.NSGA2Defaults(), seed)
	case "nsga3":
		o, err = moo.NewNSGA3(problem, moo.NSGA3Defaults(), seed)
	}
	if err != nil {
		return nil, nil, err
	}
	for used := 0; used < evaluations; {
		candidates, err := o.Ask(0)
		if err != nil {
			return nil, nil, err
		}
		results := make([]optimizer.Evaluated, len(candidates))
		for i, candidate := range candidates {
			loss := make([]float64, fn.Objectives)
			fn.Eval(candidate.X, loss)
			results[i] = optimizer.Evaluated{ID: candidate.ID, Loss: loss}
		}
		if err := o.Tell(results); err != nil {
			return nil, nil, err
		}
		used += len(candidates)
	}
	return losses(o.Population()), losses(o.Status().Front), nil
}

func losses(solutions []optimizer.Solution) [][]float64 {
	out := make([][]float64, len(solutions))
	for i, s := range solutions {
		out[i] = s.Loss
	}
	return out
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
