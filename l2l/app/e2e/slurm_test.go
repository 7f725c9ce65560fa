//go:build slurm

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAJobOfSlurmGoesOnWhereItWasEnded submits a job that is told to end before its time is over, and then again, as a requeue would. Run it
// by make test-slurm. The MPI is the first of the variable MPIS; srun must have PMIx.
func TestAJobOfSlurmGoesOnWhereItWasEnded(t *testing.T) {
	mpicc, _, _ := strings.Cut(strings.Fields(os.Getenv("MPIS") + " mpicc:mpirun")[0], ":")
	program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
	config := configure(t, "cmaes", 4000)
	solo := launch{name: "goroutines", program: build(t, "go", "build")}
	want := solo.whole(t, config)

	srun := launch{name: "srun -n 3", program: program, prefix: []string{"srun", "--mpi=pmix", "--overcommit", "-n", "3"}}
	if got := srun.whole(t, config); got != want {
		t.Errorf("under srun: %s, want %s", got, want)
	}
	plain := launch{program: solo.program, prefix: srun.prefix}
	out, err := plain.command(t.Context(), config, filepath.Join(t.TempDir(), "run")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "built without MPI") {
		t.Errorf("a program without MPI under srun: %v\n%s", err, out)
	}

	dir := t.TempDir()
	script, run, log := filepath.Join(dir, "job.sh"), filepath.Join(dir, "run"), filepath.Join(dir, "job.out")
	text := fmt.Sprintf("#!/bin/sh\nsrun --mpi=pmix --overcommit %s --config %s --set output.dir=%s "+
		"--set optimizee.delay=20ms --set execution.slots=8 --quiet --resume\n",
		program, config, run)
	if err := os.WriteFile(script, []byte(text), 0o777); err != nil {
		t.Fatal(err)
	}
	printed := func() string { b, _ := os.ReadFile(log); return string(b) }
	submit := func() (ended <-chan error) {
		argv := []string{"sbatch", "--wait", "--job-name=l2l-e2e", "--ntasks=2", "--overcommit",
			"--time=5", "--open-mode=append", "--output=" + log, script}
		done := make(chan error, 1)
		go func() { done <- exec.Command(argv[0], argv[1:]...).Run() }()
		return done
	}
	first := submit()
	for range 600 { // until it evaluates
		if journalSize(run) > 10_000 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	// What sbatch --signal=USR2@120 sends, only that Slurm would take up to a minute to think of it.
	if out, err := exec.Command("scancel", "--signal=USR2", "--name=l2l-e2e").CombinedOutput(); err != nil {
		t.Fatalf("scancel: %v\n%s", err, out)
	}
	var exit *exec.ExitError
	if err := <-first; !errors.As(err, &exit) || exit.ExitCode() != 75 {
		t.Fatalf("the job that was told to end: %v, want exit status 75\n%s", err, printed())
	}
	if err := <-submit(); err != nil {
		t.Fatalf("the second job: %v\n%s", err, printed())
	}
	if got := outcomeOf(t, run); got != want {
		t.Errorf("after two jobs: %s, want %s\n%s", got, want, printed())
	}
}
