package app

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// worthTelling is how long a session takes of which it is told how its slots were used.
const worthTelling = 10 * time.Second

// tell says how a run ended.
func tell(w io.Writer, p *config.Plan, r run.Result) error {
	fmt.Fprintf(w, "%s: %s\n", p.Name, r.Reason)
	generations, evaluations := report.Count(r.Generations, "generation"), report.Count(r.Evaluations, "evaluation")
	elapsed := r.Elapsed.Round(10 * time.Millisecond)
	if r.Resumed {
		fmt.Fprintf(w, "%s, %s in all; in this session %s, %s, %v", generations, evaluations,
			report.Count(r.Generations-r.Before.Generations, "generation"), report.Count(r.Evaluations-r.Before.Evaluations, "evaluation"), elapsed)
	} else {
		fmt.Fprintf(w, "%s, %s, %v", generations, evaluations, elapsed)
	}
	if r.Failures > 0 {
		fmt.Fprintf(w, ", %s failed (see %s)", report.Count(r.Failures, "individual"), filepath.Join(r.Dir, "failures"))
	}
	fmt.Fprintln(w)
	if use := r.Use.String(); use != "" && r.Elapsed >= worthTelling {
		fmt.Fprintf(w, "slots: %s\n", use)
	}
	tellFailures(w, r)
	switch {
	case len(r.Front) > 0:
		fmt.Fprintln(w)
		if err := report.WriteFront(w, p.Objectives, r.Front); err != nil {
			return err
		}
		if r.Noisy {
			fmt.Fprintln(w, "evaluations are noisy, and the front is as it was told: its members were lucky, and are worth less than it says")
		}
		if r.FrontCut {
			fmt.Fprintf(w, "the optimizer keeps some %d, well spread, and may have given others up; all: l2l-mpi export %s --table front\n", optimizer.MaxFront, r.Dir)
		}
		fmt.Fprintf(w, "their parameters are in result.json; more of one: l2l-mpi eval --config … --run %s --individual %d\n",
			r.Dir, r.Front[len(r.Front)/2].ID)
	case r.Best == nil:
		fmt.Fprintln(w, "no individual was evaluated with success")
	default:
		fmt.Fprintln(w)
		answer := r.Best.Individual
		if noisy := r.Answer.Basis != l2l.Exact; noisy || r.Answer.Test != nil {
			if err := report.WriteAnswer(w, p.Space, p.Objectives, r.Answer); err != nil {
				return err
			}
			fmt.Fprintf(w, "told during the search: best individual %d, of generation %d, %s", answer.ID, answer.Generation,
				report.FitnessText(p.Objectives, r.Best.Fitness))
			if noisy {
				fmt.Fprint(w, ", by luck in part")
			}
			fmt.Fprintln(w)
			answer = l2l.Individual{ID: r.Answer.Told, Generation: answer.Generation, X: r.Answer.X}
		} else {
			fmt.Fprintf(w, "best individual: %d, of generation %d\n", answer.ID, answer.Generation)
			if err := report.WriteIndividual(w, p.Space, p.Objectives, answer.X, r.Best.Fitness); err != nil {
				return err
			}
		}
		if err := explain(w, p, answer); err != nil {
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
	if len(r.Logs) > 0 {
		fmt.Fprintf(w, "\nwhat the model printed is in %s\n", filepath.Join(r.Dir, filepath.Dir(r.Logs[0]), "rank-*-slot-*.log"))
	}
	fmt.Fprintf(w, "\neverything about the run is in %s\n", r.Dir)
	return nil
}

// inShort is why a run ended, without the parameters that were tried, which have been told or are in its directory.
func inShort(reason l2l.StopReason) string {
	text, rest, _ := strings.Cut(reason.String(), "; tried were ")
	if i := strings.Index(rest, "; the run ended by: "); i >= 0 {
		text += rest[i:]
	}
	return text
}

// tellFailures says why evaluations failed, and what can be done where they ended the run.
func tellFailures(w io.Writer, r run.Result) {
	const most = 5
	for i, f := range r.Reasons {
		if i == most {
			fmt.Fprintf(w, "  and %d other reasons\n", len(r.Reasons)-most)
			break
		}
		fmt.Fprintf(w, "  %d × %s\n", f.Count, f.Reason)
	}
	if r.Reason.Rule != l2l.TooManyFail && r.Reason.Rule != l2l.NoSuccess {
		return
	}
	if r.Best == nil && len(r.Front) == 0 {
		fmt.Fprintln(w, "if the model is broken, evaluate one individual by hand: l2l-mpi eval --config …")
	}
	fmt.Fprintln(w, "if it cannot work in a part of the ranges, have it return a penalty there, a fitness that is the worse the farther away that is from where\n"+
		"it works: a search learns from that, and from a failure only that it is worse than all else; to go on regardless: execution.max_failures")
}
