"""One search of pymoo for each seed: writes the losses of the last population's non-dominated members as JSON, [seed][member][objective].

    python3 pymoo_front.py ALGORITHM PROBLEM EVALUATIONS SEEDS
"""
import json
import sys

import pymoo
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.optimize import minimize
from pymoo.problems import get_problem
from pymoo.util.ref_dirs import get_reference_directions

ALGORITHMS = {
    "nsga2": lambda: NSGA2(pop_size=100),
    "nsga3": lambda: NSGA3(get_reference_directions("das-dennis", 3, n_partitions=12), pop_size=92),
}

name, problem, evaluations, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
fronts = []
for seed in range(seeds):
    result = minimize(get_problem(problem), ALGORITHMS[name](), ("n_eval", evaluations), seed=seed, verbose=False)
    fronts.append(result.F.tolist())
json.dump({"version": pymoo.__version__, "fronts": fronts}, sys.stdout)
