"""Serve a Python function as an optimizee of l2l-mpi.

A model is a function that takes parameters and returns how good they are, and one line that serves it::

    from l2l_optimizee import serve

    def evaluate(params, seed, instance):
        return (params["tau"] - 10) ** 2

    if __name__ == "__main__":
        serve(evaluate)

l2l-mpi starts the script once per slot and asks it for evaluations, so that what is imported and set up at the top is
there for all of them. Without l2l-mpi the same script evaluates once: ``python model.py --param tau=10``.

Needs nothing but the standard library. With msgpack installed, messages are read quicker; with numpy, vectors are numpy's
arrays.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ._model import Evaluation, Result
from ._serve import serve
from ._wire import PROTOCOL

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["PROTOCOL", "Evaluation", "Result", "load_run", "serve"]
__version__ = "0.1.0"


def load_run(path: str | os.PathLike[str]) -> Run:
    """The run in a directory, finished or not, with its tables as data frames. FileNotFoundError: there is none; ValueError: its journal is damaged,
    or can only be read by l2l-mpi."""
    from ._run import Run  # a model that is served needs none of it

    return Run(path)
