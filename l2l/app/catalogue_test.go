package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// packed is a model that evaluates several individuals in one call, of parameters of every kind or of one alone, with outputs or
// several objectives where they are wanted.
type packed struct {
	One   bool `yaml:"one" doc:"one parameter only"`
	Curve bool `yaml:"curve" doc:"it has outputs and targets"`
	Goals int  `yaml:"goals" doc:"objectives" range:"[1, 2]"`
}

var packedType = optimizee.Type{Name: "packed", Title: "A model with parameters of every kind",
	New: func() optimizee.Optimizee { return &packed{Goals: 1} }}

func (m *packed) Space() optimizee.Space {
	if m.One {
		return optimizee.Space{{Name: "v", Lower: -5, Upper: 5}}
	}
	return optimizee.Space{
		{Name: "v", Lower: -5, Upper: 5, Unit: "mV"},
		{Name: "tau", Lower: 0.1, Upper: 100, Log: true, Unit: "ms"},
		{Name: "n", Kind: optimizee.Int, Lower: 1, Upper: 4},
		{Name: "noisy", Kind: optimizee.Bool},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm", "oja"}},
		{Name: "w", Size: 3, Lower: -1, Upper: 1},
	}
}

func (m *packed) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}, {Name: "rate", Direction: optimizee.Maximise}}[:m.Goals]
}

func (m *packed) NumOutputs() int {
	if m.Curve {
		return 4
	}
	return 0
}

func (m *packed) Evaluate(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	v := e.Float("v")
	if math.Abs(v) > 5 {
		return optimizee.Outcome{}, fmt.Errorf("v = %g is out of its bounds", v)
	}
	loss := (v - 3) * (v - 3)
	if !m.One {
		loss += math.Abs(math.Log(e.Float("tau"))) + float64(e.Int("n")) + math.Abs(e.Vector("w")[2])
		if e.Bool("noisy") || e.Choice("rule") != "oja" {
			loss++
		}
	}
	out := optimizee.Outcome{Fitness: []float64{loss, v}[:m.Goals]}
	if m.Curve {
		out.Outputs, out.Targets = []float64{v, v * v, loss, 1}, []float64{3, 9, 0, 1}
	}
	return out, nil
}

func (m *packed) EvaluateBatch(ctx context.Context, es []optimizee.Evaluation) ([]optimizee.Outcome, []error) {
	outcomes, errs := make([]optimizee.Outcome, len(es)), make([]error, len(es))
	for i, e := range es {
		outcomes[i], errs[i] = m.Evaluate(ctx, e)
	}
	return outcomes, errs
}

// Every algorithm runs from its configuration on parameters of every kind and on a single one, or says what it needs; packs of individuals
// give the same search; and it begins with what a run of another optimizer knows, or with individuals that are given.
func TestEveryAlgorithmRunsFromItsConfiguration(t *testing.T) {
	if testing.Short() {
		t.Skip("a run of every algorithm takes its time")
	}
	kinds := kindsWith(packedType)
	dir := t.TempDir()
	start := func(t *testing.T, name, model, algorithm, rest string) string {
		t.Helper()
		evaluations := 80
		if algorithm == "bayes" {
			evaluations = 24 // it thinks about each
		}
		file := filepath.Join(dir, name+".yaml")
		text := fmt.Sprintf("seed: 3\noptimizee: {type: packed, %s}\noptimizer: {type: %s}\nstop: {evaluations: %d}\n"+
			"output: {dir: %s, sync: 1h, checkpoint: 1h}\n%s", model, algorithm, evaluations, filepath.Join(dir, name), rest)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if code := start([]string{"--config", file, "--quiet", "--log-level", "error"}, kinds); code != exitOK {
			t.Fatalf("%s ends with exit code %d", text, code)
		}
		return filepath.Join(dir, name)
	}
	hash := func(t *testing.T, dir string) string {
		t.Helper()
		var result struct {
			Evaluations    int    `json:"evaluations"`
			TrajectoryHash string `json:"trajectory_hash"`
		}
		b, err := os.ReadFile(filepath.Join(dir, "result.json"))
		if err == nil {
			err = json.Unmarshal(b, &result)
		}
		if err != nil || result.TrajectoryHash == "" || result.Evaluations < 10 {
			t.Fatalf("%s: %+v, %v", dir, result, err)
		}
		return result.TrajectoryHash
	}
	for _, model := range []string{"one: true", "one: false"} {
		start(t, "earlier "+model[5:], model+", curve: true", "random, pop_size: 80", "")
	}
	start(t, "earlier of two goals true", "one: true, goals: 2", "random, pop_size: 80", "")
	start(t, "earlier of two goals false", "one: false, goals: 2", "random, pop_size: 80", "")
	for _, a := range catalogue.All() {
		t.Run(a.Name, func(t *testing.T) {
			for _, one := range []string{"true", "false"} {
				ran := 0
				for _, rest := range []string{"curve: false", "curve: true", "goals: 2"} {
					model := "one: " + one + ", " + rest
					text := fmt.Sprintf("optimizee: {type: packed, %s}\noptimizer: {type: %s}\n", model, a.Name)
					p, err := config.Parse("run.yaml", []byte(text), kinds)
					if err != nil {
						if _, why, ok := strings.Cut(err.Error(), optimizer.ErrUnsuited.Error()+": "); !ok || len(why) < 30 || !strings.Contains(why, "want") {
							t.Errorf("%s: refused without saying what it needs: %v", model, err)
						}
						continue
					}
					ran++
					name := strings.NewReplacer(": ", " ", ",", "").Replace(a.Name + " " + model)
					alone := hash(t, start(t, name, model, a.Name, "execution: {slots: 1}\n"))
					packs := hash(t, start(t, name+" packed", model, a.Name, "execution: {slots: 1, batch: 7}\n"))
					o, err := p.NewOptimizer()
					if err != nil {
						t.Fatal(err)
					}
					if _, ok := o.(optimizer.Asynchronous); !ok && alone != packs {
						t.Errorf("%s: packs of seven individuals give another search", model)
					}
					if _, ok := o.(optimizer.WarmStarter); !ok {
						continue
					}
					earlier := "earlier " + one
					if rest == "goals: 2" {
						earlier = "earlier of two goals " + one
					}
					warm := start(t, name+" warm", model, a.Name, fmt.Sprintf("warm_start: {run: %s, individuals: [{v: 2.5}]}\n", filepath.Join(dir, earlier)))
					first := math.NaN()
					r, err := report.Open(warm, nil)
					if err != nil {
						t.Fatal(err)
					}
					if zero, err := r.Individual(0); err == nil {
						first = zero.X[0]
					}
					if first != 2.5 {
						t.Errorf("%s: the first individual has v = %g, want the given one, 2.5", model, first)
					}
				}
				if one == "true" && ran == 0 {
					t.Error("it does not run on one parameter, neither with outputs nor with several objectives, nor without")
				}
			}
		})
	}
}
