"""Runs pycma on BBOB functions, and times it, for programs in bench/: a request line on stdin, an answer line on stdout, both JSON.

Needs: pip install cma coco-experiment
"""

import json
import sys
import time
import warnings

import numpy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of a missing matplotlib
    import cma


def version(_):
    return {"version": cma.__version__, "numpy": numpy.__version__}


def solve(r):
    """BIPOP-CMA-ES, from uniform points in [-4, 4]^D with sigma 2, until a value is at most the target or the budget is spent."""
    import cocoex  # which the others do without

    suite = cocoex.Suite("bbob", f"instances: {r['instance']}", f"dimensions: {r['dim']}")
    problem = suite.get_problem_by_function_dimension_instance(r["function"], r["dim"], r["instance"])
    evaluations, reached = 0, 0

    def loss(x):
        nonlocal evaluations, reached
        evaluations += 1
        value = problem(x)
        if not reached and value <= r["target"]:
            reached = evaluations
        return value

    seed = r["seed"] % 2**31 + 1  # of numpy's global generator, which pycma draws from
    numpy.random.seed(seed)
    began = time.perf_counter()
    cma.fmin2(
        loss,
        lambda: numpy.random.uniform(-4, 4, r["dim"]),
        2,
        {"ftarget": r["target"], "maxfevals": r["budget"], "seed": seed, "verbose": -9, "verb_log": 0, "verb_disp": 0},
        restarts=9,
        bipop=True,
    )
    return {"evaluations": reached or evaluations, "solved": reached > 0, "seconds": time.perf_counter() - began}


def overhead(r):
    """Seconds of the processor spent in ask and tell, and evaluations, of a run on the Rosenbrock function with the default population."""
    es = cma.CMAEvolutionStrategy(
        numpy.random.default_rng(r["seed"]).uniform(-4, 4, r["dim"]), 2, {"seed": r["seed"] % 2**31 + 1, "verbose": -9}
    )
    evaluations, seconds = 0, 0.0
    while not es.stop() and evaluations < r["budget"]:
        began = time.process_time()
        points = es.ask()
        seconds += time.process_time() - began
        losses = [float(numpy.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)) for x in points]
        began = time.process_time()
        es.tell(points, losses)
        seconds += time.process_time() - began
        evaluations += len(points)
    return {"evaluations": evaluations, "seconds": seconds, "population": es.popsize}


search = None  # of begin, ask and tell


def begin(r):
    """Begins a search without restarts; what it is given beyond x0 and sigma are pycma's options."""
    global search
    options = {"seed": r["seed"] % 2**31 + 1, "verbose": -9, "verb_log": 0, "verb_disp": 0, **r["options"]}
    search = cma.CMAEvolutionStrategy(r["x0"], r["sigma"], options)
    return {"population": search.popsize}


def ask(_):
    search.asked = search.ask()
    return {"points": [x.tolist() for x in search.asked]}


def tell(r):
    search.tell(search.asked, r["losses"])
    return {"stop": " ".join(search.stop())}


for line in sys.stdin:
    request = json.loads(line)
    do = {"version": version, "solve": solve, "overhead": overhead, "begin": begin, "ask": ask, "tell": tell}[request["do"]]
    print(json.dumps(do(request)), flush=True)
