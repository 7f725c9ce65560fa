//go:build mpirun

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRealMPIRunThatIsInterruptedIsToBeResumed sends signals to a launcher of each MPI of the variable MPIS, or to its ranks, and looks at what it
// makes of the exit code 75 that every rank ends with. Whatever it makes of it, status knows. Run it by make test-mpi.
func TestRealMPIRunThatIsInterruptedIsToBeResumed(t *testing.T) {
	// What this process catches, those that it starts do not ignore, even where this one was started by nohup.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	const openmpi, mpich = "Open MPI", "MPICH"
	for _, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		library := mpich
		if exec.Command(mpicc, "--showme:version").Run() == nil {
			library = openmpi
		}
		// MPICH's launcher that is asked to end loses the exit codes of its ranks in some of a hundred cases, and ends with 0; and either launcher has
		// been seen to crash of itself then. What became of the run status says.
		for _, c := range []struct {
			to     string // whom the signal is sent
			signal syscall.Signal
			code   map[string][]int // one of which the launcher hands out; -1: it is killed itself
			state  map[string]string
		}{
			{"ranks", syscall.SIGTERM, map[string][]int{openmpi: {75}, mpich: {75}}, map[string]string{openmpi: "interrupted", mpich: "interrupted"}},
			{"ranks", syscall.SIGHUP, map[string][]int{openmpi: {75}, mpich: {75}}, map[string]string{openmpi: "interrupted", mpich: "interrupted"}},
			{"launcher", syscall.SIGTERM, map[string][]int{openmpi: {1, -1}, mpich: {75, 0, -1}}, map[string]string{openmpi: "interrupted", mpich: "interrupted"}},
			{"launcher", syscall.SIGINT, map[string][]int{openmpi: {1, -1}, mpich: {75, 0, -1}}, map[string]string{openmpi: "interrupted", mpich: "interrupted"}},
			{"launcher", syscall.SIGHUP, map[string][]int{openmpi: {1}, mpich: {-1}}, map[string]string{openmpi: "interrupted", mpich: "crashed"}},
			{"launcher", syscall.SIGUSR2, map[string][]int{openmpi: {75}, mpich: {-1}}, map[string]string{openmpi: "interrupted", mpich: "crashed"}},
		} {
			t.Run(fmt.Sprintf("%s/%v to the %s", mpirun, c.signal, c.to), func(t *testing.T) {
				l := launch{name: mpirun, program: program, prefix: launcher(mpicc, mpirun, 3), set: []string{"optimizee.delay=20ms"}}
				dir := filepath.Join(t.TempDir(), "run")
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				cmd := l.command(ctx, configure(t, "cmaes", 40000), dir)
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				untilItEvaluates(dir)
				if c.to == "launcher" {
					_ = cmd.Process.Signal(c.signal) // it may have ended
				} else {
					var ranks []int
					for rank := range 3 {
						ranks = append(ranks, rankOf(t, program, rank))
					}
					for _, pid := range ranks {
						_ = syscall.Kill(pid, c.signal) // the others may have ended it
					}
				}
				var exit *exec.ExitError
				if err := cmd.Wait(); !slices.Contains(c.code[library], cmd.ProcessState.ExitCode()) {
					t.Errorf("the launcher ends with %v, want code %d\n%s", err, c.code[library], &out)
				}
				for end := time.Now().Add(2 * time.Minute); len(processes(program)) > 0 && time.Now().Before(end); { // what a launcher left behind ends
					time.Sleep(10 * time.Millisecond)
				}
				text, err := exec.Command(program, "status", dir).Output()
				if !errors.As(err, &exit) || exit.ExitCode() != 75 || !strings.Contains(string(text), dir+": "+c.state[library]) {
					t.Errorf("status: %s, %v; want %s, and 75", text, err, c.state[library])
				}
			})
		}
	}
}
