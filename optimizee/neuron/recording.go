package neuron

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// The two recordings that come with the package: figures computed from the sample recordings of swharden/pyABF (MIT),
// 171116sh_0018.abf and 2019_07_24_0055_fsi.abf. data/README.md describes them.
var (
	//go:embed data/regular_spiking_steps.csv
	regularSpiking string
	//go:embed data/fast_spiking_steps.csv
	fastSpiking string
)

// Step is a current step of a recording and what the cell did.
type Step struct {
	Sweep    int
	Current  float64   // pA
	Onset    float64   // ms from the start of the sweep
	Duration float64   // ms
	Baseline float64   // mean voltage of the 50 ms before, mV
	Steady   float64   // mean voltage of the last 50 ms, mV; NaN where it spiked
	Spikes   []float64 // ms from Onset, ascending

	// Before is the step that runs straight into this one, its prepulse: an index into the recording; -1 where the step starts from rest.
	Before int
}

// Recording is the steps of a recording in the order of time.
type Recording []Step

// columns are those that ParseRecording reads.
var columns = []string{"sweep", "current_pA", "onset_ms", "duration_ms", "baseline_mV", "steady_mV", "spike_count", "spike_times_ms"}

// joined is the largest gap, in ms, between two steps that count as one waveform: a fraction of the sampling interval.
const joined = 0.01

// ParseRecording reads a recording from CSV, one row per step, with a header that has the columns sweep, current_pA, onset_ms,
// duration_ms, baseline_mV, steady_mV (empty where the cell spiked), spike_count and spike_times_ms (from the step's onset, separated
// by spaces). Other columns are passed over. Rows are in the order of time. An error names the line.
func ParseRecording(r io.Reader) (Recording, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("neuron: recording: no header")
	}
	if err != nil {
		return nil, fmt.Errorf("neuron: recording: %w", err)
	}
	at := map[string]int{}
	for i, name := range header {
		if _, twice := at[name]; twice {
			return nil, fmt.Errorf("neuron: recording: line 1: column %q is there twice", name)
		}
		at[name] = i
	}
	for _, name := range columns {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("neuron: recording: line 1: no column %q", name)
		}
	}
	var rec Recording
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("neuron: recording: %w", err)
		}
		line, _ := in.FieldPos(0)
		s, err := parseStep(func(name string) string { return row[at[name]] })
		if err == nil {
			err = rec.add(s)
		}
		if err != nil {
			return nil, fmt.Errorf("neuron: recording: line %d: %w", line, err)
		}
	}
	if len(rec) == 0 {
		return nil, errors.New("neuron: recording: no steps")
	}
	return rec, nil
}

func parseStep(field func(name string) string) (Step, error) {
	var errs []error
	number := func(name string, lower, upper float64) float64 {
		x, err := parseNumber(field(name), lower, upper)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s = %w", name, err))
		}
		return x
	}
	whole := func(name string) int {
		n, err := strconv.Atoi(field(name))
		if err != nil || n < 0 {
			errs = append(errs, fmt.Errorf("%s = %q, want a whole number >= 0", name, field(name)))
		}
		return n
	}
	s := Step{
		Sweep:    whole("sweep"),
		Current:  number("current_pA", -1e5, 1e5),
		Onset:    number("onset_ms", 0, 1e7),
		Duration: number("duration_ms", 1, 1e5),
		Baseline: number("baseline_mV", -200, 100),
		Steady:   math.NaN(),
	}
	count := whole("spike_count")
	for _, text := range strings.Fields(field("spike_times_ms")) {
		t, err := parseNumber(text, 0, s.Duration)
		if n := len(s.Spikes); err == nil && n > 0 && t <= s.Spikes[n-1] {
			err = fmt.Errorf("%v, want spikes in the order of time", t)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("spike_times_ms = %w", err))
			break
		}
		s.Spikes = append(s.Spikes, t)
	}
	switch silent := count == 0; {
	case len(errs) > 0:
	case len(s.Spikes) != count:
		errs = append(errs, fmt.Errorf("spike_count = %d, but there are %d spike_times_ms", count, len(s.Spikes)))
	case silent:
		s.Steady = number("steady_mV", -300, 100)
	case field("steady_mV") != "":
		errs = append(errs, fmt.Errorf("steady_mV = %s, want none where the cell spiked", field("steady_mV")))
	}
	return s, errors.Join(errs...)
}

func parseNumber(text string, lower, upper float64) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= lower && x <= upper) {
		return 0, fmt.Errorf("%q, want a number in [%v, %v]", text, lower, upper)
	}
	return x, nil
}

// add appends a step, if it comes after the last one.
func (rec *Recording) add(s Step) error {
	s.Before = -1
	if n := len(*rec); n > 0 {
		last := (*rec)[n-1]
		gap := s.Onset - (last.Onset + last.Duration)
		switch {
		case s.Sweep < last.Sweep:
			return fmt.Errorf("sweep = %d after sweep %d, want sweeps in order", s.Sweep, last.Sweep)
		case s.Sweep > last.Sweep:
		case gap < -joined:
			return fmt.Errorf("onset_ms = %v, want one after the last step's end at %v", s.Onset, last.Onset+last.Duration)
		case gap <= joined:
			s.Before = n - 1
		}
	}
	*rec = append(*rec, s)
	return nil
}

// before returns the baseline, mV, of the rest that step i or its first prepulse starts from.
func (rec Recording) before(i int) float64 {
	for rec[i].Before >= 0 {
		i = rec[i].Before
	}
	return rec[i].Baseline
}
