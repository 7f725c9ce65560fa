"""Serve a Python object as an optimizer of l2l-mpi.

An optimizer is an object that proposes points when it is asked, and learns from their losses when it is told::

    from l2l_optimizer import serve

    class Search:
        def __init__(self, setup):
            self.setup, self.rng = setup, random.Random(setup.seed)

        def ask(self, n):
            return [[self.rng.uniform(c.lower, c.upper) for c in self.setup.coordinates] for _ in range(n)]

        def tell(self, points, losses):
            pass  # random search learns nothing

    if __name__ == "__main__":
        serve(Search)

l2l-mpi starts the script once, on the first rank. Without l2l-mpi the same script is tried out on a sphere.

Needs nothing but the standard library, as l2l_optimizee, which is installed with it.
"""

from ._serve import Coordinate, Setup, Stop, serve

__all__ = ["Coordinate", "Setup", "Stop", "serve"]
