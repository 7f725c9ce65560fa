//go:build simulators

package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// simulate runs an example with its engine, on three ranks of the first MPI of the variable MPIS, and returns the run's directory and its result.json.
// It fails the test if an evaluation fails. The tests that call it are run by make test-simulators, side by side: while one imports its engine, or
// is tested where it was not trained, a core has nothing to do.
func simulate(t *testing.T, example string) (dir string, result map[string]any) {
	t.Helper()
	mpis := strings.Fields(os.Getenv("MPIS"))
	if len(mpis) == 0 {
		t.Fatal("MPIS is empty, want WRAPPER:LAUNCHER")
	}
	mpicc, launch := launcher(mpis[0])
	binary := program(t, "../cmd/l2l-mpi", "go", "run", "../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
	dir = filepath.Join(t.TempDir(), "run")
	_, result = runIn(t, dir, example+"/run.yaml", append(launch, "-n", "3", binary)...)
	if result["failures"] != 0.0 {
		t.Errorf("%v evaluations of %s failed", result["failures"], example)
	}
	return dir, result
}

// fitness is a fitness of the best individual of a run.
func fitness(t *testing.T, result map[string]any, objective string) float64 {
	t.Helper()
	f, ok := result["best"].(map[string]any)["fitness"].(map[string]any)[objective].(float64)
	if !ok {
		t.Fatalf("no %s in the fitness of %v", objective, result["best"])
	}
	return f
}

// heldOut is what the test of an example, which l2l-mpi test starts, finds of a run: what it has found is worth where it was not trained.
func heldOut(t *testing.T, dir string) (report string) {
	t.Helper()
	return tested(t, program(t, "../cmd/l2l-mpi"), dir)
}
