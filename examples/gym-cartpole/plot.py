"""Draws gym-cartpole.png. Arguments: the directory of a run, and the exported trajectories of it and of random search."""

import csv
import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from model import episode

UNSEEN = range(1000, 1003)  # starts; a run trains on 0, 1, ...
STEPS = 250  # of 20 ms


def best_so_far(trajectory):
    """After how many evaluations the best individual has which fitness."""
    fitness = {}
    with open(trajectory) as file:
        for row in csv.DictReader(file):
            fitness.setdefault(int(row["individual"]), []).append(float(row["fitness_distance"]))
    means = [np.mean(fitness[individual]) for individual in sorted(fitness)]
    return np.cumsum([len(fitness[individual]) for individual in sorted(fitness)]), np.minimum.accumulate(means)


run, *trajectories = sys.argv[1:]
weights = np.array(json.loads((Path(run) / "result.json").read_text())["answer"]["parameters"]["weights"])
figure = plt.figure(figsize=(9, 3.6), layout="constrained")
left, right = figure.subfigures(1, 2)
curve = left.subplots()
for trajectory, label in zip(trajectories, ("CMA-ES", "random search")):
    curve.semilogy(*best_so_far(trajectory), label=label)
curve.set(xlabel="evaluations", ylabel="best mean distance from the centre (m)")
curve.legend()
position, angle = right.subplots(2, sharex=True)
for start in UNSEEN:
    observations = episode(weights, start, STEPS)
    time = 0.02 * np.arange(1, len(observations) + 1)
    position.plot(time, observations[:, 0], linewidth=0.8)
    angle.plot(time, np.degrees(observations[:, 2]), linewidth=0.8)
position.set(ylabel="cart (m)", title="best controller, 3 unseen starts")
angle.set(ylabel="pole (degrees)", xlabel="time (s)")
figure.savefig(Path(__file__).with_name("gym-cartpole.png"), dpi=70)
