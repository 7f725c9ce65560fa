"""Draws gym-mountaincar.png: the best controller of a run, whose directory is the argument, from starts that it was not trained on."""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from model import ACTIONS, FLAG, HIDDEN, WINDOW, Spiking, drive, nest
from test import UNSEEN

weights = np.array(json.loads((Path(sys.argv[1]) / "result.json").read_text())["answer"]["parameters"]["weights"])
bins = (len(weights) - HIDDEN * ACTIONS) // (2 * HIDDEN)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for start in UNSEEN[:6]:
    left.plot(drive(Spiking(weights, bins), start), linewidth=1)
left.axhline(FLAG, color="black", linestyle="--", linewidth=0.8)
left.text(0, FLAG - 0.02, "flag", va="top")
left.set(xlabel="step", ylabel="position of the car", title="6 unseen starts")

controller = Spiking(weights, bins)
recorder = nest.Create("spike_recorder")
for layer in controller.inputs, controller.hidden, controller.actions:
    nest.Connect(layer, recorder)
drive(controller, UNSEEN[0])
borders = [0, bins, 2 * bins, 2 * bins + HIDDEN, 2 * bins + HIDDEN + ACTIONS]
names = ["velocity", "position", "hidden", "output"]
times, neurons = recorder.events["times"] / WINDOW, recorder.events["senders"] - controller.inputs[0].global_id
for low, high in zip(borders, borders[1:]):
    layer = (low <= neurons) & (neurons < high)
    right.plot(times[layer], neurons[layer], "|", markersize=3, markeredgewidth=0.5)
right.set_yticks([(low + high - 1) / 2 for low, high in zip(borders, borders[1:])], names)
right.set(xlabel=f"time (steps of {WINDOW:.0f} ms)", title="spikes of its network, first start")
for border in borders[1:-1]:
    right.axhline(border - 0.5, color="grey", linewidth=0.5)
figure.savefig(Path(__file__).with_name("gym-mountaincar.png"), dpi=75)
