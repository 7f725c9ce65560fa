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

// TestRealMPIRunGoesOnWithoutARankThatHangs stops a rank of each MPI of the variable MPIS while it evaluates. The others do its work: the run ends
// by its rules, with its code and the trajectory of an undisturbed one, and says what it lost. Run it by make test-mpi.
func TestRealMPIRunGoesOnWithoutARankThatHangs(t *testing.T) {
	const evaluations = 400
	config := configure(t, "cmaes", evaluations)
	want := launch{name: "goroutines", program: build(t, "go", "build")}.whole(t, config)
	for i, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		t.Run(mpirun, func(t *testing.T) {
			t.Parallel() // it mostly waits
			l := launch{
				name: mpirun, program: build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi"), prefix: launcher(mpicc, mpirun, 3),
				set: []string{"optimizee.delay=20ms", "execution.schedule=" + []string{"pull", "collective"}[i%2]},
			}
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
			if err := syscall.Kill(rankOf(t, l.program, 2), syscall.SIGSTOP); err != nil {
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
			if rows, err := exec.Command(l.program, "export", dir).Output(); err != nil || bytes.Count(rows, []byte(",ok,")) != evaluations {
				t.Errorf("%d evaluations succeeded, want all %d; %v", bytes.Count(rows, []byte(",ok,")), evaluations, err)
			}
			killAll(t, l.program, cmd) // there should be none
		})
	}
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

// untilItEvaluates waits until the run in dir has results.
func untilItEvaluates(dir string) {
	for range 2000 {
		if journalSize(dir) > 5000 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// rankOf is the process of a rank.
func rankOf(t *testing.T, program string, rank int) int {
	t.Helper()
	for _, pid := range processes(program) {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // it may have ended
		for _, name := range []string{"OMPI_COMM_WORLD_RANK", "PMI_RANK"} {
			if bytes.Contains(environ, fmt.Appendf(nil, "\x00%s=%d\x00", name, rank)) {
				return pid
			}
		}
	}
	t.Fatalf("there is no rank %d", rank)
	return 0
}
