//go:build mpirun

package mpi_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRealMPI builds the program mpitest/spmd with each MPI of the variable MPIS and runs it under that MPI's launcher.
// Run it by make test-mpi. It is behind a build tag, so that go test ./... needs no MPI and yet skips nothing.
func TestRealMPI(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	command(t, "go", "build", "-o", plain, "./mpitest/spmd")
	var libraries []library
	for _, m := range strings.Fields(os.Getenv("MPIS")) {
		libraries = append(libraries, newLibrary(t, dir, m))
	}
	if len(libraries) == 0 {
		t.Fatal("MPIS is empty, want WRAPPER:LAUNCHER ...")
	}
	for _, lib := range libraries {
		t.Run(lib.mpirun, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 4, 8} {
				t.Run(fmt.Sprintf("keeps the promises of Comm on %d ranks", n), func(t *testing.T) {
					out := lib.run(t, 0, n, lib.spmd)
					for line := range strings.Lines(out) {
						if strings.Contains(line, " all ") {
							t.Log(strings.TrimSpace(line))
						}
					}
				})
			}
			t.Run("a panic of one rank ends all and is printed", func(t *testing.T) {
				want(t, lib.run(t, 3, 3, lib.spmd, "panic"), "this is the text of the panic")
			})
			t.Run("Abort ends ranks that wait, from any goroutine", func(t *testing.T) {
				lib.run(t, 5, 3, lib.spmd, "abort")
			})
			t.Run("Close ends the run in order after cancelled calls", func(t *testing.T) {
				lib.run(t, 0, 3, lib.spmd, "cancel")
			})
			t.Run("an idle rank sleeps until a message comes", func(t *testing.T) {
				out := lib.run(t, 0, 8, lib.spmd, "idle", "4s")
				t.Log(out)
				var used, sleeps float64
				if _, err := fmt.Sscanf(out, "%f %% of a core; %f sleeps a second", &used, &sleeps); err != nil || sleeps > 400 || used > 2 {
					t.Errorf("%v: %s", err, out)
				}
			})
			t.Run("a program without MPI refuses to be one of several tasks", func(t *testing.T) {
				want(t, lib.run(t, 2, 2, plain), "started 2 tasks", "without MPI", "make")
			})
			for _, other := range libraries {
				if other.mpirun != lib.mpirun {
					t.Run("a program of another MPI refuses, "+other.mpicc, func(t *testing.T) {
						want(t, lib.run(t, 2, 2, other.spmd), "started 2 tasks", "MPI sees only 1", other.name)
					})
				}
			}
		})
	}
}

// library is one MPI.
type library struct {
	mpicc, mpirun string
	flags         []string // of mpirun, so that it starts more ranks than there are cores, and as root
	spmd          string   // the program, built with it
	name          string   // what the program says it is built with
}

func newLibrary(t *testing.T, dir, m string) library {
	t.Helper()
	mpicc, mpirun, _ := strings.Cut(m, ":")
	lib := library{mpicc: mpicc, mpirun: mpirun, spmd: filepath.Join(dir, mpicc), name: "MPICH"}
	command(t, "go", "run", "./mpienv", mpicc, "go", "build", "-tags", "mpi", "-o", lib.spmd, "./mpitest/spmd")
	t.Log(command(t, "./which-mpi.sh", lib.spmd))
	if exec.Command(mpicc, "--showme:version").Run() == nil {
		lib.name = "Open MPI"
		lib.flags = []string{"--oversubscribe"}
		if os.Getuid() == 0 {
			lib.flags = append(lib.flags, "--allow-run-as-root")
		}
	}
	return lib
}

// command starts n ranks of program.
func (lib library) command(n int, program ...string) []string {
	args := append([]string{lib.mpirun}, lib.flags...)
	return append(append(args, "-n", fmt.Sprint(n)), program...)
}

// run starts n ranks of program, wants the exit code, and returns the output.
func (lib library) run(t *testing.T, code, n int, program string, args ...string) string {
	t.Helper()
	argv := lib.command(n, append([]string{program}, args...)...)
	limit := 10 * time.Minute // eight ranks of MPICH on two cores take their time
	if code != 0 {
		limit = 3 * time.Minute // whatever goes wrong must end
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // mpirun passes it on
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%q did not end within %v\n%s", argv, limit, out)
	}
	if got != code {
		t.Fatalf("%q exits with %d, want %d\n%s", argv, got, code, out)
	}
	return string(out)
}

func want(t *testing.T, out string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("output does not contain %q:\n%s", w, out)
		}
	}
}

func command(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	return strings.TrimSpace(string(out))
}
