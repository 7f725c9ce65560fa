package neuron

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// eight are the training currents of the recordings that come with the package, unless others are given.
var eight = []float64{-100, -50, 50, 100, 150, 200, 250, 300}

func opened(t *testing.T, f *Fit) *Fit {
	t.Helper()
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	return f
}

// using is the default configuration with another recording.
func using(t *testing.T, rec Recording) *Fit {
	t.Helper()
	f := New()
	if err := f.use(rec); err != nil {
		t.Fatal(err)
	}
	return f
}

func evaluate(t *testing.T, f *Fit, x []float64) []float64 {
	t.Helper()
	out, err := f.Evaluate(context.Background(), individual(t, x))
	if err != nil {
		t.Fatal(err)
	}
	return out.Fitness
}

func individual(t *testing.T, x []float64) optimizee.Evaluation {
	t.Helper()
	p, err := space.Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	return optimizee.Evaluation{Params: p}
}

// point is the search vector of a model.
func point(t *testing.T, m AdEx) []float64 {
	t.Helper()
	x, err := space.Encode(map[string]any{
		"C": m.C, "g_L": m.GL, "E_L": m.EL, "V_T": m.VT, "Delta_T": m.DT, "a": m.A, "tau_w": m.TauW, "b": m.B, "V_r": m.VR, "t_ref": m.TRef,
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// somewhere returns random points of the space.
func somewhere(n int) [][]float64 {
	rng := rand.New(rand.NewPCG(7, 8))
	coords := space.Coordinates()
	points := make([][]float64, n)
	for i := range points {
		for _, c := range coords {
			points[i] = append(points[i], min(max(c.Mean+c.Std*rng.NormFloat64(), c.Lower), c.Upper))
		}
	}
	return points
}

func TestFitHasASpaceAndObjectivesThatCanBeOptimised(t *testing.T) {
	f := New()
	if err := f.Space().Check(); err != nil {
		t.Error(err)
	}
	for _, f.Weighting = range []string{"pulses", "steps"} {
		for _, f.Split = range []bool{false, true} {
			if err := optimizee.CheckObjectives(f.Objectives()); err != nil {
				t.Error(err)
			}
			if got := evaluate(t, opened(t, f), point(t, regular)); len(got) != len(f.Objectives()) {
				t.Errorf("%d numbers of fitness, want %d", len(got), len(f.Objectives()))
			}
		}
	}
	for _, p := range f.Space() {
		if p.Unit == "" || p.Doc == "" {
			t.Errorf("%s has no unit or no doc", p.Name)
		}
	}
}

func TestFitSettingsAreDocumentedAndTheirDefaultsAllowed(t *testing.T) {
	o := Type.New()
	if err := schema.Check("optimizee", o); err != nil {
		t.Error(err)
	}
	var keys []string
	for _, f := range schema.Fields(o) {
		keys = append(keys, f.Key)
		if f.Doc == "" {
			t.Errorf("%s has no doc", f.Key)
		}
	}
	if want := []string{"data", "train", "pulses", "weighting", "split"}; !slices.Equal(keys, want) {
		t.Errorf("settings %v, want %v", keys, want)
	}
}

func TestFitErrorIsTheWeightedSumOfItsTerms(t *testing.T) {
	f, split := opened(t, New()), New()
	split.Split = true
	opened(t, split)
	for _, x := range somewhere(20) {
		sum := 0.0
		for i, v := range evaluate(t, split, x) {
			sum += v * split.Objectives()[i].Weight
		}
		near(t, "error", evaluate(t, f, x)[0], sum, 1e-12*sum)
	}
}

// A model that is the cell has no error: the recording is made by the model itself.
func TestFitErrorOfTheTrueParametersIsZero(t *testing.T) {
	m := regular
	rec := parsed(t, regularSpiking)
	rest := m.Run(m.Leak(), 0, settling)
	ends := map[int]State{-1: rest.End}
	for i, s := range rec {
		r := m.Run(ends[s.Before], s.Current, s.Duration)
		ends[i] = r.End
		rec[i].Baseline, rec[i].Steady, rec[i].Spikes = rest.Steady, r.Steady, r.Spikes
	}
	f := using(t, rec)
	near(t, "error of the true parameters", evaluate(t, f, point(t, m))[0], 0, 1e-9)
	m.C *= 1.05
	if e := evaluate(t, f, point(t, m))[0]; e < 0.05 {
		t.Errorf("error = %v with 5 %% more capacitance, want more", e)
	}
	rows, err := f.Compare(context.Background(), regular)
	if err != nil {
		t.Fatal(err)
	}
	if s := Summarise(rows); s.Exact != s.Steps || s.Latency > 1e-9 || s.Voltage > 1e-9 {
		t.Errorf("summary %+v, want a perfect one", s)
	}
}

func TestFitKeepsHeldOutStepsOutOfTheFitness(t *testing.T) {
	f := opened(t, New())
	rng := rand.New(rand.NewPCG(9, 10))
	for _, x := range somewhere(10) {
		rec := parsed(t, regularSpiking)
		for i, s := range rec {
			// A prepulse of a held-out step is held out too; it has the current of a training step.
			heldOut := !slices.Contains(eight, s.Current) || i+1 < len(rec) && rec[i+1].Before == i && !slices.Contains(eight, rec[i+1].Current)
			if heldOut {
				rec[i].Baseline, rec[i].Steady, rec[i].Spikes = -60*rng.Float64(), -60*rng.Float64(), nil
				for time := 1.0; rng.IntN(5) > 0; time += 10 {
					rec[i].Spikes = append(rec[i].Spikes, time)
				}
			}
		}
		if got, want := evaluate(t, using(t, rec), x), evaluate(t, f, x); !slices.Equal(got, want) {
			t.Errorf("fitness %v with other held-out figures, want %v", got, want)
		}
	}
}

func TestFitGivesEveryTrainingFigureAPartInTheFitness(t *testing.T) {
	f := opened(t, New())
	x := point(t, regular)
	want := evaluate(t, f, x)[0]
	for at, s := range f.steps {
		if !s.training {
			continue
		}
		other := opened(t, New())
		step := &other.steps[at]
		if len(step.Spikes) == 0 {
			step.Steady--
		} else {
			step.Spikes = append([]float64{step.Spikes[0] / 2}, step.Spikes...)
		}
		if got := evaluate(t, other, x)[0]; got == want {
			t.Errorf("fitness %v with a changed step of %v pA, want another than before", got, s.Current)
		}
	}
}

func TestFitDependsOnTheParametersAlone(t *testing.T) {
	f := opened(t, New())
	points := somewhere(20)
	var forward [][]float64
	for _, x := range points {
		forward = append(forward, evaluate(t, f, x))
	}
	for i := len(points) - 1; i >= 0; i-- {
		e := individual(t, points[i])
		e.Seed, e.Instance, e.Dir = uint64(i), i, "elsewhere"
		got, err := f.Evaluate(context.Background(), e)
		if err != nil || !slices.Equal(got.Fitness, forward[i]) {
			t.Errorf("fitness %v, %v, want %v", got.Fitness, err, forward[i])
		}
		if again := evaluate(t, opened(t, New()), points[i]); !slices.Equal(again, forward[i]) {
			t.Errorf("fitness %v of another instance, want %v", again, forward[i])
		}
	}
}

// Every corner of the space must give a fitness, or the run counts a failure where there is only a bad neuron.
func TestFitIsANumberWhateverTheParameters(t *testing.T) {
	f := opened(t, New())
	rng := rand.New(rand.NewPCG(5, 6))
	coords := space.Coordinates()
	x := make([]float64, len(coords))
	for range 300 {
		for i, c := range coords {
			x[i] = c.Lower
			if rng.IntN(2) == 1 {
				x[i] = c.Upper
			}
		}
		if e := evaluate(t, f, x)[0]; math.IsNaN(e) || math.IsInf(e, 0) {
			p, _ := space.Decode(x)
			t.Fatalf("error = %v with %v", e, p.All())
		}
	}
}

func TestFitCountsFractionsOfASpikeWhereOneLeavesTheStep(t *testing.T) {
	for _, c := range []struct {
		spikes []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{400}, 1.25},      // 100 ms of an interval that would have been 400
		{[]float64{200}, 2},         // more than that: the next spike is due
		{[]float64{100, 300}, 3},    // 200 of 200 ms
		{[]float64{100, 300.1}, 3},  // and a little less: nearly the same
		{[]float64{100, 420}, 2.25}, // 80 of 320 ms
		{[]float64{100, 300, 499.99}, 3},
	} {
		near(t, "fractional count", fractionalCount(c.spikes, 500), c.want, 1e-3)
	}
}

func TestFitOfASilentModelIsWorseThanOfOneThatIsTooLate(t *testing.T) {
	f := opened(t, New())
	silent, late := regular, regular
	silent.VT = -30
	late.VT += 2
	if s, l, good := evaluate(t, f, point(t, silent))[0], evaluate(t, f, point(t, late))[0], evaluate(t, f, point(t, regular))[0]; !(s > l && l > good) {
		t.Errorf("errors %v, %v, %v, want them to fall", s, l, good)
	}
}

// Some amplifiers step to the same current before every other one: that the step is there thirty times is no reason to fit it thirty times as well.
func TestFitWeighsARepeatedPulseAsOne(t *testing.T) {
	once := "0,-100,100,300,-65,-80,0,\n0,50,1000,500,-65,-60,0,\n0,100,2000,500,-65,,2,50 200\n"
	thrice := once + "1,-100,100,300,-65,-80,0,\n2,-100,100,300,-65,-80,0,\n"
	for weighting, alike := range map[string]bool{"pulses": true, "steps": false} {
		var got [2][]float64
		for i, text := range []string{once, thrice} {
			f := New()
			f.Weighting, f.Split, f.Train = weighting, true, []float64{-100, 50, 100}
			if err := f.use(parsed(t, header+text)); err != nil {
				t.Fatal(err)
			}
			got[i] = evaluate(t, f, point(t, regular))
		}
		for i := range got[0] {
			if same := math.Abs(got[0][i]-got[1][i]) < 1e-12; !same && alike || same && !alike && i == 0 {
				t.Errorf("%s: term %d is %v with a pulse once and %v with it three times", weighting, i, got[0][i], got[1][i])
			}
		}
	}
}

// A configuration of before there was a choice has the fitness that it had.
func TestFitThatWeighsStepsIsAsItWas(t *testing.T) {
	earlier := []float64{38.70354965283555, 32.0536488858623, 29.821976039299177}
	f := New()
	f.Weighting = "steps"
	opened(t, f)
	for i, want := range earlier {
		if got := evaluate(t, f, somewhere(len(earlier))[i])[0]; got != want {
			t.Errorf("point %d: error %v, want %v", i, got, want)
		}
	}
}

func TestFitTrainsOnEverySecondCurrentOfARecordingOfOnesOwn(t *testing.T) {
	for name, c := range map[string]struct {
		currents string // a step of each
		pulses   string
		want     []float64
	}{
		"of either sign from the outermost inwards": {currents: "-30 -20 -10 0 10 20 30 40", want: []float64{-30, -10, 20, 40}},
		"an odd number":   {currents: "-20 10 20 30", want: []float64{-20, 10, 30}},
		"in any order":    {currents: "30 -20 10 20 10", want: []float64{-20, 10, 30}},
		"one":             {currents: "7", want: []float64{7}},
		"rest alone":      {currents: "0", want: []float64{0}},
		"of first pulses": {currents: "40 60", pulses: "first", want: []float64{60}},
	} {
		text, sweeps := header, strings.Fields(c.currents)
		for i, current := range sweeps {
			text += fmt.Sprintf("%d,%s,100,500,-65,-64,0,\n", i, current)
		}
		f := New()
		f.Pulses = cmp.Or(c.pulses, "all")
		if err := f.use(parsed(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []float64
		for _, s := range f.steps {
			if s.training && !slices.Contains(got, s.Current) {
				got = append(got, s.Current)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: trains on %v of %s, want %v", name, got, c.currents, c.want)
		}
	}
	for _, data := range []string{"regular_spiking", "fast_spiking"} {
		f := New()
		f.Data = data
		var got []float64
		for _, s := range opened(t, f).steps {
			if s.training && !slices.Contains(got, s.Current) {
				got = append(got, s.Current)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, eight) {
			t.Errorf("%s: trains on %v, want %v", data, got, eight)
		}
	}
}

func TestFitFindsItsDataBesideTheConfiguration(t *testing.T) {
	for data, want := range map[string]string{"cell.csv": "/lab/cell.csv", "../cells/a.csv": "/cells/a.csv", "/data/cell.csv": "/data/cell.csv", "fast_spiking": "fast_spiking"} {
		f := New()
		f.Data = data
		if f.Locate("/lab"); f.Data != want {
			t.Errorf("%s: %s, want %s", data, f.Data, want)
		}
	}
}

func TestFitEndsWithTheErrorOfItsContext(t *testing.T) {
	f := opened(t, New())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := individual(t, point(t, regular))
	if _, err := f.Evaluate(ctx, e); !errors.Is(err, context.Canceled) {
		t.Errorf("Evaluate: %v", err)
	}
	if err := f.Report(ctx, e, &strings.Builder{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Report: %v", err)
	}
}

func TestFitSimulatesTheSamePrepulseOnce(t *testing.T) {
	f := opened(t, New())
	// Rest; 8 first pulses, of which the one at -100 pA is everyone's prepulse; sweep 0's step of 1000 ms; 7 second pulses.
	if len(f.training) != 17 {
		t.Errorf("%d pulses for the training steps, want 17", len(f.training))
	}
	if len(f.all) != 33 {
		t.Errorf("%d pulses for all steps, want 33", len(f.all))
	}
	if !reflect.DeepEqual(f.all[:17], f.training) {
		t.Error("the protocol of all steps does not begin with that of the training steps")
	}
}

func TestFitOfFirstPulsesHoldsOutTheOthers(t *testing.T) {
	f := New()
	f.Pulses = "first"
	for _, s := range opened(t, f).steps {
		if want := slices.Contains(eight, s.Current) && s.Before < 0; s.training != want {
			t.Errorf("sweep %d, %v pA: training = %v", s.Sweep, s.Current, s.training)
		}
	}
}

func TestFitReadsAFileOfOnesOwn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cell.csv")
	if err := os.WriteFile(name, []byte(regularSpiking), 0o600); err != nil {
		t.Fatal(err)
	}
	f := New()
	f.Data = name
	x := point(t, regular)
	if got, want := evaluate(t, opened(t, f), x), evaluate(t, opened(t, New()), x); !slices.Equal(got, want) {
		t.Errorf("fitness %v from a file, want %v", got, want)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestFitRefusesAConfigurationThatCannotBeUsed(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.csv")
	if err := os.WriteFile(broken, []byte(header+"0,x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*Fit)
		want   string
	}{
		{func(f *Fit) { f.Data = "no/such/file.csv" }, "regular_spiking, fast_spiking or a CSV file"},
		{func(f *Fit) { f.Data = broken }, broken},
		{func(f *Fit) { f.Train = []float64{} }, "train: it is empty, want currents of the recording: -100, -75, -50, -25, 25, 50,"},
		{func(f *Fit) { f.Train = []float64{100, 110} }, "train: the recording has no step of 110 pA to train on, want currents that it has: -100, -75, -50,"},
		{func(f *Fit) { f.Weighting = "both" }, `weighting = "both", want pulses or steps`},
		{func(f *Fit) { f.Train = []float64{100, math.NaN()} }, "train[1] = NaN"},
		{func(f *Fit) { f.Pulses = "both" }, `pulses = "both", want all or first`},
	} {
		f := New()
		c.change(f)
		if err := f.Open(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func FuzzFitTakesEveryRecordingThatIsRead(f *testing.F) {
	f.Add(regularSpiking)
	f.Add(header + "0,50,100,500,-70,,2,0 130\n0,-5e1,600,5,-70,-7,0,\n")
	f.Fuzz(func(t *testing.T, text string) {
		rec, err := ParseRecording(strings.NewReader(text))
		length := 0.0
		for _, s := range rec {
			length += s.Duration
		}
		if err != nil || length > 1e5 { // not for minutes
			return
		}
		for _, s := range rec {
			fit := New()
			fit.Train = []float64{s.Current}
			if err := fit.use(rec); err != nil {
				// The only step of its current may be a prepulse, which cannot be trained on.
				if !strings.Contains(err.Error(), "no step of") {
					t.Errorf("use: %v", err)
				}
				continue
			}
			if e := evaluate(t, fit, point(t, regular))[0]; math.IsNaN(e) || math.IsInf(e, 0) {
				t.Errorf("error = %v", e)
			}
			if err := fit.Report(context.Background(), individual(t, point(t, regular)), io.Discard); err != nil {
				t.Error(err)
			}
			return
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	f := New()
	if err := f.Open(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.errors(context.Background(), regular); err != nil {
			b.Fatal(err)
		}
	}
}
