"""A leaky integrate-and-fire neuron, fitted to firing rates at several currents."""

import math

from l2l_optimizee import serve

MEASURED = {0.2: 0, 0.4: 18, 0.6: 41, 0.8: 61, 1.2: 88, 2.0: 129, 4.0: 181}  # nA: Hz


def rate(current, rheobase, tau, refractory, dt=0.1, duration=1000.0):
    """The firing rate, in Hz. The potential is in units of the threshold, times in ms."""
    v, wait, spikes = 0.0, 0.0, 0
    drive, decay = current / rheobase, math.exp(-dt / tau)
    for _ in range(round(duration / dt)):
        if wait > 0:
            wait -= dt
            continue
        v = drive + (v - drive) * decay
        if v >= 1:
            v, wait, spikes = 0.0, refractory, spikes + 1
    return spikes * 1000 / duration


def evaluate(params, seed, instance):
    errors = [rate(current, **params) - measured for current, measured in MEASURED.items()]
    return math.sqrt(sum(e * e for e in errors) / len(errors))


if __name__ == "__main__":
    serve(evaluate)
