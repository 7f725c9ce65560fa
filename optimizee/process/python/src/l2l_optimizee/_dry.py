"""A model without l2l-mpi: one evaluation, as the command line says."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from typing import Any

from ._model import Checked, Evaluation, numpy_or_none
from ._team import Team


def run(team: Team, argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog=argv[0], description="Not started by l2l-mpi: evaluates the model once, with the parameters that are given here."
    )
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter; the value is JSON, or else text")
    parser.add_argument("--constant", action="append", default=[], metavar="NAME=VALUE", help="a constant of the configuration")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--instance", type=int, default=0)
    arguments = parser.parse_args(argv[1:] or ["--help"])
    params, constants = dict(map(_pair, arguments.param)), dict(map(_pair, arguments.constant))
    params = {name: _array(value) for name, value in params.items()}
    error = team.begin({"constants": constants})
    if error is not None:
        sys.exit(error)
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        (result,) = team.run([Evaluation(params, arguments.seed, arguments.instance, constants, directory)])
        print(f"{time.perf_counter() - began:.6f} s", file=sys.stderr)
    if not isinstance(result, Checked):
        sys.exit(result)
    for name, values in ("fitness", result.fitness), ("outputs", result.outputs), ("targets", result.targets):
        if values:
            print(name, *values)


def _pair(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        sys.exit(f"{text}: want NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _array(value: Any) -> Any:
    """A vector as l2l-mpi gives it: as a numpy array, where there is numpy."""
    numpy = numpy_or_none() if isinstance(value, list) else None
    return value if numpy is None or any(isinstance(v, str) for v in value) else numpy.array(value)
