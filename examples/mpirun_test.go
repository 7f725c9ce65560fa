//go:build mpirun

package examples

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestExamplesUnderMPI runs the quickstart, and the program with an optimizee of its own, under each MPI of the variable MPIS. Run it by
// make test-mpi.
func TestExamplesUnderMPI(t *testing.T) {
	_, want := run(t, "quickstart/run.yaml", program(t, "../cmd/l2l-mpi"))
	_, wantCustom := run(t, "custom/run.yaml", program(t, "./custom"))
	mpis := strings.Fields(os.Getenv("MPIS"))
	if len(mpis) == 0 {
		t.Fatal("MPIS is empty, want WRAPPER:LAUNCHER ...")
	}
	for _, m := range mpis {
		mpicc, launch := launcher(m)
		binary := program(t, "../cmd/l2l-mpi", "../mpi/mpienv.sh", mpicc, "go", "build", "-tags", "mpi")
		for _, ranks := range []int{1, 2, 3, 4, 8} {
			_, got := run(t, "quickstart/run.yaml", append(launch, "-n", strconv.Itoa(ranks), binary)...)
			if got["trajectory_hash"] != want["trajectory_hash"] {
				t.Errorf("quickstart, %s -n %d: trajectory %v, want %v", launch[0], ranks, got["trajectory_hash"], want["trajectory_hash"])
			}
		}
		custom := program(t, "./custom", "../mpi/mpienv.sh", mpicc, "go", "build", "-tags", "mpi")
		_, got := run(t, "custom/run.yaml", append(launch, "-n", "3", custom)...)
		if got["trajectory_hash"] != wantCustom["trajectory_hash"] {
			t.Errorf("custom, %s -n 3: trajectory %v, want %v", launch[0], got["trajectory_hash"], wantCustom["trajectory_hash"])
		}
	}
}
