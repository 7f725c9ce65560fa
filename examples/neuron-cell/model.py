"""A cell of two compartments in NEURON, fitted to a recorded fast-spiking interneuron in two conditions that it cannot follow both.

The cell is a soma with the currents of Hodgkin and Huxley (1952), NEURON's `hh`, and a passive dendrite, `pas`. The recorded one,
../../optimizee/neuron/data/fast_spiking_steps.csv, was given current steps from rest, and the same ones straight after a step of -100 pA, its
prepulse, after which it fires later and less.

Returns two fitnesses, the RMS errors of the spike counts from `rest` and after the `prepulse`. Nothing is random.
"""

import csv
import os
from pathlib import Path

os.environ["NEURON_MODULE_OPTIONS"] = "-nogui"  # no warning where there is no display
from neuron import h

from l2l_optimizee import serve

RECORDING = Path(__file__).resolve().parents[2] / "optimizee/neuron/data/fast_spiking_steps.csv"
CONDITIONS = {"rest": (146.85, 0), "prepulse": (1646.85, -100)}  # onset of the step in a sweep, in ms, and the current before it, in pA
TRAINING = [75, 150, 225, 300]  # pA
HELD_OUT = [100, 125, 175, 200, 250, 275]  # pA
BEFORE, STEP = 150.0, 500.0  # ms: before the step, where any such cell comes to rest, and the step

h.load_file("stdrun.hoc")
h.dt, h.steps_per_ms = 0.05, 20  # ms
h.secondorder = 2  # Crank-Nicolson, as exact with this dt as implicit Euler with a quarter of it


class Cell:
    """A cell that is given a current (pA) before the step and another in it."""

    def __init__(self, before, current):
        self.soma = h.Section(name="soma", cell=self)
        self.dendrite = h.Section(name="dendrite", cell=self)
        self.dendrite.connect(self.soma(1))
        self.dendrite.diam, self.dendrite.nseg = 1.5, 3  # um
        self.soma.insert("hh")
        self.dendrite.insert("pas")
        for section in self.soma, self.dendrite:
            section.Ra, section.cm = 100, 1  # ohm cm, uF/cm2
        self.clamps = h.IClamp(self.soma(0.5)), h.IClamp(self.soma(0.5))
        for clamp, delay, duration, amplitude in zip(self.clamps, (0, BEFORE), (BEFORE, STEP), (before, current)):
            clamp.delay, clamp.dur, clamp.amp = delay, duration, amplitude / 1000  # ms, ms, nA
        self.detector = h.NetCon(self.soma(0.5)._ref_v, None, sec=self.soma)
        self.detector.threshold = -10  # mV, as in the recording
        self.times = h.Vector()
        self.detector.record(self.times)

    def set(self, diameter, length, g_na, g_k, g_leak, e_leak):
        self.soma.L = self.soma.diam = diameter
        self.dendrite.L = length
        hh = self.soma(0.5).hh
        hh.gnabar, hh.gkbar, hh.gl, hh.el = g_na, g_k, g_leak, e_leak
        for segment in self.dendrite:
            segment.pas.g, segment.pas.e = g_leak, e_leak

    def spikes(self):
        """Times (ms) from the onset of the step."""
        return [t - BEFORE for t in self.times if t >= BEFORE]


def cells(currents):
    """A cell for each step: NEURON needs little more time for eight small cells, side by side, than for one."""
    return {(condition, i): Cell(before, i) for condition, (_, before) in CONDITIONS.items() for i in currents}


def simulate(cells, temperature, **params):
    """Spike times by condition and current."""
    for cell in cells.values():
        cell.set(**params)
    h.celsius = temperature
    h.finitialize(params["e_leak"])
    h.continuerun(BEFORE + STEP)
    return {step: cell.spikes() for step, cell in cells.items()}


def recording():
    """Spike times by condition and current."""
    with open(RECORDING) as f:
        rows = list(csv.DictReader(f))
    return {
        (condition, float(row["current_pA"])): [float(t) for t in row["spike_times_ms"].split()]
        for condition, (onset, _) in CONDITIONS.items()
        for row in rows
        if float(row["onset_ms"]) == onset
    }


RECORDED = recording()
CELLS = cells(TRAINING)


def errors(simulated):
    """RMS errors of the spike counts, by condition."""
    squares = {condition: [] for condition in CONDITIONS}
    for (condition, current), times in simulated.items():
        squares[condition].append((len(times) - len(RECORDED[condition, current])) ** 2)
    return {condition: (sum(s) / len(s)) ** 0.5 for condition, s in squares.items()}


def evaluate(params):
    return errors(simulate(CELLS, **params))


if __name__ == "__main__":
    serve(evaluate)
