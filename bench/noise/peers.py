"""True values of what pycma and the cmaes package recommend: FUNCTION ADDITIVE RELATIVE EVALUATIONS RUNS DIMENSION FIRST."""

import json
import sys

import cma
import numpy as np
from cmaes import CMA

name, additive, relative, evaluations, runs = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
DIM, first = int(sys.argv[6]), int(sys.argv[7])
POPSIZE = 4 + int(3 * np.log(DIM))


def loss(z):
    if name == "sphere":
        return float(np.sum(z**2))
    if name == "ellipsoid":
        return float(np.sum(10 ** (6 * np.arange(DIM) / (DIM - 1)) * z**2))
    if name == "rosenbrock":
        a, b = z[:-1] + 1, z[1:] + 1
        return float(np.sum(100 * (a * a - b) ** 2 + (1 - a) ** 2))
    return float(np.sum(z**2 + 10 * (1 - np.cos(2 * np.pi * z))))


def pycma(noisy, start, seed):
    """With restarts of doubled populations while evaluations are left, as cma.fmin does; the answer is that of the run with the best."""
    left, popsize, answers = evaluations, POPSIZE, []
    while left >= popsize:
        es = cma.CMAEvolutionStrategy(start(), 2.0, {"seed": seed, "verbose": -9, "popsize": popsize, "bounds": [-5, 5], "maxfevals": left})
        while not es.stop() and left >= popsize:
            xs = es.ask()
            es.tell(xs, [noisy(np.asarray(x)) for x in xs])
            left -= len(xs)
        answers.append((es.result.fbest, np.clip(es.result.xfavorite, -5, 5)))
        popsize, seed = 2 * popsize, seed + 1000
    return min(answers, key=lambda a: a[0])[1]


def lr_adapt(noisy, start, seed):
    left, popsize, answers = evaluations, POPSIZE, []
    while left >= popsize:
        es = CMA(mean=start(), sigma=2.0, seed=seed, population_size=popsize, bounds=np.array([[-5.0, 5.0]] * DIM), lr_adapt=True)
        best = np.inf
        while not es.should_stop() and left >= popsize:
            told = []
            for _ in range(popsize):
                x = es.ask()
                told.append((x, noisy(x)))
            es.tell(told)
            left -= popsize
            best = min(best, min(v for _, v in told))
        answers.append((best, np.clip(es.mean, -5, 5)))
        popsize, seed = 2 * popsize, seed + 1000
    return min(answers, key=lambda a: a[0])[1]


values = [[], []]
for run in range(first, first + runs):
    optimum = 2 * np.sin(12.9898 * (run + 1) + 78.233 * np.arange(DIM))
    for peer, values_of_peer in zip((pycma, lr_adapt), values):
        rng = np.random.default_rng(run + 1)

        def noisy(x):
            v = loss(x - optimum)
            return v + (additive + relative * v) * rng.standard_normal()

        x = peer(noisy, lambda: rng.uniform(-4, 4, DIM), run + 1)
        values_of_peer.append(loss(x - optimum))
print(json.dumps(values))
