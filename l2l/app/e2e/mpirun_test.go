//go:build mpirun

package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/app/programtest"
)

// TestTheTrajectoryIsTheSameEverywhere compares goroutines with real MPI, each of the variable MPIS, on 1 to 8 ranks in both schedules, and
// after kills. Run it by make test-mpi.
func TestTheTrajectoryIsTheSameEverywhere(t *testing.T) {
	solo := launch{name: "goroutines", program: build(t, "go", "build")}
	mpis := strings.Fields(os.Getenv("MPIS"))
	if len(mpis) == 0 {
		t.Fatal("MPIS is empty, want WRAPPER:LAUNCHER ...")
	}
	want := map[string]string{}
	for _, algorithm := range algorithms {
		want[algorithm] = solo.whole(t, configure(t, algorithm, 4000))
	}
	wantTeams := map[int]string{} // by evaluations: fewer, as the ranks of a team wait for each other, which takes long on few cores
	for _, n := range []int{400, 1000} {
		wantTeams[n] = solo.whole(t, configure(t, algorithms[0], n))
	}
	for _, m := range mpis {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		prefix := []string{mpirun}
		if exec.Command(mpicc, "--showme:version").Run() == nil { // Open MPI
			prefix = append(prefix, "--oversubscribe")
			if os.Getuid() == 0 {
				prefix = append(prefix, "--allow-run-as-root")
			}
		}
		t.Run(mpirun, func(t *testing.T) {
			for _, algorithm := range algorithms {
				for _, ranks := range []int{1, 2, 3, 4, 8} {
					schedules := []string{"pull", "collective", "auto"}
					if ranks == 1 {
						schedules = schedules[2:] // nothing is sent, by no schedule
					}
					for _, schedule := range schedules {
						l := launch{
							name: mpirun + " -n " + strconv.Itoa(ranks) + ", " + schedule, program: program,
							prefix: append(prefix[:len(prefix):len(prefix)], "-n", strconv.Itoa(ranks)), set: []string{"execution.schedule=" + schedule},
						}
						if ranks == 8 && schedule != "auto" {
							l.name, l.set = l.name+", two levels", append(l.set, "execution.levels=2")
						}
						if got := l.whole(t, configure(t, algorithm, 4000)); got != want[algorithm] {
							t.Errorf("%s, %s: %s, want %s", algorithm, l.name, got, want[algorithm])
						}
					}
				}
			}
		})
		t.Run(mpirun+", teams", func(t *testing.T) {
			for _, c := range []struct{ ranks, size string }{{"3", "2"}, {"5", "4"}, {"8", "3"}} {
				l := launch{
					name: mpirun + " -n " + c.ranks + ", teams of " + c.size, program: program, prefix: append(prefix[:len(prefix):len(prefix)], "-n", c.ranks),
					set: []string{"execution.ranks_per_evaluation=" + c.size},
				}
				if got := l.whole(t, configure(t, algorithms[0], 400)); got != wantTeams[400] {
					t.Errorf("%s: %s, want %s", l.name, got, wantTeams[400])
				}
			}
		})
		t.Run(mpirun+", teams after kills", func(t *testing.T) {
			t.Parallel() // it mostly waits
			l := launch{
				name: mpirun + " -n 5", program: programtest.Linked(t, program), prefix: append(prefix[:len(prefix):len(prefix)], "-n", "5"),
				set: []string{"execution.ranks_per_evaluation=2"},
			}
			l.survives(t, configure(t, algorithms[0], 1000), wantTeams[1000], 5)
		})
		for i, algorithm := range algorithms {
			t.Run(mpirun+", "+algorithm+" after kills", func(t *testing.T) {
				t.Parallel() // it mostly waits
				ranks, levels := []string{"4", "6"}[i], []string{"1", "2"}[i]
				l := launch{
					name: mpirun + " -n " + ranks, program: programtest.Linked(t, program), prefix: append(prefix[:len(prefix):len(prefix)], "-n", ranks),
					set: []string{"execution.schedule=" + []string{"pull", "collective"}[i], "execution.slots=2", "execution.levels=" + levels},
				}
				l.survives(t, configure(t, algorithm, 4000), want[algorithm], 20)
			})
		}
	}
}
