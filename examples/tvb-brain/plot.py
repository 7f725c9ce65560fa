"""Draws what a grid and CMA-ES found:

    python plot.py L2L-MPI GRID-RUN CMAES-RUN result.png
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import model

program, grid_run, cmaes_run, picture = sys.argv[1:]


def trajectory(run):
    """Coupling, speed and correlation of each individual, in the order in which they were proposed."""
    table = subprocess.run([program, "export", run, "--format", "csv"], check=True, capture_output=True, text=True).stdout
    rows = sorted(csv.DictReader(table.splitlines()), key=lambda row: int(row["individual"]))
    return np.array([[float(row[name]) for name in ("coupling", "speed", "fitness_correlation")] for row in rows]).T


def best(run):
    return json.loads((Path(run) / "result.json").read_text())["answer"]["parameters"]


draws = np.array([model.target(instance)[model.PAIRS] for instance in range(11)])
print(f"correlation of two draws at the known parameters: {np.corrcoef(draws)[np.triu_indices(11, 1)].mean():.2f}")

coupling, speed, correlation = trajectory(grid_run)
shape = len(set(coupling)), len(set(speed))
order = np.lexsort((speed, coupling))
coupling, speed, correlation = (a[order].reshape(shape) for a in (coupling, speed, correlation))
strength, velocity, found = trajectory(cmaes_run)

plt.rcParams["font.size"] = 9
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.7), width_ratios=(1.6, 1, 1), layout="constrained")
image = left.pcolormesh(speed, coupling, correlation, cmap="Greys_r", vmin=0, vmax=1)
figure.colorbar(image, ax=left, label="correlation, on the grid")
points = left.scatter(velocity, strength, c=np.arange(len(found)), s=16, cmap="plasma", edgecolors="white", linewidths=0.3, clip_on=False)
figure.colorbar(points, ax=left, label="individual of CMA-ES, in order")
left.plot(model.KNOWN["speed"], model.KNOWN["coupling"], "+", color="tab:blue", mew=2, ms=14)
left.set(xlabel="conduction speed (mm/ms)", ylabel="coupling strength", title="Fitness; +: the known parameters")

structure = model.STRUCTURE.copy()
function = np.corrcoef(model.activity(best(cmaes_run), 0).T)
for axes, matrix, title, label in (
    (middle, structure, "SC: structural connectivity", "weight"),
    (right, function, "FC: functional, at the best", "correlation"),
):
    matrix[np.diag_indices(model.REGIONS)] = np.nan
    figure.colorbar(axes.imshow(matrix, interpolation="nearest", cmap=plt.get_cmap("viridis", 12)), ax=axes, shrink=0.75, label=label)
    axes.set(xlabel="region", ylabel="region", title=title)
figure.savefig(picture, dpi=72)
