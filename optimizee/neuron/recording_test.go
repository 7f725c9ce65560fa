package neuron

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

const header = "sweep,current_pA,onset_ms,duration_ms,baseline_mV,steady_mV,spike_count,spike_times_ms\n"

func parsed(t *testing.T, text string) Recording {
	t.Helper()
	rec, err := ParseRecording(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestRecordingsThatComeWithThePackageAreRead(t *testing.T) {
	for name, text := range map[string]string{"regular_spiking": regularSpiking, "fast_spiking": fastSpiking} {
		rec := parsed(t, text)
		spikes, second := 0, 0
		for i, s := range rec {
			spikes += len(s.Spikes)
			if (len(s.Spikes) == 0) == math.IsNaN(s.Steady) {
				t.Errorf("%s: step %d has %d spikes and the steady voltage %v", name, i, len(s.Spikes), s.Steady)
			}
			if s.Before >= 0 {
				second++
				if before := rec[s.Before]; before.Current != -100 || before.Sweep != s.Sweep {
					t.Errorf("%s: step %d comes after %v", name, i, before)
				}
			}
		}
		// Sweep 0 has two steps, sweep 4 one, the 15 others three.
		if len(rec) != 48 || second != 15 || spikes < 100 {
			t.Errorf("%s: %d steps, %d after a prepulse, %d spikes", name, len(rec), second, spikes)
		}
	}
	got := parsed(t, regularSpiking)[20]
	want := Step{Sweep: 7, Current: 75, Onset: 1646.85, Duration: 500, Baseline: -72.78, Spikes: []float64{83.2, 364.9}, Before: 19}
	got.Steady = 0
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRecordingColumnsMayComeInAnyOrderAndWithOthers(t *testing.T) {
	rec := parsed(t, "note,spike_times_ms,spike_count,steady_mV,baseline_mV,duration_ms,onset_ms,current_pA,sweep\nnice,1.5 20,2,,-70,100,10,50,3\n")
	if s := rec[0]; len(rec) != 1 || s.Sweep != 3 || s.Current != 50 || s.Onset != 10 || s.Duration != 100 || s.Baseline != -70 ||
		!reflect.DeepEqual(s.Spikes, []float64{1.5, 20}) || s.Before != -1 {
		t.Errorf("got %+v", rec)
	}
}

func TestRecordingStepStraightAfterAnotherHasItAsItsPrepulse(t *testing.T) {
	rec := parsed(t, header+"0,-100,100,50,-70,-80,0,\n0,-50,150,50,-80,-75,0,\n0,0,200,50,-75,-70,0,\n0,0,251,50,-70,-70,0,\n1,0,301,50,-70,-70,0,\n")
	for i, want := range []int{-1, 0, 1, -1, -1} {
		if rec[i].Before != want {
			t.Errorf("step %d: before = %d, want %d", i, rec[i].Before, want)
		}
	}
}

func TestRecordingThatIsWrongIsRefusedWithItsLine(t *testing.T) {
	good := "0,50,100,500,-70,,2,20.5 130\n"
	for _, c := range []struct{ text, want string }{
		{"", "no header"},
		{header, "no steps"},
		{strings.Replace(header, "onset_ms", "onset", 1) + good, `line 1: no column "onset_ms"`},
		{strings.Replace(header, "onset_ms", "sweep", 1) + good, `line 1: column "sweep" is there twice`},
		{header + good + "0,50\n", "line 3"},
		{header + "-1,50,100,500,-70,,2,20.5 130\n", `line 2: sweep = "-1", want a whole number >= 0`},
		{header + "x,50,100,500,-70,,2,20.5 130\n", `line 2: sweep = "x"`},
		{header + "0,NaN,100,500,-70,,2,20.5 130\n", `line 2: current_pA = "NaN", want a number in`},
		{header + "0,50,Inf,500,-70,,2,20.5 130\n", `line 2: onset_ms = "Inf"`},
		{header + "0,50,100,0,-70,-70,0,\n", `line 2: duration_ms = "0"`},
		{header + "0,50,100,500,,,2,20.5 130\n", `line 2: baseline_mV = ""`},
		{header + "0,50,100,500,-70,,2,20.5\n", "line 2: spike_count = 2, but there are 1 spike_times_ms"},
		{header + "0,50,100,500,-70,,2,130 20.5\n", "line 2: spike_times_ms = 20.5, want spikes in the order of time"},
		{header + "0,50,100,500,-70,,2,130 501\n", `line 2: spike_times_ms = "501", want a number in [0, 500]`},
		{header + "0,50,100,500,-70,-60,2,20.5 130\n", "line 2: steady_mV = -60, want none"},
		{header + "0,50,100,500,-70,,0,\n", `line 2: steady_mV = ""`},
		{header + good + "0,50,300,500,-70,,2,20.5 130\n", "line 3: onset_ms = 300, want one after the last step's end at 600"},
		{header + "1,50,100,500,-70,,2,20.5 130\n" + good, "line 3: sweep = 0 after sweep 1"},
	} {
		if rec, err := ParseRecording(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, %v, want %s", c.text, rec, err, c.want)
		}
	}
}

func FuzzRecording(f *testing.F) {
	f.Add(regularSpiking)
	f.Add(header + "0,50,100,500,-70,,2,20.5 130\n0,-5e1,600,5,-70,-7,0,\n")
	f.Add(header + "\"0\n,50")
	f.Fuzz(func(t *testing.T, text string) {
		rec, err := ParseRecording(strings.NewReader(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "neuron: recording: ") {
				t.Errorf("error %q", err)
			}
			return
		}
		for i, s := range rec {
			if s.Before >= i || s.Before >= 0 && rec[s.Before].Sweep != s.Sweep {
				t.Errorf("step %d comes after %d", i, s.Before)
			}
		}
	})
}
