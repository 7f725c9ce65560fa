"""A whole brain in The Virtual Brain: 76 regions, joined by the fibre tracts of a connectome, at given coupling strength and conduction speed.

Each region is a damped oscillator of 10 Hz (TVB's Generic2dOscillator, with a supercritical onset of oscillation), driven by noise, and by the
others with the delay of the tract between them. The fitness is the Pearson correlation, over all pairs of regions, of the functional connectivity
with that of the same brain at known parameters, which are to be found again.
"""

import functools
import logging
import warnings

import numpy as np
from l2l_optimizee import serve

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore", module="tvb")  # of modules for cortical surfaces, which are not used here

from tvb.datatypes.connectivity import Connectivity  # noqa: E402
from tvb.simulator import coupling, integrators, models, monitors, noise  # noqa: E402
from tvb.simulator.simulator import Simulator  # noqa: E402

KNOWN = {"coupling": 1.6, "speed": 8.4}  # speed in mm/ms

PERIOD = 10.0  # ms, of the temporal average
SAMPLES = 400  # averages from which connectivity is computed
WARM_UP = 50  # averages that are left out before them
NOISE = 3e-3  # per ms, half the variance that noise adds to each state variable

brain = Connectivity.from_file("connectivity_76.zip")  # of tvb-data; tract lengths in mm
brain.weights /= brain.weights.sum(axis=1).mean()  # an average region receives a total weight of 1
REGIONS = len(brain.weights)
PAIRS = np.triu_indices(REGIONS, 1)
STRUCTURE = (brain.weights + brain.weights.T) / 2


def activity(params, instance, dt=2.5):
    """The activity of each region, averaged over PERIOD: SAMPLES x REGIONS. dt in ms; an instance is a draw of the noise."""
    history = int(brain.tract_lengths.max() / params["speed"] / dt) + 2  # steps, as many as the longest delay
    simulator = Simulator(
        connectivity=Connectivity(
            weights=brain.weights,
            tract_lengths=brain.tract_lengths,
            centres=brain.centres,
            region_labels=brain.region_labels,
            speed=np.array([params["speed"]]),
        ),
        model=models.Generic2dOscillator(a=np.array([0.0]), b=np.array([-10.0]), c=np.array([0.0]), d=np.array([0.02]), e=np.array([0.0])),
        coupling=coupling.Linear(a=np.array([params["coupling"]])),
        integrator=integrators.HeunStochastic(dt=dt, noise=noise.Additive(nsig=np.array([NOISE]), noise_seed=instance)),
        monitors=(monitors.TemporalAverage(period=PERIOD),),
        initial_conditions=np.ones((history, 2, REGIONS, 1)),  # in phase: of the states beyond the onset, the synchronous one
        simulation_length=(WARM_UP + SAMPLES) * PERIOD,
    )
    [(_, series)] = simulator.configure().run()
    return series[-SAMPLES:, 0, :, 0]


@functools.cache
def target(instance, **constants):
    return np.corrcoef(activity(KNOWN, instance, **constants).T)


def evaluate(params, seed, instance, constants):
    # The noise is that of the instance, in the target too, so that the fitness is a smooth function of the parameters, 1 at the known ones.
    function = np.corrcoef(activity(params, instance, **constants).T)
    return np.corrcoef(function[PAIRS], target(instance, **constants)[PAIRS])[0, 1]


if __name__ == "__main__":
    serve(evaluate)
