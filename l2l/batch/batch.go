// Package batch knows what the batch system says of the job that a program runs in: Slurm, PBS (OpenPBS, PBS Professional, Torque) and LSF. It
// reads the environment, and asks the system's own commands for what is not there. It starts no jobs and ends none: job scripts do.
//
// What it takes from Slurm is tested with Slurm; what it takes from PBS and LSF, only with texts in the form that their manuals describe.
package batch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Job is a job of a batch system.
type Job struct {
	System  string    // Slurm, PBS or LSF
	ID      string    // as its commands take it
	Account string    // that it is charged to; "" where that is not known
	End     time.Time // when the system ends it; zero where there is no limit, or it is not known
}

// system is a batch system.
type system interface {
	// job is what the environment says of the job; false where there is none of this system.
	job(env environment) (Job, bool)
	// cpus is the number of CPUs that the environment says a task has; 0 where it says nothing.
	cpus(env environment) int
	// ask completes what the environment says of a job.
	ask(job *Job, command command, now time.Time) error
}

var systems = []system{slurm{}, pbs{}, lsf{}}

// environment is a variable of the environment by its name; "" where it is not set.
type environment func(name string) string

// number is a variable's value; 0 where it is not set, or no whole number.
func (env environment) number(name string) int64 {
	n, _ := strconv.ParseInt(env(name), 10, 64)
	return n
}

// command runs a command and returns what it prints.
type command func(argv ...string) (string, error)

// patience is how long a batch system has to answer: one that is overloaded must not keep a run from its start.
const patience = 15 * time.Second

// Current is the job that the program runs in; false outside of one. Where the system does not answer, there is an error, and a job with what the
// environment says.
func Current(ctx context.Context) (Job, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return current(os.Getenv, func(argv ...string) (string, error) { return output(ctx, argv) }, time.Now())
}

func current(env environment, command command, now time.Time) (Job, bool, error) {
	for _, s := range systems {
		job, ok := s.job(env)
		if !ok {
			continue
		}
		if err := s.ask(&job, command, now); err != nil {
			return job, true, fmt.Errorf("batch: job %s of %s: %w", job.ID, job.System, err)
		}
		return job, true, nil
	}
	return Job{}, false, nil
}

// CPUs is the number of CPUs that the batch system says each task has; 0 where it says nothing.
func CPUs() int {
	for _, s := range systems {
		if n := s.cpus(os.Getenv); n > 0 {
			return n
		}
	}
	return 0
}

// output is what a command prints.
func output(ctx context.Context, argv []string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s: no answer within %v", argv[0], patience)
	case err != nil:
		return "", errors.Join(fmt.Errorf("%s: %w", argv[0], err), nonempty(said.String()))
	}
	return string(out), nil
}

func nonempty(text string) error {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return errors.New(text)
}

// clock reads a duration as batch systems write it: [days-][hours:]minutes:seconds, or days-hours and the like; parts that are missing on the left
// are none.
func clock(text string) (time.Duration, error) {
	days, rest, hasDays := strings.Cut(text, "-")
	if !hasDays {
		days, rest = "0", text
	}
	parts := strings.Split(rest, ":")
	units := []time.Duration{time.Hour, time.Minute, time.Second}
	if !hasDays {
		units = units[max(len(units)-len(parts), 0):]
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil || len(parts) > len(units) {
		return 0, fmt.Errorf("%q, want a time such as 1-02:03:04", text)
	}
	total := time.Duration(n) * 24 * time.Hour
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%q, want a time such as 1-02:03:04", text)
		}
		total += time.Duration(n) * units[i]
	}
	return total, nil
}
