"""A cart that balances a pole (Gymnasium's CartPole-v1), steered by a small network without spikes.

The cart is pushed with 10 N to the left or to the right, 50 times a second. An episode ends when the pole is 12 degrees off the vertical, when
the cart is 2.4 m off the centre, and after 500 steps.
"""

import gymnasium
import numpy as np

from l2l_optimizee import serve

SCALE = np.array([2.4, 3.0, 0.21, 3.0])  # of the position (m), velocity (m/s), angle (rad) and angular velocity (rad/s) that are observed
STEPS = 500  # of 20 ms
WIDTH = 2.4  # m

environment = gymnasium.make("CartPole-v1").unwrapped  # without its own limit of 500 steps


def act(weights, observation):
    """0: push to the left, 1: to the right. A sixth of the weights each: for the four observations, biases, and to the output."""
    *into, bias, out = weights.reshape(6, -1)
    return int(np.tanh(observation / SCALE @ into + bias) @ out > 0)


def episode(weights, start, steps=STEPS):
    """What is observed at each step, from the start of that number to the fall or to the last step."""
    observation, _ = environment.reset(seed=start)
    observations, fallen = [], False
    while len(observations) < steps and not fallen:
        observation, _, fallen, *_ = environment.step(act(weights, observation))
        observations.append(observation)
    return np.array(observations)


def evaluate(params, instance):
    """How far the cart is from the centre, in m, on average over the steps. Those after a fall count as the whole width."""
    positions = np.abs(episode(params["weights"], start=instance)[:, 0])
    return (positions.clip(max=WIDTH).sum() + WIDTH * (STEPS - len(positions))) / STEPS


if __name__ == "__main__":
    serve(evaluate)
