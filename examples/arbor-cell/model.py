"""A cell in Arbor, fitted to a recorded regular-spiking one.

A soma, an apical and two basal dendrites, at 34 degrees Celsius, with mechanisms of Arbor's Allen catalogue. From rest, it gets the current steps of
500 ms that the real cell got: a copy of it for each step, all in one simulation. Compared are resting and steady voltages, spike counts, first-spike
times, and the heights of peaks and troughs, all at the soma.

Any density mechanism can be put anywhere by the configuration alone: the parameter MECHANISM_REGION is its maximal conductance density there, in
S/cm2.
"""

import csv
import math
from pathlib import Path

import arbor
import numpy as np
from arbor import units as U
from l2l_optimizee import serve

TRAINING = (-100.0, 25.0, 50.0, 100.0, 200.0, 300.0)  # pA; the other steps are held out
SETTLE, STEP = 100.0, 500.0  # ms
REVERSAL = {"na": 75.0, "k": -90.0, "ca": 132.0}  # mV; voltages are as recorded, without correction for the liquid junction potential
RECORDING = Path(__file__).parent / "../../optimizee/neuron/data/regular_spiking_steps.csv"


def recorded():
    """What the cell did, by the current: the first step of each sweep, which is the one from rest."""
    numbers = lambda text: np.array(text.split(), float)
    with open(RECORDING) as f:
        return {
            float(row["current_pA"]): {
                "rest": float(row["baseline_mV"]),
                "steady": float(row["steady_mV"] or "nan"),
                "spikes": numbers(row["spike_times_ms"]),
                "peak": numbers(row["spike_peaks_mV"]).max(initial=-np.inf),
                "trough": numbers(row["trough_mV"]).min(initial=np.inf),
            }
            for row in csv.DictReader(f)
            if float(row["onset_ms"]) < 200
        }


def morphology():
    tree = arbor.segment_tree()
    at = lambda x, y, radius: arbor.mpoint(x, y, 0, radius)  # um
    soma = tree.append(arbor.mnpos, at(-10, 0, 10), at(10, 0, 10), tag=1)
    tree.append(soma, at(10, 0, 2.5), at(510, 0, 1), tag=4)
    for side in -1, 1:
        tree.append(arbor.mnpos, at(-10, 0, 1.5), at(-110, 200 * side, 1), tag=3)
    return arbor.morphology(tree)


CELL = recorded()
REST = np.mean([CELL[current]["rest"] for current in TRAINING])
MORPHOLOGY = morphology()
LABELS = arbor.label_dict({"all": "(all)", "soma": "(tag 1)", "dend": "(join (tag 3) (tag 4))", "centre": '(on-components 0.5 (region "soma"))'})
CATALOGUE = arbor.allen_catalogue()
CATALOGUE.extend(arbor.default_catalogue(), "")
CONTEXT = arbor.context(threads=1)


def cable_cell(params, current, cv):
    decor = arbor.decor()
    decor.set_property(Vm=REST * U.mV, tempK=307.15 * U.Kelvin, rL=100 * U.Ohm * U.cm, cm=params["cm"] * U.uF / U.cm2)
    for ion, voltage in REVERSAL.items():
        decor.set_ion(ion, rev_pot=voltage * U.mV)
    for name, density in params.items():
        mechanism, _, region = name.rpartition("_")
        if mechanism == "pas":
            decor.paint(f'"{region}"', arbor.density(f"pas/e={params['e_pas']}", g=density))
        elif mechanism == "NaTs":  # its gates' half-activation and half-inactivation, mV
            decor.paint(f'"{region}"', arbor.density(f"NaTs/mvhalf={params['m_half']},hvhalf={params['h_half']}", gbar=density))
        elif mechanism in CATALOGUE:
            decor.paint(f'"{region}"', arbor.density(mechanism, gbar=density))
    decor.paint('"soma"', arbor.density("CaDynamics", decay=params["tau_Ca"]))
    decor.place('"centre"', arbor.i_clamp(SETTLE * U.ms, STEP * U.ms, current * U.pA))
    decor.place('"centre"', arbor.threshold_detector(-10 * U.mV), "spikes")
    volumes = arbor.cv_policy_single("(tag 1)") | arbor.cv_policy_max_extent(cv * U.um, "(join (tag 3) (tag 4))")
    return arbor.cable_cell(MORPHOLOGY, decor, LABELS, volumes)


class Steps(arbor.recipe):
    """The cell once for each current."""

    def __init__(self, params, currents, cv):
        arbor.recipe.__init__(self)
        self.params, self.currents, self.cv = params, currents, cv
        self.properties = arbor.neuron_cable_properties()
        self.properties.catalogue = CATALOGUE

    def num_cells(self):
        return len(self.currents)

    def cell_kind(self, gid):
        return arbor.cell_kind.cable

    def cell_description(self, gid):
        return cable_cell(self.params, self.currents[gid], self.cv)

    def probes(self, gid):
        return [arbor.cable_probe_membrane_voltage('"centre"', "voltage")]

    def global_properties(self, kind):
        return self.properties


def simulate(params, currents, dt=0.05, cv=100.0):
    """What the model does, by the current, as recorded() has it. dt is in ms, cv, the longest control volume of a dendrite, in um."""
    recipe = Steps(params, currents, cv)
    together = {arbor.cell_kind.cable: arbor.partition_hint(cpu_group_size=len(currents))}  # one vectorised group of cells
    simulation = arbor.simulation(recipe, CONTEXT, arbor.partition_load_balance(recipe, CONTEXT, together))
    simulation.record(arbor.spike_recording.local)
    probes = [simulation.sample((gid, "voltage"), arbor.regular_schedule(0.2 * U.ms)) for gid in range(len(currents))]
    simulation.run((SETTLE + STEP) * U.ms, dt * U.ms)
    spikes, responses = simulation.spikes(), {}
    for gid, current in enumerate(currents):
        time, v = simulation.samples(probes[gid])[0][0].T
        time = time - SETTLE
        times = spikes["time"][spikes["source"]["gid"] == gid] - SETTLE
        during = times[times >= 0]
        responses[current] = {
            "rest": v[(time >= -50) & (time < 0)].mean(),
            "steady": v[time >= STEP - 50].mean(),
            "early": sum(times < 0),  # spikes before the step
            "spikes": during,
            "peak": v[time >= 0].max(),
            "trough": v[time >= (during[0] if len(during) else 0)].min(initial=v[-1]),
            "time": time,
            "voltage": v,
        }
    return responses


def latency(spikes):
    """The first-spike time, ms; without a spike, the step's end."""
    return max(spikes[0], 0.1) if len(spikes) else STEP


def count(spikes):
    """The number of spikes plus the time since the last one in units of the interval before it, at most 1: it changes steadily with spike times."""
    if len(spikes) == 0:
        return 0.0
    last, interval = spikes[-1], np.diff(spikes, prepend=0)[-1]
    return len(spikes) + min(1.0, (STEP - last) / interval)


def evaluate(params, constants):
    model = simulate(params, TRAINING, **constants)
    silent = [c for c in TRAINING if len(CELL[c]["spikes"]) == 0]
    spiking = [c for c in TRAINING if c not in silent]
    voltages = [model[c]["rest"] - REST for c in TRAINING] + [model[c]["steady"] - CELL[c]["steady"] for c in silent]
    return {
        "voltage": math.sqrt(np.mean(np.square(voltages))),  # mV
        "count": np.mean([abs(count(model[c]["spikes"]) - count(CELL[c]["spikes"])) + model[c]["early"] for c in TRAINING]),
        "latency": np.mean([abs(math.log(latency(model[c]["spikes"]) / latency(CELL[c]["spikes"]))) for c in spiking]),
        "shape": np.mean([abs(model[c][what] - CELL[c][what]) for c in spiking for what in ("peak", "trough")]),  # mV
    }


if __name__ == "__main__":
    serve(evaluate)
