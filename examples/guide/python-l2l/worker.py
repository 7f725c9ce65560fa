"""Serves an optimizee class of the Python L2L as a model, without a change to the class."""

import numpy as np
from l2l.optimizees.functions.benchmarked_functions import BenchmarkedFunctions
from l2l.optimizees.functions.optimizee import FunctionGeneratorOptimizee
from l2l.utils.individual import Individual
from l2l.utils.trajectory import Trajectory

from l2l_optimizee import serve


def make(seed):
    """The optimizee, as the script of the Python L2L made it: here its function 0, Rastrigin2d."""
    (_, function), _ = BenchmarkedFunctions().get_function_by_index(0)
    return FunctionGeneratorOptimizee(Trajectory(), function, seed=seed)


def evaluate(params, seed, instance):
    optimizee = make(seed % 2**32)  # a new one, whose noise is that of this evaluation and can be repeated
    like = optimizee.create_individual()  # its names and shapes
    individual = optimizee.bounding_func({name: np.reshape(params[name], np.shape(value)) for name, value in like.items()})
    traj = Trajectory()
    traj.individual = Individual()
    traj.individual.params = {"individual." + name: value for name, value in individual.items()}
    return np.ravel(optimizee.simulate(traj)).tolist()  # one number per objective


if __name__ == "__main__":
    serve(evaluate)
