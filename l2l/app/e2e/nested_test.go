//go:build mpirun

package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// nested is a run whose evaluations are MPI programs.
const nested = `
name: nested
seed: 3
optimizee:
  type: process
  %s
  parameters: {tau: {lower: 1, upper: 100}}
  objectives: {error: minimise}
optimizer: {type: random, pop_size: 6}
stop: {evaluations: 6}
execution: {timeout: 10m, slots: 1}
`

// TestAnEvaluationMayBeAnMPIProgram has ranks of each MPI of the variable MPIS start programs of that MPI: by themselves, by a launcher for each
// evaluation, and, if the variable PYTHON names an interpreter that has mpi4py of that MPI, as a worker of several ranks. Run it by make test-mpi.
func TestAnEvaluationMayBeAnMPIProgram(t *testing.T) {
	model, err := filepath.Abs("testdata/team.py")
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs("../../../optimizee/process/python/src")
	if err != nil {
		t.Fatal(err)
	}
	teams := 0
	mpis := strings.Fields(os.Getenv("MPIS"))
	for _, m := range mpis {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		library, launcher := "MPICH", []string{mpirun}
		if exec.Command(mpicc, "--showme:version").Run() == nil {
			library, launcher = "Open MPI", append(launcher, "--oversubscribe")
			if os.Getuid() == 0 {
				launcher = append(launcher, "--allow-run-as-root")
			}
		}
		l2l := build(t, "go", "run", "../../../mpi/mpienv", mpicc, "go", "build", "-tags", "mpi")
		inner := filepath.Join(t.TempDir(), "inner")
		if out, err := exec.Command(mpicc, "-o", inner, "testdata/inner.c").CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", mpicc, err, out)
		}
		quoted := func(argv ...string) string { b, _ := json.Marshal(argv); return string(b) } // texts
		run := func(name, optimizee string) (dir string) {
			dir = filepath.Join(t.TempDir(), "run")
			config := filepath.Join(t.TempDir(), "run.yaml")
			if err := os.WriteFile(config, fmt.Appendf(nil, nested, optimizee), 0o666); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
			defer cancel()
			argv := append(append(launcher[:len(launcher):len(launcher)], "-n", "3", l2l), "--config", config, "--set", "output.dir="+dir, "--quiet")
			if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %s: %v\n%s", mpirun, name, err, out)
			}
			return dir
		}
		three := quoted(append(launcher[:len(launcher):len(launcher)], "-n", "3")...)
		for name, optimizee := range map[string]string{
			"without a launcher": "mode: oneshot\n  command: " + quoted(inner, "{tau}", "1"),
			"with a launcher":    "mode: oneshot\n  launcher: " + three + "\n  command: " + quoted(inner, "{tau}", "3"),
		} {
			out := readCSV(t, l2l, run(name, optimizee))
			if len(out) != 6 {
				t.Errorf("%s: %s: %d evaluations", mpirun, name, len(out))
			}
			for _, row := range out {
				if d := row.tau - 10; row.outcome != "ok" || abs(row.error-d*d) > 1e-9*d*d {
					t.Errorf("%s: %s: %+v", mpirun, name, row)
				}
			}
		}

		python := os.Getenv("PYTHON")
		if python == "" {
			continue
		}
		version, err := exec.Command(python, "-c", "from mpi4py import MPI; print(MPI.Get_library_version())").CombinedOutput()
		if err != nil {
			t.Fatalf("PYTHON=%s: %v\n%s", python, err, version)
		}
		if !strings.Contains(string(version), library) {
			continue // it is of another MPI
		}
		teams++
		rows := readCSV(t, l2l, run("a worker", "launcher: "+three+"\n  command: "+quoted(python, model)+"\n  env: {PYTHONPATH: "+source+"}"))
		failed := 0
		for _, row := range rows {
			switch d := row.tau - 10; {
			case row.seed%5 == 0:
				if failed++; row.outcome != "failed" || !strings.Contains(row.reason, "rank 1 has no spikes") {
					t.Errorf("%s: a worker: %+v", mpirun, row)
				}
			case row.outcome != "ok" || abs(row.error-d*d) > 1e-9*d*d:
				t.Errorf("%s: a worker: %+v", mpirun, row)
			}
		}
		if failed == 0 || failed == len(rows) {
			t.Errorf("%d of %d evaluations failed: choose another seed", failed, len(rows))
		}
	}
	if len(mpis) == 0 || os.Getenv("PYTHON") != "" && teams == 0 {
		t.Fatalf("MPIS=%q and PYTHON=%q: %d were tried with a worker", os.Getenv("MPIS"), os.Getenv("PYTHON"), teams)
	}
}

func abs(x float64) float64 { return max(x, -x) }

// row is an evaluation in an exported trajectory.
type row struct {
	tau, error      float64
	seed            uint64
	outcome, reason string
}

func readCSV(t *testing.T, program, dir string) (rows []row) {
	t.Helper()
	out, err := exec.Command(program, "export", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(table) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, cells := range table[1:] {
		cell := func(name string) string { return cells[slices.Index(table[0], name)] }
		r := row{outcome: cell("outcome"), reason: cell("reason")}
		r.tau, _ = strconv.ParseFloat(cell("tau"), 64)
		r.error, _ = strconv.ParseFloat(cell("fitness_error"), 64) // empty if it failed
		r.seed, _ = strconv.ParseUint(cell("seed"), 10, 64)
		rows = append(rows, r)
	}
	return rows
}
