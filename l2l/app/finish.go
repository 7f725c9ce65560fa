package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// finish writes down how the run ended, and tells it.
func (r *theRun) finish(begun l2l.Begun, s l2l.Summary) error {
	out, err := r.result(s)
	if err != nil {
		return err
	}
	if err := errors.Join(writeJSON(filepath.Join(r.dir, "result.json"), out), r.manifest(begun, &s)); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(r.dir, workDir)) // unless something is in it
	w := os.Stdout
	fmt.Fprintf(w, "%s: %s\n", r.Name, s.Reason)
	fmt.Fprintf(w, "%d generations, %d evaluations, %v", s.Generations, s.Evaluations, time.Since(r.started).Round(10*time.Millisecond))
	if s.Failures > 0 {
		fmt.Fprintf(w, ", %d individuals failed (see %s)", s.Failures, filepath.Join(r.dir, "failures"))
	}
	fmt.Fprintln(w)
	switch {
	case len(s.Front) > 0:
		if err := r.front(w, s.Front); err != nil {
			return err
		}
	case s.Best == nil:
		fmt.Fprintln(w, "no individual was evaluated with success")
	default:
		fmt.Fprintf(w, "\nbest individual: %d, of generation %d\n", s.Best.Individual.ID, s.Best.Individual.Generation)
		if err := r.individual(w, s.Best.Individual.X, s.Best.Fitness); err != nil {
			return err
		}
		if err := r.explain(w, s.Best.Individual); err != nil {
			fmt.Fprintf(w, "\nthe optimizee could not report on it: %v\n", err)
		}
	}
	if len(s.Posterior) > 0 {
		if err := r.posterior(w, s.Posterior); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\neverything about the run is in %s\n", r.dir)
	return nil
}

// individual writes parameters and fitness as a table.
func (p *plan) individual(w io.Writer, x, fitness []float64) error {
	params, err := p.space.Decode(x)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range params.All() {
		fmt.Fprintf(t, "  %s\t%s\n", v.Name, strings.TrimSpace(text(v.Value)+" "+v.Unit))
	}
	for i, f := range fitness {
		o := p.objectives[i]
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

// explain has the optimizee, if it can, report on an individual, in a slot like those of the run.
func (r *theRun) explain(w io.Writer, ind l2l.Individual) (err error) {
	if _, ok := r.optimizeeType.New().(optimizee.Reporter); !ok {
		return nil // without starting one
	}
	opts, err := r.dispatchOptions(1, 1)
	if err != nil {
		return err
	}
	slot, err := dispatch.OpenSlot(context.Background(), opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, slot.Close()) }()
	return explain(context.Background(), w, slot, r.search.First(ind))
}

// verdict is the run's end as an exit code.
func (r *theRun) verdict(s l2l.Summary) error {
	switch {
	case strings.HasPrefix(s.Reason, l2l.TooManyFail):
		return failure{exitFailed, errors.New(s.Reason)}
	case strings.HasPrefix(s.Reason, l2l.Interrupted), strings.HasPrefix(s.Reason, l2l.WallTime):
		return failure{exitInterrupted, fmt.Errorf("%s; go on with --resume --set output.dir=%s", s.Reason, r.dir)}
	}
	return nil
}
