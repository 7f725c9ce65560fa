"""serve: the one line of a model."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

from . import _dry
from ._model import Checked, Evaluation, Model, Returned, decoder
from ._team import Team
from ._wire import PROTOCOL, Connection, connect, print_what_matters, vector


def serve(
    evaluate: Optional[Callable[..., Returned]] = None,
    *,
    batch: Optional[Callable[[list[Evaluation]], Sequence[Returned]]] = None,
    setup: Optional[Callable[[dict[str, Any]], object]] = None,
    comm: Any = None,
) -> None:
    """Serve a model until l2l-mpi has no more evaluations; without l2l-mpi, evaluate what the command line says.

    evaluate: takes any of ``params``, ``seed``, ``instance``, ``constants`` and ``directory``, by these names (see
        Evaluation), and returns a fitness: a number, one for each objective in their order or by their names, or a Result.
        An exception makes the evaluation a failed one; the model goes on with the next.
    batch: instead of evaluate, takes a list of Evaluations and returns what evaluate would of each, in their order. It is
        given more than one at a time if the configuration has ``execution: {batch: N}``.
    setup: is called once with the configuration's constants, before the first evaluation. An exception ends the run.
    comm: for a model that is an MPI program itself, its communicator (mpi4py's MPI.COMM_WORLD). All ranks call serve and
        evaluate together; what rank 0 returns counts.
    """
    model = Model(evaluate, batch, setup)
    team = Team(model, comm)
    if team.rank > 0:
        return team.follow()
    with team:
        connection = connect()
        if connection is None:
            return _dry.run(team, sys.argv)
        print_what_matters()
        try:
            _answer(team, connection)
        except ConnectionError:
            pass  # l2l-mpi has ended


def _answer(team: Team, connection: Connection) -> None:
    """Answer until nothing can be asked any more."""
    connection.hello("l2l_optimizee", PROTOCOL)
    task = connection.request()
    if task is None:
        return
    error = _unfit(task) or team.begin(task)
    connection.answer(task, {} if error is None else _failure(error))
    if error is not None:
        return
    decode = decoder(task["parameters"])
    while True:
        request = connection.request()
        if request is None:
            return
        evaluations = [
            Evaluation(decode(e["params"]), e["seed"], e["instance"], task["constants"] or {}, e.get("dir", ""))
            for e in request["evaluations"]
        ]
        began = time.perf_counter()
        results = team.run(evaluations)
        seconds = time.perf_counter() - began
        answer: dict[str, Any] = {"results": [_written(r) for r in results]}
        if request.get("profile"):
            answer["seconds"] = seconds
        connection.answer(request, answer)


def _unfit(task: dict[str, Any]) -> Optional[str]:
    """What is wrong with a setup that is not for a model."""
    if task["role"] == "optimizee":
        return None
    return f"the program serves an optimizee, but the configuration wants an {task['role']} of it: want l2l_optimizer.serve"


def _failure(text: str) -> dict[str, Any]:
    return {"error": text.encode("utf-8", "replace").decode()}  # a text from a traceback may have what UTF-8 has not


def _written(result: Union[Checked, str]) -> dict[str, Any]:
    if isinstance(result, str):
        return _failure(result)
    written = {"fitness": vector(result.fitness)}
    if result.outputs:
        written["outputs"], written["targets"] = vector(result.outputs), vector(result.targets)
    return written
