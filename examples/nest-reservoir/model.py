"""A spiking reservoir that reads handwritten digits, simulated in NEST.

The pixels of an image are Poisson spike trains. They drive a recurrent network of excitatory and inhibitory neurons (iaf_psc_alpha), the reservoir,
whose connections are fixed. Its neurons have synapses on three clusters of output neurons, one for each of the digits 0, 1 and 2. The weights of
these synapses are the individual. A mini-batch of images is shown, one after the other; the digit read is the one whose cluster fires most.

An instance is a mini-batch. It fixes the images and all randomness, that of the pixels' spikes and of the background's. Seeds are not used: all
individuals of a generation see the same spikes, and differ by their weights alone.

Nothing feeds back from the output neurons. So individuals that come together (execution: batch) share one reservoir, each with output neurons of its
own, and do not change what the others see: the results are those of separate simulations, bit for bit.
"""

import csv
import gzip
import os
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2l_optimizee import Result, serve

os.environ["PYNEST_QUIET"] = "1"  # no banner
import nest

nest.verbosity = nest.VerbosityLevel.ERROR

CLASSES = 3  # the digits 0, 1 and 2
PIXELS = 64
HELD_OUT = 450  # images at the end of the file, in part of other writers, that are in no mini-batch
IMAGES = Path(__file__).resolve().parents[2] / "optimizee" / "digits" / "data" / "digits.csv.gz"

RESOLUTION = 0.5  # ms
DELAY = 1.5  # ms, of all synapses
NEURON = {
    "C_m": 250.0,  # pF
    "tau_m": 10.0, "tau_syn_ex": 2.0, "tau_syn_in": 2.0, "t_ref": 2.0,  # ms
    "E_L": -70.0, "V_m": -70.0, "V_reset": -70.0, "V_th": -55.0,  # mV
}  # fmt: skip
RATES = 1.0, 300.0  # Hz, of a pixel of grey value 0, and of 1
INPUTS = 8  # pixels from which a reservoir neuron receives
INPUT_WEIGHT = 70.0  # pA, mean; standard deviations of weights are half the mean
OUT_DEGREE = {"ee": 0.06, "ei": 0.08, "ie": 0.10, "ii": 0.08}  # share of the possible targets that a neuron has, by kind of source and target
WEIGHT = {"e": 70.0, "i": -200.0}  # pA, means by kind of source; for 200 neurons, smaller for more, as the inverse root
BACKGROUND = 8000.0, 5.5  # Hz and pA: Poisson spikes that each reservoir neuron receives besides
OUTPUT_CURRENT = 250.0  # pA, constant: takes an output neuron two thirds of the way to its threshold
WARM_UP = 100.0  # ms, before the first image


class Size(NamedTuple):
    excitatory: int  # neurons of the reservoir
    inhibitory: int
    cluster: int  # output neurons for each digit
    in_degree_e: int  # synapses that an output neuron has from excitatory reservoir neurons
    in_degree_i: int
    per_class: int  # images of each digit in a mini-batch
    show: float  # ms, for which an image is shown
    rest: float  # ms, after each image
    temperature: float  # of the softmax, in spikes per output neuron

    @property
    def outputs(self):
        return CLASSES * self.cluster


SMALL = Size(160, 40, 4, 64, 16, per_class=8, show=60.0, rest=30.0, temperature=1.0)
FULL = Size(1600, 400, 12, 640, 160, per_class=4, show=500.0, rest=200.0, temperature=8.0)


class Network:
    """What is the same in all evaluations: the structure of the network, drawn once, and the images."""

    def __init__(self, size):
        self.size = size
        rng = np.random.default_rng(1)
        neurons = np.arange(size.excitatory + size.inhibitory)
        kind = {"e": neurons[: size.excitatory], "i": neurons[size.excitatory :]}

        def connect(sources, degree, targets, weight):
            pre = np.repeat(sources, degree)
            post = np.concatenate([rng.choice(targets, degree, replace=False) for _ in sources])
            return pre, post, rng.normal(weight, abs(weight) / 2, len(pre))

        scale = (200 / len(neurons)) ** 0.5
        blocks = [connect(kind[a], round(share * len(kind[b])), kind[b], WEIGHT[a] * scale) for (a, b), share in OUT_DEGREE.items()]
        self.recurrent = [np.concatenate(column) for column in zip(*blocks)]
        neuron, pixel, weight = connect(neurons, INPUTS, np.arange(PIXELS), INPUT_WEIGHT)
        self.input = pixel, neuron, weight
        # The sources of the output neurons, one neuron's after the other's: the order of the weights in an individual.
        self.readout = [
            np.concatenate([rng.choice(kind[a], degree, replace=False) for _ in range(size.outputs)])
            for a, degree in (("e", size.in_degree_e), ("i", size.in_degree_i))
        ]
        self.train, self.test = images()

    def minibatch(self, instance):
        """Training images, as many of each digit. Each epoch goes through them in another order."""
        per_epoch = min(np.bincount(self.train[:, 0])) // self.size.per_class
        epoch, place = divmod(instance, per_epoch)
        rng = np.random.default_rng([2, epoch])
        rows = []
        for digit in range(CLASSES):
            of_digit = rng.permutation(np.flatnonzero(self.train[:, 0] == digit))
            rows.append(of_digit[place * self.size.per_class :][: self.size.per_class])
        return self.train[rng.permutation(np.concatenate(rows))]

    def simulate(self, individuals, images, seed, record=False):
        """Show images to individuals, each a pair of excitatory and inhibitory weights in pA; a single number stands for equal weights.

        Returns how often each output neuron fired while each image was shown: individuals × images × clusters × neurons of a cluster. With record,
        also the times of all spikes, in ms, and their neurons: the reservoir's from 0, then the outputs.
        """
        size = self.size
        begins = WARM_UP + np.arange(len(images)) * (size.show + size.rest)
        ends = begins + size.show
        nest.ResetKernel()
        nest.set(resolution=RESOLUTION, rng_seed=seed, local_num_threads=1)

        # All that draws random numbers comes before the outputs and receives nothing from them: its spikes do not depend on the individuals.
        reservoir = nest.Create("iaf_psc_alpha", size.excitatory + size.inhibitory, NEURON)
        outputs = nest.Create("iaf_psc_alpha", len(individuals) * size.outputs, {**NEURON, "I_e": OUTPUT_CURRENT})
        grey = images[:, 1:] / 16
        low, high = RATES
        rates = np.stack([low + (high - low) * grey, np.full_like(grey, low)], axis=1).reshape(-1, PIXELS)
        generators = nest.Create("inhomogeneous_poisson_generator", PIXELS)
        generators.set([{"rate_times": np.stack([begins, ends], axis=1).ravel(), "rate_values": rates[:, p]} for p in range(PIXELS)])
        pixels = nest.Create("parrot_neuron", PIXELS)  # repeat the spikes, so that all targets of a pixel receive the same ones
        background = nest.Create("poisson_generator", params={"rate": BACKGROUND[0]})
        recorder = nest.Create("spike_recorder")

        def connect(sources, pre, targets, post, weights):
            synapses = {"weight": weights, "delay": np.full(len(weights), DELAY)}
            nest.Connect(pre + sources[0].global_id, post + targets[0].global_id, "one_to_one", synapses)

        nest.Connect(generators, pixels, "one_to_one")
        nest.Connect(background, reservoir, syn_spec={"weight": BACKGROUND[1], "delay": DELAY})
        connect(pixels, self.input[0], reservoir, self.input[1], self.input[2])
        connect(reservoir, self.recurrent[0], reservoir, self.recurrent[1], self.recurrent[2])
        for kind, pre in enumerate(self.readout):
            post = np.repeat(np.arange(len(outputs)), len(pre) // size.outputs)
            weights = np.concatenate([np.broadcast_to(individual[kind], len(pre)) for individual in individuals]).astype(float)
            connect(reservoir, np.tile(pre, len(individuals)), outputs, post, weights)
        nest.Connect(reservoir + outputs if record else outputs, recorder)
        nest.Simulate(ends[-1] + size.rest)

        events = recorder.events
        times, neurons = events["times"], events["senders"]
        image = np.searchsorted(begins, times, side="left") - 1  # the last one that was shown before the spike
        counted = (neurons >= outputs[0].global_id) & (image >= 0) & (times <= ends[image])
        counts = np.zeros((len(outputs), len(images)))
        np.add.at(counts, (neurons[counted] - outputs[0].global_id, image[counted]), 1)
        counts = counts.reshape(len(individuals), CLASSES, size.cluster, len(images)).transpose(0, 3, 1, 2)
        return (counts, times, neurons - reservoir[0].global_id) if record else counts

    def probabilities(self, counts):
        """The softmax of the clusters' mean spike counts."""
        x = counts.mean(axis=-1) / self.size.temperature
        p = np.exp(x - x.max(axis=-1, keepdims=True))
        return p / p.sum(axis=-1, keepdims=True)


def images():
    """Images of the digits in rows, the digit and 64 grey values from 0 to 16: those to learn from, and those held out."""
    with gzip.open(IMAGES, "rt") as file:
        rows = np.array([[int(cell) for cell in row] for row in csv.reader(file)])
    return [part[part[:, 0] < CLASSES] for part in (rows[:-HELD_OUT], rows[-HELD_OUT:])]


def prepare(constants):
    global network
    network = Network(FULL if constants.get("full") else SMALL)


def evaluate(evaluations):
    """The error of each individual: the mean square of what is missing from its probabilities to 1 for the digit shown, and 0 for the others."""
    results = []
    for instance, group in groupby(evaluations, key=lambda e: e.instance):
        shown = network.minibatch(instance)
        individuals = [(e.params["excitatory"], e.params["inhibitory"]) for e in group]
        targets = np.eye(CLASSES)[shown[:, 0]]
        for p in network.probabilities(network.simulate(individuals, shown, seed=1 + instance)):
            results.append(Result(np.mean((p - targets) ** 2), p.ravel(), targets.ravel()))
    return results


if __name__ == "__main__":
    serve(batch=evaluate, setup=prepare)
