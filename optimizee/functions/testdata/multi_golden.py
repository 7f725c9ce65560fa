"""Golden values of the multi-objective suites, from pymoo 0.6.2.

    pip install pymoo==0.6.2 && python multi_golden.py > multi.csv

A row: function, dimension, number of objectives, then the objectives at three points of [0, 1), one after the other. The
variables of zdt4 are taken to [0, 1] here, as in the Go package.
"""

import numpy as np
from points import points
from pymoo.problems import get_problem


def main():
    print("function,dim,objectives,f…")
    cases = [(f"zdt{i}", dim, 2) for i in (1, 2, 3, 4, 6) for dim in (2, 5, 30)]
    cases += [(f"dtlz{i}", dim, m) for i in range(1, 8) for m, dim in ((2, 3), (3, 12), (5, 9))]
    for name, dim, m in cases:
        problem = get_problem(name, n_var=dim, **({"n_obj": m} if name.startswith("dtlz") else {}))
        x = np.array([[(xi + 1) / 2 for xi in p] for p in points(3, dim, 1)])
        f = problem.evaluate(problem.xl + x * (problem.xu - problem.xl), return_values_of=["F"])
        print(name, dim, m, *(f"{v:.17g}" for v in f.ravel()), sep=",")


main()
