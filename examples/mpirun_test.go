//go:build mpirun

package examples

import (
	"os"
	"os/exec"
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
		mpicc, mpirun, _ := strings.Cut(m, ":")
		launch := []string{mpirun}
		if exec.Command(mpicc, "--showme:version").Run() == nil { // Open MPI
			launch = append(launch, "--oversubscribe")
			if os.Getuid() == 0 {
				launch = append(launch, "--allow-run-as-root")
			}
		}
		binary := program(t, "../cmd/l2l-mpi", "../mpi/mpienv.sh", mpicc, "go", "build", "-tags", "mpi")
		for _, ranks := range []int{1, 2, 3, 4, 8} {
			_, got := run(t, "quickstart/run.yaml", append(launch[:len(launch):len(launch)], "-n", strconv.Itoa(ranks), binary)...)
			if got["trajectory_hash"] != want["trajectory_hash"] {
				t.Errorf("quickstart, %s -n %d: trajectory %v, want %v", mpirun, ranks, got["trajectory_hash"], want["trajectory_hash"])
			}
		}
		custom := program(t, "./custom", "../mpi/mpienv.sh", mpicc, "go", "build", "-tags", "mpi")
		_, got := run(t, "custom/run.yaml", append(launch[:len(launch):len(launch)], "-n", "3", custom)...)
		if got["trajectory_hash"] != wantCustom["trajectory_hash"] {
			t.Errorf("custom, %s -n 3: trajectory %v, want %v", mpirun, got["trajectory_hash"], wantCustom["trajectory_hash"])
		}
	}
}
