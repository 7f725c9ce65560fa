"""Bayesian optimisation with a Gaussian process: scikit-optimize. By generations, each of points that count on each other."""

import math

import skopt
from l2l_optimizer import serve


class Search:
    def __init__(self, setup):
        dimensions = [skopt.space.Real(c.lower, c.upper) for c in setup.coordinates]
        self.optimizer = skopt.Optimizer(
            dimensions, n_initial_points=setup.constants["initial"], acq_func="EI", acq_optimizer="sampling", random_state=setup.seed % 2**32
        )

    def ask(self, n):
        return self.optimizer.ask(n_points=n)

    def tell(self, points, losses):  # of any points, also those of a run that is resumed
        good = [(point, math.log(loss)) for point, loss in zip(points, losses) if loss < math.inf]
        if good:
            self.optimizer.tell(*map(list, zip(*good)))


if __name__ == "__main__":
    serve(Search)
