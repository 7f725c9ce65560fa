package neuron

import (
	"context"
	"flag"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func summary(t *testing.T, f *Fit, m AdEx, in func(Row) bool) Summary {
	t.Helper()
	rows, err := f.Compare(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	return Summarise(slices.DeleteFunc(rows, func(r Row) bool { return !in(r) }))
}

func TestFitFollowsTheRegularSpikingCellOnStepsItHasNotSeen(t *testing.T) {
	s := summary(t, opened(t, New()), regular, func(r Row) bool { return !r.Training })
	if s.Steps != 16 || s.Within1 != 16 || s.Exact < 12 || s.Latency > 3 || s.Voltage > 1.5 {
		t.Errorf("held out: %+v, want 16 of 16 counts within 1, 12 exact, 3 ms and 1.5 mV", s)
	}
	if s.Exact <= s.BaselineExact {
		t.Errorf("held out: %d counts exact, want more than the %d of an interpolation", s.Exact, s.BaselineExact)
	}
}

// AdEx has no current that a prepulse could leave behind to delay the second pulse's spikes.
func TestFitFollowsTheFirstPulsesOfTheFastSpikingCellButNotTheSecond(t *testing.T) {
	f := New()
	f.Data, f.Pulses = "fast_spiking", "first"
	opened(t, f)
	if s := summary(t, f, fast, func(r Row) bool { return !r.Training && r.Before < 0 }); s.Steps != 8 || s.Within1 < 7 {
		t.Errorf("held-out first pulses: %+v, want 7 of 8 counts within 1", s)
	}
	spiking := func(r Row) bool { return r.Before >= 0 && len(r.Spikes) > 0 }
	if s := summary(t, f, fast, spiking); s.Steps != 12 || s.Within1 > 2 {
		t.Errorf("second pulses: %+v, want most counts wrong", s)
	}
}

func TestReportReadsAsItShould(t *testing.T) {
	var b strings.Builder
	if err := opened(t, New()).Report(context.Background(), individual(t, point(t, regular)), &b); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/report.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s\n(-update rewrites it)", b.String(), want)
	}
}

func TestReportSummaryAddsUpItsRows(t *testing.T) {
	step := func(steady float64, spikes ...float64) Step {
		return Step{Duration: 500, Steady: steady, Spikes: spikes}
	}
	rows := []Row{
		{Step: step(-70), Fit: Response{Steady: -71}, Interpolated: 0},                                        // silent, 1 mV off
		{Step: step(-60), Fit: Response{Steady: -53, Spikes: []float64{490}}, Interpolated: 1},                // a spike too many, 7 mV off
		{Step: step(math.NaN(), 100, 200), Fit: Response{Spikes: []float64{97, 220}}, Interpolated: 2},        // 3 ms
		{Step: step(math.NaN(), 50, 100, 150), Fit: Response{Spikes: []float64{60}}, Interpolated: 5},         // two too few, 10 ms
		{Step: step(math.NaN(), 480), Fit: Response{}, Interpolated: 1},                                       // none: 20 ms
		{Step: step(math.NaN(), 10, 20, 30), Fit: Response{Spikes: []float64{12, 24, 36}}, Interpolated: 300}, // 2 ms
	}
	got := Summarise(rows)
	want := Summary{Steps: 6, Exact: 3, Within1: 5, Latency: 6.5, Voltage: 5, BaselineExact: 3, BaselineWithin1: 4}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	none := Summarise(nil)
	if none.Steps != 0 || !math.IsNaN(none.Latency) || !math.IsNaN(none.Voltage) {
		t.Errorf("got %+v of no rows", none)
	}
}

func TestReportInterpolatesCountsAmongTrainingStepsThatStartAlike(t *testing.T) {
	rec := parsed(t, header+
		"0,100,0,500,-70,,1,50\n0,300,1000,500,-70,,3,50 60 70\n"+
		"1,-100,0,500,-70,-80,0,\n1,100,500,500,-80,,4,50 60 70 80\n"+
		"2,175,0,500,-70,,1,50\n2,400,1000,500,-70,,1,50\n2,50,2000,500,-70,,1,50\n"+
		"3,-100,0,500,-70,-80,0,\n3,200,500,500,-80,,1,50\n")
	f := New()
	f.Train = []float64{100, 300}
	if err := f.use(rec); err != nil {
		t.Fatal(err)
	}
	rows, err := f.Compare(context.Background(), regular)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]int{
		3: 2, // 175 pA: 1.75
		4: 3, // beyond 300 pA
		5: 1, // below 100 pA
		6: 4, // after a prepulse
	} {
		if rows[i].Training || rows[i].Interpolated != want {
			t.Errorf("%v pA: %d spikes, want %d", rows[i].Current, rows[i].Interpolated, want)
		}
	}
}
