"""Draws gym-cartpole.png: what the best controller of a run, whose directory is the argument, does from starts that it was not trained on."""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from model import episode

UNSEEN = range(1000, 1003)  # starts; a run trains on 0, 1, ...
STEPS = 250  # of 20 ms

weights = np.array(json.loads((Path(sys.argv[1]) / "result.json").read_text())["answer"]["parameters"]["weights"])
figure, (position, angle) = plt.subplots(2, sharex=True, figsize=(5.5, 3.6), layout="constrained")
for start in UNSEEN:
    observations = episode(weights, start, STEPS)
    time = 0.02 * np.arange(1, len(observations) + 1)
    position.plot(time, observations[:, 0], linewidth=0.8)
    angle.plot(time, np.degrees(observations[:, 2]), linewidth=0.8)
position.set(ylabel="cart (m)", title="best controller, 3 unseen starts")
angle.set(ylabel="pole (degrees)", xlabel="time (s)")
figure.savefig(Path(__file__).with_name("gym-cartpole.png"), dpi=70)
