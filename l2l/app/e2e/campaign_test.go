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
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // a rank that is lost takes half a minute, and more where others are busy
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

// TestRealMPICampaignThatLosesARankIsResumedOnOthers stops a rank of a campaign on each MPI of the variable MPIS. In its first run, that run ends as it
// would have, and the campaign with the code of one that is to be resumed, and it is: the other run waits for ranks that all answer. In its last run
// nothing is left to do, and the code is that. Run it by make test-mpi.
func TestRealMPICampaignThatLosesARankIsResumedOnOthers(t *testing.T) {
	t.Parallel() // it mostly waits, for ranks that do not answer
	const text = `
base:
  optimizee: {type: traced, delay: 100ms}
  optimizer: {type: cmaes, pop_size: 24}
  stop: {evaluations: 480}
  execution: {slots: 2, copies: off}
runs: [{name: first}, {name: last, set: {seed: 4}}]
output: {dir: out}
`
	directory := func(t *testing.T) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "sweep.yaml"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	cmd, out, want := again(t, build(t, "go", "build"), nil, directory(t))
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		for _, c := range []struct {
			during, said string
			code         int
		}{{"first", "2 runs: 1 finished, 1 waiting", 75}, {"last", "2 runs: 2 finished", 0}} {
			t.Run(mpirun+", "+c.during, func(t *testing.T) {
				t.Parallel()
				dir, own := directory(t), filepath.Join(t.TempDir(), "e2e")
				if err := os.Link(program, own); err != nil {
					t.Fatal(err)
				}
				cmd, out, _ := again(t, own, launcher(mpicc, mpirun, 3), dir)
				untilItEvaluates(filepath.Join(dir, "out", c.during))
				if err := syscall.Kill(rankOf(t, own, 2), syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				err := cmd.Wait()
				if cmd.ProcessState.ExitCode() != c.code || !strings.Contains(out.String(), c.said) ||
					!strings.Contains(out.String(), "a rank does not answer any more") {
					t.Fatalf("%v, want code %d, %q, and that a rank is lost\n%s", err, c.code, c.said, out)
				}
				killAll(t, own, cmd) // there should be none
				if c.code != 0 {
					cmd, out, _ = again(t, own, launcher(mpicc, mpirun, 3), dir, "--resume")
					if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "2 runs: 2 finished") {
						t.Fatalf("%v, want code 0 and two runs that are finished\n%s", err, out)
					}
				}
				for _, name := range []string{"first", "last"} {
					if got, want := outcomeOf(t, filepath.Join(dir, "out", name)), outcomeOf(t, filepath.Join(want, "out", name)); got != want {
						t.Errorf("%s: %s, want %s", name, got, want)
					}
				}
			})
		}
	}
}
