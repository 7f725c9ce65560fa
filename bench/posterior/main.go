// Command posterior asks: is the posterior of abc_smc as wide as the true one? It samples that of a linear model, which is known: the outputs are the
// parameters and normal noise, and the prior of each parameter is N(0, 1). It prints the mean width over the parameters and how far the means are off, both in
// standard deviations of the true posterior, with outputs, by which the sample is adjusted, and without.
//
//	go run ./bench/posterior [-dims 5] [-noise 0.3] [-measured 0.5] [-seeds 3] [-first 1]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/abc"
)

// model is a linear model and what was measured of it.
type model struct {
	dim             int
	noise, measured float64
}

func main() {
	var m model
	flag.IntVar(&m.dim, "dims", 5, "parameters")
	flag.Float64Var(&m.noise, "noise", 0.3, "standard deviation of the outputs' noise")
	flag.Float64Var(&m.measured, "measured", 0.5, "what was measured, the same for all outputs")
	seeds := flag.Int("seeds", 3, "samples")
	first := flag.Uint64("first", 1, "seed of the first sample")
	flag.Parse()
	if err := run(m, *seeds, *first); err != nil {
		fmt.Fprintln(os.Stderr, "bench/posterior:", err)
		os.Exit(1)
	}
}

func run(m model, seeds int, first uint64) error {
	if m.dim < 1 || !(m.noise > 0) {
		return fmt.Errorf("dims = %d and noise = %v, want one parameter at least, and noise", m.dim, m.noise)
	}
	fmt.Println(strings.Join(os.Args[1:], " "))
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "seed\tsample\tsimulations\twidth\tmeans off\t  warning")
	for seed := first; seed < first+uint64(seeds); seed++ {
		for _, adjusted := range []bool{true, false} {
			st, err := m.sample(seed, adjusted)
			if err != nil {
				return err
			}
			width, off := m.judge(st.Posterior)
			name := "as it is"
			if adjusted {
				name = "adjusted"
			}
			warning, _, _ := strings.Cut(st.Warning, ":")
			fmt.Fprintf(t, "%d\t%s\t%d\t%.2f\t%.2f\t  %s\n", seed, name, st.Told, width, off, cmp.Or(warning, "none"))
		}
	}
	return t.Flush()
}

// sample runs a search to its end.
func (m model) sample(seed uint64, outputs bool) (optimizer.Status, error) {
	var p optimizer.Problem
	for range m.dim {
		p.Coords = append(p.Coords, optimizer.Coordinate{Lower: math.Inf(-1), Upper: math.Inf(1), Std: 1})
	}
	if outputs {
		p.Outputs = m.dim
	}
	o, err := abc.New(p, abc.Defaults(), seed)
	if err != nil {
		return optimizer.Status{}, err
	}
	for o.Status().Stop == "" {
		asked, err := o.Ask(0)
		if err != nil {
			return optimizer.Status{}, err
		}
		told := make([]optimizer.Evaluated, len(asked))
		for i, c := range asked {
			rng := rand.New(rand.NewPCG(seed, uint64(c.ID)))
			ev, squares := optimizer.Evaluated{ID: c.ID}, 0.0
			for _, v := range c.X {
				y := v + m.noise*rng.NormFloat64()
				squares += (y - m.measured) * (y - m.measured)
				if outputs {
					ev.Outputs, ev.Targets = append(ev.Outputs, y), append(ev.Targets, m.measured)
				}
			}
			ev.Loss = []float64{math.Sqrt(squares)}
			told[i] = ev
		}
		if err := o.Tell(told); err != nil {
			return optimizer.Status{}, err
		}
	}
	return o.Status(), nil
}

// judge returns the mean width of the sample and the mean distance of its means, in standard deviations of the true posterior.
func (m model) judge(sample []optimizer.Weighted) (width, off float64) {
	precision := 1 / (m.noise * m.noise)
	mean, std := m.measured*precision/(1+precision), 1/math.Sqrt(1+precision)
	values, weights := make([]float64, len(sample)), make([]float64, len(sample))
	for j := range m.dim {
		for i, s := range sample {
			values[i], weights[i] = s.X[j], s.Weight
		}
		got, variance := stat.PopMeanVariance(values, weights)
		width += math.Sqrt(variance) / std / float64(m.dim)
		off += math.Abs(got-mean) / std / float64(m.dim)
	}
	return width, off
}
