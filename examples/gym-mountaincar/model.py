"""A car that has to swing itself out of a valley (Gymnasium's MountainCar-v0), driven by a spiking network in NEST.

The car's motor is too weak to climb the hill with the flag: it has to drive up the other hill first. At each step of the car the network is
simulated for 20 ms. Its input is a current into one of the neurons that stand for ranges of velocity, and into one of those for ranges of
position; of the three output neurons, the one that spikes most is the action. The network keeps its state from step to step.

The constant `controller: tanh` drives the car by a network without spikes instead, of the same layers.
"""

import os

import gymnasium
import numpy as np

from l2l_optimizee import serve

os.environ["PYNEST_QUIET"] = "1"  # no banner
import nest

STEPS = 109  # of the car, in which it has to reach the flag
FLAG = 0.5  # its position; positions and velocities have no unit
EARLY = 0.01  # fitness of each step that is left at the flag
VELOCITIES, POSITIONS = (-0.07, 0.07), (-1.2, 0.6)  # that the car can have
HIDDEN, ACTIONS = 5, 3  # neurons; the actions are: accelerate to the left, not at all, to the right
WINDOW = 20.0  # ms that the network is simulated for a step of the car
DRIVE = 40_000.0  # pA, current into an input neuron
WEIGHT = 100.0  # pA, synaptic weight of a parameter of 1

environment = gymnasium.make("MountainCar-v0").unwrapped  # without its own limit of 200 steps
nest.verbosity = nest.VerbosityLevel.ERROR


def encode(observation, bins):
    """Which velocity neuron and which position neuron stand for what is observed."""
    position, velocity = observation
    return [min(int((x - low) / (high - low) * bins), bins - 1) for x, (low, high) in ((velocity, VELOCITIES), (position, POSITIONS))]


def choose(outputs):
    """The action of the largest output; no acceleration if several are largest."""
    best = np.flatnonzero(outputs == outputs.max())
    return best[0] if len(best) == 1 else 1


class Spiking:
    """As many velocity and position neurons as there are bins, to 5 hidden neurons, to 3 output neurons."""

    def __init__(self, weights, bins):
        nest.ResetKernel()
        nest.resolution = 0.2  # ms
        neurons = nest.Create("iaf_psc_alpha", 2 * bins + HIDDEN + ACTIONS, {"t_ref": 1.0})  # ms
        self.inputs, self.hidden, self.actions = neurons[: 2 * bins], neurons[2 * bins : -ACTIONS], neurons[-ACTIONS:]
        into, out = np.split(WEIGHT * weights, [HIDDEN * 2 * bins])
        nest.Connect(self.inputs, self.hidden, "all_to_all", {"weight": into.reshape(HIDDEN, 2 * bins), "delay": 1.0})  # ms
        nest.Connect(self.hidden, self.actions, "all_to_all", {"weight": out.reshape(ACTIONS, HIDDEN), "delay": 1.0})
        self.recorders = nest.Create("spike_recorder", ACTIONS)
        nest.Connect(self.actions, self.recorders, "one_to_one")
        self.bins, self.driven, self.spikes = bins, [], np.zeros(ACTIONS)

    def act(self, observation):
        velocity, position = encode(observation, self.bins)
        driven = [velocity, self.bins + position]
        if driven != self.driven:
            changed = sorted({*driven, *self.driven})
            self.inputs[changed].set(I_e=[DRIVE if neuron in driven else 0.0 for neuron in changed])
            self.driven = driven
        nest.Simulate(WINDOW)
        before, self.spikes = self.spikes, np.array(self.recorders.n_events)
        return choose(self.spikes - before)


class Tanh:
    """The same layers, of which the hidden one is tanh and the output linear."""

    def __init__(self, weights, bins):
        into, out = np.split(weights, [HIDDEN * 2 * bins])
        self.into, self.out, self.bins = into.reshape(HIDDEN, 2 * bins), out.reshape(ACTIONS, HIDDEN), bins

    def act(self, observation):
        velocity, position = encode(observation, self.bins)
        return choose(self.out @ np.tanh(self.into[:, velocity] + self.into[:, self.bins + position]))


CONTROLLERS = {"spiking": Spiking, "tanh": Tanh}


def drive(controller, start):
    """The positions of the car, from a start at rest to the flag or to the last step."""
    observation, _ = environment.reset(options={"low": start, "high": start})
    positions = [float(observation[0])]
    while len(positions) <= STEPS and positions[-1] < FLAG:
        observation, *_ = environment.step(controller.act(observation))
        positions.append(float(observation[0]))
    return positions


def evaluate(params, instance, constants):
    """The furthest position that the car comes to; at the flag, more the earlier it is there."""
    controller = CONTROLLERS[constants["controller"]](params["weights"], constants["bins"])
    positions = drive(controller, constants["starts"][instance])
    return min(max(positions), FLAG) + EARLY * (STEPS + 1 - len(positions))


if __name__ == "__main__":
    serve(evaluate)
