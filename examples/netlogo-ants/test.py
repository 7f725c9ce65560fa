"""Lets the best colonies of runs live in ten worlds in which they have not been: python test.py RUN ..., directories of runs.

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


def weights(run):
    with open(os.path.join(run, "result.json")) as file:
        parameters = json.load(file)["answer"]["parameters"]
    return [parameters[name] for name in ("move", "turn", "lay")]


def live(rows, world):
    """What a colony with these weights earns in a world, and the food that it brings home."""
    with tempfile.TemporaryDirectory() as directory:
        for name in "colony.sh", "ants.nlogo", "standin":
            os.symlink(os.path.join(HERE, name), os.path.join(directory, name))
        with open(os.path.join(directory, "params.csv"), "w", newline="") as file:
            csv.writer(file).writerows([range(39), sum(rows, [])])
        run = subprocess.run(["sh", "colony.sh", str(1000 + world), str(world)], cwd=directory, stdout=subprocess.PIPE, text=True, check=True)
    _, _, _, ticks, fitness, food = list(csv.reader(run.stdout.splitlines()))[-1]
    if ticks != "800":
        raise RuntimeError(f"world {world}: the run ended at tick {ticks}")
    return float(fitness), int(food)


if __name__ == "__main__":
    for run in sys.argv[1:]:
        fitness, food = zip(*(live(weights(run), world) for world in WORLDS))
        print(f"{run}: earned {sum(fitness) / len(fitness):.0f}, food {sum(food) / len(food):.1f}, in the worst world {min(food)}")
