"""Draws the fitted cell beside the recorded one: python plot.py RUN PNG, the directory of a run and the picture."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
from model import CELL, STEP, TRAINING, simulate

params = json.loads((Path(sys.argv[1]) / "result.json").read_text())["answer"]["parameters"]
model = simulate(params, sorted(CELL), dt=0.01, cv=20.0)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 5), width_ratios=(1.7, 1), layout="constrained")
shown = [-100.0, 50.0, 150.0, 200.0, 275.0]
for i, c in enumerate(shown):
    left.plot(model[c]["time"], model[c]["voltage"] + 170 * i, "C0", lw=0.7)
    left.vlines(CELL[c]["spikes"], 170 * i + 60, 170 * i + 78, "C3", lw=1.5)
    left.text(-105, 170 * i + 20, f"{c:.0f} pA\n{'training' if c in TRAINING else 'held out'}", ha="left", va="center", fontsize=9)
left.plot([], [], "C0", label="fitted cell, soma")
left.plot([], [], "C3|", ms=10, mew=1.5, label="spikes of the recorded cell")
left.plot([515, 515], [-80, -30], "k", lw=2)
left.text(522, -55, "50 mV", va="center", fontsize=9)
left.set(xlabel="time from the step's onset (ms)", xlim=(-110, STEP + 75), ylim=(-120, 170 * len(shown) - 20), yticks=[])
left.legend(loc="upper center", ncols=2, frameon=False, fontsize=9)

rates = lambda cells, currents: [len(cells[c]["spikes"]) / STEP * 1000 for c in currents]
right.plot(sorted(CELL), rates(model, sorted(CELL)), "C0-", label="fitted cell")
for fill, name, steps in ("C3", "training", TRAINING), ("w", "held out", [c for c in sorted(CELL) if c not in TRAINING]):
    right.plot(steps, rates(CELL, steps), "o", mec="C3", mfc=fill, label=f"recorded cell, {name}")
right.set(xlabel="current (pA)", ylabel="firing rate (spikes per second)")
right.legend(frameon=False, fontsize=9)
for axes in left, right:
    axes.spines[["top", "right"]].set_visible(False)
left.spines["left"].set_visible(False)
figure.savefig(sys.argv[2], dpi=80)
