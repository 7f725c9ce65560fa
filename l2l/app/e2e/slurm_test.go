//go:build slurm

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// slurm is what the tests under Slurm share: the cluster that .ci/start-slurm starts, a program for each MPI of the variable MPIS, and a run whose
// outcome is known. Open MPI starts by PMIx, and MPICH by PMI-2.
type slurm struct {
	openmpi, mpich string
	config         string // of a search of 4000 evaluations
	want           string // its outcome
}

// TestSlurm is behind a build tag, as it needs that cluster: make test-slurm starts it. What needs all four nodes runs first, and everything else at the
// same time, as it mostly waits.
func TestSlurm(t *testing.T) {
	s := slurm{config: configure(t, "cmaes", 4000)}
	for _, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, _, _ := strings.Cut(m, ":")
		program := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		if isOpenMPI(mpicc) {
			s.openmpi = program
		} else {
			s.mpich = program
		}
	}
	if s.openmpi == "" || s.mpich == "" {
		t.Fatalf("MPIS is %q, want Open MPI and MPICH", os.Getenv("MPIS"))
	}
	plain := build(t, "go", "build")
	s.want = launch{name: "goroutines", program: plain}.whole(t, s.config)

	t.Run("the trajectory is the same on one node and on four, and on 16 ranks", s.sameEverywhere)
	t.Run("ranks share evaluations in teams of a node", s.teams)
	t.Run("at a time", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T){
			"a wrong pair of MPI and srun ends with the right one":              func(t *testing.T) { s.wrongPairs(t, plain) },
			"slots follow the CPUs of each component of a heterogeneous step":   s.heterogeneous,
			"each job of an array has a run of its own":                         s.array,
			"of two steps in one directory one runs and the other one says why": s.twoSteps,
			"the job script completes a run over four jobs by itself":           s.fourJobs,
			"the job script stops when the run fails":                           s.jobThatFails,
			"the job script stops when the run cannot be resumed":               s.jobThatCannotGoOn,
			"a job ends in order before its time is over":                       s.endsBeforeItsJob,
			"a job that its time limit kills is resumed":                        s.timeLimit,
			"a job that is told so by a signal ends in order":                   s.signal,
			"a job that is cancelled ends in order and is not submitted again":  s.cancelled,
			"a job that is requeued goes on where it was":                       s.requeued,
			"a job goes on after a node was taken down":                         s.nodeDown,
			"a job goes on after a node died":                                   s.nodeDies,
			"srun hands out the exit code of a run that was interrupted":        s.exitCodes,
			"a rank that dies ends the step, and the run is to be resumed":      s.deadRank,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t)
			})
		}
	})
}

// srun is a way to start a program by srun: by PMI-2 if it is that of MPICH, else by PMIx.
func (s slurm) srun(program string, options ...string) launch {
	prefix := append([]string{"srun", "--mpi=" + s.kind(program), "--kill-on-bad-exit=1"}, options...)
	return launch{name: strings.Join(prefix, " "), program: program, prefix: prefix}
}

func (s slurm) kind(program string) string {
	if program == s.mpich {
		return "pmi2"
	}
	return "pmix"
}

// Open MPI has one node: of some thirty starts over several slurmd of one machine it ends one with a fault, in MPI_Init, in a C program as well.
func (s slurm) sameEverywhere(t *testing.T) {
	for _, l := range []launch{
		s.srun(s.openmpi, "-N1", "-n3"),
		s.srun(s.mpich, "-pall", "-N4", "-n16"),
		s.srun(s.mpich, "-pall", "-N4", "--ntasks-per-node=1", "--cpus-per-task=2"),
	} {
		dir := filepath.Join(t.TempDir(), "run")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if out, err := l.command(ctx, s.config, dir).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", l.name, err, out)
		}
		if got := outcomeOf(t, dir); got != s.want {
			t.Errorf("%s: %s, want %s", l.name, got, s.want)
		}
		m := manifestOf(t, dir)
		switch {
		case slices.Contains(l.prefix, "-n16") && m.Ranks != 16, slices.Contains(l.prefix, "--cpus-per-task=2") && (m.Ranks != 4 || m.Slots != 6):
			t.Errorf("%s: %d ranks, %d slots", l.name, m.Ranks, m.Slots)
		}
	}
}

// teams has nine ranks on four nodes in teams of two: none has ranks of two nodes but that of those that are left over, and the trajectory is the same.
func (s slurm) teams(t *testing.T) {
	for options, want := range map[string]struct {
		teams    string // the ranks of each with the number of their nodes
		onMPIs   []string
		leftOver int
	}{
		"-pall -N4 -n9":                 {"", []string{s.mpich}, 0},
		"-pall -N4 -n8 -m cyclic":       {"[1 5]/1 [2 6]/1 [3 7]/1", []string{s.mpich}, 1},
		"-pall -N4 --ntasks-per-node=2": {"[2 3]/1 [4 5]/1 [6 7]/1", []string{s.mpich}, 1},
		"-N1 -n5":                       {"[1 2]/1 [3 4]/1", []string{s.openmpi, s.mpich}, 0},
	} {
		for _, program := range want.onMPIs {
			l := s.srun(program, strings.Fields(options)...)
			l.set = []string{"execution.ranks_per_evaluation=2"}
			dir := filepath.Join(t.TempDir(), "run")
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			if out, err := l.command(ctx, s.config, dir).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", l.name, err, out)
			}
			if got := outcomeOf(t, dir); got != s.want {
				t.Errorf("%s: %s, want %s", l.name, got, s.want)
			}
			m := manifestOf(t, dir)
			var teams []string
			for _, team := range m.Teams {
				teams = append(teams, fmt.Sprintf("%v/%d", team.Ranks, len(team.Hosts)))
			}
			if m.Slots != (m.Ranks-1)/2 || len(teams) != m.Slots || len(m.Idle) != want.leftOver || want.teams != "" && strings.Join(teams, " ") != want.teams {
				t.Errorf("%s: %d ranks in teams %v, %v idle; want %s", l.name, m.Ranks, teams, m.Idle, want.teams)
			}
		}
	}
}

// Neither does a program run, nor does it do so as often as there are tasks, nor does it end without a word.
func (s slurm) wrongPairs(t *testing.T, plain string) {
	for _, c := range []struct{ program, mpi, want string }{
		{s.openmpi, "pmi2", "start the program by srun --mpi=pmix instead of --mpi=pmi2"},
		{s.openmpi, "none", "start it by srun --mpi=pmix"},
		{s.mpich, "pmix", "start it by srun --mpi=pmi2 instead of --mpi=pmix"},
		{s.mpich, "none", "start it by srun --mpi=pmi2"},
		{plain, "pmi2", "built without MPI"},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		l := launch{program: c.program, prefix: []string{"srun", "--mpi=" + c.mpi, "-n2"}}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		out, err := l.command(ctx, s.config, dir).CombinedOutput()
		cancel()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() <= 0 || !bytes.Contains(out, []byte(c.want)) {
			t.Errorf("%s: %v, want a code that is not 0 and %q\n%s", c.mpi, err, c.want, out)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s has begun a run\n%s", c.mpi, out)
		}
	}
}

// heterogeneous is a step of two components, and one in which a rank is held to fewer CPUs than the others. Of the first, Slurm 22.05 tells all tasks the
// CPUs of either component; where it also holds them to their own, slots follow these.
func (s slurm) heterogeneous(t *testing.T) {
	first := filepath.Join(t.TempDir(), "run")
	components := s.srun(s.mpich, "-n2", "-c1", s.mpich, "--config", s.config, "--quiet", "--set", "output.dir="+first, ":", "--mpi=pmi2", "-n1", "-c2")
	bound := s.srun(s.mpich, "-n3", "-c2", "sh", "-c", `if [ $SLURM_PROCID = 2 ]; then exec taskset -c 0 "$0" "$@"; else exec "$0" "$@"; fi`)
	for dir, l := range map[string]launch{first: components, filepath.Join(t.TempDir(), "run"): bound} {
		if out, err := l.command(t.Context(), s.config, dir).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", l.name, err, out)
		}
		if m := manifestOf(t, dir); m.Ranks != 3 || m.Slots != 3 && dir != first {
			t.Errorf("%s: %d ranks, %d slots, want 3 ranks, of which those that evaluate have two slots and one", l.name, m.Ranks, m.Slots)
		}
		if got := outcomeOf(t, dir); got != s.want {
			t.Errorf("%s: %s, want %s", l.name, got, s.want)
		}
	}
}

func (s slurm) array(t *testing.T) {
	dir := t.TempDir()
	j := s.submit(t, s.mpich, dir, []string{"--array=1-2", "--ntasks-per-node=2"}, jobScript, s.config, dir+"/run", "--quiet")
	j.ended(t)
	s.hasSearched(t, dir+"/run-1", 1)
	s.hasSearched(t, dir+"/run-2", 2)
}

// hasSearched wants that the run in dir is that of the shared configuration with another seed.
func (s slurm) hasSearched(t *testing.T, dir string, seed int) {
	t.Helper()
	for range 3000 { // jobs of an array end one after the other
		if _, err := os.Stat(filepath.Join(dir, "result.json")); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	solo := launch{name: "goroutines", program: build(t, "go", "build"), set: []string{"seed=" + strconv.Itoa(seed)}}
	if got, want := outcomeOf(t, dir), solo.whole(t, s.config); got != want {
		t.Errorf("%s: %s, want %s", dir, got, want)
	}
}

func (s slurm) twoSteps(t *testing.T) {
	dir := t.TempDir()
	step := "srun --exact --mpi=pmi2 -N1 -n2 " + s.mpich + " --config " + s.config + " --set output.dir=" + dir + "/run " +
		"--set optimizee.delay=5ms --set execution.slots=8 --quiet --resume >%s 2>&1; echo $? >>%s"
	script := "#!/bin/bash\n(" + strings.ReplaceAll(step, "%s", dir+"/first") + ") &\n(" + strings.ReplaceAll(step, "%s", dir+"/second") + ") &\nwait\n"
	j := s.submit(t, s.mpich, dir, []string{"-N1", "--ntasks=4"}, s.script(t, script))
	j.wants(t, "COMPLETED", "0:0")
	if got := outcomeOf(t, dir+"/run"); got != s.want {
		t.Errorf("%s, want %s", got, s.want)
	}
	said := map[string]string{}
	for _, name := range []string{"first", "second"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Fields(string(b))
		said[lines[len(lines)-1]] += string(b)
	}
	delete(said, "0")
	for code, text := range said {
		if !strings.Contains(text, "another process") || len(said) != 1 {
			t.Errorf("the loser ends with %s and says %s", code, text)
		}
	}
	if len(said) == 0 {
		t.Error("both have run")
	}
}

// jobScript is the job script that is shipped.
var jobScript = func() string {
	path, _ := filepath.Abs("../../../examples/jobs/slurm.sh") // fails only where there is no directory
	return path
}()

func (s slurm) fourJobs(t *testing.T) {
	dir := t.TempDir()
	j := s.submit(t, s.mpich, dir, []string{"-N2", "--ntasks-per-node=1", "--cpus-per-task=1"}, jobScript, s.config, dir+"/run", "--quiet",
		"--set", "optimizee.delay=20ms", "--set", "execution.slots=8", "--set", "stop.wall_time=3s")
	state := j.wants(t, "COMPLETED", "0:0")
	if n, _ := strconv.Atoi(state["Restarts"]); n < 3 {
		t.Errorf("it took %d jobs, want at least 4\n%s", n+1, j.printed())
	}
	if got := outcomeOf(t, dir+"/run"); got != s.want {
		t.Errorf("%s, want %s\n%s", got, s.want, j.printed())
	}
	if m := manifestOf(t, dir+"/run"); m.Job.System != "Slurm" || m.Job.ID != j.id || m.Job.Left == "" || len(m.Hosts) != 2 {
		t.Errorf("manifest.json: %+v", m)
	}
}

func (s slurm) jobThatFails(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "fails.yaml")
	text := "optimizee: {type: function, name: sphere, dim: 2, fail: 0.999999}\noptimizer: {type: cmaes}\nstop: {evaluations: 60}\n"
	if err := os.WriteFile(config, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	j := s.submit(t, s.mpich, dir, []string{"--ntasks-per-node=2"}, jobScript, config, dir+"/run", "--quiet")
	if state := j.wants(t, "FAILED", "1:0"); state["Restarts"] != "0" {
		t.Errorf("it was submitted %s times again\n%s", state["Restarts"], j.printed())
	}
}

// A run that is to be resumed, and cannot be, as the script asks for another search: the next job could not either.
func (s slurm) jobThatCannotGoOn(t *testing.T) {
	dir := t.TempDir()
	l := launch{name: "goroutines", program: build(t, "go", "build"), set: []string{"stop.wall_time=200ms", "optimizee.delay=5ms"}}
	if out, err := l.command(t.Context(), s.config, dir+"/run").CombinedOutput(); err == nil {
		t.Fatalf("it is finished: %s", out)
	}
	j := s.submit(t, s.mpich, dir, []string{"--ntasks-per-node=2"}, jobScript, s.config, dir+"/run", "--quiet", "--set", "seed=4")
	if state := j.wants(t, "FAILED", "1:0"); state["Restarts"] != "0" || !strings.Contains(j.printed(), `seed: the run was started with "3"`) ||
		!strings.Contains(j.printed(), "has evaluated nothing") {
		t.Errorf("%v\n%s", state, j.printed())
	}
}

// long is what makes the run last longer than any test.
var long = []string{"--quiet", "--set", "optimizee.delay=50ms", "--set", "execution.slots=2", "--set", "stop.evaluations=1000000"}

func (s slurm) endsBeforeItsJob(t *testing.T) {
	dir := t.TempDir()
	// The script would requeue it: this one is no job that may be.
	j := s.submit(t, s.openmpi, dir, []string{"-N1", "--ntasks-per-node=2", "--time=1", "--no-requeue"}, jobScript, append([]string{s.config, dir + "/run"}, long...)...)
	j.wants(t, "FAILED", "75:0")
	s.isToBeResumed(t, dir+"/run", "interrupted, wall time: ")
	m := manifestOf(t, dir+"/run")
	left, err := time.ParseDuration(m.Job.Left)
	if err != nil || left < 30*time.Second || left > time.Minute || m.Job.End == "" {
		t.Errorf("manifest.json: %+v", m.Job)
	}
}

func (s slurm) timeLimit(t *testing.T) {
	dir := t.TempDir()
	j := s.submit(t, s.openmpi, dir, []string{"-N1", "--ntasks-per-node=2", "--time=1"}, jobScript,
		append([]string{s.config, dir + "/run", "--set", "stop.wall_time=0s"}, long...)...)
	j.wants(t, "TIMEOUT", "0:15")
	s.isToBeResumed(t, dir+"/run", "interrupted, signal terminated")
	s.resumes(t, dir+"/run")
}

func (s slurm) signal(t *testing.T) {
	dir := t.TempDir()
	// Slurm sends it up to a minute early, and here as soon as it looks.
	j := s.submit(t, s.mpich, dir, []string{"--ntasks-per-node=2", "--time=2", "--signal=USR2@115", "--no-requeue"}, jobScript,
		append([]string{s.config, dir + "/run"}, long...)...)
	j.wants(t, "FAILED", "75:0")
	s.isToBeResumed(t, dir+"/run", "interrupted, signal user defined signal 2")
	s.resumes(t, dir+"/run")
}

func (s slurm) cancelled(t *testing.T) {
	dir := t.TempDir()
	j := s.submit(t, s.openmpi, dir, []string{"-N1", "--ntasks-per-node=2"}, jobScript, append([]string{s.config, dir + "/run"}, long...)...)
	untilItEvaluates(dir + "/run")
	command(t, "scancel", j.id)
	if state := j.wants(t, "CANCELLED", "0:15"); state["Restarts"] != "0" {
		t.Errorf("it was submitted again: %v", state)
	}
	s.isToBeResumed(t, dir+"/run", "interrupted, signal terminated")
	s.resumes(t, dir+"/run")
}

// slow is what makes the run last some ten seconds.
var slow = []string{"--quiet", "--set", "optimizee.delay=20ms", "--set", "execution.slots=8"}

func (s slurm) requeued(t *testing.T) {
	dir := t.TempDir()
	j := s.submit(t, s.mpich, dir, []string{"-N2", "--ntasks-per-node=1"}, jobScript, append([]string{s.config, dir + "/run"}, slow...)...)
	untilItEvaluates(dir + "/run")
	command(t, "scontrol", "requeue", j.id)
	if state := j.wants(t, "COMPLETED", "0:0"); state["Restarts"] != "1" {
		t.Errorf("%v\n%s", state, j.printed())
	}
	if got := outcomeOf(t, dir+"/run"); got != s.want {
		t.Errorf("%s, want %s\n%s", got, s.want, j.printed())
	}
}

// nodeDown has a node taken down by its administrator. Slurm takes it back when it is heard of again (ReturnToService).
func (s slurm) nodeDown(t *testing.T) {
	s.losesNode(t, "n1,n3", func() { command(t, "scontrol", "update", "nodename=n3", "state=down", "reason=test") })
}

// nodeDies has a node die with all that runs on it.
func (s slurm) nodeDies(t *testing.T) {
	start, err := filepath.Abs("../../../.ci/start-slurm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command(t, start, "node", "n4") })
	s.losesNode(t, "n2,n4", func() {
		killNode(t, "n4")
		for range 3000 { // until Slurm has seen it
			if strings.Contains(command(t, "sinfo", "--noheader", "--nodes=n4", "--format=%T"), "down") {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		command(t, start, "node", "n4")
	})
}

// losesNode runs a job on some nodes, one of which it loses, and wants that Slurm submits it again and it goes on.
func (s slurm) losesNode(t *testing.T, nodes string, lose func()) {
	t.Helper()
	dir := t.TempDir()
	j := s.submit(t, s.mpich, dir, []string{"--partition=all", "--nodelist=" + nodes, "--nodes=2", "--ntasks-per-node=1"}, jobScript,
		append([]string{s.config, dir + "/run"}, slow...)...)
	untilItEvaluates(dir + "/run")
	lose()
	if state := j.wants(t, "COMPLETED", "0:0"); state["Restarts"] != "1" {
		t.Errorf("%v\n%s", state, j.printed())
	}
	if got := outcomeOf(t, dir+"/run"); got != s.want {
		t.Errorf("%s, want %s\n%s", got, s.want, j.printed())
	}
}

// killNode kills the slurmd of a node and all that it has started.
func killNode(t *testing.T, node string) {
	t.Helper()
	b, err := os.ReadFile("/tmp/l2l-slurm/slurmd." + node + ".pid")
	slurmd, nerr := strconv.Atoi(strings.TrimSpace(string(b)))
	if err := errors.Join(err, nerr); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(slurmd, syscall.SIGKILL)
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is sound
	for _, file := range files {
		environ, _ := os.ReadFile(file) // it may have ended
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		comm, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if bytes.Contains(environ, []byte("\x00SLURMD_NODENAME="+node+"\x00")) || bytes.HasPrefix(environ, []byte("SLURMD_NODENAME="+node+"\x00")) ||
			bytes.HasPrefix(comm, []byte("slurmstepd: ")) && bytes.Contains(environ, []byte("SLURMD_NODENAME="+node)) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// exitCodes are those of srun for a run that is interrupted. What it does with SIGTERM and SIGHUP itself is to kill its step at once.
func (s slurm) exitCodes(t *testing.T) {
	for _, program := range []string{s.openmpi, s.mpich} {
		for _, c := range []struct {
			to     string // whom the signal is sent
			signal syscall.Signal
			code   int
			state  string
		}{
			{"srun", syscall.SIGUSR2, 75, "interrupted"},
			{"step", syscall.SIGTERM, 75, "interrupted"},
			{"step", syscall.SIGHUP, 75, "interrupted"},
		} {
			what := fmt.Sprintf("%s, %v to the %s", s.kind(program), c.signal, c.to)
			dir := filepath.Join(t.TempDir(), "run")
			name := fmt.Sprintf("l2l-%d-%s", os.Getpid(), strings.ReplaceAll(what, " ", "-"))
			l := s.srun(program, "-N1", "-n3", "-J", name)
			cmd := l.command(t.Context(), s.config, dir, long...)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			untilItEvaluates(dir)
			if c.to == "srun" {
				_ = cmd.Process.Signal(c.signal) // it may have ended
			} else {
				command(t, "scancel", "--name="+name, "--signal="+strconv.Itoa(int(c.signal)))
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != c.code {
				t.Errorf("%s: %v, want %d\n%s", what, err, c.code, &out)
			}
			s.isToBeResumed(t, dir, c.state)
		}
	}
}

func (s slurm) deadRank(t *testing.T) {
	for _, program := range []string{s.openmpi, s.mpich} {
		dir := filepath.Join(t.TempDir(), "run")
		cmd := s.srun(program, "-N1", "-n3").command(t.Context(), s.config, dir, long...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		untilItEvaluates(dir)
		for _, pid := range processes(program) { // another test may have ranks of this program
			environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
			cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if bytes.Contains(cmdline, []byte(dir)) && bytes.Contains(environ, []byte("\x00SLURM_PROCID=2\x00")) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Errorf("%s: srun ends with 0\n%s", s.kind(program), &out)
		}
		s.isToBeResumed(t, dir, "")
		s.resumes(t, dir)
	}
}

// isToBeResumed wants that status says so, and a state of the run.
func (s slurm) isToBeResumed(t *testing.T, dir, state string) {
	t.Helper()
	var status report.Status
	var err error
	for range 1200 { // what Slurm killed may take a moment to be gone
		if status, err = report.ReadStatus(dir); err == nil && status.State != report.Running {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil || !status.Resumable || !strings.Contains(status.String(), dir+": "+state) {
		t.Errorf("%v, %v; want that it is %s, and to be resumed", status, err, state)
	}
}

// resumes goes on with a run of which nothing but its length differs from the one whose outcome is known.
func (s slurm) resumes(t *testing.T, dir string) {
	t.Helper()
	l := launch{program: s.mpich, set: []string{"optimizee.delay=50ms", "execution.slots=64"}}
	if out, err := l.command(t.Context(), s.config, dir, "--resume").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := outcomeOf(t, dir); got != s.want {
		t.Errorf("%s, want %s", got, s.want)
	}
}

// script is a file with a script.
func (s slurm) script(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "job.sh")
	if err := os.WriteFile(file, []byte(text), 0o777); err != nil {
		t.Fatal(err)
	}
	return file
}

// job is a batch job.
type job struct{ id, log string }

// submit submits a script for a program, whose output goes to a file in dir.
func (s slurm) submit(t *testing.T, program, dir string, options []string, script string, args ...string) job {
	t.Helper()
	j := job{log: filepath.Join(dir, "job.out")}
	argv := append([]string{"--parsable", "--nodes=1", "--cpus-per-task=1", "--time=5", "--requeue", "--open-mode=append", "--output=" + j.log}, options...)
	cmd := exec.Command("sbatch", append(append(argv, script), args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "L2L_MPI="+program, "L2L_SRUN_MPI="+s.kind(program))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sbatch: %v\n%s", err, &said)
	}
	j.id = strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("scancel", j.id).Run() }) // it has mostly ended
	return j
}

func (j job) printed() string { b, _ := os.ReadFile(j.log); return string(b) }

// state is what Slurm knows of the job.
func (j job) state(t *testing.T) map[string]string {
	t.Helper()
	state := map[string]string{}
	first, _, _ := strings.Cut(command(t, "scontrol", "show", "--oneliner", "job", j.id), "\n")
	for _, word := range strings.Fields(first) {
		if name, value, ok := strings.Cut(word, "="); ok {
			state[name] = value
		}
	}
	return state
}

// ended waits for the job's end.
func (j job) ended(t *testing.T) map[string]string {
	t.Helper()
	deadline := time.Now().Add(15 * time.Minute)
	for {
		state := j.state(t)
		switch state["JobState"] {
		case "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL":
			if state["Restarts"] != "" && state["EndTime"] != "Unknown" {
				return state
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("job %s has not ended: %v\n%s", j.id, state, j.printed())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// wants waits for the job's end, and wants this state and exit code.
func (j job) wants(t *testing.T, state, code string) map[string]string {
	t.Helper()
	got := j.ended(t)
	if got["JobState"] != state || got["ExitCode"] != code {
		t.Fatalf("job %s: %s, exit code %s; want %s, %s\n%s", j.id, got["JobState"], got["ExitCode"], state, code, j.printed())
	}
	return got
}

// command is what a command prints, which must not fail.
func command(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	return string(out)
}

// manifest is what manifest.json says of a session.
type manifest struct {
	Ranks, Slots int
	Hosts        []string
	Teams        []struct {
		Ranks []int
		Hosts []string
	}
	Idle []int `json:"ranks_idle"`
	Job  struct{ System, ID, Account, End, Left string }
}

func manifestOf(t *testing.T, dir string) (m manifest) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		t.Fatalf("%s, %v", b, err)
	}
	return m
}
