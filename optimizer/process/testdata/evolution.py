"""A small evolution strategy, which behaves badly in the ways that its constants say."""

import math
import os
import random
import sys
import time

from l2l_optimizer import Stop, serve


class Evolution:
    def __init__(self, setup):
        self.setup, self.rng, self.best, self.told, self.recalled = setup, random.Random(setup.seed), None, 0, 0
        self.bad, self.after = setup.constants.get("bad", ""), setup.constants.get("after", 0)
        print("this is stdout of", self.bad)
        print("this is stderr of", self.bad, file=sys.stderr)
        if self.bad == "setup":
            raise RuntimeError("no such strategy")

    def ask(self, n):
        if self.bad and self.told >= self.after:
            self.misbehave()
        if self.bad == "few":
            return [self.propose() for _ in range(n - 1)]
        points = [self.propose() for _ in range(n)]
        if self.bad == "many":
            points.append(points[0])
        if self.bad == "short":
            points[-1] = points[-1][:-1]
        if self.bad == "outside":
            points[-1][0] = 1e9
        if self.bad == "nan":
            points[-1][0] = math.nan
        if self.bad == "text":
            points[-1] = "x"
        if self.bad == "none":
            return None
        return points

    def propose(self):
        point = []
        for i, c in enumerate(self.setup.coordinates):
            width = c.std or c.upper - c.lower
            middle = c.mean if c.std else (c.lower + c.upper) / 2
            if self.best is None or c.kind == "categorical":
                point.append(middle + width * self.rng.uniform(-0.5, 0.5))
            else:
                point.append(self.best[1][i] + 0.2 * width * self.rng.gauss(0, 1))
        return self.setup.clip(point)

    def misbehave(self):
        if self.bad == "raise":
            raise ValueError("the covariance is not positive definite")
        if self.bad == "kill":
            os.kill(os.getpid(), 9)
        if self.bad == "exit":
            os._exit(3)
        if self.bad == "hang":
            time.sleep(1000)
        if self.bad == "stop":
            raise Stop("the step size is too small")

    def tell(self, ids, points, losses, failed):
        assert len(ids) == len(points) == len(losses) == len(failed)
        if not self.setup.asynchronous:
            assert ids == sorted(ids)
        self.told += len(ids)
        for point, loss, bad in zip(points, losses, failed):
            loss = loss if self.setup.objectives == 1 else loss[0]
            assert bad == (loss == math.inf)
            if not bad and (self.best is None or loss < self.best[0]):
                self.best = (loss, point)

    def recall(self, points):
        self.recalled += len(points)

    def figures(self):
        return {"told": self.told, "recalled": self.recalled}


if __name__ == "__main__":
    serve(Evolution)
