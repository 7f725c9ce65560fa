//go:build mpirun

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// evaluationsOfLosers are those of the runs that lose a rank.
const evaluationsOfLosers = 400

// TestRealMPIRunGoesOnWithoutARankThatHangs stops a rank of each MPI of the variable MPIS while it evaluates. Run it by make test-mpi.
func TestRealMPIRunGoesOnWithoutARankThatHangs(t *testing.T) {
	config := configure(t, "cmaes", evaluationsOfLosers)
	want := launch{name: "goroutines", program: build(t, "go", "build")}.whole(t, config)
	for i, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		t.Run(mpirun, func(t *testing.T) {
			t.Parallel() // it mostly waits
			l := launch{
				name: mpirun, program: build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi"), prefix: launcher(mpicc, mpirun, 3),
				set: []string{"optimizee.delay=20ms", "execution.schedule=" + []string{"pull", "collective"}[i%2]},
			}
			l.goesOnWithout(t, config, want, syscall.SIGSTOP)
		})
	}
}

// TestRealMPIRunGoesOnWithoutARankThatDies kills a rank under the MPI with ULFM of the variable ULFM. Run it by make test-mpi.
func TestRealMPIRunGoesOnWithoutARankThatDies(t *testing.T) {
	mpicc, mpirun, _ := strings.Cut(os.Getenv("ULFM"), ":")
	if mpirun == "" {
		t.Fatal("ULFM is empty, want WRAPPER:LAUNCHER")
	}
	config := configure(t, "cmaes", evaluationsOfLosers)
	want := launch{name: "goroutines", program: build(t, "go", "build")}.whole(t, config)
	program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
	prefix := append(launcher(mpicc, mpirun, 3), "--with-ft", "ulfm")
	for _, schedule := range []string{"pull", "collective"} {
		t.Run(schedule, func(t *testing.T) {
			t.Parallel() // it mostly waits
			l := launch{name: mpirun, program: program, prefix: prefix, set: []string{"optimizee.delay=20ms", "execution.schedule=" + schedule}}
			l.goesOnWithout(t, config, want, syscall.SIGKILL)
		})
	}
}

// goesOnWithout sends a signal to a rank while it evaluates, after which it is not heard of any more. The others do its work: the run ends by its rules,
// with its code and the trajectory of an undisturbed one, and says what it lost.
func (l launch) goesOnWithout(t *testing.T, config, want string, signal syscall.Signal) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := l.command(ctx, config, dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	untilItEvaluates(dir)
	if err := syscall.Kill(rankOf(t, dir, 2), signal); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if got := outcomeOf(t, dir); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	var manifest struct {
		Lost  []int `json:"ranks_lost"`
		Again int   `json:"evaluated_again"`
	}
	if err != nil || json.Unmarshal(b, &manifest) != nil || fmt.Sprint(manifest.Lost) != "[2]" || manifest.Again == 0 {
		t.Errorf("manifest.json: %s, %v", b, err)
	}
	if !strings.Contains(out.String(), "a rank does not answer any more") {
		t.Errorf("it does not say what it lost:\n%s", &out)
	}
	rows, err := exec.Command(l.program, "export", dir).Output()
	if err != nil || bytes.Count(rows, []byte(",ok,")) != evaluationsOfLosers {
		t.Errorf("%d evaluations succeeded, want all %d; %v", bytes.Count(rows, []byte(",ok,")), evaluationsOfLosers, err)
	}
	killAll(t, dir, cmd) // there should be none
}

// launcher is the command that starts n ranks.
func launcher(mpicc, mpirun string, n int) []string {
	argv := []string{mpirun}
	if exec.Command(mpicc, "--showme:version").Run() == nil { // Open MPI
		argv = append(argv, "--oversubscribe")
		if os.Getuid() == 0 {
			argv = append(argv, "--allow-run-as-root")
		}
	}
	return append(argv, "-n", fmt.Sprint(n))
}
