package app

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// hypervolume measures a front: how much of the objectives' space it is better than. A point of reference says up to where. The objectives
// have none of their own, so it is taken from the front: a tenth of the front's range beyond its worst value in each objective. That of
// another run can be compared only if it is computed from the same reference, which is why it is told.
type hypervolume struct {
	Value     float64            `json:"value"`
	Reference map[string]float64 `json:"reference"` // by objective
}

// maxHypervolumeObjectives is up to where the hypervolume of a front is computed in seconds.
const maxHypervolumeObjectives = 5

// hypervolume of a front; nil for one that has no extent in some objective, and for too many objectives.
func (r *theRun) hypervolume(front []l2l.Solution) *hypervolume {
	if len(r.Objectives) > maxHypervolumeObjectives {
		return nil
	}
	losses := make([][]float64, len(front))
	for i, f := range front {
		losses[i] = l2l.Losses(f.Fitness, r.Objectives)
	}
	reference := make([]float64, len(r.Objectives))
	for k := range reference {
		column := make([]float64, len(losses))
		for i, l := range losses {
			column[i] = l[k]
		}
		if len(column) == 0 || slices.Min(column) == slices.Max(column) {
			return nil
		}
		worst := slices.Max(column)
		reference[k] = worst + 0.1*(worst-slices.Min(column))
	}
	h := &hypervolume{Value: optimizer.Hypervolume(losses, reference), Reference: map[string]float64{}}
	for k, v := range l2l.Losses(reference, r.Objectives) { // back to the objectives' own signs
		h.Reference[r.Objectives[k].Name] = v
	}
	return h
}

// frontRows is the most rows that a front is shown in.
const frontRows = 20

// front writes individuals of the front as a table, well spread, from the best to the worst in the first objective.
func (r *theRun) front(w io.Writer, front []l2l.Solution) error {
	solutions := make([]optimizer.Solution, len(front))
	for i, f := range front {
		solutions[i] = optimizer.Solution{ID: f.ID, Loss: l2l.Losses(f.Fitness, r.Objectives)}
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
	for _, o := range r.Objectives {
		fmt.Fprintf(t, "\t%s, to %v", strings.TrimSpace(o.Name+" "+o.Unit), o.Direction)
	}
	fmt.Fprintln(t)
	for _, row := range rows {
		fmt.Fprintf(t, "  %d", row.ID)
		for _, f := range l2l.Losses(row.Loss, r.Objectives) {
			fmt.Fprintf(t, "\t%.6g", f)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "their parameters are in result.json; more of one: l2l-mpi eval --config … --run %s --individual %d\n", r.dir, rows[len(rows)/2].ID)
	return nil
}
