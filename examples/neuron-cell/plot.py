"""python plot.py RUN RANDOM: draws front.png, the front of a run beside that of random search, and what three individuals of it do."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from model import CONDITIONS, HELD_OUT, RECORDED, TRAINING, cells, simulate
from test import chosen, forgetful

run, random = sys.argv[1:]


def front_of(directory):
    return json.loads((Path(directory) / "result.json").read_text())["front"]


names = {"rest": "from rest", "prepulse": "after the prepulse"}
colours = {"best from rest": "tab:blue", "compromise": "tab:green", "best after prepulse": "tab:orange"}
figure, (left, *right) = plt.subplots(1, 3, figsize=(11, 3.6), width_ratios=[1.25, 1, 1], layout="constrained")

for directory, label, style in (run, "NSGA-II", "o"), (random, "random search", "x"):
    front = [individual["fitness"] for individual in front_of(directory)]
    left.plot([f["rest"] for f in front], [f["prepulse"] for f in front], style, color="tab:red" if style == "x" else "0.2", ms=4, label=label)
bound = forgetful(TRAINING)
left.plot([0, bound], [bound, 0], "--", color="0.5", lw=1, label="least sum without a memory")
for name, individual in chosen(front_of(run)).items():
    left.plot(individual["fitness"]["rest"], individual["fitness"]["prepulse"], "o", color=colours[name], ms=9, mfc="none", mew=2)
left.set(xlabel="RMS error from rest (spikes)", ylabel="RMS error after the prepulse (spikes)", xlim=(0, 15), ylim=(0, 15))
left.legend(fontsize=8, loc="upper right")

currents = [25, 50, *sorted(TRAINING + HELD_OUT)]
all_cells = cells(currents)
for axes, condition in zip(right, CONDITIONS):
    axes.plot(currents, [len(RECORDED[condition, i]) for i in currents], "k.-", label="recorded")
    axes.set(title=names[condition], xlabel="current (pA)", ylim=(0, 80))
for name, individual in chosen(front_of(run)).items():
    simulated = simulate(all_cells, **individual["parameters"])
    for axes, condition in zip(right, CONDITIONS):
        axes.plot(currents, [len(simulated[condition, i]) for i in currents], color=colours[name], label=name)
right[0].set_ylabel("spikes in 500 ms")
right[0].legend(fontsize=8, loc="upper left")
figure.savefig(Path(__file__).with_name("front.png"), dpi=72)
