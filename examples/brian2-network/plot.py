"""Draws activity.png: what the best network of a run, whose directory is the argument, does."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from model import TRANSIENT, Network

best = json.loads((Path(sys.argv[1]) / "result.json").read_text())["answer"]["parameters"]
network = Network(neurons=400, inputs=40, wiring=1)
times, neurons = network.run(duration=1000, seed=1, **best)
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for first, last, colour, label in (0, 320, "tab:red", "excitatory"), (320, 400, "tab:blue", "inhibitory"):
    of = (neurons >= first) & (neurons < last) & (times >= TRANSIENT)
    axes.plot(times[of], neurons[of], ".", ms=1.5, color=colour, label=label)
axes.set(xlabel="time (ms)", ylabel="neuron", xlim=(TRANSIENT, 1000), ylim=(0, 400))
axes.set_title("the best network, wired anew", loc="left", fontsize=10)
axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, markerscale=6, frameon=False)
figure.savefig(Path(__file__).with_name("activity.png"), dpi=80)
