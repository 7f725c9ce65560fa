package run_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

// What is estimated is what a run takes: evaluations to the last, but where the search converges; generations and the journal within a
// fifth.
func TestEstimateIsWhatARunTakes(t *testing.T) {
	for name, text := range map[string]string{
		"cmaes":        "optimizee: {type: valley}\noptimizer: {type: cmaes}\nstop: {evaluations: 700}\nexecution: {slots: 2}\n",
		"replicates":   "optimizee: {type: valley}\noptimizer: {type: genetic, pop_size: 30}\nevaluation: {instances: 2, replicates: 3}\nstop: {evaluations: 4000}\n",
		"noise":        "optimizee: {type: valley, noise: 1}\noptimizer: {type: xnes}\nevaluation: {stochastic: true}\nstop: {evaluations: 5000}\n",
		"generations":  "optimizee: {type: function, name: rosenbrock, dim: 8}\noptimizer: {type: jade}\nstop: {generations: 80}\n",
		"initial":      "optimizee: {type: function, name: rosenbrock, dim: 4}\noptimizer: {type: cmaes, initial_samples: 300, pop_size: 40}\nstop: {evaluations: 4000}\n",
		"front":        "optimizee: {type: function, name: zdt1}\noptimizer: {type: nsga2, pop_size: 40}\nstop: {evaluations: 2000}\n",
		"vector":       "optimizee: {type: function, name: sphere, dim: 2000}\noptimizer: {type: snes, pop_size: 50}\nstop: {evaluations: 1000}\n",
		"digest":       "optimizee: {type: function, name: sphere, dim: 2000}\noptimizer: {type: snes, pop_size: 50}\nstop: {evaluations: 1000}\noutput: {record: digest}\n",
		"asynchronous": "optimizee: {type: function, name: rastrigin, dim: 5}\noptimizer: {type: genetic_async}\nstop: {evaluations: 1500}\n",
		"few":          "optimizee: {type: function, name: sphere, dim: 2}\noptimizer: {type: bayes, pop_size: 4}\nstop: {evaluations: 40}\n",
		"short":        "optimizee: {type: function, name: sphere, dim: 2}\noptimizer: {type: random, pop_size: 7}\nstop: {evaluations: 20}\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(t, "%s", text)
			e, err := run.Estimated(p, 1)
			if err != nil {
				t.Fatal(err)
			}
			r := alone(t, p)
			info, err := os.Stat(filepath.Join(p.Output.Dir, "journal", "events"))
			if err != nil {
				t.Fatal(err)
			}
			near := func(what string, got, want int64, factor float64) {
				if math.Abs(math.Log(float64(got)/float64(want))) > math.Log(factor) {
					t.Errorf("%s: %d, the run has %d", what, got, want)
				}
			}
			near("evaluations", e.Evaluations, r.Evaluations, 1.02)
			near("journal", e.Journal, info.Size(), 1.2)
			if !e.Asynchronous {
				near("generations", e.Generations, int64(r.Generations), 1.2)
			}
			if e.Memory < 1<<20 || e.PerEach < 10 {
				t.Errorf("%+v", e)
			}
			p, err = p.Settled(1)
			if err != nil {
				t.Fatal(err)
			}
			many, err := run.Estimated(p, 64)
			if err != nil {
				t.Fatal(err)
			}
			if idle, _ := many.Idle(64, 1); e.Asynchronous != (idle == 0) {
				t.Errorf("%v idle of 64 slots, %+v", idle, many)
			}
		})
	}
}

func TestEstimateTellsWhatNoRuleLimits(t *testing.T) {
	e, err := run.Estimated(plan(t, "optimizee: {type: valley}\noptimizer: {type: cmaes, pop_size: 12}\nevaluation: {replicates: 2}\n"), 1)
	if err != nil || e.Evaluations != 0 || e.Generations != 0 || e.Generation != 24 || e.PerEach == 0 || e.Memory == 0 {
		t.Errorf("%+v, %v", e, err)
	}
}

// What a search has under way is that of the slots it is asked for: lanes where execution.parallel is auto, a generation's individuals with a quorum.
func TestEstimateTellsWhatIsUnderWayAtOnce(t *testing.T) {
	for _, c := range []struct {
		text  string
		slots int
		want  int64
		idle  float64
	}{
		{"optimizer: {type: cmaes}\n", 75, 71, 4. / 75}, {"optimizer: {type: cmaes}\n", 8, 0, 0.25},
		{"optimizer: {type: cmaes}\nexecution: {parallel: 32}\n", 64, 32, 0.5},
		{"optimizer: {type: cmaes, pop_size: 12}\nexecution: {parallel: 1, quorum: 0.5}\n", 64, 12, 52. / 64},
		{"optimizer: {type: cmaes, pop_size: 12}\nexecution: {parallel: 1, quorum: 0.5}\nevaluation: {replicates: 5}\n", 64, 60, 4. / 64},
		{"optimizer: {type: cmaes_async}\n", 64, 64, 0},
	} {
		e, err := run.Estimated(plan(t, "optimizee: {type: function, name: sphere, dim: 2}\n%s", c.text), c.slots)
		if err != nil {
			t.Fatal(err)
		}
		if idle, _ := e.Idle(int64(c.slots), 1); e.AtOnce != c.want || math.Abs(idle-c.idle) > 1e-12 {
			t.Errorf("%s on %d slots: %d at once, %v idle; want %d and %v", c.text, c.slots, e.AtOnce, idle, c.want, c.idle)
		}
	}
}

// A search that is too large to be tried here is not.
func TestEstimateOfALargeSearchIsOfItsEvaluationsAlone(t *testing.T) {
	e, err := run.Estimated(plan(t, "optimizee: {type: function, dim: 1000000}\noptimizer: {type: snes, pop_size: 100}\nstop: {evaluations: 1000}\n"), 1)
	if want := (run.Estimate{Evaluations: 1000, Generations: 10, Generation: 100}); err != nil || e != want {
		t.Errorf("%+v, %v, want %+v", e, err, want)
	}
}

func TestEstimateSaysHowManySlotsAreIdle(t *testing.T) {
	for _, c := range []struct {
		generation, slots, batch int64
		idle                     float64
		rounds                   int64
	}{
		{8, 8, 1, 0, 1}, {8, 64, 1, 0.875, 1}, {8, 5, 1, 0.2, 2}, {8, 2, 4, 0, 1}, {9, 2, 4, 0.25, 2}, {64, 4, 1, 0, 16},
		{64, 2, 64, 0, 1}, {3, 4, 64, 0.25, 1}, {70, 2, 32, 0, 2}, {65, 2, 32, 0.25, 2},
	} {
		idle, rounds := run.Estimate{Generation: c.generation}.Idle(c.slots, c.batch)
		if math.Abs(idle-c.idle) > 1e-12 || rounds != c.rounds {
			t.Errorf("%+v: %v in %d rounds", c, idle, rounds)
		}
	}
}
