package main

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/meta-optimization/l2l-mpi/bench/internal/named"
	"github.com/meta-optimization/l2l-mpi/bench/internal/pycma"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// plan is what is to be run.
type plan struct {
	algorithms                 []string
	functions, dims, instances []int
	repeats                    int // trials on each instance
	budget                     int // evaluations per dimension
	target                     float64
	python                     string
}

// trial is a run on an instance of a function, and how it ended.
type trial struct {
	Algorithm   string
	Function    int
	Dim         int
	Instance    int
	Repeat      int  // of the instance's trials, from 1
	Evaluations int  // until the target was reached, or all
	Solved      bool // the target was reached
	Seconds     float64
}

// trials lists the plan's, or says what is wrong with it.
func (p *plan) trials() ([]trial, error) {
	var ts []trial
	for _, a := range p.algorithms {
		if a != "pycma" {
			if _, _, err := named.Parse(a); err != nil {
				return nil, err
			}
		}
		for _, f := range p.functions {
			for _, d := range p.dims {
				for _, i := range p.instances {
					for r := range p.repeats {
						ts = append(ts, trial{Algorithm: a, Function: f, Dim: d, Instance: i, Repeat: r + 1})
					}
				}
			}
		}
	}
	return ts, nil
}

// seed depends on nothing but the trial's place.
func (t *trial) seed() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "bbob f%d, %d dimensions, instance %d, trial %d", t.Function, t.Dim, t.Instance, t.Repeat)
	return h.Sum64()
}

// runner runs trials one after the other.
type runner struct {
	python *pycma.Worker // nil until it is needed
}

func (r *runner) close() {
	if r.python != nil {
		r.python.Close() // it has answered everything
	}
}

func (r *runner) run(p *plan, t *trial) error {
	fn, err := functions.New(functions.Spec{Name: fmt.Sprintf("bbob_f%d", t.Function), Dim: t.Dim, Instance: t.Instance})
	if err != nil {
		return err
	}
	if t.Algorithm == "pycma" {
		return r.runPycma(p, t, fn.Optimum)
	}
	began := time.Now()
	algorithm, params, err := named.Parse(t.Algorithm)
	if err != nil {
		return err
	}
	o, err := algorithm.New(optimizer.Box(t.Dim, fn.Lower, fn.Upper), params, t.seed())
	if err != nil {
		return err
	}
	for t.Evaluations < p.budget*t.Dim && !t.Solved {
		candidates, err := o.Ask(0)
		if err != nil {
			return err
		}
		if len(candidates) == 0 {
			break // it has stopped
		}
		results := make([]optimizer.Evaluated, len(candidates))
		for i, c := range candidates {
			loss := make([]float64, 1)
			fn.Eval(c.X, loss)
			results[i] = optimizer.Evaluated{ID: c.ID, Loss: loss}
			if !t.Solved {
				t.Evaluations++
				t.Solved = fn.Gap(c.X) <= p.target
			}
		}
		if err := o.Tell(results); err != nil {
			return err
		}
	}
	t.Seconds = time.Since(began).Seconds()
	return nil
}

func (r *runner) runPycma(p *plan, t *trial, optimum float64) (err error) {
	if r.python == nil {
		// One thread each: several trials run at a time.
		if r.python, err = pycma.Start(p.python, 1); err != nil {
			return err
		}
	}
	a, err := r.python.Run(pycma.Request{
		Do: "solve", Function: t.Function, Dim: t.Dim, Instance: t.Instance, Seed: uint32(t.seed()),
		Budget: p.budget * t.Dim, Target: optimum + p.target,
	})
	t.Evaluations, t.Solved, t.Seconds = a.Evaluations, a.Solved, a.Seconds
	return err
}
