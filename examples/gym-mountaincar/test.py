"""Drives the car from starts that the best controller of a run was not trained on.

Arguments: the directory of the run, and tanh if its controller is that one.
"""

import json
import sys
from pathlib import Path

import numpy as np

from model import ACTIONS, CONTROLLERS, FLAG, HIDDEN, drive

UNSEEN = np.random.default_rng(1).uniform(-0.6, -0.4, 20)  # the range of Gymnasium's own starts


def best(run, controller="spiking"):
    """The best controller of a run, as it is before the car starts."""
    weights = np.array(json.loads((Path(run) / "result.json").read_text())["answer"]["parameters"]["weights"])
    return CONTROLLERS[controller](weights, bins=(len(weights) - HIDDEN * ACTIONS) // (2 * HIDDEN))


if __name__ == "__main__":
    drives = [drive(best(*sys.argv[1:]), start) for start in UNSEEN]
    print("                   reach the flag   of   mean position")
    print(f"unseen starts {sum(d[-1] >= FLAG for d in drives):19} {len(UNSEEN):4} {np.mean([min(max(d), FLAG) for d in drives]):15.3f}")
