"""Tests the best controller of a run, whose directory is the argument, on starts that it was not trained on, and ten times as long."""

import json
import sys
from pathlib import Path

import numpy as np

from model import STEPS, episode

UNSEEN = range(1000, 1020)  # starts; a run trains on 0, 1, ...

weights = np.array(json.loads((Path(sys.argv[1]) / "result.json").read_text())["answer"]["parameters"]["weights"])
print("the pole stands, from unseen starts   of   mean distance (m)")
for steps in STEPS, 10 * STEPS:
    positions = [np.abs(episode(weights, start, steps)[:, 0]) for start in UNSEEN]
    stand = sum(len(p) == steps for p in positions)
    print(f"for {steps:4} steps {stand:22} {len(positions):4} {np.mean([p.mean() for p in positions]):10.3f}")
