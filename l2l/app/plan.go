package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// getReady gets an optimizee ready to evaluate, as the slots of a run do by themselves.
func getReady(ctx context.Context, p *config.Plan, o optimizee.Optimizee) error {
	r, ok := o.(optimizee.Preparer)
	if !ok {
		return nil
	}
	if p.Execution.StartTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Execution.StartTimeout)
		defer cancel()
	}
	return r.Prepare(ctx)
}

// dispatchOptions say how a rank evaluates that has these slots, in a run of so many ranks.
func dispatchOptions(p *config.Plan, slots, ranks int) (dispatch.Options, error) {
	work, err := filepath.Abs(filepath.Join(p.Output.Dir, workDir))
	workers := max(ranks-1, 1)
	return dispatch.Options{
		Make: p.NewOptimizee, Slots: slots, Batch: p.Execution.Batch, Timeout: p.Execution.Timeout, PrepareTimeout: p.Execution.StartTimeout,
		Dir: work, KeepFailed: (p.Output.KeepFailed + workers - 1) / workers,
	}, err
}

// workDir is where, in the run's directory, evaluations have directories of their own.
const workDir = "work"

// coordinator is rank 0's side, for workers with these slots.
func coordinator(p *config.Plan, comm mpi.Comm, slots []int) (*dispatch.Coordinator, error) {
	room := make([]int, len(slots))
	for rank, n := range slots {
		room[rank] = n * p.Execution.Batch
	}
	longest := p.Execution.Timeout
	switch start := p.Execution.StartTimeout; {
	case p.Prepares && start == 0:
		longest = 0
	case p.Prepares && longest > 0:
		longest += start
	}
	return dispatch.NewCoordinator(comm, dispatch.Schedule(p.Execution.Schedule), room, longest)
}

// directory chooses the run's directory where the configuration leaves it open: the next number, or, to resume, the last one.
func directory(p *config.Plan, resume bool) string {
	if p.Output.Dir != "" {
		return p.Output.Dir
	}
	base := filepath.Join("runs", p.Name)
	last := 0
	entries, _ := os.ReadDir(base) // none: the first run
	for _, e := range entries {
		n := 0
		if _, err := fmt.Sscanf(e.Name(), "%d", &n); err == nil && e.IsDir() {
			last = max(last, n)
		}
	}
	if !resume || last == 0 {
		last++
	}
	return filepath.Join(base, fmt.Sprintf("%03d", last))
}
