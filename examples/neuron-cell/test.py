"""What the front of a run is worth on the current steps that had no part in the fit: l2l-mpi test RUN starts it."""

import json
import sys

from model import CONDITIONS, HELD_OUT, RECORDED, TRAINING, cells, errors, simulate

CHOSEN = {  # which of the front: the smallest of these
    "best from rest": lambda fitness: fitness["rest"],
    "compromise": lambda fitness: max(fitness.values()),
    "best after prepulse": lambda fitness: fitness["prepulse"],
}


def chosen(front):
    """Three individuals of a front, by name."""
    return {name: min(front, key=lambda individual: key(individual["fitness"])) for name, key in CHOSEN.items()}


def forgetful(currents):
    """The least sum of both errors of a cell that fires the same in both conditions: the triangle inequality."""
    return (sum((len(RECORDED["rest", i]) - len(RECORDED["prepulse", i])) ** 2 for i in currents) / len(currents)) ** 0.5


if __name__ == "__main__":
    held_out = cells(HELD_OUT)
    scores = {}
    for name, individual in chosen(json.load(sys.stdin)["front"]).items():
        fitted, tested = individual["fitness"], errors(simulate(held_out, **individual["params"]))
        scores[name] = {f"{title}: {c}": f[c] for title, f in (("training", fitted), ("held out", tested)) for c in CONDITIONS}
    for title, currents in ("training", TRAINING), ("held out", HELD_OUT):
        scores.setdefault("without a memory", {})[f"{title}: least sum"] = forgetful(currents)
    print(json.dumps(scores))
