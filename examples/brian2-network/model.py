"""A network of excitatory and inhibitory neurons in Brian, tuned to fire asynchronously and irregularly.

Four fifths of the leaky integrate-and-fire neurons excite, one fifth inhibits, as in Brunel (2000); all get Poisson spikes from outside. The instance
determines the wiring, the seed the spikes from outside.

Returns `error`: how far the two firing rates, the irregularity and the synchrony are from their targets, in units of their tolerances.
"""

import gc

import brian2 as b2
import numpy as np
from brian2 import ms, mV

from l2l_optimizee import serve

b2.prefs.codegen.target = "numpy"  # needs no compiler
b2.BrianLogger.suppress_hierarchy("brian2")

DT, TAU, THRESHOLD = 0.5, 20, 20  # ms: step and membrane time constant; mV, over rest
b2.defaultclock.dt = DT * ms

TARGETS = {  # target and tolerance
    "rate_e": (6.0, 0.6),  # Hz, of the excitatory neurons
    "rate_i": (12.0, 1.2),  # Hz, of the inhibitory neurons
    "cv": (0.7, 0.05),  # coefficient of variation of the intervals between spikes: 0 if regular, 1 in a Poisson process
    "fano": (1.0, 0.2),  # variance of the number of spikes in 5 ms, all neurons together, over its mean: 1 if they are independent
}
TRANSIENT = 200  # ms, not looked at

EQUATIONS = f"""
dv/dt = (-v - a) / ({TAU}*ms) : volt (unless refractory)
da/dt = -a / (100*ms) : volt
b : volt          # what a spike adds to the adaptation a
drive : 1         # spikes from outside per time step
w_ext : volt
"""


class Network:
    def __init__(self, neurons, inputs, wiring):
        """Each neuron has the same number of inputs, of which four fifths excite it."""
        rng = np.random.default_rng(wiring)
        self.excitatory = neurons * 4 // 5
        kinds = (0, self.excitatory, inputs * 4 // 5), (self.excitatory, neurons, inputs - inputs * 4 // 5)
        before = np.concatenate([rng.permutation(np.arange(start, end))[:k] for _ in range(neurons) for start, end, k in kinds])
        self.cells = b2.NeuronGroup(neurons, EQUATIONS, threshold=f"v > {THRESHOLD}*mV", reset="v = 10*mV; a += b", refractory=2 * ms, method="exact")
        self.cells.run_regularly("v += w_ext * poisson(drive)")
        self.synapses = b2.Synapses(self.cells, self.cells, "w : volt", on_pre="v += w")
        self.synapses.connect(i=before, j=np.repeat(np.arange(neurons), inputs))
        self.excite = before < self.excitatory
        self.spikes = b2.SpikeMonitor(self.cells)
        self.network = b2.Network(self.cells, self.cells.contained_objects, self.synapses, self.spikes)
        self.network.store()
        gc.freeze()  # Brian collects garbage at each run: a third of its time, if it had to look through all that is there by now

    def run(self, duration, seed, weight, g, weight_ext, eta, ratio, delay, neuron):
        """Returns times (ms) and neurons of the spikes."""
        self.network.restore()
        b2.seed(seed % 2**32)
        e = np.arange(len(self.cells)) < self.excitatory
        self.cells.v = np.random.uniform(0, THRESHOLD, len(self.cells)) * mV
        self.cells.drive = np.where(e, eta, eta * ratio) * THRESHOLD / (weight_ext * TAU) * DT
        self.cells.w_ext = weight_ext * mV
        self.cells.b = np.where(e & (neuron == "adaptive"), 1, 0) * mV
        self.synapses.w = np.where(self.excite, weight, -g * weight) * mV
        self.synapses.delay = delay * ms
        self.network.run(duration * ms)
        return np.asarray(self.spikes.t / ms), np.asarray(self.spikes.i)


networks = {}


def measure(params, seed, instance, constants):
    duration = constants["duration"]
    if instance not in networks:
        networks[instance] = Network(constants["neurons"], constants["inputs"], instance)
    network = networks[instance]
    times, neurons = network.run(duration, seed, **params)
    late = times >= TRANSIENT
    times, neurons = times[late], neurons[late]
    counts = np.bincount(neurons, minlength=constants["neurons"])
    rates = counts / (duration - TRANSIENT) * 1000
    cvs = [variation(np.diff(times[neurons == i])) for i in np.flatnonzero(counts >= 4)]
    bins = np.histogram(times, np.arange(TRANSIENT, duration + 1, 5))[0]
    return {
        "rate_e": rates[: network.excitatory].mean(),
        "rate_i": rates[network.excitatory :].mean(),
        "cv": np.mean(cvs) if cvs else 0.0,
        "fano": bins.var() / bins.mean() if bins.any() else 0.0,
    }


def variation(intervals):
    return intervals.std() / intervals.mean()


def error(measured):
    return float(np.sqrt(np.mean([((measured[k] - target) / tolerance) ** 2 for k, (target, tolerance) in TARGETS.items()])))


def evaluate(params, seed, instance, constants):
    return error(measure(params, seed, instance, constants))


if __name__ == "__main__":
    serve(evaluate)
