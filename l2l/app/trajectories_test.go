package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// landscape is a curved valley, of continuous parameters or of parameters of every kind, in which one evaluation of sixteen fails.
type landscape struct {
	Mixed bool `yaml:"mixed" doc:"parameters of every kind"`
	Curve bool `yaml:"curve" doc:"it has outputs and targets"`
	Goals int  `yaml:"goals" doc:"objectives" range:"[1, 2]"`
}

var landscapeType = optimizee.Type{Name: "landscape", Title: "A curved valley", New: func() optimizee.Optimizee { return &landscape{Goals: 1} }}

func (m *landscape) Space() optimizee.Space {
	if !m.Mixed {
		return optimizee.Space{{Name: "x", Size: 4, Lower: -3, Upper: 2}, {Name: "tau", Lower: 0.01, Upper: 10, Log: true}}
	}
	return optimizee.Space{
		{Name: "x", Size: 2, Lower: -3, Upper: 2}, {Name: "tau", Lower: 0.01, Upper: 10, Log: true}, {Name: "n", Kind: optimizee.Int, Lower: -2, Upper: 7},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm", "oja"}},
		{Name: "free", Mean: 1, Std: 2, Lower: math.Inf(-1), Upper: math.Inf(1)},
	}
}

func (m *landscape) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}, {Name: "rate", Direction: optimizee.Maximise}}[:m.Goals]
}

func (m *landscape) NumOutputs() int {
	if m.Curve {
		return 3
	}
	return 0
}

func (m *landscape) Evaluate(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	if e.Seed%16 == 0 {
		return optimizee.Outcome{}, errors.New("one of sixteen")
	}
	x, tau := e.Vector("x"), e.Float("tau")
	loss := (tau - 2) * (tau - 2)
	for i := range len(x) - 1 {
		a, b := x[i+1]-x[i]*x[i], 1-x[i]
		loss += float64(10*a*a) + float64(b*b)
	}
	if m.Mixed {
		n, free := float64(e.Int("n")-3), e.Float("free")+1
		loss += float64(n*n) + float64(free*free)
		if e.Choice("rule") != "oja" {
			loss++
		}
	}
	out := optimizee.Outcome{Fitness: []float64{loss, -x[0]}[:m.Goals]}
	if m.Curve {
		out.Outputs, out.Targets = []float64{x[0], x[1], tau}, []float64{1, 1, 2}
	}
	return out, nil
}

// TestTrajectoriesAreThoseOfEarlierVersions holds every algorithm to the search that it has always made: a change of the code must not
// change it, and one that is meant to gives the algorithm another version. testdata/trajectories.txt has the hashes, which -update writes.
//
// The hashes are of amd64: other processors fuse a multiplication and an addition into one rounding.
func TestTrajectoriesAreThoseOfEarlierVersions(t *testing.T) {
	if testing.Short() {
		t.Skip("runs of every algorithm take their time")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the recorded hashes are of amd64")
	}
	const file = "testdata/trajectories.txt"
	kinds := kindsWith(landscapeType)
	dir := t.TempDir()
	var got strings.Builder
	for _, a := range catalogue.All() {
		for _, model := range []string{"mixed: false", "mixed: true", "mixed: false, curve: true", "mixed: true, curve: true",
			"mixed: false, goals: 2", "mixed: true, goals: 2"} {
			evaluations := 600
			if a.Name == "bayes" {
				evaluations = 40 // it thinks about each
			}
			for _, then := range []string{"worst", "resample"} {
				out := filepath.Join(dir, strings.NewReplacer(": ", " ", ", ", " ").Replace(a.Name+" "+model+" "+then))
				file := out + ".yaml"
				text := fmt.Sprintf("seed: 5\noptimizee: {type: landscape, %s}\noptimizer: {type: %s}\nstop: {evaluations: %d}\n"+
					"execution: {slots: 1, on_failure: {then: %s}}\noutput: {dir: %s, sync: 1h, checkpoint: 1h}\n", model, a.Name, evaluations, then, out)
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if code := start([]string{"check", "--config", file}, kinds); code != exitOK {
					continue // it does not suit the problem
				}
				if code := start([]string{"--config", file, "--quiet", "--log-level", "error"}, kinds); code != exitOK {
					t.Fatalf("%s ends with exit code %d", text, code)
				}
				var result struct {
					TrajectoryHash string `json:"trajectory_hash"`
				}
				b, err := os.ReadFile(filepath.Join(out, "result.json"))
				if err == nil {
					err = json.Unmarshal(b, &result)
				}
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "%s | %s | %s | %s\n", a.Name, model, then, result.TrajectoryHash)
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	after := strings.Split(got.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(after) || after[i] != line {
			t.Fatalf("line %d:\n%s\nwant\n%s", i+1, append(after, "")[min(i, len(after))], line)
		}
	}
}
