"""Lets the colony that a run has found live in ten worlds in which it has not been: l2l-mpi test RUN starts it.

As the run does, it starts NetLogo (the variable NETLOGO), or the stand-in for it, through colony.sh.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WORLDS = range(100, 110)


def live(weights, world):
    """What a colony with these weights earns in a world, and the food that it brings home."""
    with tempfile.TemporaryDirectory() as directory:
        for name in "colony.sh", "ants.nlogo", "standin":
            os.symlink(os.path.join(HERE, name), os.path.join(directory, name))
        with open(os.path.join(directory, "params.csv"), "w", newline="") as file:
            csv.writer(file).writerows([range(39), weights])
        run = subprocess.run(["sh", "colony.sh", str(1000 + world), str(world)], cwd=directory, stdout=subprocess.PIPE, text=True, check=True)
    _, _, _, ticks, fitness, food = list(csv.reader(run.stdout.splitlines()))[-1]
    if ticks != "800":
        raise RuntimeError(f"world {world}: the run ended at tick {ticks}")
    return float(fitness), int(food)


params = json.load(sys.stdin)["params"]
fitness, food = zip(*(live(params["move"] + params["turn"] + params["lay"], world) for world in WORLDS))
print(json.dumps({"earned": sum(fitness) / len(fitness), "food": sum(food) / len(food), "food in the worst world": min(food)}))
