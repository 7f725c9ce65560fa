package app

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

// tellEstimate says about what the run takes, and how many of so many slots it leaves idle; 0 slots are those of the configuration, if it says.
func tellEstimate(w io.Writer, p *config.Plan, slots int) error {
	if slots < 0 {
		return fmt.Errorf("--slots %d: want 1 or more", slots)
	}
	slots = cmp.Or(slots, p.Execution.Slots)
	if p.Execution.Parallel == 0 && slots > 1 { // what the run makes of that many slots is another search than on one
		settled, err := p.Settled(p.Parallel(slots * max(p.Execution.Batch, 1)))
		if err != nil {
			return usage(err)
		}
		p = settled
		fmt.Fprintf(w, "%s: execution.parallel is to be %d\n", report.Count(int64(slots), "slot"), p.Execution.Parallel)
	}
	e, err := estimated(p)
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
	if slots == 0 {
		return nil
	}
	packs := ""
	if p.Execution.Batch > 1 {
		packs = fmt.Sprintf(", %d of which are handed over at a time", p.Execution.Batch)
	}
	idle, rounds := e.Idle(int64(slots), int64(p.Execution.Batch))
	switch {
	case e.Asynchronous:
		fmt.Fprintf(w, "%s: none waits for a generation to end\n", report.Count(int64(slots), "slot"))
	case rounds == 1 && idle > 0:
		fmt.Fprintf(w, "%s: %.0f have nothing to do (%.0f %%), as a generation has %s%s\n", report.Count(int64(slots), "slot"), idle*float64(slots),
			100*idle, report.Count(e.Generation, "evaluation"), packs)
		if idle >= 0.5 {
			fmt.Fprintf(w, "%s, of the slots: %s\n", p.Optimizer.Name, p.Optimizer.Parallelism)
		}
	case rounds > 0:
		fmt.Fprintf(w, "%s: a generation takes %s, in which slots are idle for %.0f %% of the time, and longer where evaluations differ in time\n",
			report.Count(int64(slots), "slot"), report.Count(rounds, "round"), 100*idle)
	}
	return nil
}

// estimated is run.Estimated, or an error where that takes long: with many parameters, one generation may. It is then left to itself, as the program
// ends soon.
func estimated(p *config.Plan) (run.Estimate, error) {
	const patience = 5 * time.Second
	type estimate struct {
		run.Estimate
		err error
	}
	done := make(chan estimate, 1)
	go func() {
		e, err := run.Estimated(p)
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
