package app

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// tellEstimate says about what the run takes, how many of so many slots it leaves idle, and what would use them. Where slots are 0, they are those of so
// many ranks, and where there are none of these either, those of a run of one process on this machine. What takes longer to find out than patience is not
// told.
func tellEstimate(w io.Writer, p *config.Plan, slots, ranks int, patience time.Duration) error {
	switch {
	case slots < 0:
		return fmt.Errorf("--slots %d: want 1 or more", slots)
	case ranks < 0 || ranks > mostRanks:
		return fmt.Errorf("--ranks %d: want 1 to %d", ranks, mostRanks)
	case slots == 0:
		var err error
		if slots, err = slotsOf(w, p, ranks); err != nil {
			return fmt.Errorf("--ranks %d: %w", ranks, err)
		}
	}
	e, err := estimated(p, slots, patience)
	if err != nil {
		fmt.Fprintf(w, "what the run takes cannot be told: %v\n", err)
		return nil
	}
	line := "no rule limits its evaluations"
	if e.Evaluations > 0 {
		line = "up to " + report.Count(e.Evaluations, "evaluation")
	}
	if e.Generation > 0 {
		line += fmt.Sprintf(", %d in a generation", e.Generation)
		if e.Generations > 0 {
			line += fmt.Sprintf(", some %s", report.Count(e.Generations, "generation"))
		}
	}
	switch {
	case e.PerEach > 0 && e.Evaluations > 0:
		line += "; some " + size(e.Journal) + " of journal"
	case e.PerEach > 0:
		line += fmt.Sprintf("; some %s of journal for each", size(e.PerEach))
	}
	if e.Memory > 0 {
		line += fmt.Sprintf(", %s of memory on rank 0 (besides MPI and the model)", size(e.Memory))
	}
	fmt.Fprintln(w, line)
	tellIdle(w, p, e, int64(slots))
	return nil
}

// slotsOf are the slots of so many ranks, where 0 stands for as few as there must be. Where ranks share evaluations, it says how they do.
func slotsOf(w io.Writer, p *config.Plan, ranks int) (int, error) {
	k := p.Execution.RanksPerEvaluation
	if k == 1 {
		return run.Slots(p, max(ranks, 1))
	}
	if ranks == 0 {
		ranks = k + 1
	}
	teams, err := run.Slots(p, ranks)
	if err != nil {
		return 0, err
	}
	line := fmt.Sprintf("%s: rank 0 leads, and the others form %s of %d, a slot each", report.Count(int64(ranks), "rank"), report.Count(int64(teams), "team"), k)
	if left := (ranks - 1) % k; left > 0 {
		line += fmt.Sprintf("; %d left over, to idle", left)
	}
	fmt.Fprintln(w, line)
	return teams, nil
}

// mostRanks is what --ranks may be.
const mostRanks = 10_000_000

// tellIdle says how many evaluations slots have at a time, what part of them idles, and what would use that.
func tellIdle(w io.Writer, p *config.Plan, e run.Estimate, slots int64) {
	packs := ""
	switch {
	case p.Execution.Batch == config.AutoBatch && !e.Asynchronous: // which has calls of one evaluation
		packs = ", of which as many are handed over at a time as is measured to be worth while"
	case p.Execution.Batch > 1:
		packs = fmt.Sprintf(", up to %d of which are handed over at a time", p.Execution.Batch)
	}
	idle, rounds := e.Idle(slots, int64(p.Execution.Together()))
	on := report.Count(slots, "slot")
	have := "have"
	if math.Round(idle*float64(slots)) == 1 {
		have = "has"
	}
	switch {
	case e.Asynchronous && idle > 0:
		fmt.Fprintf(w, "%s: %.0f %s nothing to do (%.0f %%), as the search has %s under way at most%s\n", on, idle*float64(slots), have, 100*idle,
			report.Count(e.AtOnce, "evaluation"), packs)
	case e.Asynchronous && p.Execution.Early():
		fmt.Fprintf(w, "%s: a generation waits for %g %% of its results, and not for the others\n", on, 100*p.Execution.Quorum)
	case e.Asynchronous:
		fmt.Fprintf(w, "%s: none waits for a generation to end\n", on)
	case rounds == 1 && idle > 0:
		fmt.Fprintf(w, "%s: %.0f %s nothing to do (%.0f %%), as a generation has %s%s\n", on, idle*float64(slots), have, 100*idle,
			report.Count(e.Generation, "evaluation"), packs)
	case rounds > 0:
		fmt.Fprintf(w, "%s: a generation takes %s of up to %s, in which slots are idle for %.0f %% of the time, and longer where evaluations differ in time\n",
			on, report.Count(rounds, "round"), report.Count(slots*int64(p.Execution.Together()), "evaluation"), 100*idle)
	}
	if idle >= muchIdle {
		fmt.Fprintf(w, "what would use them: %s\n", strings.Join(uses(p, slots), ", or "))
		fmt.Fprintf(w, "%s, of the slots: %s\n", p.Optimizer.Name, p.Optimizer.Parallelism)
	}
}

// muchIdle is the part of the slots from which on it is told what would use them.
const muchIdle = 0.1

// uses are what would give that many slots more to do, as keys of the configuration.
func uses(p *config.Plan, slots int64) (all []string) {
	each := int64(p.Evaluation.Evaluations())
	individuals := max(slots*int64(p.Execution.Together())/each, 1) // that the slots take at a time
	for _, f := range schema.Fields(p.Params) {
		switch {
		case f.Key == "restarts" && slices.Contains(schema.Words(f.Range), "parallel") && f.Value.String() != "parallel" && individuals >= 2*p.PopSize():
			all = append(all, "optimizer.restarts: parallel")
		case f.Key == "pop_size":
			all = append(all, fmt.Sprintf("optimizer.pop_size: %d", (p.PopSize()+individuals-1)/individuals*individuals))
		}
	}
	if n := int64(p.Execution.Parallel); n > 0 && n < individuals {
		all = append(all, fmt.Sprintf("execution.parallel: %d instead of %d, with an optimizer that heeds it", individuals, n))
	}
	return append(all, "more evaluation.replicates or instances, where these are worth their time")
}

// estimated is run.Estimated, or an error where that takes longer than patience: with many parameters, one generation may. It is then left to itself, as
// the program ends soon.
func estimated(p *config.Plan, slots int, patience time.Duration) (run.Estimate, error) {
	type estimate struct {
		run.Estimate
		err error
	}
	done := make(chan estimate, 1)
	go func() {
		e, err := run.Estimated(p, slots)
		done <- estimate{e, err}
	}()
	select {
	case e := <-done:
		return e.Estimate, e.err
	case <-time.After(patience):
		return run.Estimate{}, fmt.Errorf("a few generations of %s take more than %v", p.Optimizer.Name, patience)
	}
}

// size is a number of bytes as people read it.
func size(bytes int64) string {
	x, unit := float64(bytes), "bytes"
	for _, larger := range []string{"kB", "MB", "GB", "TB"} {
		if x < 1000 {
			break
		}
		x, unit = x/1000, larger
	}
	return fmt.Sprintf("%.3g %s", x, unit)
}
