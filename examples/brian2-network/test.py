"""The network that a run has found with other wirings and other spikes from outside than those that it was tuned with: l2l-mpi test RUN starts it."""

import json
import sys

import numpy as np

from model import TARGETS, error, measure

found = json.load(sys.stdin)
measured = [measure(found["params"], seed=wiring, instance=wiring, constants=found["constants"]) for wiring in range(1, 9)]


def worth(values, target=None):
    return {"target": target, "mean of 8 wirings": np.mean(values), "standard deviation": np.std(values)}


scores = {name: worth([m[name] for m in measured], target) for name, (target, _) in TARGETS.items()}
print(json.dumps({**scores, "error": worth([error(m) for m in measured])}))
