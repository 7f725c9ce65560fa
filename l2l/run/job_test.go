package run

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

func TestWallTimeLeavesSomeOfTheJobForItsEnd(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		time.Minute: 54 * time.Second, 20 * time.Minute: 18 * time.Minute, 24 * time.Hour: 24*time.Hour - 2*time.Minute, 10: 9,
	} {
		if got := wallTime(left); got != want {
			t.Errorf("%v of %v, want %v", got, left, want)
		}
	}
}

// writes is a writer that is a function.
type writes func(text string)

func (w writes) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

// TestRunHeedsTheEndOfItsJob has a squeue of its own, which answers as that of Slurm does; the tests under Slurm have the real one.
func TestRunHeedsTheEndOfItsJob(t *testing.T) {
	bin := t.TempDir()
	answer := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, "squeue"), []byte("#!/bin/sh\n"+text+"\n"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("SLURM_JOB_ID", "7")
	t.Setenv("SLURM_JOB_ACCOUNT", "brain")
	kinds := config.Kinds{Optimizees: []optimizee.Type{functions.Type}, Optimizers: catalogue.All()}
	lasts := func(ctx context.Context, dir, stop string, options ...Option) Result {
		t.Helper()
		p, err := config.Parse("run.yaml", []byte("optimizee: {type: function, name: sphere, dim: 2, delay: 5ms}\noptimizer: {type: cmaes}\n"+
			"execution: {slots: 1}\nstop: "+stop+"\n"), kinds)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(ctx, mpi.Local(1)[0], p.In(dir), options...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	answer("echo 0:01")
	dir := ""
	for late := true; late; { // as long as its second is over before the run knows of it, on a busy machine
		dir = filepath.Join(t.TempDir(), "run")
		ctx, cancel := context.WithCancel(t.Context())
		late = false
		r := lasts(ctx, dir, "{evaluations: 100000}", Log(writes(func(line string) {
			if strings.Contains(line, "whose end has passed") {
				late = true
				cancel()
			}
		}), 0))
		if !late && (r.Reason.Rule != l2l.WallTime || !r.Reason.Resumable()) {
			t.Errorf("in a job that has a second left: %v after %v", r.Reason, r.Elapsed)
		}
		cancel()
	}
	var manifest struct{ Job jobEntry }
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil || json.Unmarshal(b, &manifest) != nil {
		t.Fatalf("%s, %v", b, err)
	}
	end, err := time.Parse(time.RFC3339, manifest.Job.End)
	if j := manifest.Job; j.System != "Slurm" || j.ID != "7" || j.Account != "brain" || j.Left != "1s" && j.Left != "0s" || err != nil || time.Since(end).Abs() > 5*time.Minute {
		t.Errorf("manifest.json: %s", b)
	}
	if s, err := report.ReadStatus(dir); err != nil || s.State != report.Interrupted {
		t.Errorf("%+v, %v", s, err)
	}

	for name, c := range map[string]struct {
		answer, stop string
		options      []Option
	}{
		"in memory, as that cannot be resumed":   {"echo 0:00", "{evaluations: 60}", []Option{InMemory()}},
		"where no wall time is asked for":        {"echo 0:01", "{evaluations: 300, wall_time: 0s}", nil},
		"where the end has passed, by its clock": {"echo 0:00", "{evaluations: 60}", nil},
		"where the batch system does not answer": {"echo slurm_load_jobs error >&2; exit 1", "{evaluations: 60}", nil},
		"where the job has no end":               {"echo UNLIMITED", "{evaluations: 60}", nil},
	} {
		answer(c.answer)
		var log strings.Builder
		r := lasts(t.Context(), filepath.Join(t.TempDir(), "run"), c.stop, append(c.options, Log(&log, 0))...)
		if r.Reason.Rule != l2l.Evaluations {
			t.Errorf("%s: %v", name, r.Reason)
		}
		if strings.Contains(c.answer, "error") && !strings.Contains(log.String(), "slurm_load_jobs error") {
			t.Errorf("%s: it does not say so: %s", name, &log)
		}
	}
}
