package main

import (
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// The ranks are goroutines here; TestExamplesUnderMPI has processes.
func TestTheRodIsTheSameForTeamsOfAnySize(t *testing.T) {
	kinds := config.Kinds{
		Optimizees: []optimizee.Type{{Name: "rod", New: func() optimizee.Optimizee { return &rod{Cells: 40, Steps: 100} }}},
		Optimizers: catalogue.All(),
	}
	found := func(ranks int, set ...string) (result run.Result) {
		plan, err := config.Load("run.yaml", append(set, "execution.slots=1"), kinds)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for rank, comm := range mpi.Local(ranks) {
			all.Go(func() {
				r, err := run.Run(t.Context(), comm, plan, run.InMemory())
				if err := errors.Join(err, comm.Close()); err != nil {
					t.Errorf("rank %d of %d: %v", rank, ranks, err)
				}
				if rank == 0 {
					result = r
				}
			})
		}
		all.Wait()
		return result
	}
	want := found(1, "execution.ranks_per_evaluation=1")
	if x := want.Best.Individual.X; math.Abs(x[0]-0.25) > 0.001 || math.Abs(x[1]-0.12) > 0.001 {
		t.Errorf("the conductivities are %v, want 0.25 and 0.12, which were used to measure", x)
	}
	for ranks, size := range map[int]string{5: "2", 4: "3"} {
		if got := found(ranks, "execution.ranks_per_evaluation="+size); got.TrajectoryHash != want.TrajectoryHash {
			t.Errorf("%d ranks in teams of %s: the trajectory is %s, want %s", ranks, size, got.TrajectoryHash, want.TrajectoryHash)
		}
	}
}
