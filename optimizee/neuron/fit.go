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
	"path/filepath"
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
		"error in resting and steady voltages, spike counts and first-spike latencies on the training steps, and the report shows the held-out ones.",
	Reference: "Brette and Gerstner 2005, J Neurophysiol 94:3637, doi 10.1152/jn.00686.2005; " +
		"recordings: figures computed from sample data of swharden/pyABF (MIT)",
	New: func() optimizee.Optimizee { return New() },
}

// Fit is the optimizee. Its configuration is read by Open, which must come before everything but Space and Objectives.
//
// The fitness compares model and cell on the training steps by four numbers, of which zero is a perfect fit:
//
//	rest     difference of the voltages at rest, mV
//	voltage  mean absolute difference of the steady voltages, mV, of the steps without a recorded spike
//	count    mean absolute difference of the spike counts, each with the fraction of the interval to the next spike that had
//	         passed when the step ended, so that it changes smoothly with the parameters; rest counts as a step
//	latency  mean absolute logarithm of the ratio of the first-spike latencies, of the steps with a recorded spike; a silent model
//	         counts as spiking at the step's end
//
// By default they are added up to one objective, "error" = rest/(1 mV) + voltage/(4 mV) + count/(1/4 spike) + latency/(1/20), so that 1 mV at
// rest and 4 mV elsewhere, a quarter of a spike and 5 % of the latency weigh the same.
type Fit struct {
	Data      string    `yaml:"data" doc:"the recording: regular_spiking, fast_spiking, or the path of a CSV file with the same columns; if relative, it is so to the directory of the configuration" resume:"free"`
	Train     []float64 `yaml:"train" doc:"currents of the training steps; steps of other currents are held out" unit:"pA" range:"(-inf, inf)" auto:"of either sign every second current of the recording, from the outermost inwards"`
	Pulses    string    `yaml:"pulses" doc:"which steps of these currents to train on: all, or the first, which start from rest and not from another step" range:"all | first"`
	Weighting string    `yaml:"weighting" doc:"what weighs the same: each pulse, however often it is repeated, the resting voltage having a weight of its own; or each step, with rest as one of them and the root of the mean square of the voltages in units of 2 mV, as before there was a choice" range:"pulses | steps" before:"steps"`
	Split     bool      `yaml:"split" doc:"an objective for each of rest (with weighting: pulses), voltage, count and latency, instead of their weighted sum"`

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
	pulse    int     // its place in the protocol of all steps, and, for a training step, in that of the training steps: it begins with them
	weight   float64 // in the fitness
}

// New returns the default configuration: the regular-spiking cell, with the steps of eight of its sixteen currents for training.
func New() *Fit {
	return &Fit{Data: "regular_spiking", Pulses: "all", Weighting: "pulses"}
}

// The recordings that come with the package.
var builtin = map[string]string{"regular_spiking": regularSpiking, "fast_spiking": fastSpiking}

// Locate implements optimizee.Located.
func (f *Fit) Locate(dir string) {
	if _, ok := builtin[f.Data]; !ok && !filepath.IsAbs(f.Data) {
		f.Data = filepath.Join(dir, f.Data)
	}
}

// Open reads the recording.
func (f *Fit) Open() error {
	if err := schema.Check("", f); err != nil {
		return fmt.Errorf("neuron: %w", err)
	}
	rec, err := open(f.Data)
	if err != nil {
		return schema.At(err, "data")
	}
	return schema.At(f.use(rec), "train")
}

// Close does nothing.
func (f *Fit) Close() error { return nil }

func open(data string) (Recording, error) {
	if text, ok := builtin[data]; ok {
		return ParseRecording(strings.NewReader(text))
	}
	file, err := os.Open(data)
	if err != nil {
		return nil, fmt.Errorf("want regular_spiking, fast_spiking or a CSV file: %w", err)
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
	for _, s := range rec {
		prepulse[s.Before] = true
	}
	trainable := func(i int) bool { return !prepulse[i] && (f.Pulses == "all" || rec[i].Before < 0) }
	var there []float64 // currents of the steps that one could train on
	for i, s := range rec {
		if trainable(i) && !slices.Contains(there, s.Current) {
			there = append(there, s.Current)
		}
	}
	slices.Sort(there)
	chosen := f.Train
	if chosen == nil {
		chosen = alternate(there)
	}
	var missing []float64
	for _, current := range chosen {
		if !slices.Contains(there, current) {
			missing = append(missing, current)
		}
	}
	switch {
	case len(there) == 0:
		return errors.New("each step of the recording follows another, and none starts from rest, want pulses: all")
	case len(chosen) == 0:
		return fmt.Errorf("it is empty, want currents of the recording: %s pA", listed(there))
	case len(missing) > 0:
		return fmt.Errorf("the recording has no step of %s pA to train on, want currents that it has: %s pA", listed(missing), listed(there))
	}

	var baselines []float64
	for _, training := range []bool{true, false} { // in this order, so that the one protocol begins with the other
		for i, s := range rec {
			if prepulse[i] || (trainable(i) && slices.Contains(chosen, s.Current)) != training {
				continue
			}
			if training {
				baselines = append(baselines, rec.before(i))
			}
			f.steps = append(f.steps, compared{Step: s, training: training, pulse: f.all.add(rec, i), weight: 1})
		}
		if training {
			f.training = slices.Clone(f.all)
		}
	}
	if f.Weighting == "pulses" {
		repeats := map[int]float64{}
		for _, s := range f.steps {
			repeats[s.pulse]++
		}
		for i, s := range f.steps {
			f.steps[i].weight = 1 / repeats[s.pulse]
		}
	}
	f.resting = mean(baselines)
	return nil
}

// alternate returns every second one of the currents of either sign, which ascend, from the outermost inwards: between two that are trained on, one is
// held out, and none beyond. No current at all is left to rest, unless there is nothing else.
func alternate(currents []float64) (chosen []float64) {
	first, _ := slices.BinarySearch(currents, 0) // not below zero
	for i := 0; i < first; i += 2 {
		chosen = append(chosen, currents[i])
	}
	negative := len(chosen)
	for i := len(currents) - 1; i >= first && currents[i] > 0; i -= 2 {
		chosen = append(chosen, currents[i])
	}
	slices.Reverse(chosen[negative:])
	if len(chosen) == 0 {
		return currents
	}
	return chosen
}

// listed writes currents down, the first ones of very many.
func listed(currents []float64) string {
	const most = 50
	words := make([]string, 0, most+1)
	for i, c := range currents {
		if i == most {
			words = append(words, fmt.Sprintf("… (%d more)", len(currents)-most))
			break
		}
		words = append(words, fmt.Sprint(c))
	}
	return strings.Join(words, ", ")
}

// Space returns the parameters of AdEx: C, g_L, E_L, V_T, Delta_T, a, tau_w, b, V_r and t_ref, with the units given there.
func (f *Fit) Space() optimizee.Space { return space }

// The weights turn a voltage in mV, a count and a relative latency into parts of the same error.
var (
	ofPulses = []optimizee.Objective{
		{Name: "rest", Direction: optimizee.Minimise, Weight: 1, Unit: "mV"},
		{Name: "voltage", Direction: optimizee.Minimise, Weight: 1.0 / 4, Unit: "mV"},
		{Name: "count", Direction: optimizee.Minimise, Weight: 4, Unit: "spikes"},
		{Name: "latency", Direction: optimizee.Minimise, Weight: 20},
	}
	ofSteps = []optimizee.Objective{
		{Name: "voltage", Direction: optimizee.Minimise, Weight: 1.0 / 2, Unit: "mV"},
		{Name: "count", Direction: optimizee.Minimise, Weight: 4, Unit: "spikes"},
		{Name: "latency", Direction: optimizee.Minimise, Weight: 20},
	}
)

// terms are what the error is the weighted sum of.
func (f *Fit) terms() []optimizee.Objective {
	if f.Weighting == "steps" {
		return ofSteps
	}
	return ofPulses
}

// Objectives returns one objective, error, or those that it is the sum of.
func (f *Fit) Objectives() []optimizee.Objective {
	if f.Split {
		return f.terms()
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
		for i, t := range f.terms() {
			sum += t.Weight * fitness[i]
		}
		fitness = []float64{sum}
	}
	return optimizee.Outcome{Fitness: fitness}, nil
}

// errors returns the numbers that the model is judged by, in the order of terms.
func (f *Fit) errors(ctx context.Context, m AdEx) ([]float64, error) {
	responses, err := f.training.run(ctx, m)
	if err != nil {
		return nil, err
	}
	rest := responses[0].Steady - f.resting
	var voltage, square, count, latency average
	square.add(rest*rest, 1)
	count.add(fractionalCount(responses[0].Spikes, settling), 1)
	for _, s := range f.steps {
		if !s.training {
			continue
		}
		r := responses[s.pulse]
		count.add(math.Abs(fractionalCount(r.Spikes, s.Duration)-fractionalCount(s.Spikes, s.Duration)), s.weight)
		if len(s.Spikes) == 0 {
			voltage.add(math.Abs(r.Steady-s.Steady), s.weight)
			square.add((r.Steady-s.Steady)*(r.Steady-s.Steady), s.weight)
		} else {
			latency.add(math.Abs(math.Log(first(r.Spikes, s.Duration)/first(s.Spikes, s.Duration))), s.weight)
		}
	}
	if f.Weighting == "steps" {
		return []float64{math.Sqrt(square.mean()), count.mean(), latency.mean()}, nil
	}
	return []float64{math.Abs(rest), voltage.mean(), count.mean(), latency.mean()}, nil
}

// average is a weighted mean, 0 of nothing.
type average struct{ sum, weight float64 }

func (a *average) add(x, weight float64) { a.sum, a.weight = a.sum+weight*x, a.weight+weight }

func (a average) mean() float64 {
	if a.weight == 0 {
		return 0
	}
	return a.sum / a.weight
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
