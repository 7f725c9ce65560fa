"""Draws what a grid and CMA-ES found: plot.py L2L-MPI GRID-RUN CMAES-RUN FILE.png; prints what the two best points are worth under other noise."""

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
    return json.loads((Path(run) / "result.json").read_text())["best"]["parameters"]


for name, run in ("grid", grid_run), ("CMA-ES", cmaes_run):
    others = [model.evaluate(best(run), 0, instance, {}) for instance in range(1, 11)]
    print(f"{name}: correlation {np.mean(others):.2f} ± {np.std(others, ddof=1):.2f} under ten other draws of the noise")

coupling, speed, correlation = trajectory(grid_run)
shape = len(set(coupling)), len(set(speed))
order = np.lexsort((speed, coupling))
coupling, speed, correlation = (a[order].reshape(shape) for a in (coupling, speed, correlation))
x, y, c = trajectory(cmaes_run)

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.6), width_ratios=(1.5, 1, 1), layout="constrained")
image = left.pcolormesh(speed, coupling, correlation, cmap="Greys_r")
figure.colorbar(image, ax=left, label="correlation of FC and SC, on the grid")
points = left.scatter(y, x, c=np.arange(len(x)), s=12, cmap="plasma", edgecolors="none", clip_on=False)
figure.colorbar(points, ax=left, label="individual of CMA-ES, in order")
left.plot(y[c.argmax()], x[c.argmax()], "o", mfc="none", mec="tab:red", ms=12)
left.set(xlabel="conduction speed (mm/ms)", ylabel="coupling strength", title="Fitness")

function = np.corrcoef(model.activity(**{"strength": best(cmaes_run)["coupling"], "speed": best(cmaes_run)["speed"]}).T)
structure = model.STRUCTURE.copy()
for axes, matrix, title, label in (middle, structure, "Structural connectivity (SC)", "weight"), (right, function, "Functional (FC), at the best", "correlation"):
    matrix[np.diag_indices(model.REGIONS)] = np.nan
    figure.colorbar(axes.imshow(matrix, cmap="viridis"), ax=axes, shrink=0.8, label=label)
    axes.set(xlabel="region", ylabel="region", title=title)
figure.savefig(picture, dpi=75)
