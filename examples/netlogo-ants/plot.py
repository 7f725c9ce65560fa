"""Draws the best colony of the first generation beside the best of the whole run, in a world in which they have not been.

    python plot.py FIRST RUN ants.png      # directories of runs

What it draws is simulated by standin/colony.py, whose state can be looked at.
"""

import io
import json
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image  # comes with matplotlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin"))
from colony import EDGE, WIDTH, Colony

WORLD = 102


def weights(run):
    with open(os.path.join(run, "result.json")) as file:
        parameters = json.load(file)["answer"]["parameters"]
    return [parameters[name] for name in ("move", "turn", "lay")]


def square(values):
    return np.array(values, float).reshape(WIDTH, WIDTH)[1:-1, 1:-1]


first, last, out = sys.argv[1:]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.7), layout="constrained", width_ratios=[1, 1, 1.1])
for run, title, colour, axis in (first, "first generation", "tab:gray", axes[0]), (last, "whole run", "tab:green", axes[1]):
    colony = Colony(*weights(run), seed=1000 + WORLD, instance=WORLD)
    heaps, home, at = square(colony.food) > 0, [0], []
    for _ in range(800):
        colony.go()
        home.append(colony.food_home)
        at.append([(ant[0] % WIDTH - EDGE - 1, ant[0] // WIDTH - EDGE - 1) for ant in colony.ants])
    extent = [-EDGE - 0.5, EDGE + 0.5] * 2
    image = axis.imshow(np.log10(square(colony.pheromone) + 0.01), cmap="Greens", origin="lower", extent=extent, vmin=-1.3, vmax=1.5)
    axis.contour(range(-EDGE, EDGE + 1), range(-EDGE, EDGE + 1), heaps, [0.5], colors="darkorange", linewidths=1.6)
    for track in np.array(at[400:500]).transpose(1, 2, 0):
        axis.plot(*track, color="black", linewidth=0.4, alpha=0.6)
    axis.add_patch(plt.Circle((0, 0), 2.4, fill=False, color="red", linewidth=1.6))
    axis.set(title=f"best of the {title}", xlabel="x (patches)", ylabel="y (patches)")
    axes[2].plot(home, color=colour, label=title)
bar = figure.colorbar(image, ax=axes[1], ticks=[-1, 0, 1], label="pheromone after 800 ticks")
bar.ax.set_yticklabels(["0.1", "1", "10"])
axes[2].set(title="food brought home", xlabel="time (ticks)", ylabel="pieces of food")
axes[2].legend(loc=(0.42, 0.3), title="best of the", frameon=False)
figure.get_layout_engine().set(wspace=0.06)
page = io.BytesIO()
figure.savefig(page, dpi=90)
Image.open(page).convert("RGB").quantize(250).save(out, optimize=True)  # a palette does, in half the size
