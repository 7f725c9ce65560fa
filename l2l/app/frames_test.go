//go:build simulators

package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/export"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// TestFramesOfPythonHoldEveryTable writes every table of several runs in every format and has the script testdata/frames.py read them back with pandas,
// pyarrow, polars, DuckDB and NumPy: all must have the cells, to the last digit, that the CSV has, and so must what the Python package reads from the
// run's own directory.
func TestFramesOfPythonHoldEveryTable(t *testing.T) {
	tables := 0
	for name, dir := range runsToExport(t) {
		to := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(to, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, table := range report.Tables() {
			if start([]string{"export", dir, "--table", table.Name, "-o", filepath.Join(to, table.Name+".csv"), "--vectors", "list"}, kindsWith(moody)) != exitOK {
				continue // the run has no such table
			}
			tables++
			for _, f := range export.Formats()[1:] {
				file := filepath.Join(to, table.Name+f.Ends[0])
				if code := start([]string{"export", dir, "--table", table.Name, "-o", file}, kindsWith(moody)); code != exitOK {
					t.Fatalf("%s of %s as %s: exit code %d", table.Name, name, f.Name, code)
				}
			}
		}
		read := exec.Command("python3", "testdata/frames.py", to, dir)
		read.Env = append(read.Environ(), "PYTHONPATH=../../optimizee/process/python/src")
		out, err := read.CombinedOutput()
		t.Logf("%s: %s", name, out)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if tables < 12 {
		t.Errorf("%d tables were written, want at least 12", tables)
	}
}

// TestStoresOfPythonHoldTheGenerations has the script testdata/stores.py read with tensorboard and mlflow what export has written for them.
func TestStoresOfPythonHoldTheGenerations(t *testing.T) {
	for name, dir := range runsToExport(t) {
		if name == "measured" {
			continue // it has not ended
		}
		to := t.TempDir()
		args := []string{"testdata/stores.py", filepath.Join(to, "generations.csv")}
		written := [][]string{{"--table", "generations", "-o", args[1]}}
		for _, store := range export.Stores() {
			args = append(args, filepath.Join(to, store.Name))
			written = append(written, []string{"--format", store.Name, "--out", filepath.Join(to, store.Name)})
		}
		for _, flags := range written {
			if code := start(append([]string{"export", dir}, flags...), kindsWith(moody)); code != exitOK {
				t.Fatalf("%s: export %q: exit code %d", name, flags, code)
			}
		}
		out, err := exec.Command("python3", args...).CombinedOutput()
		t.Logf("%s: %s", name, out)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// runsToExport are the directories of runs that have, together, every table and every kind of parameter.
func runsToExport(t *testing.T) map[string]string {
	t.Helper()
	dirs := map[string]string{"measured": t.TempDir()}
	for name, config := range map[string]string{
		"posterior": "optimizee: {type: moody}\noptimizer: {type: abc_smc, particles: 40}\nstop: {generations: 4}\nexecution: {timeout: 20ms}\n",
		"front":     "optimizee: {type: function, name: zdt1, dim: 3}\noptimizer: {type: nsga2, pop_size: 20}\nstop: {generations: 5}\n",
		"noisy":     "optimizee: {type: function, name: sphere, dim: 3, noise: 1}\noptimizer: {type: cmaes}\nevaluation: {replicates: 2}\nstop: {evaluations: 300}\n",
	} {
		dirs[name] = filepath.Join(t.TempDir(), name)
		file := filepath.Join(t.TempDir(), "run.yaml")
		if err := os.WriteFile(file, []byte(config), 0o666); err != nil {
			t.Fatal(err)
		}
		if code := start([]string{"--config", file, "--set", "output.dir=" + dirs[name], "--quiet"}, kindsWith(moody)); code != exitOK {
			t.Fatalf("%s: exit code %d", name, code)
		}
	}
	j, err := journal.Create(dirs["measured"], journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []l2l.Event{
		l2l.Begun{
			Space: optimizee.Space{
				{Name: "seed", Upper: 1, Unit: "mV"}, {Name: "tau", Lower: 1e-3, Upper: 1e5, Log: true},
				{Name: "mixed", Kind: optimizee.Categorical, Choices: []any{"auto", 8, 0.5, false}, Size: 4}, {Name: "n", Kind: optimizee.Int, Lower: -9e15, Upper: 9e15},
				{Name: "size", Kind: optimizee.Categorical, Choices: []any{16, 32}}, {Name: "flags", Kind: optimizee.Bool, Size: 2},
			},
			Rules: l2l.Rules{
				Objectives: []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise, Unit: "ms"}, {Name: "ψ gain, a", Direction: optimizee.Maximise}}, Sum: true,
			},
			Measurements: []string{"rate", "spikes"},
		},
		l2l.Asked{Individuals: []l2l.Individual{
			{ID: 0, X: codec.Vector{0.25, 1, 0, 1, 2, 3, 7, 0, 0, 1}}, {ID: 1, X: codec.Vector{0.5, 2, 3, 3, 3, 3, 8e15, 1, 1, 1}},
			{ID: 2, X: codec.Vector{1, -1, 1, 1, 1, 1, -8e15, 1, 0, 0}}, {ID: 3, Generation: 1, X: codec.Vector{1.0 / 3, 3, 2, 2, 2, 2, 0, 0, 1, 0}},
		}},
		l2l.Result{Individual: 1, Fitness: codec.Vector{1.5, 1e-300}, Measurements: codec.Vector{20, 3}, Seconds: 1.0 / 7},
		l2l.Result{Individual: 0, Ending: l2l.Failed, Reason: "ψ, \"no spikes\"\nat all"},
		l2l.Result{Individual: 2, Fitness: codec.Vector{-1.0 / 3, 1.7e308}, Measurements: codec.Vector{7}, At: 1795964426203275},
		l2l.Figures{Generation: 1, Evaluations: 3, Names: []string{"sigma"}, Values: codec.Vector{0.25}},
		l2l.Injected{Individuals: []l2l.Individual{{ID: l2l.FirstInjected, Generation: 1, X: codec.Vector{0.1, -2, 2, 2, 2, 2, 5, 1, 1, 0}}}, By: "ψ", At: 3},
		l2l.Result{Individual: l2l.FirstInjected, Fitness: codec.Vector{2.5, 1.0 / 3}, Measurements: codec.Vector{1, 2}},
	} {
		if err := j.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dirs
}
