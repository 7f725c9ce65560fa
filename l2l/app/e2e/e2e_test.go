package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/app/programtest"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// launch is a way to start the program.
type launch struct {
	name    string
	program string   // the binary, which is also what a kill looks for
	prefix  []string // what comes before it: mpirun -n 4, say
	set     []string // what it changes in the configuration
}

// configuration is that of all runs here: with mixed parameters, replicates, and more evaluations than a process lives for below.
const configuration = `
name: e2e
seed: 3
optimizee: {type: traced}
optimizer: {type: %s, pop_size: 24}
evaluation: {instances: 1, replicates: 2}
stop: {evaluations: %d}
output: {sync: 100ms, checkpoint: 300ms}
`

// built are the programs of all tests.
var built programtest.Built

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// build returns a path of the test's own to the program that the command builds.
func build(t *testing.T, command ...string) string {
	t.Helper()
	return built.Path(t, ".", command...)
}

func configure(t *testing.T, algorithm string, evaluations int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), algorithm+".yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, configuration, algorithm, evaluations), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// command is a process that runs the configuration in dir.
func (l launch) command(ctx context.Context, config, dir string, args ...string) *exec.Cmd {
	argv := append(append([]string{}, l.prefix...), l.program, "--config", config, "--quiet", "--set", "output.dir="+dir)
	for _, s := range l.set {
		argv = append(argv, "--set", s)
	}
	argv = append(argv, args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = filepath.Dir(dir)
	return cmd
}

// outcome is what must not depend on where a run ran.
type outcome struct {
	Hash        string `json:"trajectory_hash"`
	Reason      string `json:"stop_reason"`
	Evaluations int    `json:"evaluations"`
	Best        struct {
		Individual int64     `json:"individual"`
		X          []float64 `json:"x"`
	} `json:"best"`
}

func outcomeOf(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v", o)
}

// whole runs the configuration without interruption.
func (l launch) whole(t *testing.T, config string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if out, err := l.command(ctx, config, dir).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", l.name, err, out)
	}
	return outcomeOf(t, dir)
}

// survives kills the run again and again, each time going on with it, and compares its end with want. It also proves, by what the optimizee
// wrote down, that no evaluation with a journalled result ran again.
func (l launch) survives(t *testing.T, config, want string, kills int) {
	t.Helper()
	dir, trace := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "trace")
	rng := rand.New(rand.NewPCG(uint64(len(l.name)), 20))
	args := []string{"--resume", "--set", "optimizee.file=" + trace, "--set"}
	alive := 0
	for killed := 0; ; {
		before, seen := journalled(t, dir), lines(t, trace)
		var out bytes.Buffer
		delay := "optimizee.delay=50ms" // with which a run lasts longer than all of its kills take, on a busy machine, too
		if killed == kills {
			delay = "optimizee.delay=0s"
		}
		cmd := l.command(context.Background(), config, dir, append(args, delay)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		var err error
		done := false
		if killed < kills {
			select {
			case err = <-ended:
				done = true
			case <-l.moment(rng, dir, killed):
				killAll(t, l.program, cmd)
				<-ended
				killed++
			}
		} else {
			err, done = <-ended, true
		}
		if done && err != nil {
			t.Fatalf("%s: after %d kills: %v\n%s", l.name, killed, err, &out)
		}
		after := lines(t, trace)
		if len(after) > len(seen) {
			alive++
		}
		for _, seed := range after[len(seen):] {
			if before[seed] {
				t.Fatalf("%s: after %d kills: the evaluation of seed %s has a result, and ran again", l.name, killed, seed)
			}
		}
		if done {
			if killed < kills {
				t.Fatalf("%s: the run ended after %d kills, want %d: make it longer", l.name, killed, kills)
			}
			break
		}
	}
	if alive < kills/2 {
		t.Errorf("%s: only %d of %d processes evaluated anything", l.name, alive, kills)
	}
	if got := outcomeOf(t, dir); got != want {
		t.Errorf("%s: after %d kills: %s, want %s", l.name, kills, got, want)
	}
	out, err := exec.Command(l.program, "check", "--replay", dir).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", l.name, err, out)
	}
}

// moment is when to kill: at random, sometimes during start-up, mostly while evaluating.
func (l launch) moment(rng *rand.Rand, dir string, killed int) <-chan time.Time {
	if killed%5 == 4 {
		return time.After(time.Duration(rng.Int64N(int64(300 * time.Millisecond))))
	}
	at, delay := make(chan time.Time, 1), time.Duration(rng.Int64N(int64(150*time.Millisecond)))
	size := journalSize(dir)
	go func() {
		for end := time.Now().Add(2 * time.Minute); journalSize(dir) <= size && time.Now().Before(end); { // until events are written
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(delay)
		at <- time.Now()
	}()
	return at
}

func journalSize(dir string) int64 {
	info, err := os.Stat(filepath.Join(dir, "journal", "events"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// killAll kills the launcher and every rank at once.
func killAll(t *testing.T, program string, cmd *exec.Cmd) {
	t.Helper()
	_ = cmd.Process.Kill() // it may have ended
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		ranks := processes(program)
		if len(ranks) == 0 {
			return
		}
		for _, pid := range ranks {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal("the ranks cannot be killed")
}

// processes are those that have the program in their command line.
func processes(program string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is sound
	for _, file := range files {
		line, err := os.ReadFile(file)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && pid != os.Getpid() && bytes.Contains(line, []byte(program)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// journalled are the evaluations with a result in the journal, by their seeds.
func journalled(t *testing.T, dir string) map[string]bool {
	t.Helper()
	seeds := map[string]bool{}
	if !journal.Exists(dir) {
		return seeds
	}
	r, err := report.Open(dir, nil)
	if err == nil {
		for row, err := range r.Evaluations() {
			if err != nil {
				t.Fatal(err)
			}
			seeds[fmt.Sprint(row.Seed)] = true
		}
	}
	if err != nil && journalSize(dir) > 200 { // a journal without its first event is that of a process killed at once
		t.Fatal(err)
	}
	return seeds
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

var algorithms = []string{"cmaes", "genetic"}

func TestARunOfOneProcessSurvivesTwentyKills(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty kills take their time")
	}
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel() // it mostly waits
			solo := launch{name: "one process", program: build(t, "go", "build"), set: []string{"execution.slots=4"}}
			config := configure(t, algorithm, 4000)
			solo.survives(t, config, solo.whole(t, config), 20)
		})
	}
}
