"""serve: the one line of an optimizer."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from l2l_optimizee._call import explained, wanted
from l2l_optimizee._wire import PROTOCOL, Connection, connect, doubles, print_what_matters, vector


@dataclass
class Coordinate:
    """One entry of a point.

    name: the parameter's name, for an element of a vector with its index, as in ``w[3]``.
    kind: "float"; "int": whole numbers from lower to upper, for a bool 0 and 1; or "categorical": whole numbers from 0 to upper, without an order.
    lower, upper: bounds, inclusive; infinite only where there is a std.
    mean, std: of the points to begin with, normally distributed; with a std of 0 they are uniform between the bounds.
    log: whether the coordinate is the natural logarithm of the parameter.
    choices: what a categorical coordinate chooses from, if that is known: texts, numbers, True or False.
    unit: of the parameter, for people.
    """

    name: str
    kind: str = "float"
    lower: float = -math.inf
    upper: float = math.inf
    mean: float = 0.0
    std: float = 0.0
    log: bool = False
    choices: list[Any] = field(default_factory=list)
    unit: str = ""


@dataclass
class Setup:
    """What an optimizer is there for.

    coordinates: of a point, one for each of its entries.
    objectives: numbers in a loss; all are minimised.
    outputs: numbers of a model's outputs, and of their targets; 0 where there are none.
    pop_size: points that it is asked for at a time, a generation, unless asynchronous.
    asynchronous: whether it is asked for one point at a time, and told of each, in the order in which they come.
    budget: points that are going to be evaluated; 0 where that is not known.
    seed: where its randomness starts, from 0 to 2**64 - 1.
    constants: the configuration's constants.
    """

    coordinates: list[Coordinate]
    objectives: int = 1
    outputs: int = 0
    pop_size: int = 10
    asynchronous: bool = False
    budget: int = 0
    seed: int = 1
    constants: dict[str, Any] = field(default_factory=dict)

    def clip(self, point: Iterable[float]) -> list[float]:
        """The nearest point that is allowed: within the bounds, and with whole numbers where they must be."""
        return [min(max(x if c.kind == "float" else round(x), c.lower), c.upper) for c, x in zip(self.coordinates, point)]


class Stop(Exception):
    """Raised by ask, with a reason: there is nothing more to propose, and the run ends."""


def serve(make: Callable[[Setup], Any]) -> None:
    """Serve an optimizer until l2l-mpi has nothing more to ask; without l2l-mpi, try it out on a sphere.

    make: makes the optimizer for a Setup; a class will do. Exceptions, here and below, end the run. The optimizer has these methods, each of
        which takes any of the arguments, by these names:

        ``ask(n, ids)`` returns n points: lists, tuples or arrays of numbers, one for each coordinate. Fewer, or Stop, end the search.
            ids are the numbers that the points will have: 0, 1, 2, … in the run.
        ``tell(ids, points, losses, failed, outputs, targets)``: what came of points, each a list with an entry for each point. A loss is a number,
            or a list of several where there are several objectives; it is infinite where the evaluation failed.
        ``recall(ids, points)``, which may be missing: called for the run that is resumed, with points that the program before this one was
            asked for; tell follows as for points of one's own. Without it, tell is given points that this object has not proposed.
        ``figures()``, which may be missing, returns what is worth watching, as numbers by their names.
    """
    connection = connect()
    if connection is None:
        return _try_out(make)
    print_what_matters()
    try:
        _answer(make, connection)
    except ConnectionError:
        pass  # l2l-mpi has ended


def _answer(make: Callable[[Setup], Any], connection: Connection) -> None:
    connection.hello("l2l_optimizer", PROTOCOL)
    task = connection.request()
    if task is None:
        return
    optimizer: Optional[_Optimizer] = None
    request: Optional[dict[str, Any]] = task
    while request is not None:
        try:
            if optimizer is None:
                optimizer = _Optimizer(make, task)
                answer = {}
            else:
                answer = optimizer.answer(request)
        except (Exception, SystemExit) as error:
            return connection.answer(request, {"error": explained(error).encode("utf-8", "replace").decode()})
        connection.answer(request, answer)
        request = connection.request()


class _Optimizer:
    """An optimizer, as the protocol sees it."""

    def __init__(self, make: Callable[[Setup], Any], task: dict[str, Any]) -> None:
        if task["role"] != "optimizer":
            raise ValueError(f"the program serves an optimizer, but the configuration wants an {task['role']} of it: want l2l_optimizee.serve")
        known = {name: task[name] for name in Setup.__dataclass_fields__ if name in task}
        fields = Coordinate.__dataclass_fields__
        coordinates = [Coordinate(**{name: value for name, value in c.items() if name in fields}) for c in task["coordinates"]]
        self.setup = Setup(**{**known, "coordinates": coordinates, "constants": task["constants"] or {}})
        optimizer = make(self.setup)
        self._ask = _Method(optimizer, "ask", ["n", "ids"], ["n"])
        self._tell = _Method(optimizer, "tell", ["ids", "points", "losses", "failed", "outputs", "targets"], ["points", "losses"])
        self._recall = _Method(optimizer, "recall", ["ids", "points"], ["points"]) if hasattr(optimizer, "recall") else None
        self._figures = getattr(optimizer, "figures", None)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if "ask" in request:
            return self._asked(request["ask"])
        if "recall" in request:
            if self._recall is not None:
                self._recall(_individuals(request["recall"]))
            return {}
        if "tell" not in request:
            raise ValueError(f"a request of another version of l2l-mpi: {', '.join(request)}")
        self._tell(self._told(request["tell"]))
        return {} if self._figures is None else {"figures": {name: float(value) for name, value in self._figures().items()}}

    def _asked(self, ids: list[int]) -> dict[str, Any]:
        stop = None
        points: Iterable[Sequence[float]]
        try:
            points = self._ask({"n": len(ids), "ids": ids})
        except Stop as s:
            points, stop = [], str(s) or "the optimizer has nothing more to propose"
        if points is None:
            raise TypeError("ask returned None: want a list of points; is a return missing?")
        written = [vector(array("d", point)) for point in points]
        if len(written) < len(ids) and stop is None:
            stop = "the optimizer has nothing more to propose"
        return {"points": written} if stop is None else {"points": written, "stop": stop}

    def _told(self, results: list[dict[str, Any]]) -> dict[str, list[Any]]:
        told = _individuals(results)
        infinite = [math.inf] * self.setup.objectives
        losses = [doubles(r["loss"]).tolist() if "loss" in r else infinite for r in results]
        told["losses"] = [loss[0] for loss in losses] if self.setup.objectives == 1 else losses
        told["failed"] = [r.get("failed", False) for r in results]
        for name in "outputs", "targets":
            told[name] = [doubles(r[name]).tolist() if name in r else None for r in results]
        return told


def _individuals(individuals: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {"ids": [i["id"] for i in individuals], "points": [doubles(i["x"]).tolist() for i in individuals]}


class _Method:
    """A method that is called with those arguments that it takes."""

    def __init__(self, optimizer: Any, name: str, names: Sequence[str], positional: Sequence[str]) -> None:
        function = getattr(optimizer, name, None)
        if not callable(function):
            raise TypeError(f"serve: {type(optimizer).__name__} has no method {name}")
        self._function: Callable[..., Any] = function
        self._names = wanted(self._function, names)
        self._positional = positional  # for a method that does not tell what it takes

    def __call__(self, values: dict[str, Any]) -> Any:
        if self._names is None:
            return self._function(*[values[name] for name in self._positional])
        return self._function(**{name: values[name] for name in self._names})


def _try_out(make: Callable[[Setup], Any]) -> None:
    """An optimizer without l2l-mpi: it minimises the squared distance to a point off the centre of a box."""
    dimensions, generations = 3, 20
    task = {"role": "optimizer", "pop_size": 10, "constants": {}, "coordinates": [{"name": f"x{i}", "lower": -5.0, "upper": 5.0} for i in range(dimensions)]}
    optimizer = _Optimizer(make, task)
    print(f"{sys.argv[0]}: not started by l2l-mpi: {generations} generations of {task['pop_size']} points on a sphere in {dimensions} dimensions")
    best = math.inf
    for generation in range(generations):
        ids = list(range(10 * generation, 10 * (generation + 1)))
        answer = optimizer.answer({"ask": ids})
        results = []
        for i, x in zip(ids, answer["points"]):
            loss = sum((v - 1) ** 2 for v in doubles(x))
            best = min(best, loss)
            results.append({"id": i, "x": x, "loss": vector(array("d", [loss]))})
        if results:
            optimizer.answer({"tell": results})
        print(f"generation {generation + 1}: the smallest loss is {best:.6g}")
        if "stop" in answer:
            return print(answer["stop"])
