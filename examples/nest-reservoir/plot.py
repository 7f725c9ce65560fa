"""What the best network of a run does with one image of each digit, and how it reads the images held out: python plot.py RUN [FILE]"""

import json
import sys
from pathlib import Path

import matplotlib
import numpy as np

from model import CLASSES, WARM_UP
from test import confusion, network_of

matplotlib.use("Agg")
import matplotlib.pyplot as plt

individual, network = network_of(json.loads((Path(sys.argv[1]) / "result.json").read_text())["answer"]["parameters"])
size = network.size
colours = ["tab:blue", "tab:orange", "tab:green"]
neurons = size.excitatory + size.inhibitory
shown = np.stack([network.test[network.test[:, 0] == digit][0] for digit in range(CLASSES)])
_, times, spikes = network.simulate([individual], shown, seed=10**6, record=True)

figure = plt.figure(figsize=(9, 4.2), layout="constrained")
grid = figure.add_gridspec(3, 2, width_ratios=[2, 1], height_ratios=[0.8, 3, 1.2])
pictures, raster, output = (figure.add_subplot(grid[row, 0]) for row in range(3))
matrix = figure.add_subplot(grid[:, 1])

end = WARM_UP + CLASSES * (size.show + size.rest)
begins = WARM_UP + np.arange(CLASSES) * (size.show + size.rest)
for begin, row in zip(begins, shown):
    axes = pictures.inset_axes([begin, 0, size.show, 1], transform=pictures.transData)
    axes.imshow(row[1:].reshape(8, 8), cmap="Greys")
    axes.set(xticks=[], yticks=[])
    for panel in raster, output:
        panel.axvspan(begin, begin + size.show, color="0.92", zorder=0)
pictures.set(xlim=(0, end), ylim=(0, 1))
pictures.axis("off")

for first, last, colour, label in (0, size.excitatory, "tab:red", "excitatory"), (size.excitatory, neurons, "tab:purple", "inhibitory"):
    part = (spikes >= first) & (spikes < last)
    raster.plot(times[part], spikes[part], ".", color=colour, markersize=1.5, label=label)
raster.set(xlim=(0, end), ylim=(0, neurons), ylabel="reservoir neuron", xticklabels=[])
raster.legend(loc="upper left", markerscale=6, fontsize=8, framealpha=1)
for digit, colour in enumerate(colours):
    first = neurons + digit * size.cluster
    part = (spikes >= first) & (spikes < first + size.cluster)
    output.plot(times[part], spikes[part] - neurons, "|", color=colour, markersize=4)
output.set(xlim=(0, end), ylim=(-0.7, size.outputs - 0.3), xlabel="time (ms)", ylabel="output cluster")
output.set_yticks((np.arange(CLASSES) + 0.5) * size.cluster - 0.5, range(CLASSES))
output.invert_yaxis()

counts = confusion(network, individual, network.test, seed=10**6 + 1)
matrix.imshow(counts, cmap="Blues")
for (shown_digit, read_digit), n in np.ndenumerate(counts):
    matrix.text(read_digit, shown_digit, n, ha="center", va="center", color="white" if n > counts.max() / 2 else "black")
matrix.set(xticks=range(CLASSES), yticks=range(CLASSES), xlabel="digit read", ylabel="digit shown")
matrix.set_title(f"{counts.sum()} images held out: {counts.trace() / counts.sum():.1%} correct", fontsize=10)
figure.savefig(sys.argv[2] if len(sys.argv) > 2 else "result.png", dpi=100)
