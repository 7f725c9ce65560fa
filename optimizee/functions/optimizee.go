package functions

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Type is what a configuration calls "function".
var Type = optimizee.Type{
	Name:  "function",
	Title: "Test function with a known optimum",
	Doc: "A test function with a known optimum, to be minimised; if asked, with the noise, the duration and the failures of a real " +
		"model, all of them drawn from the evaluation's seed.",
	Reference: "Hansen et al. 2009 (bbob), Zitzler et al. 2000 (zdt), Deb et al. 2001 (dtlz); the others in their descriptions.",
	New:       func() optimizee.Optimizee { return &Optimizee{Spec: Spec{Name: "sphere"}} },
}

// Optimizee makes a test function an optimizee: the parameter is the vector x, the objective is "value", or there are several, "f1",
// "f2", …. Instances matter to the BBOB functions only; instance i of an evaluation is Spec.Instance + i.
//
// Noise, duration and failure depend on the evaluation's seed alone: the same seed gives the same noise, and fails again.
type Optimizee struct {
	Spec `yaml:",inline"`

	Gap         bool          `yaml:"gap" doc:"return how far the value is above the optimum, instead of the value"`
	Noise       float64       `yaml:"noise" doc:"standard deviation of normal noise added to each objective" range:"[0, inf)"`
	Delay       time.Duration `yaml:"delay" doc:"mean duration of an evaluation, which it sleeps" range:"[0, inf)" resume:"free"`
	DelaySpread float64       `yaml:"delay_spread" doc:"standard deviation of the logarithm of the duration" range:"[0, 3]" resume:"free"`
	Fail        float64       `yaml:"fail" doc:"probability that an evaluation fails, after its delay" range:"[0, 1)"`

	function  *Function         // that of the configured instance
	instances map[int]*Function // all in use, by instance of the evaluation
	random    rand.PCG
}

var (
	_ optimizee.Optimizee = (*Optimizee)(nil)
	_ optimizee.Opener    = (*Optimizee)(nil)
)

// Open makes the function, or says why there is no such.
func (o *Optimizee) Open() error {
	o.instances = map[int]*Function{}
	var err error
	if o.function, err = o.instance(0); err != nil {
		return err
	}
	if o.Gap && math.IsNaN(o.function.Optimum) {
		return fmt.Errorf("functions: gap = true, want false: the optimum of %s is not known", o.Name)
	}
	return nil
}

// Close does nothing.
func (o *Optimizee) Close() error { return nil }

// instance returns the function for an instance of an evaluation.
func (o *Optimizee) instance(i int) (*Function, error) {
	fn := o.instances[i]
	if fn == nil {
		spec := o.Spec
		spec.Instance = cmp.Or(spec.Instance, 1) + i
		var err error
		if fn, err = New(spec); err != nil {
			return nil, err
		}
		o.instances[i] = fn
	}
	return fn, nil
}

// Space is the vector x.
func (o *Optimizee) Space() optimizee.Space {
	f := o.function
	return optimizee.Space{{Name: "x", Size: f.Dim, Lower: f.Lower, Upper: f.Upper, Doc: f.Doc}}
}

// Objectives are to be minimised.
func (o *Optimizee) Objectives() []optimizee.Objective {
	if o.function.Objectives == 1 {
		return []optimizee.Objective{{Name: "value", Direction: optimizee.Minimise}}
	}
	objectives := make([]optimizee.Objective, o.function.Objectives)
	for i := range objectives {
		objectives[i] = optimizee.Objective{Name: fmt.Sprintf("f%d", i+1), Direction: optimizee.Minimise}
	}
	return objectives
}

// Stochastic implements optimizee.Stochastic.
func (o *Optimizee) Stochastic() bool { return o.Noise > 0 }

// Evaluate sleeps, fails, evaluates the function, and adds noise.
func (o *Optimizee) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	fn, err := o.instance(e.Instance)
	if err != nil {
		return optimizee.Outcome{}, err
	}
	// All draws are made in the same order whatever the configuration, so that one property does not change another.
	o.random.Seed(e.Seed, 0)
	rng := rand.New(&o.random)
	failed := rng.Float64() < o.Fail
	s := o.DelaySpread
	delay := float64(o.Delay) * math.Exp(s*rng.NormFloat64()-s*s/2) // the mean is Delay
	if err := sleep(ctx, time.Duration(delay)); err != nil {
		return optimizee.Outcome{}, err
	}
	if failed {
		return optimizee.Outcome{}, fmt.Errorf("functions: failed as configured, fail = %v", o.Fail)
	}
	fitness := make([]float64, fn.Objectives)
	x := e.Vector("x")
	if o.Gap {
		fitness[0] = fn.Gap(x)
	} else {
		fn.Eval(x, fitness)
	}
	for i := range fitness {
		fitness[i] += o.Noise * rng.NormFloat64()
	}
	return optimizee.Outcome{Fitness: fitness}, nil
}

// sleep waits for d, or until ctx ends, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
