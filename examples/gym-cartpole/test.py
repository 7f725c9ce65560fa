"""Tests the controller that a run has found on starts that it was not trained on, and ten times as long: l2l-mpi test RUN starts it."""

import json
import sys

import numpy as np

from model import STEPS, episode

UNSEEN = range(1000, 1020)  # starts; a run trains on 0, 1, ...

weights = np.array(json.load(sys.stdin)["params"]["weights"])
scores = {}
for steps in STEPS, 10 * STEPS:
    positions = [np.abs(episode(weights, start, steps)[:, 0]) for start in UNSEEN]
    scores[f"{steps} steps"] = {
        "the pole stands": sum(len(p) == steps for p in positions),
        "unseen starts": len(positions),
        "mean distance, m": float(np.mean([p.mean() for p in positions])),
    }
print(json.dumps(scores))
