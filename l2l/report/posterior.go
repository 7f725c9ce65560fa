package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Marginal is what a posterior sample says of one coordinate.
type Marginal struct {
	Label string // as in Space.Labels

	// Of a number.
	Mean, Std        float64
	Q05, Median, Q95 float64  // quantiles
	Choices          []Choice // of a bool or a categorical, instead: the most probable first
}

// Choice is a value, as tables have it, with its probability.
type Choice struct {
	Value       string
	Probability float64
}

// Marginals are what a posterior sample says of each coordinate of the space.
func Marginals(space optimizee.Space, sample []optimizer.Weighted) ([]Marginal, error) {
	labels := space.Labels()
	weights := make([]float64, len(sample))
	columns := make([][]any, len(labels))
	for i, p := range sample {
		params, err := space.Decode(p.X)
		if err != nil {
			return nil, err
		}
		for k, v := range params.Flat() {
			columns[k] = append(columns[k], v)
		}
		weights[i] = p.Weight
	}
	all := make([]Marginal, len(labels))
	for k, c := range space.Coordinates() {
		if c.Kind == optimizee.Float || c.Kind == optimizee.Int {
			all[k] = marginal(columns[k], weights)
		} else {
			all[k].Choices = shares(columns[k], weights)
		}
		all[k].Label = labels[k]
	}
	return all, nil
}

// shares are the probabilities of values that are no numbers, or numbers without an order.
func shares(values []any, weights []float64) (choices []Choice) {
	total := map[string]float64{}
	for i, v := range values {
		total[cellText(v)] += weights[i]
	}
	for v, p := range total {
		choices = append(choices, Choice{v, p})
	}
	slices.SortFunc(choices, func(a, b Choice) int {
		return cmp.Or(cmp.Compare(b.Probability, a.Probability), cmp.Compare(a.Value, b.Value))
	})
	return choices
}

// marginal is that of numbers.
func marginal(values []any, weights []float64) (m Marginal) {
	x := make([]float64, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case float64:
			x[i] = v
		case int64:
			x[i] = float64(v)
		}
	}
	if len(x) == 0 {
		return m
	}
	mean, variance := stat.PopMeanVariance(x, weights)
	at := slices.Clone(weights)
	stat.SortWeighted(x, at)
	quantile := func(p float64) float64 { return stat.Quantile(p, stat.Empirical, x, at) }
	m.Mean, m.Std, m.Q05, m.Median, m.Q95 = mean, math.Sqrt(variance), quantile(0.05), quantile(0.5), quantile(0.95)
	return m
}

// posteriorRows is the most coordinates that a posterior is shown of.
const posteriorRows = 20

// WritePosterior writes what a posterior sample, from the smallest loss to the largest, says of each coordinate, as a table for people.
func WritePosterior(w io.Writer, space optimizee.Space, sample []optimizer.Weighted) error {
	marginals, err := Marginals(space, sample)
	if err != nil {
		return err
	}
	squares := 0.0
	for _, p := range sample {
		squares += p.Weight * p.Weight
	}
	fmt.Fprintf(w, "posterior: %d individuals, by their weights worth %.0f, with losses up to %.6g\n",
		len(sample), 1/squares, sample[len(sample)-1].Loss[0])
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  parameter\tmean\tstd\t5 %\t50 %\t95 %")
	for _, m := range marginals[:min(len(marginals), posteriorRows)] {
		if len(m.Choices) == 0 {
			fmt.Fprintf(t, "  %s\t%.6g\t%.3g\t%.6g\t%.6g\t%.6g\n", m.Label, m.Mean, m.Std, m.Q05, m.Median, m.Q95)
			continue
		}
		var words []string
		for _, c := range m.Choices {
			words = append(words, fmt.Sprintf("%s %.3f", c.Value, c.Probability))
		}
		fmt.Fprintf(t, "  %s\t%s\n", m.Label, strings.Join(words, ", "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more := len(marginals) - posteriorRows; more > 0 {
		fmt.Fprintf(w, "  … and %d more\n", more)
	}
	return nil
}
