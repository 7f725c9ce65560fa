"""python plot.py RUN EXPORT...: draws activity.png, the way of some searches and what the best network of a run does.

The exports are CSV files by l2l-mpi export; those of random search have random in their names.
"""

import csv
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from model import TRANSIENT, Network

run, *exports = sys.argv[1:]
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), width_ratios=[1, 1.6], layout="constrained")

for file in exports:
    with open(file) as f:
        errors = [float(row["fitness_error"]) for row in csv.DictReader(f)]
    label, colour = ("random search", "0.6") if "random" in file else ("CMA-ES", "tab:blue")
    known = {line.get_label() for line in left.lines}
    left.plot(np.arange(1, len(errors) + 1), np.minimum.accumulate(errors), color=colour, label="_" * (label in known) + label)
left.set(xlabel="evaluations", ylabel="smallest error so far (tolerances)", yscale="log", ylim=(0.08, 30))
left.legend()

best = json.loads((Path(run) / "result.json").read_text())["answer"]["parameters"]
network = Network(neurons=400, inputs=40, wiring=1)
times, neurons = network.run(duration=1000, seed=1, **best)
for first, last, colour, label in (0, 320, "tab:red", "excitatory"), (320, 400, "tab:blue", "inhibitory"):
    of = (neurons >= first) & (neurons < last) & (times >= TRANSIENT)
    right.plot(times[of], neurons[of], ".", ms=1.5, color=colour, label=label)
right.set(xlabel="time (ms)", ylabel="neuron", xlim=(TRANSIENT, 1000), ylim=(0, 400))
right.set_title("the best network, wired anew", loc="left", fontsize=10)
right.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, markerscale=6, frameon=False)
figure.savefig(Path(__file__).with_name("activity.png"), dpi=80)
