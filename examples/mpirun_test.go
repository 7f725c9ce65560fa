//go:build mpirun

package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mpis are the MPIs of the variable MPIS, each WRAPPER:LAUNCHER.
func mpis(t *testing.T) []string {
	all := strings.Fields(os.Getenv("MPIS"))
	if len(all) == 0 {
		t.Fatal("MPIS is empty, want WRAPPER:LAUNCHER ...")
	}
	return all
}

// TestExamplesUnderMPI runs the quickstart, to its end on four ranks and its beginning on others, and the programs with an optimizee of their own, one of
// which teams share, under each MPI of the variable MPIS. Run it by make test-mpi.
func TestExamplesUnderMPI(t *testing.T) {
	const whole, begin = "stop.evaluations=5000", "stop.evaluations=800"
	want := map[string]any{}
	for _, stop := range []string{whole, begin} {
		_, result := run(t, "quickstart/run.yaml", program(t, "../cmd/l2l-mpi"), "--set", stop)
		want[stop] = result["trajectory_hash"]
	}
	_, wantCustom := run(t, "custom/run.yaml", program(t, "./custom"))
	_, wantTeam := run(t, "custom-team/run.yaml", program(t, "./custom-team"))
	for _, m := range mpis(t) {
		mpicc, launch := launcher(m)
		binary := program(t, "../cmd/l2l-mpi", "go", "run", "../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		for _, ranks := range []int{1, 2, 3, 4, 8} {
			stop := begin
			if ranks == 4 {
				stop = whole
			}
			_, got := run(t, "quickstart/run.yaml", append(launch, "-n", strconv.Itoa(ranks), binary, "--set", stop)...)
			if got["trajectory_hash"] != want[stop] {
				t.Errorf("quickstart, %s -n %d, %s: trajectory %v, want %v", launch[0], ranks, stop, got["trajectory_hash"], want[stop])
			}
		}
		custom := program(t, "./custom", "go", "run", "../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		_, got := run(t, "custom/run.yaml", append(launch, "-n", "3", custom)...)
		if got["trajectory_hash"] != wantCustom["trajectory_hash"] {
			t.Errorf("custom, %s -n 3: trajectory %v, want %v", launch[0], got["trajectory_hash"], wantCustom["trajectory_hash"])
		}
		team := program(t, "./custom-team", "go", "run", "../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		_, got = run(t, "custom-team/run.yaml", append(launch, "-n", "5", team, "--set", "execution.ranks_per_evaluation=2")...)
		if got["trajectory_hash"] != wantTeam["trajectory_hash"] {
			t.Errorf("custom-team, %s -n 5: trajectory %v, want %v", launch[0], got["trajectory_hash"], wantTeam["trajectory_hash"])
		}
	}
}

// TestExamplesUnderMPISurviveKillsWithAnOptimizerOfTheirOwn kills all ranks of a run again and again, and goes on with it.
func TestExamplesUnderMPISurviveKillsWithAnOptimizerOfTheirOwn(t *testing.T) {
	const config, kills = "custom-optimizer/run.yaml", 4
	_, want := run(t, config, program(t, "./custom-optimizer"))
	for _, m := range mpis(t) {
		mpicc, launch := launcher(m)
		binary := program(t, "./custom-optimizer", "go", "run", "../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		dir := filepath.Join(t.TempDir(), "run")
		argv := append(launch, "-n", "3", binary, "--config", config, "--quiet", "--set", "output.dir="+dir, "--set", "output.sync=50ms", "--resume")
		for range kills {
			cmd := exec.Command(argv[0], argv[1:]...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for before, end := journalSize(dir), time.Now().Add(2*time.Minute); journalSize(dir) <= before+2000 && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
			_ = cmd.Process.Kill() // the launcher; it may have ended
			killRanks(t, binary)
			if err := cmd.Wait(); err == nil {
				t.Fatalf("%q ended before it was killed: make the run longer", argv)
			}
		}
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q after %d kills: %v\n%s", argv, kills, err, out)
		}
		if out, err = exec.Command(binary, "check", "--replay", dir).CombinedOutput(); err != nil {
			t.Errorf("check --replay: %v\n%s", err, out)
		}
		if hash := "trajectory hash " + want["trajectory_hash"].(string); !strings.Contains(string(out), hash) {
			t.Errorf("%s -n 3, after %d kills: %s, want %s", launch[0], kills, out, hash)
		}
	}
}

// journalSize is the length of a run's journal in bytes.
func journalSize(dir string) int64 {
	info, err := os.Stat(filepath.Join(dir, "journal", "events"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// killRanks kills all processes of a program that this test has built.
func killRanks(t *testing.T, binary string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		alive := 0
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is sound
		for _, file := range files {
			line, err := os.ReadFile(file)
			if err != nil || !bytes.Contains(line, []byte(binary)) {
				continue
			}
			alive++
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		if alive == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal("the ranks cannot be killed")
}

// TestExamplesUnderMPIBuildAModuleOfOnesOwn builds a program in a module elsewhere, by the command that the README tells, and runs it.
func TestExamplesUnderMPIBuildAModuleOfOnesOwn(t *testing.T) {
	const l2l = "github.com/meta-optimization/l2l-mpi"
	_, want := run(t, "custom/run.yaml", program(t, "./custom"))
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(repository, "examples/custom/run.yaml")
	module := t.TempDir()
	for _, file := range []string{"go.mod", "go.sum", "examples/custom/main.go"} {
		text, err := os.ReadFile(filepath.Join(repository, file))
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte("module "+l2l), []byte("module example.org/ball"), 1)
		if err := os.WriteFile(filepath.Join(module, filepath.Base(file)), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	do := func(argv ...string) {
		t.Helper()
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = module
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
	}
	do("go", "mod", "edit", "-require="+l2l+"@v0.0.0", "-replace="+l2l+"="+repository)
	for _, m := range mpis(t) {
		mpicc, launch := launcher(m)
		do("go", "run", l2l+"/mpi/mpienv", mpicc, "go", "build", "-tags", "mpi", ".")
		_, got := run(t, config, append(launch, "-n", "2", filepath.Join(module, "ball"))...)
		if got["trajectory_hash"] != want["trajectory_hash"] {
			t.Errorf("%s -n 2: trajectory %v, want %v", launch[0], got["trajectory_hash"], want["trajectory_hash"])
		}
	}
}
