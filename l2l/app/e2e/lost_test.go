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
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/app/programtest"
)

// TestRealMPIRunGoesOnWithoutRanksThatHangOrDie takes ranks from runs of each MPI of the variable MPIS while they evaluate: one or two of three are
// stopped, under each schedule, and one is killed where the MPI lets the others live. The others do their work: the run ends by its rules, with its
// code and the trajectory of an undisturbed one, and says what it lost. Run it by make test-mpi.
func TestRealMPIRunGoesOnWithoutRanksThatHangOrDie(t *testing.T) {
	t.Parallel() // it mostly waits, for ranks that do not answer
	config := configure(t, "cmaes", lostEvaluations)
	want := launch{name: "goroutines", program: build(t, "go", "build")}.whole(t, config)
	var all sync.WaitGroup
	for _, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		cases := []loss{
			{"pull", []int{2}, syscall.SIGSTOP, true, false, 1}, {"collective", []int{2}, syscall.SIGSTOP, true, false, 1},
			{"pull", []int{1, 3}, syscall.SIGSTOP, true, false, 1}, {"collective", []int{1, 3}, syscall.SIGSTOP, true, false, 1},
			{"pull", []int{1, 3}, syscall.SIGSTOP, true, true, 1},
			{"pull", []int{3}, syscall.SIGSTOP, true, false, 2}, {"pull", []int{4}, syscall.SIGSTOP, true, false, 2},
		}
		if isOpenMPI(mpicc) { // MPICH 4 ends them all, also with -disable-auto-cleanup
			cases = append(cases, loss{"pull", []int{2}, syscall.SIGKILL, false, false, 1}, loss{"collective", []int{2}, syscall.SIGKILL, false, false, 1})
		}
		for _, c := range cases { // side by side, however few cores there are: they mostly wait
			all.Go(func() {
				t.Run(fmt.Sprintf("%s, %s, %v to %v, copies %v, teams of %d", mpirun, c.schedule, c.signal, c.ranks, c.copies, c.team), func(t *testing.T) {
					l := launch{
						name: mpirun, program: programtest.Linked(t, program), prefix: launcher(mpicc, mpirun, 3+c.team), // with two teams, if these are of 2
						set: c.set(),
					}
					if c.signal == syscall.SIGKILL {
						l.prefix = append(l.prefix, "--mca", "orte_enable_recovery", "1")
					}
					c.happens(t, l, config, want)
				})
			})
		}
	}
	all.Wait()
}

// TestRealMPIRunGoesOnWithoutARankThatDiesUnderULFM kills a rank under the MPI of the variable ULFM. Run it by make test-mpi.
func TestRealMPIRunGoesOnWithoutARankThatDiesUnderULFM(t *testing.T) {
	t.Parallel() // it mostly waits, for ranks that do not answer
	mpicc, mpirun, ok := strings.Cut(os.Getenv("ULFM"), ":")
	if !ok {
		t.Fatal("ULFM is empty, want WRAPPER:LAUNCHER")
	}
	config := configure(t, "cmaes", lostEvaluations)
	want := launch{name: "goroutines", program: build(t, "go", "build")}.whole(t, config)
	program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
	for _, c := range []loss{{"pull", []int{2}, syscall.SIGKILL, true, false, 1}, {"collective", []int{1, 3}, syscall.SIGKILL, true, false, 1}} {
		t.Run(fmt.Sprintf("%s, %v to %v", c.schedule, c.signal, c.ranks), func(t *testing.T) {
			t.Parallel() // it mostly waits
			l := launch{
				name: mpirun, program: programtest.Linked(t, program), prefix: append(launcher(mpicc, mpirun, 4), "--with-ft", "ulfm"),
				set: c.set(),
			}
			c.happens(t, l, config, want)
		})
	}
}

const lostEvaluations = 400

// loss is what happens to ranks.
type loss struct {
	schedule string
	ranks    []int
	signal   syscall.Signal
	ends     bool // mpirun does, in the end
	copies   bool // what the ranks had is evaluated by others before anybody has noticed that they are lost
	team     int  // ranks that share an evaluation; of teams of 2, [3 4] is lost as a whole
}

// set is what the loss asks of the configuration.
func (c loss) set() []string {
	set := []string{"optimizee.delay=100ms", "execution.schedule=" + c.schedule}
	if !c.copies {
		set = append(set, "execution.copies=off")
	}
	if c.team > 1 {
		set = append(set, fmt.Sprint("execution.ranks_per_evaluation=", c.team))
	}
	return set
}

func (c loss) happens(t *testing.T, l launch, config, want string) {
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := l.command(ctx, config, dir)
	log := filepath.Join(t.TempDir(), "log") // a file: what mpirun leaves behind does not keep it open for us
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	untilItEvaluates(dir)
	for _, rank := range c.ranks {
		if err := syscall.Kill(rankOf(t, l.program, rank), c.signal); err != nil {
			t.Fatal(err)
		}
	}
	said := func() string {
		b, _ := os.ReadFile(log) // for a message
		return string(b)
	}
	if !c.ends { // Open MPI's mpirun does not always, once a rank is killed
		for ctx.Err() == nil && !strings.Contains(said(), "MPI_ABORT was invoked on rank 0") {
			time.Sleep(50 * time.Millisecond)
		}
		killAll(t, l.program, cmd)
		_ = cmd.Wait() // it was killed
	} else if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said())
	}
	if got := outcomeOf(t, dir); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	lost := c.ranks
	if c.team > 1 {
		lost = []int{3} // its leader
	}
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	var manifest struct {
		Lost   []int `json:"ranks_lost"`
		Again  int   `json:"evaluated_again"`
		Copies struct{ Won int }
	}
	if err != nil || json.Unmarshal(b, &manifest) != nil || fmt.Sprint(manifest.Lost) != fmt.Sprint(lost) ||
		manifest.Again == 0 && !c.copies || manifest.Copies.Won == 0 && c.copies {
		t.Errorf("manifest.json: %s, %v", b, err)
	}
	if !strings.Contains(said(), "a rank does not answer any more") && !(c.copies && strings.Contains(said(), "a rank does not answer that the run is over")) {
		t.Errorf("it does not say what it lost:\n%s", said())
	}
	if rows, err := exec.Command(l.program, "export", dir).Output(); err != nil || bytes.Count(rows, []byte(",ok,")) != lostEvaluations {
		t.Errorf("%d evaluations succeeded, want all %d; %v", bytes.Count(rows, []byte(",ok,")), lostEvaluations, err)
	}
	killAll(t, l.program, cmd) // there should be none
}

// launcher is the command that starts n ranks.
func launcher(mpicc, mpirun string, n int) []string {
	argv := []string{mpirun}
	if isOpenMPI(mpicc) {
		argv = append(argv, "--oversubscribe")
		if os.Getuid() == 0 {
			argv = append(argv, "--allow-run-as-root")
		}
	}
	return append(argv, "-n", fmt.Sprint(n))
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
