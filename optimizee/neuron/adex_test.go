package neuron

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// The two recorded cells, as found by CMA-ES on the training steps alone; of the fast-spiking one on the first pulses.
var (
	regular = AdEx{C: 201.6, GL: 8.858, EL: -63.03, VT: -52.32, DT: 6.334, A: 1.875, TauW: 442.4, B: 34.66, VR: -73.02, TRef: 14.87}
	fast    = AdEx{C: 24.84, GL: 2.512, EL: -60.76, VT: -50.2, DT: 1.236, A: 0.002218, TauW: 6.798, B: 86.87, VR: -74.5, TRef: 4.485}
)

// pyramidal is a plain neuron without surprises.
func pyramidal() AdEx {
	return AdEx{C: 200, GL: 10, EL: -65, VT: -50, DT: 2, A: 2, TauW: 100, B: 40, VR: -58, TRef: 2}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v within %v", what, got, want, tolerance)
	}
}

func TestAdExSteadyVoltageIsThatOfLeakAndAdaptation(t *testing.T) {
	m := pyramidal()
	for _, current := range []float64{-200, -50, 0, 50} {
		r := m.Run(m.Leak(), current, 2000)
		near(t, "V", r.Steady, m.EL+current/(m.GL+m.A), 0.01) // where the exponential is negligible
		near(t, "w", r.End.W, m.A*(r.End.V-m.EL), 1e-3)
	}
}

func TestAdExChargesWithItsTimeConstant(t *testing.T) {
	m := pyramidal()
	m.A = 0
	tau := m.C / m.GL
	r := m.Run(m.Leak(), -100, tau)
	near(t, "V after one time constant", r.End.V, m.EL-100/m.GL*(1-1/math.E), 0.02)
}

// The current of a saddle-node bifurcation is the largest for which equation 1 has a fixed point on w = a (V − E_L): its derivative
// is zero at V = V_T + Δ_T ln(1 + a/g_L). It is the rheobase where adaptation is fast.
func TestAdExSpikesFromItsRheobaseOn(t *testing.T) {
	m := pyramidal()
	m.TauW = 10
	rheobase := (m.GL + m.A) * (m.VT - m.EL - m.DT + m.DT*math.Log(1+m.A/m.GL))
	if r := m.Run(m.Leak(), 0.99*rheobase, 5000); len(r.Spikes) > 0 {
		t.Errorf("%d spikes just below the rheobase of %.1f pA", len(r.Spikes), rheobase)
	}
	if r := m.Run(m.Leak(), 1.01*rheobase, 5000); len(r.Spikes) < 2 {
		t.Errorf("%d spikes just above the rheobase of %.1f pA", len(r.Spikes), rheobase)
	}
}

func TestAdExFiresNoFewerSpikesAndNoLaterWithMoreCurrent(t *testing.T) {
	m := pyramidal()
	count, latency := 0, math.Inf(1)
	for current := 0.0; current <= 1000; current += 10 {
		r := m.Run(m.Leak(), current, 500)
		if len(r.Spikes) < count {
			t.Fatalf("%d spikes at %v pA, %d below", len(r.Spikes), current, count)
		}
		count = len(r.Spikes)
		if count > 0 {
			if r.Spikes[0] > latency {
				t.Fatalf("first spike after %v ms at %v pA, %v ms below", r.Spikes[0], current, latency)
			}
			latency = r.Spikes[0]
		}
	}
	if count < 20 {
		t.Errorf("%d spikes at most, want a neuron that fires", count)
	}
}

func TestAdExIntervalsGrowByTheRefractoryTime(t *testing.T) {
	m := pyramidal()
	m.A, m.B, m.TRef = 0, 0, 0
	without := m.Run(m.Leak(), 300, 500).Spikes
	m.TRef = 7.5
	with := m.Run(m.Leak(), 300, 500).Spikes
	for i, s := range with {
		near(t, "spike", s, without[i]+7.5*float64(i), 1e-9)
	}
	if len(with) < 5 {
		t.Errorf("%d spikes, want some to compare", len(with))
	}
}

func TestAdExIntervalsGrowWhileSpikesAddToTheAdaptation(t *testing.T) {
	m := pyramidal()
	s := m.Run(m.Leak(), 400, 200).Spikes
	if n := len(s); n < 4 || s[n-1]-s[n-2] < 1.5*(s[1]-s[0]) {
		t.Errorf("spikes at %v, want an interval that grows", s)
	}
	m.A, m.B = 0, 0
	s = m.Run(m.Leak(), 400, 200).Spikes
	near(t, "last interval without adaptation", s[len(s)-1]-s[len(s)-2], s[2]-s[1], 0.11)
}

func TestAdExStepInTwoPartsIsTheStep(t *testing.T) {
	m := pyramidal()
	rng := rand.New(rand.NewPCG(1, 2))
	whole := m.Run(m.Leak(), 400, 300)
	for range 50 { // some of the cuts fall into the refractory time
		cut := math.Round(rng.Float64()*3000) / 10
		a := m.Run(m.Leak(), 400, cut)
		b := m.Run(a.End, 400, 300-cut)
		spikes := a.Spikes
		for _, s := range b.Spikes {
			spikes = append(spikes, cut+s)
		}
		if len(spikes) != len(whole.Spikes) {
			t.Fatalf("cut at %v ms: %d spikes, want %d", cut, len(spikes), len(whole.Spikes))
		}
		for i := range spikes {
			near(t, "spike", spikes[i], whole.Spikes[i], 1e-9)
		}
		near(t, "V", b.End.V, whole.End.V, 1e-9)
	}
}

func TestAdExErrorOfTheTimeStepShrinksWithIt(t *testing.T) {
	m := regular
	fine := m.run(m.Leak(), 300, 500, TimeStep/100)
	rough := math.Inf(1)
	for _, dt := range []float64{TimeStep, TimeStep / 10} {
		r := m.run(m.Leak(), 300, 500, dt)
		if len(r.Spikes) != len(fine.Spikes) {
			t.Fatalf("%d spikes with steps of %v ms, want %d", len(r.Spikes), dt, len(fine.Spikes))
		}
		worst := 0.0
		for i := range r.Spikes {
			worst = max(worst, math.Abs(r.Spikes[i]-fine.Spikes[i]))
		}
		if dt == TimeStep {
			near(t, "first spike", r.Spikes[0], fine.Spikes[0], 0.5)
			near(t, "any spike, error", worst, 0, 5)
		}
		if worst > rough/4 {
			t.Errorf("steps of %v ms: a spike is wrong by %v ms, want much less than %v", dt, worst, rough)
		}
		rough = worst
	}
}

func TestAdExRunRepeatsBitForBit(t *testing.T) {
	m := regular
	if a, b := m.Run(m.Leak(), 200, 500), m.Run(m.Leak(), 200, 500); !reflect.DeepEqual(a, b) {
		t.Errorf("%v and %v", a, b)
	}
}

func TestAdExExpIsTheExponential(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100000 {
		x := rng.NormFloat64() * 20
		if got, want := exp(x), math.Exp(x); math.Abs(got/want-1) > 1e-12 {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	for _, x := range []float64{0, 699.9, -699.9, 700, 709, 710, -745, -1e9, 1e300, math.Inf(1), math.Inf(-1)} {
		if got, want := exp(x), math.Exp(x); got != want && math.Abs(got/want-1) > 1e-12 {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	if got := exp(math.NaN()); !math.IsNaN(got) {
		t.Errorf("exp(NaN) = %v", got)
	}
}

func BenchmarkRun(b *testing.B) {
	for b.Loop() {
		regular.Run(regular.Leak(), 200, 500)
	}
}
