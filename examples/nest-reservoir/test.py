"""How many images the best network of a run reads correctly, those that it was trained on and those held out: python test.py RUN"""

import json
import sys
from pathlib import Path

import numpy as np

from model import CLASSES, FULL, SMALL, Network


def best(run):
    """The best individual of a run, and the network that it is for."""
    parameters = json.loads((Path(run) / "result.json").read_text())["answer"]["parameters"]
    individual = np.array(parameters["excitatory"]), np.array(parameters["inhibitory"])
    size = FULL if len(individual[0]) == FULL.outputs * FULL.in_degree_e else SMALL
    return individual, Network(size)


def confusion(network, individual, images, seed):
    """Counts of images, by the digit shown and the digit read. The seed is one that no mini-batch has."""
    read = network.simulate([individual], images, seed)[0].mean(axis=-1).argmax(axis=-1)
    counts = np.zeros((CLASSES, CLASSES), int)
    np.add.at(counts, (images[:, 0], read), 1)
    return counts


if __name__ == "__main__":
    individual, network = best(sys.argv[1])
    print(f"{'images':<16} {'correct':>8} {'of':>8} {'accuracy':>10}")
    for seed, name, images in (10**6, "training", network.train), (10**6 + 1, "held out", network.test):
        counts = confusion(network, individual, images, seed)
        print(f"{name:<16} {counts.trace():8} {counts.sum():8} {counts.trace() / counts.sum():10.4f}")
