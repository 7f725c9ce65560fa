// Package neuron is an optimizee: an adaptive exponential integrate-and-fire neuron ([AdEx]) fitted to a recorded one. The recording
// is a table of current steps and of what the cell did during each: spike times and steady voltages. Some steps are for
// training; the others are held out, have no part in the fitness, and show in the report what the fit is worth.
//
// The package knows no optimizer. Everything in it is deterministic.
package neuron

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Type describes the optimizee for the catalogue.
var Type = optimizee.Type{
	Name:  "adex",
	Title: "Adaptive exponential integrate-and-fire neuron, fitted to a recorded cell",
	Doc: "Adaptive exponential integrate-and-fire neuron, fitted to a recorded neuron's responses to current steps; the fitness is its " +
		"error in steady voltages, spike counts and first-spike latencies on the training steps, and the report shows the held-out ones.",
	Reference: "Brette and Gerstner 2005, J Neurophysiol 94:3637, doi 10.1152/jn.00686.2005; " +
		"recordings: figures computed from sample data of swharden/pyABF (MIT)",
	New: func() optimizee.Optimizee { return New() },
}

// Fit is the optimizee. Its configuration is read by Open, which must come before everything but Space and Objectives.
//
// The fitness compares model and cell on the training steps by three numbers, of which zero is a perfect fit:
//
//	voltage  root mean square difference of the steady voltages, mV: of the steps without a recorded spike, and of the rest before
//	count    mean absolute difference of the spike counts, each with the fraction of the interval to the next spike that had
//	         passed when the step ended, so that it changes smoothly with the parameters
//	latency  mean absolute logarithm of the ratio of the first-spike latencies, of the steps with a recorded spike; a silent model
//	         counts as spiking at the step's end
//
// By default they are added up to one objective, "error" = voltage/(2 mV) + count/(1/4 spike) + latency/(1/20), so that 2 mV, a
// quarter of a spike and 5 % of the latency weigh the same.
type Fit struct {
	Data   string    `yaml:"data" doc:"the recording: regular_spiking, fast_spiking, or the path of a CSV file with the same columns"`
	Train  []float64 `yaml:"train" doc:"currents of the training steps; steps of other currents are held out" unit:"pA" range:"(-inf, inf)"`
	Pulses string    `yaml:"pulses" doc:"which steps of these currents to train on: all, or the first, which start from rest and not from another step" range:"all | first"`
	Split  bool      `yaml:"split" doc:"three objectives, voltage, count and latency, instead of their weighted sum"`

	recording Recording
	steps     []compared // those that are not prepulses, in the order of the recording
	resting   float64    // the cell's mean voltage before the training steps, mV
	training  protocol   // the currents of the training steps
	all       protocol   // of all steps
}

// compared is a step on which the model is compared to the cell.
type compared struct {
	Step
	training bool
	pulse    int // its place in the protocol of all steps, and, for a training step, in that of the training steps: it begins with them
}

// New returns the default configuration: the regular-spiking cell, with the steps of eight of its sixteen currents for training.
func New() *Fit {
	return &Fit{Data: "regular_spiking", Train: []float64{-100, -50, 50, 100, 150, 200, 250, 300}, Pulses: "all"}
}

// Open reads the recording.
func (f *Fit) Open() error {
	if err := schema.Check("", f); err != nil {
		return fmt.Errorf("neuron: %w", err)
	}
	rec, err := open(f.Data)
	if err != nil {
		return err
	}
	return f.use(rec)
}

// Close does nothing.
func (f *Fit) Close() error { return nil }

func open(data string) (Recording, error) {
	switch data {
	case "regular_spiking":
		return ParseRecording(strings.NewReader(regularSpiking))
	case "fast_spiking":
		return ParseRecording(strings.NewReader(fastSpiking))
	}
	file, err := os.Open(data)
	if err != nil {
		return nil, fmt.Errorf("neuron: data, want regular_spiking, fast_spiking or a CSV file: %w", err)
	}
	defer file.Close()
	rec, err := ParseRecording(file)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, data)
	}
	return rec, nil
}

// use sorts the recording's steps into training and held-out ones, and plans the simulation of both.
func (f *Fit) use(rec Recording) error {
	f.recording, f.steps, f.training, f.all, f.resting = rec, nil, nil, nil, 0
	prepulse := map[int]bool{}
	missing := slices.Clone(f.Train)
	for _, s := range rec {
		prepulse[s.Before] = true
	}
	var baselines []float64
	for _, training := range []bool{true, false} { // in this order, so that the one protocol begins with the other
		for i, s := range rec {
			chosen := slices.Contains(f.Train, s.Current) && (f.Pulses == "all" || s.Before < 0)
			if prepulse[i] || chosen != training {
				continue
			}
			if training {
				missing = slices.DeleteFunc(missing, func(current float64) bool { return current == s.Current })
				baselines = append(baselines, rec.before(i))
			}
			f.steps = append(f.steps, compared{s, training, f.all.add(rec, i)})
		}
		if training {
			f.training = slices.Clone(f.all)
		}
	}
	switch {
	case len(f.Train) == 0:
		return errors.New("neuron: train is empty, want currents of the recording's steps")
	case len(missing) > 0:
		return fmt.Errorf("neuron: train: %v pA, but the recording has no such step to train on", missing)
	}
	f.resting = mean(baselines)
	return nil
}

// Space returns the parameters of AdEx: C, g_L, E_L, V_T, Delta_T, a, tau_w, b, V_r and t_ref, with the units given there.
func (f *Fit) Space() optimizee.Space { return space }

// The weights turn a voltage in mV, a count and a relative latency into parts of the same error.
var terms = []optimizee.Objective{
	{Name: "voltage", Direction: optimizee.Minimise, Weight: 1.0 / 2, Unit: "mV"},
	{Name: "count", Direction: optimizee.Minimise, Weight: 4, Unit: "spikes"},
	{Name: "latency", Direction: optimizee.Minimise, Weight: 20},
}

// Objectives returns one objective, error, or the three that it is the sum of.
func (f *Fit) Objectives() []optimizee.Objective {
	if f.Split {
		return terms
	}
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}}
}

// Evaluate simulates the training steps: about 9 s of the neuron's time in 2 ms, for the recordings that come with the package.
func (f *Fit) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	fitness, err := f.errors(ctx, model(e.Params))
	if err != nil {
		return optimizee.Outcome{}, err
	}
	if !f.Split {
		sum := 0.0
		for i, t := range terms {
			sum += t.Weight * fitness[i]
		}
		fitness = []float64{sum}
	}
	return optimizee.Outcome{Fitness: fitness}, nil
}

// errors returns the three numbers that the model is judged by, in the order of terms.
func (f *Fit) errors(ctx context.Context, m AdEx) ([]float64, error) {
	responses, err := f.training.run(ctx, m)
	if err != nil {
		return nil, err
	}
	square := func(x float64) float64 { return x * x }
	var voltage, count, latency []float64
	voltage = append(voltage, square(responses[0].Steady-f.resting))
	count = append(count, fractionalCount(responses[0].Spikes, settling))
	for _, s := range f.steps {
		if !s.training {
			continue
		}
		r := responses[s.pulse]
		count = append(count, math.Abs(fractionalCount(r.Spikes, s.Duration)-fractionalCount(s.Spikes, s.Duration)))
		if len(s.Spikes) == 0 {
			voltage = append(voltage, square(r.Steady-s.Steady))
		} else {
			latency = append(latency, math.Abs(math.Log(first(r.Spikes, s.Duration)/first(s.Spikes, s.Duration))))
		}
	}
	return []float64{math.Sqrt(mean(voltage)), mean(count), mean(latency)}, nil
}

// fractionalCount is the number of spikes plus the time since the last one in units of the interval before it, at most 1. For a
// single spike, that interval is its latency. As a spike moves over the end of the step, the fractional count of a neuron whose
// intervals do not shrink stays where it is.
func fractionalCount(spikes []float64, duration float64) float64 {
	n := len(spikes)
	if n == 0 {
		return 0
	}
	last, interval := spikes[n-1], spikes[n-1]
	if n > 1 {
		interval -= spikes[n-2]
	}
	return float64(n) + min(1, (duration-last)/interval)
}

// first is the first-spike latency; without a spike, the duration.
func first(spikes []float64, duration float64) float64 {
	if len(spikes) == 0 {
		return duration
	}
	return max(spikes[0], TimeStep)
}

// mean returns 0 for no numbers.
func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(max(len(x), 1))
}
