"""CMA-ES as its author has it: pycma. By generations."""

import cma
from l2l_optimizer import Stop, serve


class Search:
    def __init__(self, setup):
        self.setup = setup
        lower, upper = [c.lower for c in setup.coordinates], [c.upper for c in setup.coordinates]
        options = {
            "bounds": [lower, upper], "CMA_stds": [u - l for l, u in zip(lower, upper)], "popsize": setup.pop_size,
            "seed": 1 + setup.seed % 2**31, "verbose": -9,
        }  # fmt: skip
        self.strategy = cma.CMAEvolutionStrategy([(l + u) / 2 for l, u in zip(lower, upper)], setup.constants["sigma"], options)

    def ask(self, n):
        if self.strategy.stop():
            raise Stop(", ".join(self.strategy.stop()))
        return [self.setup.clip(x) for x in self.strategy.ask(n)]

    def tell(self, points, losses):
        self.strategy.tell(points, losses)

    def recall(self, points):
        self.strategy.ask(len(points))  # of the same seed, told the same, it is where the one before it was

    def figures(self):
        return {"sigma": self.strategy.sigma}


if __name__ == "__main__":
    serve(Search)
