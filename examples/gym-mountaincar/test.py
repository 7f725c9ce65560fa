"""Drives the car from starts that the controller that a run has found was not trained on: l2l-mpi test RUN starts it."""

import json
import sys

import numpy as np

from model import CONTROLLERS, FLAG, drive

UNSEEN = np.random.default_rng(1).uniform(-0.6, -0.4, 20)  # the range of Gymnasium's own starts


def controller(found):
    """The controller that was found, as it is before the car starts."""
    constants = found["constants"]
    return CONTROLLERS[constants["controller"]](np.array(found["params"]["weights"]), constants["bins"])


if __name__ == "__main__":
    found = json.load(sys.stdin)
    drives = [drive(controller(found), start) for start in UNSEEN]
    reached = sum(bool(d[-1] >= FLAG) for d in drives)
    mean = np.mean([min(max(d), FLAG) for d in drives])
    print(json.dumps({"unseen starts": {"reach the flag": reached, "of": len(drives), "mean position": mean}}))
