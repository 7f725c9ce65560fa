package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// FitnessText is a fitness with the names and units of its objectives, on one line.
func FitnessText(objectives []optimizee.Objective, fitness []float64) string {
	parts := make([]string, len(fitness))
	for i, v := range fitness {
		parts[i] = withUnit(objectives[i].Name+" "+valueText(v), objectives[i].Unit)
	}
	return strings.Join(parts, ", ")
}

// Count is a number of things: "1 evaluation", "2 evaluations".
func Count[N int | int64](n N, thing string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, thing)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func withUnit(text, unit string) string { return strings.TrimSpace(text + " " + unit) }

// valueText is a value as people read it: six digits, and only the beginning of a long vector.
func valueText(v any) string {
	switch v := v.(type) {
	case float64:
		return fmt.Sprintf("%.6g", v)
	case []float64:
		return VectorText(v)
	}
	return fmt.Sprint(v)
}

// VectorText is a vector as people read it: six digits, and its first eight values.
func VectorText(v []float64) string {
	const most = 8
	parts := make([]string, 0, most+1)
	for i, x := range v {
		if i == most {
			parts = append(parts, fmt.Sprintf("… (%d values)", len(v)))
			break
		}
		parts = append(parts, valueText(x))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// WriteIndividual writes parameters and fitness as a table for people. An individual without a fitness, nil, has its parameters shown.
func WriteIndividual(w io.Writer, space optimizee.Space, objectives []optimizee.Objective, x, fitness []float64) error {
	params, err := space.Decode(x)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range params.All() {
		text := valueText(v.Value)
		if v.Kind == optimizee.Categorical && v.Size == 0 {
			text = cellText(v.Value) // as it was written
		}
		fmt.Fprintf(t, "  %s\t%s\n", v.Name, withUnit(text, v.Unit))
	}
	for i, f := range fitness {
		o := objectives[i]
		fmt.Fprintf(t, "  %s\t%s, to %v\n", o.Name, withUnit(valueText(f), o.Unit), o.Direction)
	}
	return t.Flush()
}

// frontRows is the most rows that a front is shown in.
const frontRows = 20

// WriteFront writes individuals of a front as a table for people, well spread, from the best to the worst in the first objective.
func WriteFront(w io.Writer, objectives []optimizee.Objective, front []l2l.FrontMember) error {
	solutions := make([]optimizer.Solution, len(front))
	for i, f := range front {
		solutions[i] = optimizer.Solution{ID: f.ID, Loss: l2l.Losses(f.Fitness, objectives)}
	}
	rows := slices.Clone(optimizer.Spread(solutions, frontRows))
	slices.SortStableFunc(rows, func(a, b optimizer.Solution) int { return slices.Compare(a.Loss, b.Loss) })
	fmt.Fprintf(w, "%d individuals are on the front: none is better in one objective without being worse in another", len(front))
	if len(rows) < len(front) {
		fmt.Fprintf(w, "; %d of them, well spread", len(rows))
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "  individual")
	for _, o := range objectives {
		fmt.Fprintf(t, "\t%s, to %v", withUnit(o.Name, o.Unit), o.Direction)
	}
	fmt.Fprintln(t)
	for _, row := range rows {
		fmt.Fprintf(t, "  %d", row.ID)
		for _, f := range l2l.Losses(row.Loss, objectives) {
			fmt.Fprintf(t, "\t%s", valueText(f))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
