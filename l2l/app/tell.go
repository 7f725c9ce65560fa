package app

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
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
		fmt.Fprintln(w)
		if err := report.WriteFront(w, p.Objectives, r.Front); err != nil {
			return err
		}
		fmt.Fprintf(w, "their parameters are in result.json; more of one: l2l-mpi eval --config … --run %s --individual %d\n",
			r.Dir, r.Front[len(r.Front)/2].ID)
	case r.Best == nil:
		fmt.Fprintln(w, "no individual was evaluated with success")
	default:
		fmt.Fprintf(w, "\nbest individual: %d, of generation %d\n", r.Best.Individual.ID, r.Best.Individual.Generation)
		if err := report.WriteIndividual(w, p.Space, p.Objectives, r.Best.Individual.X, r.Best.Fitness); err != nil {
			return err
		}
		if err := explain(w, p, r.Best.Individual); err != nil {
			fmt.Fprintf(w, "\nthe optimizee could not report on it: %v\n", err)
		}
	}
	if len(r.Posterior) > 0 {
		fmt.Fprintln(w)
		if err := report.WritePosterior(w, p.Space, r.Posterior); err != nil {
			return err
		}
		if r.Warning != "" {
			fmt.Fprintf(w, "warning: %s\n", r.Warning)
		}
		fmt.Fprintf(w, "the sample is in result.json; as a table: l2l-mpi export %s --table posterior\n", r.Dir)
	}
	fmt.Fprintf(w, "\neverything about the run is in %s\n", r.Dir)
	return nil
}
