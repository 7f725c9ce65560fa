package neuron

import (
	"math"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

const (
	// TimeStep is the integration step, in ms. With a hundredth of it, the first spike of the fitted regular-spiking neuron moves by less than
	// half a millisecond, which is less than it varies from pulse to pulse.
	TimeStep = 0.1
	// SpikeLevel is the voltage, in mV, at which a spike is counted and its upstroke cut off: the level at which the spikes of the
	// recordings were timed.
	SpikeLevel = -10
	// SteadyWindow is the part at the end of a step, in ms, over which the steady voltage is the mean: the same as in the recordings.
	SteadyWindow = 50
)

// AdEx is the adaptive exponential integrate-and-fire neuron of Brette and Gerstner, J Neurophysiol 94:3637 (2005),
// doi 10.1152/jn.00686.2005. Under an injected current I, the voltage V and the adaptation current w follow
//
//	C dV/dt   = −g_L (V − E_L) + g_L Δ_T exp((V − V_T)/Δ_T) − w + I      (1)
//	τ_w dw/dt = a (V − E_L) − w                                        (2)
//
// and at a spike V is reset to V_r and w grows by b (3). Beyond the paper, V stays at V_r for t_ref after a spike, while w goes on.
type AdEx struct {
	C    float64 // membrane capacitance, pF
	GL   float64 // leak conductance g_L, nS
	EL   float64 // leak reversal potential E_L, mV
	VT   float64 // threshold V_T, mV
	DT   float64 // slope factor Δ_T, mV: how gently the spike sets in around V_T
	A    float64 // subthreshold adaptation a, nS
	TauW float64 // time constant of adaptation τ_w, ms
	B    float64 // spike-triggered adaptation b, pA
	VR   float64 // reset potential V_r, mV
	TRef float64 // refractory time t_ref, ms; rounded to whole time steps
}

// State is the neuron between two currents.
type State struct {
	V          float64 // mV
	W          float64 // pA
	Refractory float64 // time still to be spent at V_r, ms
}

// Response is what the neuron does under a constant current.
type Response struct {
	Spikes []float64 // ms from the start of the current, ascending
	Steady float64   // mean voltage of the last SteadyWindow, mV
	End    State
}

// Leak is the state at the leak reversal potential, without adaptation: near rest, and at rest as far as the exponential is small there.
func (m AdEx) Leak() State { return State{V: m.EL} }

// Run injects a current, in pA, for a duration in ms, by the Euler method with steps of TimeStep.
func (m AdEx) Run(from State, current, duration float64) Response {
	return m.run(from, current, duration, TimeStep)
}

// run is Run with any time step, in ms.
func (m AdEx) run(from State, current, duration, dt float64) Response {
	inSteps := func(ms float64) int { return int(math.Round(ms / dt)) }
	steps, hold, refractory := inSteps(duration), inSteps(from.Refractory), inSteps(m.TRef)
	window := min(inSteps(SteadyWindow), steps)

	// Equations 1 and 2, with the divisions taken out of the loop:
	// ΔV = kL (E_L − V) + kE exp((V − V_T)/Δ_T) + kI (I − w),  Δw = kA (V − E_L) − kW w.
	kI, kW := dt/m.C, dt/m.TauW
	kL, kE, kA := kI*m.GL, kI*m.GL*m.DT, kW*m.A
	slope := 1 / m.DT

	var r Response
	v, w, sum := from.V, from.W, 0.0
	for i := range steps {
		dw := kA*(v-m.EL) - kW*w
		if hold > 0 {
			hold--
		} else {
			v += kL*(m.EL-v) + kE*exp((v-m.VT)*slope) + kI*(current-w)
		}
		w += dw
		if v >= SpikeLevel {
			r.Spikes = append(r.Spikes, float64(i+1)*dt)
			v, w, hold = m.VR, w+m.B, refractory //                         (3)
		}
		if i >= steps-window {
			sum += v
		}
	}
	r.Steady = sum / float64(window)
	r.End = State{V: v, W: w, Refractory: float64(hold) * dt}
	return r
}

// space is what is searched. The bounds are wide, but the search begins around values that are common among cortical cells: from
// draws over all of the box it often ends in a worse minimum, where adaptation stands in for most of the leak.
var space = optimizee.Space{
	{Name: "C", Unit: "pF", Doc: "membrane capacitance", Log: true, Lower: 10, Upper: 500, Mean: 150, Std: 0.5},
	{Name: "g_L", Unit: "nS", Doc: "leak conductance", Log: true, Lower: 1, Upper: 50, Mean: 8, Std: 0.5},
	{Name: "E_L", Unit: "mV", Doc: "leak reversal potential", Lower: -85, Upper: -45, Mean: -62, Std: 5},
	{Name: "V_T", Unit: "mV", Doc: "threshold", Lower: -65, Upper: -30, Mean: -50, Std: 5},
	{Name: "Delta_T", Unit: "mV", Doc: "slope factor, how gently the spike sets in", Log: true, Lower: 0.5, Upper: 15, Mean: 2, Std: 0.5},
	{Name: "a", Unit: "nS", Doc: "subthreshold adaptation", Lower: 0, Upper: 20, Mean: 2, Std: 2},
	{Name: "tau_w", Unit: "ms", Doc: "time constant of adaptation", Log: true, Lower: 5, Upper: 1000, Mean: 150, Std: 0.8},
	{Name: "b", Unit: "pA", Doc: "adaptation added by a spike", Log: true, Lower: 0.1, Upper: 300, Mean: 30, Std: 0.8},
	{Name: "V_r", Unit: "mV", Doc: "reset potential", Lower: -75, Upper: -35, Mean: -58, Std: 5},
	{Name: "t_ref", Unit: "ms", Doc: "refractory time", Lower: 0, Upper: 15, Mean: 3, Std: 3},
}

// model reads the parameters of an individual.
func model(p optimizee.Params) AdEx {
	return AdEx{
		C: p.Float("C"), GL: p.Float("g_L"), EL: p.Float("E_L"), VT: p.Float("V_T"), DT: p.Float("Delta_T"),
		A: p.Float("a"), TauW: p.Float("tau_w"), B: p.Float("b"), VR: p.Float("V_r"), TRef: p.Float("t_ref"),
	}
}
