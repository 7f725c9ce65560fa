//go:build mpirun

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sweep is a campaign of three runs, of which one fails, as nothing can be written to its file.
const sweep = `
base:
  seed: 3
  optimizee: {type: traced, delay: 20ms}
  optimizer: {type: cmaes, pop_size: 24}
  stop: {evaluations: 240}
  execution: {slots: 2}
runs: [{name: first}, {name: mute, set: {optimizee.file: /dev/full}}, {name: last, set: {optimizer: {type: jade}}}]
output: {dir: out}
`

// TestRealMPICampaignIsInterruptedAndResumed runs a campaign on each MPI of the variable MPIS, interrupts it by a signal to all ranks during its first run,
// and resumes it; each run is then what it is with goroutines. Run it by make test-mpi.
func TestRealMPICampaignIsInterruptedAndResumed(t *testing.T) {
	start := func(program string, prefix []string, args ...string) (*exec.Cmd, *bytes.Buffer, string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "sweep.yaml"), []byte(sweep), 0o666); err != nil {
			t.Fatal(err)
		}
		return again(t, program, prefix, dir, args...)
	}
	goroutines := build(t, "go", "build")
	cmd, out, want := start(goroutines, nil)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v, want code 1, as one run fails\n%s", err, out)
	}
	for _, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		t.Run(mpirun, func(t *testing.T) {
			cmd, out, dir := start(program, launcher(mpicc, mpirun, 3))
			untilItEvaluates(filepath.Join(dir, "out", "first"))
			var ranks []int
			for rank := range 3 {
				ranks = append(ranks, rankOf(t, program, rank))
			}
			for _, pid := range ranks {
				_ = syscall.Kill(pid, syscall.SIGTERM) // the others may have ended it
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 75 || !strings.Contains(out.String(), "3 runs: 1 interrupted, 2 waiting") {
				t.Fatalf("%v, want code 75 and two runs that wait\n%s", err, out)
			}
			cmd, out, _ = again(t, program, launcher(mpicc, mpirun, 3), dir, "--resume")
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(out.String(), "3 runs: 2 finished, 1 failed") {
				t.Fatalf("%v, want code 1 and two runs that are finished\n%s", err, out)
			}
			for _, name := range []string{"first", "last"} {
				if got, want := outcomeOf(t, filepath.Join(dir, "out", name)), outcomeOf(t, filepath.Join(want, "out", name)); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			if text, err := os.ReadFile(filepath.Join(dir, "out", "report.html")); err != nil || !strings.Contains(string(text), "Comparison of runs") {
				t.Errorf("the report: %v", err)
			}
		})
	}
}

// again starts the campaign in dir.
func again(t *testing.T, program string, prefix []string, dir string, args ...string) (*exec.Cmd, *bytes.Buffer, string) {
	t.Helper()
	argv := append(append([]string{}, prefix...), program, "campaign", "sweep.yaml", "--quiet")
	argv = append(argv, args...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	out := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out, dir
}
