"""python test.py RUN: the best network of a run with other wirings and other spikes from outside than those that it was tuned with."""

import json
import sys
from pathlib import Path

import numpy as np

from model import TARGETS, error, measure

best = json.loads((Path(sys.argv[1]) / "result.json").read_text())["answer"]["parameters"]
constants = {"neurons": 400, "inputs": 40, "duration": 1000}
measured = [measure(best, seed=wiring, instance=wiring, constants=constants) for wiring in range(1, 9)]
print("         target    mean  standard deviation, of 8 wirings")
for name, (target, _) in TARGETS.items():
    values = [m[name] for m in measured]
    print(f"{name:7} {target:7.2f} {np.mean(values):7.2f} {np.std(values):7.2f}")
print(f"error           {np.mean([error(m) for m in measured]):7.2f} {np.std([error(m) for m in measured]):7.2f}")
