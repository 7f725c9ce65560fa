package run_test

import (
	"reflect"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// The finals are evaluated by all ranks, under each schedule, and find the same answer as one process does; watchers are told of them.
func TestAnswerOfANoisyRunIsTheSameOnAnyNumberOfRanks(t *testing.T) {
	const noisy = "seed: 4\noptimizee: {type: valley, noise: 0.2}\noptimizer: {type: cmaes}\nstop: {evaluations: 900}\n" +
		"evaluation: {replicates: 2, test: {instances: 20..22}}\nexecution: {slots: 2, schedule: %s}\n"
	var phases []string
	want := alone(t, plan(t, noisy, "auto"), run.Watch(0, func(p run.Progress) {
		if n := len(phases); p.Phase != "" && (n == 0 || phases[n-1] != p.Phase) {
			phases = append(phases, p.Phase)
		}
	}))
	if a := want.Answer; a.Basis != l2l.Finished || a.Anew == nil || a.Test == nil || want.Evaluations > 900 {
		t.Fatalf("the answer is %+v", a)
	}
	if n := len(phases); n < 3 || phases[n-2] != "measurement of the answer" || phases[n-1] != "test of the answer" {
		t.Errorf("the progress tells of %q", phases)
	}
	for _, schedule := range []string{"pull", "collective"} {
		for _, ranks := range []int{2, 4} {
			p := plan(t, noisy, schedule)
			var got run.Result
			for rank, err := range everywhere(ranks, func(comm mpi.Comm) error {
				result, err := run.Run(t.Context(), comm, p)
				if comm.Rank() == 0 {
					got = result
				}
				return err
			}) {
				if err != nil {
					t.Fatalf("%s, rank %d of %d: %v", schedule, rank, ranks, err)
				}
			}
			if !reflect.DeepEqual(got.Answer, want.Answer) || got.TrajectoryHash != want.TrajectoryHash || got.Evaluations != want.Evaluations {
				t.Errorf("%s, %d ranks: %d evaluations, the answer is %+v, want %d and %+v", schedule, ranks, got.Evaluations, got.Answer, want.Evaluations,
					want.Answer)
			}
		}
	}
}
