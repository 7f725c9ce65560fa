"""python test.py RUN: what the front of a run is worth on the current steps that had no part in the fit."""

import json
import sys
from pathlib import Path

from model import CONDITIONS, HELD_OUT, RECORDED, TRAINING, cells, errors, simulate

CHOSEN = {  # which of the front: the smallest of these
    "best from rest": lambda fitness: fitness["rest"],
    "compromise": lambda fitness: max(fitness.values()),
    "best after prepulse": lambda fitness: fitness["prepulse"],
}


def chosen(run):
    """Three individuals of the front of a run, by name."""
    front = json.loads((Path(run) / "result.json").read_text())["front"]
    return {name: min(front, key=lambda individual: key(individual["fitness"])) for name, key in CHOSEN.items()}


def forgetful(currents):
    """The least sum of both errors of a cell that fires the same in both conditions: the triangle inequality."""
    return (sum((len(RECORDED["rest", i]) - len(RECORDED["prepulse", i])) ** 2 for i in currents) / len(currents)) ** 0.5


if __name__ == "__main__":
    held_out = cells(HELD_OUT)
    print("RMS errors in spikes     training: rest  prepulse  held out: rest  prepulse")
    for name, individual in chosen(sys.argv[1]).items():
        tested = errors(simulate(held_out, **individual["parameters"]))
        print(f"{name:24}", *(f"{f[c]:14.2f}" for f in (individual["fitness"], tested) for c in CONDITIONS))
    print(f"{'sum, without a memory':24} {forgetful(TRAINING):14.2f} {forgetful(HELD_OUT):29.2f}")
