package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
)

// cycle is one run, disturbed and resumed until it is let alone.
type cycle struct {
	setup
	dir    string
	number int
	rng    *rand.Rand
	all    *books
	did    []string // what was done to it
	early  bool     // the last of it was done during a start
	faulty bool     // the launcher of the last session was ended by a signal: by the one that it was sent, or by a fault of its own
}

// mark is in the environment of every process of the cycle, by which those are found that are left over.
func (c *cycle) mark() string { return fmt.Sprintf("L2L_CHAOS=%d-%d", os.Getpid(), c.number) }

func (c *cycle) run() error {
	if err := os.MkdirAll(c.dir, 0o777); err != nil {
		return err
	}
	defer func() {
		for _, p := range c.processes() { // after an error
			_ = syscall.Kill(p, syscall.SIGKILL)
		}
	}()
	out := filepath.Join(c.dir, "run")
	ended := false
	for n := 1 + c.rng.IntN(4); n > 0 && !ended; n-- {
		d := disturbances[c.rng.IntN(len(disturbances))]
		code, struck, err := c.session(out, &d)
		if err != nil {
			return fmt.Errorf("after %s: %w", d.name, err)
		}
		if struck {
			c.did = append(c.did, d.name)
			kind := "goroutines"
			if len(c.launch) > 0 {
				kind = filepath.Base(c.launch[0])
			}
			c.all.count(kind+": "+d.name, code)
			if len(c.launch) == 0 && code != 0 && code != d.code && !(c.early && slices.Contains(unheeded, code)) {
				return fmt.Errorf("after %s the exit code is %d, want %d\n%s", d.name, code, d.code, c.lastLog())
			}
			if !c.early && !c.faulty && slices.Contains(crashed, code) {
				return fmt.Errorf("after %s the exit code is %d: something has crashed\n%s", d.name, code, c.lastLog())
			}
		}
		ended = code == 0
	}
	if code, _, err := c.session(out, nil); err != nil || code != 0 {
		return fmt.Errorf("left alone, it ends with exit code %d, %v\n%s", code, err, c.lastLog())
	}
	if err := c.whole(out); err != nil {
		return err
	}
	key := optimizers[c.optimizer].name + models[c.model].name
	if optimizers[c.optimizer].asynchronous {
		return nil
	}
	got, err := hash(out)
	if err != nil {
		return err
	}
	want, err := c.undisturbed(key)
	if err == nil && got != want {
		err = fmt.Errorf("another trajectory, %s, than the undisturbed %s", got, want)
	}
	return err
}

// undisturbed is the trajectory of a run like this one that is let alone: of the first that is, by its key.
func (c *cycle) undisturbed(key string) (string, error) {
	c.all.mu.Lock()
	known := c.all.undisturbed[key]
	c.all.mu.Unlock()
	if known != "" {
		return known, nil
	}
	alone := *c
	alone.dir = filepath.Join(c.dir, "undisturbed")
	if err := os.MkdirAll(alone.dir, 0o777); err != nil {
		return "", err
	}
	out := filepath.Join(alone.dir, "run")
	if code, _, err := alone.session(out, nil); err != nil || code != 0 {
		return "", fmt.Errorf("undisturbed it ends with exit code %d, %v", code, err)
	}
	found, err := hash(out)
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.all.undisturbed[key] == "" { // or a cycle beside this one was quicker: its trajectory is the one that all are compared with
		c.all.undisturbed[key] = found
	}
	return c.all.undisturbed[key], err
}

// session starts the run, or resumes it, and does something to it; nothing where d is nil. struck is false where it ended before that.
func (c *cycle) session(out string, d *disturbance) (code int, struck bool, err error) {
	config := fmt.Sprintf("name: chaos\nseed: 5\noptimizee: %s\noptimizer: {type: %s}\nstop: {evaluations: %d}\n"+
		"execution: {slots: 2, schedule: %s}\noutput: {dir: %s, sync: 50ms, checkpoint: 100ms}\n",
		models[c.model].text, optimizers[c.optimizer].name, evaluations, c.schedule, out)
	file := filepath.Join(c.dir, "run.yaml")
	if err := os.WriteFile(file, []byte(config), 0o666); err != nil {
		return 0, false, err
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return 0, false, err
	}
	defer log.Close()
	argv := append(append([]string{}, c.launch...), c.program, "--config", file, "--resume", "--quiet", "--log-level", "warn")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), c.mark())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 0, false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if d != nil {
		select {
		case err := <-ended:
			return c.after(err, false)
		case <-c.moment(out):
		}
		struck = d.strike(c, cmd.Process.Pid)
	}
	began, alone := time.Now(), time.Now()
	for time.Since(began) < hang {
		select {
		case err := <-ended:
			return c.after(err, struck)
		case <-time.After(time.Second):
		}
		if left := c.processes(); len(c.launch) == 0 || len(left) != 1 || left[0] != cmd.Process.Pid {
			alone = time.Now()
		}
		if time.Since(alone) > time.Minute { // the launcher waits for nobody: the run has ended
			_ = cmd.Process.Kill()
			return c.after(<-ended, struck)
		}
	}
	return 0, struck, c.hangs(cmd.Process.Pid)
}

// hang is how long a session may last until it counts as one that hangs: longer than any does that goes on, on a busy machine, too.
const hang = 5 * time.Minute

// hangs is what a session does that does not end: its processes and their states, and where the ranks say they are.
func (c *cycle) hangs(launcher int) error {
	var lines []string
	for _, p := range c.processes() {
		lines = append(lines, fmt.Sprintf("%d of %d: %s", p, parentOf(p), commandOf(p)))
	}
	c.send(syscall.SIGQUIT, c.ranks(launcher)...)
	time.Sleep(time.Second)
	return fmt.Errorf("it does not end; there are the processes %q\n%s", lines, c.lastLog())
}

func commandOf(pid int) string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may have ended just now
	return strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
}

// moment is when to strike: at random, sometimes during the start, mostly while something is evaluated, however long it takes until then.
func (c *cycle) moment(out string) <-chan time.Time {
	if c.early = c.rng.IntN(5) == 0; c.early {
		return time.After(time.Duration(c.rng.IntN(400)) * time.Millisecond)
	}
	delay := time.Duration(c.rng.IntN(600)) * time.Millisecond
	at := make(chan time.Time, 1)
	before := journalSize(out)
	go func() {
		for began := time.Now(); journalSize(out) <= before && time.Since(began) < hang; { // until events are written
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(delay)
		at <- time.Now()
	}()
	return at
}

func journalSize(out string) int64 {
	info, err := os.Stat(filepath.Join(out, "journal", "events"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// after waits until nothing of the session is left, and returns the launcher's exit code.
func (c *cycle) after(ended error, struck bool) (int, bool, error) {
	code := 0
	c.faulty = false
	var exit *exec.ExitError
	if errors.As(ended, &exit) {
		if code = exit.ExitCode(); code < 0 {
			c.faulty = len(c.launch) > 0
			code = 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
		}
	} else if ended != nil {
		return 0, struck, ended
	}
	var left []int
	for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(20 * time.Millisecond) {
		if left = c.processes(); len(left) == 0 {
			return code, struck, nil
		}
	}
	var lines []string
	for _, p := range left {
		lines = append(lines, commandOf(p))
	}
	return code, struck, fmt.Errorf("two minutes after its end %d processes are left over: %q", len(left), lines)
}

// processes are those of the cycle.
func (c *cycle) processes() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is sound
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && bytes.Contains(environ, []byte(c.mark()+"\x00")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// whole returns an error unless the journal of the run holds each evaluation once, and is what its optimizer does; and unless nothing that is not
// the run's is in its directory.
func (c *cycle) whole(out string) error {
	seen := map[string]bool{}
	individuals := map[int64]bool{}
	for e, err := range journal.Read(out, 0) {
		if err != nil {
			return err
		}
		switch e := e.Event.(type) {
		case l2l.Asked:
			for _, i := range e.Individuals {
				if individuals[i.ID] {
					return fmt.Errorf("individual %d was asked twice", i.ID)
				}
				individuals[i.ID] = true
			}
		case l2l.Result:
			key := fmt.Sprint(e.Individual, e.Instance, e.Replicate, e.Attempt)
			if seen[key] {
				return fmt.Errorf("evaluation %s was recorded twice", key)
			}
			if seen[key] = true; e.Ending != l2l.OK {
				return fmt.Errorf("evaluation %s has %v: %s", key, e.Ending, e.Reason)
			}
		}
	}
	if len(seen) != evaluations || len(individuals) != evaluations {
		return fmt.Errorf("%d evaluations of %d individuals, want %d", len(seen), len(individuals), evaluations)
	}
	if replay, err := exec.Command(c.program, "check", "--replay", out).CombinedOutput(); err != nil {
		return fmt.Errorf("the journal is not what its optimizer does: %w\n%s", err, replay)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case "journal", "checkpoint", "logs", "run.yaml", "result.json", "manifest.json":
		default:
			return fmt.Errorf("%s is left over in the run's directory", e.Name())
		}
	}
	return nil
}

func hash(out string) (string, error) {
	b, err := os.ReadFile(filepath.Join(out, "result.json"))
	var result struct {
		Hash string `json:"trajectory_hash"`
	}
	if err == nil {
		err = json.Unmarshal(b, &result)
	}
	return result.Hash, err
}

// lastLog is the end of what the sessions said.
func (c *cycle) lastLog() string {
	b, _ := os.ReadFile(filepath.Join(c.dir, "log")) // it is said without it
	return string(b[max(0, len(b)-20000):])
}
