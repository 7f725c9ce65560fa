//go:build simulators

package examples

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// simulate runs an example with its engine, on three ranks of the first MPI of the variable MPIS, and returns the run's result.json. It fails
// the test if an evaluation fails. The tests that call it are run by make test-simulators.
func simulate(t *testing.T, example string) (result map[string]any) {
	t.Helper()
	mpis := strings.Fields(os.Getenv("MPIS"))
	if len(mpis) == 0 {
		t.Fatal("MPIS is empty, want WRAPPER:LAUNCHER")
	}
	mpicc, launch := launcher(mpis[0])
	binary := program(t, "../cmd/l2l-mpi", "go", "run", "../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
	_, result = run(t, example+"/run.yaml", append(launch, "-n", "3", binary)...)
	if result["failures"] != 0.0 {
		t.Errorf("%v evaluations of %s failed", result["failures"], example)
	}
	return result
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

// heldOut is what the test.py of an example prints of a run: what its best individual is worth where it was not trained.
func heldOut(t *testing.T, example string, result map[string]any) (report string) {
	t.Helper()
	dir := t.TempDir()
	b, err := json.Marshal(result)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "result.json"), b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", filepath.Join(example, "test.py"), dir)
	cmd.Env = append(os.Environ(), "PYTHONPATH=../optimizee/process/python/src")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}
