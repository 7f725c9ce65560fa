//go:build simulators

package examples

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSimulatorsAreFittedByOptimizersOfOtherLibraries runs each on three ranks, the first of them under each MPI of the variable MPIS; kills
// all ranks in the middle, goes on, and replays the whole. Random search comes to errors of 5 to 8, of 6 to 9, and of 0.4 to 0.9;
// Optuna, whose search depends on who finishes first, to 4 to 9.
func TestSimulatorsAreFittedByOptimizersOfOtherLibraries(t *testing.T) {
	alone := program(t, "../cmd/l2l-mpi")
	for i, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, launch := launcher(m)
		binary := program(t, "../cmd/l2l-mpi", "go", "run", "../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		for _, c := range []struct {
			config      string
			evaluations int
			error       float64
		}{{"run.yaml", 2000, 3.5}, {"run-optuna.yaml", 500, 12}, {"run-skopt.yaml", 40, 0.1}} {
			if i > 0 && c.config != "run.yaml" {
				continue
			}
			dir := filepath.Join(t.TempDir(), "run")
			argv := append(launch, "-n", "3", binary, "--config", "process-optimizer/"+c.config, "--set", "output.dir="+dir, "--quiet", "--resume")
			killed := killedInTheMiddle(t, alone, binary, dir, c.evaluations/2, argv)
			stdout, stderr := finished(t, argv...)
			if !strings.Contains(stderr, "the optimizer is another program: it is told what the one before it proposed") {
				t.Errorf("%s: a resumed run does not say that it is told: %s", c.config, stderr)
			}
			var result map[string]any
			b, err := os.ReadFile(filepath.Join(dir, "result.json"))
			if err == nil {
				err = json.Unmarshal(b, &result)
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", c.config, err, stdout)
			}
			e := fitness(t, result, "error")
			t.Logf("%s under %s: killed after %d of %v evaluations; error %v", c.config, m, killed, result["evaluations"], e)
			if e > c.error || result["evaluations"] != float64(c.evaluations) {
				t.Errorf("%s: error %v after %v evaluations, want %v after %d", c.config, e, result["evaluations"], c.error, c.evaluations)
			}
			proof, _ := finished(t, alone, "check", "--replay", dir)
			if !strings.Contains(proof, strconv.Itoa(c.evaluations)+" evaluations") || !strings.Contains(proof, result["trajectory_hash"].(string)) {
				t.Errorf("%s: check --replay says %s", c.config, proof)
			}
		}
	}
}

// killedInTheMiddle starts a run and kills all its ranks once that many evaluations have ended; it returns how many had.
func killedInTheMiddle(t *testing.T, alone, binary, dir string, evaluations int, argv []string) (ended int) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Minute); ended < evaluations; time.Sleep(100 * time.Millisecond) {
		rows, err := exec.Command(alone, "export", dir).Output() // it fails until there is something
		if err == nil {
			ended = bytes.Count(rows, []byte("\n")) - 1
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q: %d evaluations in ten minutes\n%s", argv, ended, &out)
		}
	}
	_ = cmd.Process.Kill()
	for _, pid := range ranks(binary) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended with the launcher
	}
	_ = cmd.Wait() // killed
	for deadline := time.Now().Add(2 * time.Minute); len(ranks(binary)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("ranks are left")
		}
	}
	return ended
}

// ranks are the processes of a program.
func ranks(binary string) (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is sound
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && target == binary {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(l)))
			if err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// finished runs a program to its end.
func finished(t *testing.T, argv ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", argv, err, out, &errs)
	}
	return string(out), errs.String()
}
