package functions

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func open(t *testing.T, o *Optimizee) *Optimizee {
	t.Helper()
	if err := errors.Join(schema.Check("", o), o.Open()); err != nil {
		t.Fatal(err)
	}
	return o
}

// at is the evaluation of the point whose coordinates are all c.
func at(t *testing.T, o *Optimizee, c float64, seed uint64) optimizee.Evaluation {
	t.Helper()
	params, err := o.Space().Decode(constant(o.Space().Dim(), c))
	if err != nil {
		t.Fatal(err)
	}
	return optimizee.Evaluation{Params: params, Seed: seed}
}

func TestOptimizeeIsMadeOfEveryFunction(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			o := Type.New().(*Optimizee)
			o.Name = name
			open(t, o)
			if err := errors.Join(o.Space().Check(), optimizee.CheckObjectives(o.Objectives())); err != nil {
				t.Fatal(err)
			}
			out, err := o.Evaluate(t.Context(), at(t, o, 0.7, 1))
			if err != nil || len(out.Fitness) != len(o.Objectives()) {
				t.Fatalf("got %v, %v", out, err)
			}
			for _, f := range out.Fitness {
				if math.IsNaN(f) || math.IsInf(f, 0) {
					t.Errorf("fitness %v", out.Fitness)
				}
			}
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOptimizeeCountsInstancesFromTheConfiguredOne(t *testing.T) {
	o := open(t, &Optimizee{Spec: Spec{Name: "bbob_f3", Dim: 3, Instance: 4}})
	e := at(t, o, 0.7, 1)
	e.Instance = 2
	out, err := o.Evaluate(t.Context(), e)
	want := make([]float64, 1)
	mustNew(t, Spec{Name: "bbob_f3", Dim: 3, Instance: 6}).Eval(e.Vector("x"), want)
	if err != nil || out.Fitness[0] != want[0] {
		t.Errorf("got %v, %v, want %v", out.Fitness, err, want)
	}
}

func TestOptimizeeHasNoGapAtTheOptimumOfAnyInstance(t *testing.T) {
	o := open(t, &Optimizee{Spec: Spec{Name: "bbob_f1", Dim: 3}, Gap: true})
	for instance := range 5 {
		params, err := o.Space().Decode(mustNew(t, Spec{Name: "bbob_f1", Dim: 3, Instance: 1 + instance}).ArgMin)
		if err != nil {
			t.Fatal(err)
		}
		out, err := o.Evaluate(t.Context(), optimizee.Evaluation{Params: params, Instance: instance})
		if err != nil || out.Fitness[0] != 0 {
			t.Errorf("instance %d: got %v, %v", instance, out.Fitness, err)
		}
	}
}

func TestOptimizeeNoiseVariesWithTheSeedAndRepeatsWithIt(t *testing.T) {
	o := open(t, &Optimizee{Spec: Spec{Name: "zdt1"}, Noise: 0.5})
	silent := open(t, &Optimizee{Spec: Spec{Name: "zdt1"}})
	exact, _ := silent.Evaluate(t.Context(), at(t, silent, 0.3, 0))
	const n = 4000
	var sum, squares, product float64
	seen := map[float64]bool{}
	for seed := range uint64(n) {
		a, err1 := o.Evaluate(t.Context(), at(t, o, 0.3, seed))
		b, err2 := o.Evaluate(t.Context(), at(t, o, 0.3, seed))
		if err := errors.Join(err1, err2); err != nil || a.Fitness[0] != b.Fitness[0] || a.Fitness[1] != b.Fitness[1] {
			t.Fatalf("seed %d: %v and %v, %v", seed, a.Fitness, b.Fitness, err)
		}
		u, v := a.Fitness[0]-exact.Fitness[0], a.Fitness[1]-exact.Fitness[1]
		sum, squares, product = sum+u, squares+u*u, product+u*v
		seen[a.Fitness[0]] = true
	}
	if len(seen) < n {
		t.Errorf("%d values from %d seeds", len(seen), n)
	}
	if mean, std, correlation := sum/n, math.Sqrt(squares/n), product/squares; math.Abs(mean) > 0.04 || math.Abs(std-0.5) > 0.03 ||
		math.Abs(correlation) > 0.08 {
		t.Errorf("noise of mean %v, standard deviation %v and correlation %v, want 0, 0.5 and 0", mean, std, correlation)
	}
}

func TestOptimizeeFailuresHaveTheirProbabilityAndRepeatWithTheSeed(t *testing.T) {
	o := open(t, &Optimizee{Spec: Spec{Name: "null"}, Fail: 0.2})
	failed := 0
	for seed := range uint64(5000) {
		_, err1 := o.Evaluate(t.Context(), at(t, o, 0, seed))
		_, err2 := o.Evaluate(t.Context(), at(t, o, 0, seed))
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("seed %d: %v, then %v", seed, err1, err2)
		}
		if err1 != nil {
			failed++
		}
	}
	if failed < 900 || failed > 1100 {
		t.Errorf("%d of 5000 evaluations failed, want about 1000", failed)
	}
}

func TestOptimizeeTakesItsDelayOnAverage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 4000
		fixed := open(t, &Optimizee{Spec: Spec{Name: "null"}, Delay: time.Second})
		spread := open(t, &Optimizee{Spec: Spec{Name: "null"}, Delay: time.Second, DelaySpread: 0.5})
		duration := func(o *Optimizee, seed uint64) float64 {
			start := time.Now()
			if _, err := o.Evaluate(t.Context(), at(t, o, 0, seed)); err != nil {
				t.Fatal(err)
			}
			return time.Since(start).Seconds()
		}
		var sum, squares float64
		for seed := range uint64(n) {
			if d := duration(fixed, seed); d != 1 {
				t.Fatalf("%v s, want 1", d)
			}
			d := duration(spread, seed)
			sum, squares = sum+d, squares+math.Log(d)*math.Log(d)
		}
		mean, std := sum/n, math.Sqrt(squares/n-0.125*0.125) // the mean logarithm is −0.5²/2
		if math.Abs(mean-1) > 0.03 || math.Abs(std-0.5) > 0.03 {
			t.Errorf("mean %v s, standard deviation of the logarithm %v, want 1 and 0.5", mean, std)
		}
	})
}

func TestOptimizeeDelayEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t, &Optimizee{Spec: Spec{Name: "sphere"}, Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if _, err := o.Evaluate(ctx, at(t, o, 1, 1)); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestOptimizeePropertiesDoNotChangeEachOther(t *testing.T) {
	plain := open(t, &Optimizee{Spec: Spec{Name: "sphere"}, Noise: 1})
	all := open(t, &Optimizee{Spec: Spec{Name: "sphere"}, Noise: 1, Delay: 1, DelaySpread: 1, Fail: 1e-9})
	for seed := range uint64(100) {
		a, err1 := plain.Evaluate(t.Context(), at(t, plain, 1, seed))
		b, err2 := all.Evaluate(t.Context(), at(t, all, 1, seed))
		if err := errors.Join(err1, err2); err != nil || a.Fitness[0] != b.Fitness[0] {
			t.Fatalf("seed %d: %v and %v, %v", seed, a.Fitness, b.Fitness, err)
		}
	}
}

func TestOptimizeeRefusesAConfigurationThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		o    Optimizee
		want string
	}{
		{Optimizee{Spec: Spec{Name: "spheres"}}, `name = "spheres"`},
		{Optimizee{Spec: Spec{Name: "zdt1"}, Gap: true}, "gap = true"},
		{Optimizee{Spec: Spec{Name: "sphere", Dim: -1}}, "dim = -1"},
		{Optimizee{Spec: Spec{Name: "sphere"}, Noise: -1}, "noise = -1"},
		{Optimizee{Spec: Spec{Name: "sphere"}, Delay: -1}, "delay = -1"},
		{Optimizee{Spec: Spec{Name: "sphere"}, Fail: 1}, "fail = 1"},
	} {
		if err := errors.Join(schema.Check("", &c.o), c.o.Open()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	o := &Optimizee{Spec: Spec{Name: "null"}}
	if err := o.Open(); err != nil {
		b.Fatal(err)
	}
	params, _ := o.Space().Decode(make([]float64, 2))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Evaluate(b.Context(), optimizee.Evaluation{Params: params, Seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
