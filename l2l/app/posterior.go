package app

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// posteriorRows is the most parameters that a posterior is shown of.
const posteriorRows = 20

// posterior writes what a posterior sample says of each parameter: mean, standard deviation and quantiles of a number, probabilities of a
// choice.
func posterior(w io.Writer, plan *config.Plan, dir string, sample []optimizer.Weighted) error {
	weights := make([]float64, len(sample))
	points := make([][]any, len(sample))
	squares := 0.0
	for i, p := range sample {
		params, err := plan.Space.Decode(p.X)
		if err != nil {
			return err
		}
		points[i] = scalars(params)
		weights[i] = p.Weight
		squares += p.Weight * p.Weight
	}
	fmt.Fprintf(w, "\nposterior: %d individuals, by their weights worth %.0f, with losses up to %.6g\n", len(sample), 1/squares, sample[len(sample)-1].Loss[0])
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  parameter\tmean\tstd\t5 %\t50 %\t95 %")
	labels := plan.Space.Labels()
	for k, label := range labels[:min(len(labels), posteriorRows)] {
		values := make([]any, len(points))
		for i, p := range points {
			values[i] = p[k]
		}
		if text := probabilities(values, weights); text != "" {
			fmt.Fprintf(t, "  %s\t%s\n", label, text)
			continue
		}
		x, at := numbersOf(values), slices.Clone(weights)
		mean, variance := stat.PopMeanVariance(x, weights)
		stat.SortWeighted(x, at)
		quantile := func(p float64) float64 { return stat.Quantile(p, stat.Empirical, x, at) }
		fmt.Fprintf(t, "  %s\t%.6g\t%.3g\t%.6g\t%.6g\t%.6g\n", label, mean, math.Sqrt(variance), quantile(0.05), quantile(0.5), quantile(0.95))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more := len(labels) - posteriorRows; more > 0 {
		fmt.Fprintf(w, "  … and %d more\n", more)
	}
	fmt.Fprintf(w, "the sample is in result.json; as a table: l2l-mpi export %s --table posterior\n", dir)
	return nil
}

// scalars are the values of all coordinates.
func scalars(p optimizee.Params) []any {
	var all []any
	for _, v := range p.All() {
		switch x := v.Value.(type) {
		case []float64:
			all = appendAny(all, x)
		case []int64:
			all = appendAny(all, x)
		case []bool:
			all = appendAny(all, x)
		case []string:
			all = appendAny(all, x)
		default:
			all = append(all, x)
		}
	}
	return all
}

func appendAny[T any](all []any, values []T) []any {
	for _, v := range values {
		all = append(all, v)
	}
	return all
}

// probabilities of values that are no numbers, the most probable first; "" for numbers.
func probabilities(values []any, weights []float64) string {
	total := map[string]float64{}
	for i, v := range values {
		switch v.(type) {
		case float64, int64:
			return ""
		}
		total[fmt.Sprint(v)] += weights[i]
	}
	var words []string
	for v := range total {
		words = append(words, v)
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(total[b], total[a]), cmp.Compare(a, b)) })
	for i, v := range words {
		words[i] = fmt.Sprintf("%s %.3f", v, total[v])
	}
	return strings.Join(words, ", ")
}

func numbersOf(values []any) []float64 {
	x := make([]float64, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case float64:
			x[i] = v
		case int64:
			x[i] = float64(v)
		}
	}
	return x
}
