//go:build simulators

package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

// countingPython puts a python3 before the one in the path: the same, but each process of it notes what it imports. It returns a function that gives
// the number of processes, and how often they imported a package.
func countingPython(t *testing.T, pkg string) (count func() (processes, imports int)) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err == nil {
		python, err = filepath.Abs(python)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %q -X importtime \"$@\" 2>%q/imports.$$\n", python, dir)
	if err := os.WriteFile(filepath.Join(dir, "python3"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() (processes, imports int) {
		files, err := filepath.Glob(filepath.Join(dir, "imports.*"))
		if err != nil {
			t.Fatal(err)
		}
		imported := regexp.MustCompile(`(?m)^import time: .*\| +` + pkg + `$`)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			imports += len(imported.FindAll(text, -1))
		}
		return len(files), imports
	}
}

// Random search, with as many evaluations, reads half of these images: see the README.
func TestSimulatorNestReservoirReadsDigitsItWasNotTrainedOnAndImportsNestOncePerSlot(t *testing.T) {
	count := countingPython(t, "nest")
	dir, result := simulate(t, "nest-reservoir")
	// One more Python is asked which packages there are.
	if processes, imports := count(); imports < 2 || imports > 2*runtime.NumCPU() || processes != imports+1 || result["evaluations"] != 6300.0 {
		t.Errorf("%v evaluations by %d processes that imported NEST %d times, want 6000 and 300 for the answer, a process per slot and one more, and once "+
			"in each but that", result["evaluations"], processes, imports)
	}

	if n := numbers(t, heldOut(t, dir), "held out"); n[1] != 132 || n[2] < 0.85 {
		t.Errorf("held out: %v of %v images are read correctly, want 85 %% of 132", n[0], n[1])
	}
}

// Individuals that share a simulation do not change each other's results, and nothing of an evaluation is left for the next.
func TestSimulatorNestReservoirGivesTheSameInAnyBatchOnAnySlots(t *testing.T) {
	t.Parallel()
	binary := program(t, "../cmd/l2l-mpi")
	hashes := map[any]bool{}
	for _, how := range [][2]string{{"16", "1"}, {"5", "2"}, {"1", "2"}} {
		_, result := run(t, "nest-reservoir/run.yaml", binary, "--set", "optimizer.pop_size=15", "--set", "stop.generations=2",
			"--set", "execution.batch="+how[0], "--set", "execution.slots="+how[1])
		hashes[result["trajectory_hash"]] = true
	}
	if len(hashes) != 1 {
		t.Errorf("%d trajectories, want one: %v", len(hashes), hashes)
	}
}
