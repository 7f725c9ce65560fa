package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

type moodyModel struct {
	Target float64 `yaml:"target" doc:"where the error is least" unit:"mV" range:"[-5, 5]"`
	Broken string  `yaml:"broken" doc:"what it does not survive" range:"nothing | opening | everything | arithmetic" auto:"nothing"`
	Awake  bool    `yaml:"awake" doc:"it fails where it would hang: then it needs no timeout, which a busy machine would have it run into elsewhere, too"`
	opened bool
}

func (m *moodyModel) Open() error {
	if m.Broken == "opening" {
		return errors.New("the simulator is not installed")
	}
	m.opened = true
	return nil
}

func (m *moodyModel) Close() error { return nil }

func (m *moodyModel) Space() optimizee.Space {
	return optimizee.Space{
		{Name: "v", Lower: -5, Upper: 5, Unit: "mV"},
		{Name: "tau", Lower: 0.1, Upper: 100, Log: true, Unit: "ms"},
		{Name: "n", Kind: optimizee.Int, Lower: 1, Upper: 4},
		{Name: "noisy", Kind: optimizee.Bool},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm", "oja"}},
		{Name: "w", Size: 2, Lower: -1, Upper: 1},
	}
}

func (m *moodyModel) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise, Unit: "mV"}}
}

func (m *moodyModel) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	if !m.opened {
		panic("not opened")
	}
	switch {
	case m.Broken == "everything":
		return optimizee.Outcome{}, errors.New("exit status 1: no module named nest")
	case m.Broken == "arithmetic":
		return optimizee.Outcome{Fitness: []float64{math.NaN()}}, nil
	case e.Choice("rule") == "bcm":
		panic("bcm is not implemented")
	case e.Choice("rule") == "oja" && e.Bool("noisy") && m.Awake:
		return optimizee.Outcome{}, errors.New("no spikes")
	case e.Choice("rule") == "oja" && e.Bool("noisy"):
		<-ctx.Done()
		return optimizee.Outcome{}, ctx.Err()
	}
	d := e.Float("v") - m.Target
	return optimizee.Outcome{Fitness: []float64{d*d + float64(e.Int("n")) + e.Vector("w")[0]}}, nil
}

func (m *moodyModel) Report(_ context.Context, e optimizee.Evaluation, w io.Writer) error {
	_, err := fmt.Fprintf(w, "v is %.3g mV off\n", e.Float("v")-m.Target)
	return err
}
