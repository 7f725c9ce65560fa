"""What a fit is worth on the steps it was not trained on: l2l-mpi test RUN starts it.

The cell is simulated with a fifth of the run's time step and control volumes: a fit to errors of the discretisation would not survive.
"""

import json
import sys

import numpy as np
from model import CELL, TRAINING, latency, simulate

model = simulate(json.load(sys.stdin)["params"], sorted(CELL), dt=0.01, cv=20.0)

print("  current         spike counts   first spike, ms   steady voltage, mV   (cell, model)")
for c in sorted(CELL):
    cell, fit = CELL[c], model[c]
    n, m = len(cell["spikes"]), len(fit["spikes"])
    times = f"{cell['spikes'][0]:8.1f} {latency(fit['spikes']):8.1f}" if n else ""
    steady = "" if n else f"{cell['steady']:12.1f} {fit['steady']:8.1f}"
    print(f"{c:6.0f} pA {'training' if c in TRAINING else 'held out'} {n:5} {m:6} {times:17}{steady}")


def counts(steps, guess):
    wrong = np.array([abs(len(CELL[c]["spikes"]) - n) for c, n in zip(steps, guess)])
    return {"steps": len(steps), "exact": int(sum(wrong == 0)), "within 1": int(sum(wrong <= 1))}


def worth(steps):
    times = [abs(latency(CELL[c]["spikes"]) - latency(model[c]["spikes"])) for c in steps if len(CELL[c]["spikes"])]
    volts = [CELL[c]["steady"] - model[c]["steady"] for c in steps if not len(CELL[c]["spikes"])]
    found = counts(steps, [len(model[c]["spikes"]) for c in steps])
    return {**found, "first spike, median, ms": np.median(times), "steady voltage, RMS, mV": np.sqrt(np.mean(np.square(volts)))}


held_out = [c for c in sorted(CELL) if c not in TRAINING]
guess = np.interp(held_out, TRAINING, [len(CELL[c]["spikes"]) for c in TRAINING]).round()
print(json.dumps({"training": worth(TRAINING), "held out": worth(held_out), "held out, interpolated without a model": counts(held_out, guess)}))
