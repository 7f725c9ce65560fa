"""QD scores of pyribs on the tasks of bench/elites, by the same measure: python bench/elites/pyribs.py [EVALUATIONS [FIRST_SEED [SEEDS]]]

Needs: pip install ribs
"""

import sys

import numpy
from ribs.archives import GridArchive
from ribs.emitters import GaussianEmitter, IsoLineEmitter
from ribs.schedulers import Scheduler


def sphere(x):
    """Losses, and the sums of the two halves of the parameters."""
    half = x.shape[1] // 2
    return ((x - 2) ** 2).sum(1), numpy.stack([x[:, :half].sum(1), x[:, half:].sum(1)], 1)


def arm(x):
    """Variances of the joints' angles, and where the hand is."""
    angle = x.cumsum(1)
    return x.var(1), numpy.stack([numpy.cos(angle).mean(1), numpy.sin(angle).mean(1)], 1)


# name, model, dimension, half the width of the box, of features, cells of each feature, largest loss
TASKS = [("sphere, 20-D", sphere, 20, 5, 50, 100, 20 * 49), ("arm, 12-D", arm, 12, numpy.pi, 1, 20, numpy.pi**2)]
EMITTERS = {
    "isoline, its defaults": lambda a, half, **k: IsoLineEmitter(a, iso_sigma=0.01, line_sigma=0.2, **k),
    "isoline, those of map_elites": lambda a, half, **k: IsoLineEmitter(a, iso_sigma=0.01 * 2 * half, line_sigma=0.5, **k),
    "Gaussian, 0.5": lambda a, half, **k: GaussianEmitter(a, sigma=0.5, **k),
}


def score(task, emitter, evaluations, seed):
    _, model, dim, half, reach, cells, worst = task
    archive = GridArchive(solution_dim=dim, dims=[cells, cells], ranges=[(-reach, reach)] * 2, seed=seed)
    made = EMITTERS[emitter](archive, half, x0=[0] * dim, lower_bounds=[-half] * dim, upper_bounds=[half] * dim, batch_size=100, seed=seed)
    scheduler = Scheduler(archive, [made])
    for _ in range(evaluations // 100):
        losses, features = model(scheduler.ask())
        scheduler.tell(-losses, features)
    objectives = archive.data("objective")
    return (worst + objectives).sum() / worst / cells**2


evaluations, first, seeds = (int(a) for a in (sys.argv[1:] + ["20000", "1", "3"][len(sys.argv) - 1 :])[:3])
for task in TASKS:
    for emitter in EMITTERS:
        print(task[0], emitter, *(f"{score(task, emitter, evaluations, s):.3f}" for s in range(first, first + seeds)), sep="  ", flush=True)
