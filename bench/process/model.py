"""A function that does next to nothing: served, or called directly and timed: model.py --direct CALLS DIMS, which prints µs per call."""

import sys
import time

from l2l_optimizee import serve


def evaluate(params, seed, instance):
    return params["x"][0] if "x" in params else params["x0"]


def direct(calls, dims):
    if dims >= 100:
        try:
            import numpy

            params = {"x": numpy.zeros(dims)}
        except ImportError:
            params = {"x": [0.0] * dims}
    else:
        params = {f"x{i}": 0.0 for i in range(dims)}
    times = []
    for seed in range(calls):
        began = time.perf_counter()
        evaluate(params, seed, 0)
        times.append(time.perf_counter() - began)
    return sorted(times)[calls // 2] * 1e6


if __name__ == "__main__":
    if sys.argv[1:2] == ["--direct"]:
        print(direct(int(sys.argv[2]), int(sys.argv[3])))
    else:
        serve(evaluate)
