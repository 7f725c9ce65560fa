package app

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// frontRows is the most rows that a front is shown in.
const frontRows = 20

// front writes individuals of the front as a table, well spread, from the best to the worst in the first objective.
func front(w io.Writer, p *config.Plan, dir string, front []l2l.Solution) error {
	solutions := make([]optimizer.Solution, len(front))
	for i, f := range front {
		solutions[i] = optimizer.Solution{ID: f.ID, Loss: l2l.Losses(f.Fitness, p.Objectives)}
	}
	rows := slices.Clone(optimizer.Spread(solutions, frontRows))
	slices.SortStableFunc(rows, func(a, b optimizer.Solution) int { return slices.Compare(a.Loss, b.Loss) })
	fmt.Fprintf(w, "\n%d individuals are on the front: none is better in one objective without being worse in another", len(front))
	if len(rows) < len(front) {
		fmt.Fprintf(w, "; %d of them, well spread", len(rows))
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "  individual")
	for _, o := range p.Objectives {
		fmt.Fprintf(t, "\t%s, to %v", strings.TrimSpace(o.Name+" "+o.Unit), o.Direction)
	}
	fmt.Fprintln(t)
	for _, row := range rows {
		fmt.Fprintf(t, "  %d", row.ID)
		for _, f := range l2l.Losses(row.Loss, p.Objectives) {
			fmt.Fprintf(t, "\t%.6g", f)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "their parameters are in result.json; more of one: l2l-mpi eval --config … --run %s --individual %d\n", dir, rows[len(rows)/2].ID)
	return nil
}
