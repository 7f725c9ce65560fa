"""What a fit is worth on the steps it was not trained on: python test.py RUN, the directory of a run.

The cell is simulated with a fifth of the run's time step and control volumes: a fit to errors of the discretisation would not survive.
"""

import json
import sys
from pathlib import Path

import numpy as np
from model import CELL, TRAINING, latency, simulate

params = json.loads((Path(sys.argv[1]) / "result.json").read_text())["answer"]["parameters"]
model = simulate(params, sorted(CELL), dt=0.01, cv=20.0)

print("  current         spike counts   first spike, ms   steady voltage, mV   (cell, model)")
for c in sorted(CELL):
    cell, fit = CELL[c], model[c]
    n, m = len(cell["spikes"]), len(fit["spikes"])
    times = f"{cell['spikes'][0]:8.1f} {latency(fit['spikes']):8.1f}" if n else ""
    steady = "" if n else f"{cell['steady']:12.1f} {fit['steady']:8.1f}"
    print(f"{c:6.0f} pA {'training' if c in TRAINING else 'held out'} {n:5} {m:6} {times:17}{steady}")

held_out = [c for c in sorted(CELL) if c not in TRAINING]
print("\n                 steps  exact  within 1  first spike, median, ms  steady voltage, RMS, mV")
for name, steps in ("training", TRAINING), ("held out", held_out):
    wrong = np.array([abs(len(CELL[c]["spikes"]) - len(model[c]["spikes"])) for c in steps])
    times = [abs(latency(CELL[c]["spikes"]) - latency(model[c]["spikes"])) for c in steps if len(CELL[c]["spikes"])]
    volts = [CELL[c]["steady"] - model[c]["steady"] for c in steps if not len(CELL[c]["spikes"])]
    print(f"{name:14} {len(wrong):7} {sum(wrong == 0):6} {sum(wrong <= 1):9} {np.median(times):24.2f} {np.sqrt(np.mean(np.square(volts))):24.2f}")

guess = np.interp(held_out, TRAINING, [len(CELL[c]["spikes"]) for c in TRAINING]).round()
wrong = np.abs(guess - [len(CELL[c]["spikes"]) for c in held_out])
print(f"\nWithout a model: interpolating the training counts has {sum(wrong == 0)} of the held-out ones exact and {sum(wrong <= 1)} within 1.")
