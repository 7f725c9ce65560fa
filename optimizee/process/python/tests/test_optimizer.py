"""A script that serves an optimizer, as l2l-mpi sees it."""

import math
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest

from harness import SOURCE, Case, environment, vector

COORDINATES = [
    {"name": "tau", "kind": "float", "lower": math.log(1), "upper": math.log(100), "mean": 0.0, "std": 0.0, "log": True, "unit": "ms"},
    {"name": "n", "kind": "int", "lower": 1.0, "upper": 9.0, "mean": 0.0, "std": 0.0, "log": False},
    {"name": "rule", "kind": "categorical", "lower": 0.0, "upper": 1.0, "mean": 0.0, "std": 0.0, "log": False, "choices": ["stdp", "bcm"]},
    {"name": "w", "kind": "float", "mean": 2.0, "std": 3.0, "log": False, "from_the_future": 1},
]

SETUP = {
    "protocol": 2, "role": "optimizer", "coordinates": COORDINATES, "objectives": 1, "outputs": 0, "pop_size": 4, "asynchronous": False,
    "budget": 100, "seed": 2**64 - 1, "constants": {"sigma": 0.3}, "from_the_future": [1],
}  # fmt: skip

CALLS = """
    from l2l_optimizer import Stop, serve

    class Calls:
        def __init__(self, setup):
            self.setup, self.calls = setup, []

        def ask(self, n, ids):
            self.calls.append(("ask", n, ids))
            if ids[0] >= 100:
                raise Stop("enough")
            return [(0.5, 3, 1, -7.25)] * n

        def tell(self, ids, points, losses, failed, outputs, targets):
            self.calls.append(("tell", ids, points, losses, failed, outputs, targets))
            if ids[0] == 7:
                raise RuntimeError(repr(self.calls))
            if ids[0] == 8:
                raise RuntimeError(repr(self.setup))

        def recall(self, ids, points):
            self.calls.append(("recall", ids, points))

    serve(Calls)
"""

POINT = vector([0.5, 3, 1, -7.25])


class TestOptimizer(Case):
    def optimizers(self, script, **changes):
        for worker in self.each(script, setup={**SETUP, **changes}):
            self.assertEqual(worker.ready, {})
            yield worker

    def test_asks_and_is_told(self):
        for o in self.optimizers(CALLS):
            self.assertEqual(o.ask({"ask": [0, 1]}), {"points": [POINT, POINT]})
            self.assertEqual(o.ask({"recall": [{"id": 2, "x": POINT}]}), {})
            self.assertEqual(o.ask({"tell": [{"id": 0, "x": POINT, "loss": vector([1.5])}, {"id": 1, "x": POINT, "failed": True}]}), {})
            error = o.ask({"tell": [{"id": 7, "x": POINT, "loss": vector([2])}]})["error"]
            point = [0.5, 3.0, 1.0, -7.25]
            calls = [
                ("ask", 2, [0, 1]), ("recall", [2], [point]), ("tell", [0, 1], [point, point], [1.5, math.inf], [False, True], [None, None], [None, None]),
                ("tell", [7], [point], [2.0], [False], [None], [None]),
            ]  # fmt: skip
            self.assertTrue(error.endswith(f"RuntimeError: {calls!r}"), error)
            self.assertTrue(error.startswith("Traceback"), error)
            self.assertNotIn("l2l_optimizer", error)

    def test_a_setup_arrives_as_it_is(self):
        for o in self.optimizers(CALLS):
            error = o.ask({"tell": [{"id": 8, "x": POINT, "loss": vector([1])}]})["error"]
            for part in [
                "Coordinate(name='tau', kind='float', lower=0.0, upper=4.605170185988092, mean=0.0, std=0.0, log=True, choices=[], unit='ms')",
                "kind='categorical', lower=0.0, upper=1.0, mean=0.0, std=0.0, log=False, choices=['stdp', 'bcm'], unit=''",
                "Coordinate(name='w', kind='float', lower=-inf, upper=inf, mean=2.0, std=3.0,",
                "objectives=1, outputs=0, pop_size=4, asynchronous=False, budget=100, seed=18446744073709551615, constants={'sigma': 0.3}",
            ]:
                self.assertIn(part, error)

    def test_several_objectives_and_outputs(self):
        for o in self.optimizers(CALLS, objectives=2, outputs=3):
            told = {"id": 7, "x": POINT, "loss": vector([1, 2]), "outputs": vector([1, 2, 3]), "targets": vector([4, 5, 6])}
            error = o.ask({"tell": [told, {"id": 8, "x": POINT, "failed": True}]})["error"]
            self.assertIn("[[1.0, 2.0], [inf, inf]], [False, True], [[1.0, 2.0, 3.0], None], [[4.0, 5.0, 6.0], None])", error)

    def test_stops(self):
        for o in self.optimizers(CALLS):
            self.assertEqual(o.ask({"ask": [100]}), {"points": [], "stop": "enough"})
        few = """
            from l2l_optimizer import serve

            class Few:
                def __init__(self, setup): pass
                def ask(self, *n): return [[1, 2, 3, 4]]
                def tell(self, *values): assert len(values) == 2
                def figures(self): return {"sigma": 1}

            serve(Few)
        """
        for o in self.optimizers(few):
            point = vector([1, 2, 3, 4])
            self.assertEqual(o.ask({"ask": [0, 1]}), {"points": [point], "stop": "the optimizer has nothing more to propose"})
            self.assertEqual(o.ask({"recall": [{"id": 1, "x": POINT}]}), {})
            self.assertEqual(o.ask({"tell": [{"id": 0, "x": point, "loss": vector([1])}]}), {"figures": {"sigma": 1.0}})

    def test_what_cannot_be_served_is_refused_with_a_reason(self):
        script = """
            from l2l_optimizer import serve

            class Bad:
                {}

            serve(Bad)
        """
        for body, want in {
            "def __init__(self, setup): raise RuntimeError('no licence')": "RuntimeError: no licence",
            "def __init__(self, setup): pass": "TypeError: serve: Bad has no method ask",
            "ask = lambda self, m: 1\n                def __init__(self, setup): pass": "the function wants 'm'; it can be given n, ids",
        }.items():
            worker = self.serve(script.format(body), setup=SETUP)
            self.assertIn(want, worker.ready["error"])
        worker = self.serve(CALLS)  # as an optimizee
        self.assertIn("the program serves an optimizer, but the configuration wants an optimizee of it", worker.ready["error"])
        worker = self.serve("from l2l_optimizee import serve\nserve(lambda params: 1)", setup=SETUP)
        self.assertIn("the program serves an optimizee, but the configuration wants an optimizer of it", worker.ready["error"])
        for returned, want in {"None": "is a return missing?", "['x']": "TypeError", "3": "TypeError"}.items():
            script = f"""
                from l2l_optimizer import serve

                class Bad:
                    def __init__(self, setup): pass
                    def ask(self, n): return {returned}
                    def tell(self, points, losses): pass

                serve(Bad)
            """
            self.assertIn(want, self.serve(script, setup=SETUP).ask({"ask": [0]})["error"])

    def test_clip_makes_a_point_that_is_allowed(self):
        from l2l_optimizer import Coordinate, Setup

        setup = Setup([Coordinate("a", lower=0, upper=1), Coordinate("b", "int", 0, 5), Coordinate("c", std=1)])
        self.assertEqual(setup.clip([1.5, 2.6, -1e9]), [1, 3, -1e9])
        self.assertEqual(setup.clip([-0.5, 7.2, 0.1]), [0, 5, 0.1])

    def test_without_l2l_mpi_it_is_tried_out(self):
        script = """
            import random
            from l2l_optimizer import serve

            class Search:
                def __init__(self, setup):
                    self.setup, self.rng = setup, random.Random(setup.seed)

                def ask(self, n):
                    return [[self.rng.uniform(c.lower, c.upper) for c in self.setup.coordinates] for _ in range(n)]

                def tell(self, points, losses):
                    assert len(points) == len(losses) == 10

            serve(Search)
        """
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "search.py")
            with open(path, "w") as f:
                f.write(textwrap.dedent(script))
            p = subprocess.run([sys.executable, path], capture_output=True, text=True, env=environment(), timeout=120)
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        self.assertRegex(p.stdout, r"generation 20: the smallest loss is \d")

    def test_the_example_of_the_readme_finds_the_sphere(self):
        with open(os.path.join(os.path.dirname(SOURCE), "README.md")) as f:
            (script,) = [block for block in re.findall("```python\n(.*?)```", f.read(), re.DOTALL) if "l2l_optimizer" in block]
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "hill_climbing.py")
            with open(path, "w") as f:
                f.write(script)
            p = subprocess.run([sys.executable, path], capture_output=True, text=True, env=environment(), timeout=120)
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        self.assertLess(float(p.stdout.split()[-1]), 0.5)


if __name__ == "__main__":
    unittest.main()
