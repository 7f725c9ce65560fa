"""How many images the network that a run has found reads correctly, those that it was trained on and those held out: l2l-mpi test RUN starts it."""

import json
import sys

import numpy as np

from model import CLASSES, FULL, SMALL, Network


def network_of(parameters):
    """An individual, and the network that it is for."""
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
    individual, network = network_of(json.load(sys.stdin)["params"])
    scores = {}
    for seed, name, images in (10**6, "training", network.train), (10**6 + 1, "held out", network.test):
        counts = confusion(network, individual, images, seed)
        scores[name] = {"correct": int(counts.trace()), "images": int(counts.sum()), "accuracy": counts.trace() / counts.sum()}
    print(json.dumps(scores))
