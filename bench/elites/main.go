// Command elites asks: how much of the space of features does map_elites fill, and how well? It prints QD scores of the two tasks on which such
// algorithms are compared: the sum over the filled cells of how much their elite is better than the largest loss, divided by the number of cells
// and by that loss, so that 1 is an archive that is full of optima, which no search reaches.
//
//	go run ./bench/elites [-evaluations 20000] [-seeds 3] [-first 1] 'map_elites{vary: isoline}' map_elites
//
// Of sphere, features are the sums of the two halves of 20 parameters (Fontaine et al. 2020), in 100 × 100 cells; of arm, where the hand of an arm of
// 12 joints is, in 20 × 20 cells, and the loss is the variance of the joints' angles.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/meta-optimization/l2l-mpi/bench/internal/named"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/mapelites"
)

// task is a model with two features.
type task struct {
	name    string
	problem optimizer.Problem
	reach   float64 // the features lie in [-reach, reach]²
	cells   int     // of each feature
	worst   float64 // the largest loss
	model   func(x []float64) (loss float64, features []float64)
}

func tasks() []task {
	of := func(p optimizer.Problem) optimizer.Problem {
		p.Outputs = 2
		return p
	}
	return []task{
		{"sphere, 20-D", of(optimizer.Box(20, -5, 5)), 50, 100, 20 * 7 * 7, sphere},
		{"arm, 12-D", of(optimizer.Box(12, -math.Pi, math.Pi)), 1, 20, math.Pi * math.Pi, arm},
	}
}

// sphere has its optimum at (2, …, 2).
func sphere(x []float64) (loss float64, features []float64) {
	features = []float64{0, 0}
	for j, v := range x {
		loss += (v - 2) * (v - 2)
		features[j*2/len(x)] += v
	}
	return loss, features
}

func arm(x []float64) (loss float64, features []float64) {
	features = []float64{0, 0}
	angle, mean, n := 0.0, 0.0, float64(len(x))
	for _, v := range x {
		angle += v
		features[0] += math.Cos(angle) / n
		features[1] += math.Sin(angle) / n
		mean += v / n
	}
	for _, v := range x {
		loss += (v - mean) * (v - mean) / n
	}
	return loss, features
}

func main() {
	evaluations := flag.Int("evaluations", 20_000, "evaluations of a search")
	seeds := flag.Int("seeds", 3, "searches")
	first := flag.Uint64("first", 1, "seed of the first search")
	flag.Parse()
	if err := run(flag.Args(), *evaluations, *seeds, *first); err != nil {
		fmt.Fprintln(os.Stderr, "bench/elites:", err)
		os.Exit(1)
	}
}

func run(algorithms []string, evaluations, seeds int, first uint64) error {
	if len(algorithms) == 0 {
		return errors.New("want algorithms as arguments, e.g. map_elites")
	}
	fmt.Println(strings.Join(os.Args[1:], " "))
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "task\talgorithm\tQD score of each seed\t")
	for _, k := range tasks() {
		for _, a := range algorithms {
			var scores []string
			for seed := first; seed < first+uint64(seeds); seed++ {
				score, err := k.fill(a, evaluations, seed)
				if err != nil {
					return fmt.Errorf("%s on %s: %w", a, k.name, err)
				}
				scores = append(scores, fmt.Sprintf("%.3f", score))
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t\n", k.name, a, strings.Join(scores, " "))
		}
	}
	return t.Flush()
}

// fill returns the QD score after so many evaluations.
func (k task) fill(algorithm string, evaluations int, seed uint64) (float64, error) {
	a, params, err := named.Parse(algorithm)
	if err != nil {
		return 0, err
	}
	par, ok := params.(*mapelites.Params)
	if !ok {
		return 0, errors.New("it has no archive, want map_elites")
	}
	par.Describe, par.Cells = "outputs", []int{k.cells, k.cells}
	par.Lower, par.Upper = []float64{-k.reach, -k.reach}, []float64{k.reach, k.reach}
	o, err := a.New(k.problem, par, seed)
	if err != nil {
		return 0, err
	}
	for used := 0; used < evaluations; {
		asked, err := o.Ask(evaluations - used)
		if err != nil {
			return 0, err
		}
		told := make([]optimizer.Evaluated, len(asked))
		for i, c := range asked {
			loss, features := k.model(c.X)
			told[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{loss}, Outputs: features, Targets: features}
		}
		if err := o.Tell(told); err != nil {
			return 0, err
		}
		used += len(asked)
	}
	score := 0.0
	for _, e := range o.(*mapelites.Search).Elites() {
		score += (k.worst - e.Loss[0]) / k.worst / float64(k.cells*k.cells)
	}
	return score, nil
}
