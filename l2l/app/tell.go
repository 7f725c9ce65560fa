package app

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

// tell says how a run ended.
func tell(w io.Writer, p *config.Plan, r run.Result) error {
	fmt.Fprintf(w, "%s: %s\n", p.Name, r.Reason)
	fmt.Fprintf(w, "%d generations, %d evaluations, %v", r.Generations, r.Evaluations, r.Elapsed.Round(10*time.Millisecond))
	if r.Failures > 0 {
		fmt.Fprintf(w, ", %d individuals failed (see %s)", r.Failures, filepath.Join(r.Dir, "failures"))
	}
	fmt.Fprintln(w)
	switch {
	case len(r.Front) > 0:
		if err := front(w, p, r.Dir, r.Front); err != nil {
			return err
		}
	case r.Best == nil:
		fmt.Fprintln(w, "no individual was evaluated with success")
	default:
		fmt.Fprintf(w, "\nbest individual: %d, of generation %d\n", r.Best.Individual.ID, r.Best.Individual.Generation)
		if err := individual(w, p, r.Best.Individual.X, r.Best.Fitness); err != nil {
			return err
		}
		if err := explain(w, p, r.Best.Individual); err != nil {
			fmt.Fprintf(w, "\nthe optimizee could not report on it: %v\n", err)
		}
	}
	if len(r.Posterior) > 0 {
		if err := posterior(w, p, r.Dir, r.Posterior); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\neverything about the run is in %s\n", r.Dir)
	return nil
}

// individual writes parameters and fitness as a table.
func individual(w io.Writer, p *config.Plan, x, fitness []float64) error {
	params, err := p.Space.Decode(x)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range params.All() {
		fmt.Fprintf(t, "  %s\t%s\n", v.Name, strings.TrimSpace(text(v.Value)+" "+v.Unit))
	}
	for i, f := range fitness {
		o := p.Objectives[i]
		fmt.Fprintf(t, "  %s\t%s\n", o.Name, strings.TrimSpace(fmt.Sprintf("%.6g %s", f, o.Unit))+", to "+o.Direction.String())
	}
	return t.Flush()
}

// text is a value as people read it: six digits, and only the beginning of long vectors.
func text(v any) string {
	switch v := v.(type) {
	case float64:
		return fmt.Sprintf("%.6g", v)
	case []float64:
		const most = 8
		parts := make([]string, 0, most+1)
		for i, x := range v {
			if i == most {
				parts = append(parts, fmt.Sprintf("… (%d values)", len(v)))
				break
			}
			parts = append(parts, fmt.Sprintf("%.6g", x))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(v)
}
