"""What a model is to us: from evaluations to results, whatever it does in between."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional, Union

from ._call import explained, wanted
from ._wire import doubles

#: What a model may return: a number, a number for each objective in their order or by their names, or a Result.
Returned = Union[float, Iterable[float], Mapping[str, float], "Result"]


@dataclass
class Evaluation:
    """One individual on one task.

    params: the parameters by name. A float, int, bool or str each; a vector is a numpy array, or a list if it is of choices.
        Without numpy, a vector of floats is an array.array, and any other a list.
    seed: the only randomness allowed, from 0 to 2**64 - 1. ``seed % 2**31`` is one for simulators that want less.
    instance: which task of the model's family of tasks, from 0.
    constants: the configuration's constants.
    directory: a private directory for files; "" unless the configuration has ``scratch: true``.
    """

    params: dict[str, Any]
    seed: int = 1
    instance: int = 0
    constants: dict[str, Any] = field(default_factory=dict)
    directory: str = ""


@dataclass
class Result:
    """A fitness, with the model outputs that some optimizers learn from.

    fitness: a number, or one for each objective in their order or by their names.
    outputs: as many numbers as the configuration says in ``outputs``.
    targets: what the outputs should have been; as many.
    """

    fitness: Union[float, Iterable[float], Mapping[str, float]]
    outputs: Iterable[float] = ()
    targets: Iterable[float] = ()


class Checked(NamedTuple):
    """A result as it may be sent."""

    fitness: "array[float]"
    outputs: "array[float]"
    targets: "array[float]"


class Model:
    """A function that evaluates, one evaluation at a time or several together."""

    def __init__(
        self,
        evaluate: Optional[Callable[..., Returned]],
        batch: Optional[Callable[[list[Evaluation]], Sequence[Returned]]],
        setup: Optional[Callable[[dict[str, Any]], object]],
    ) -> None:
        if (evaluate is None) == (batch is None):
            raise TypeError("serve: want either a function for one evaluation or batch=, one for several")
        self._batch = batch
        self._setup = setup
        self._evaluate = evaluate
        self._wanted = None if evaluate is None else wanted(evaluate, NAMES)
        self.objectives: Optional[list[str]] = None  # unknown in a dry run
        self.outputs: Optional[int] = None

    def begin(self, task: dict[str, Any]) -> None:
        """Take in what is to be evaluated: the setup of the protocol, or in a dry run the constants alone."""
        if "objectives" in task:
            self.objectives = [o["name"] for o in task["objectives"]]
            self.outputs = task["outputs"]
        if self._setup is not None:
            self._setup(task["constants"] or {})

    def run(self, evaluations: list[Evaluation]) -> list[Union[Checked, str]]:
        """A result for each evaluation, or the text of what went wrong."""
        if self._batch is None:
            return [self._one(e) for e in evaluations]
        try:
            returned = list(self._batch(evaluations))
            if len(returned) != len(evaluations):
                raise ValueError(f"batch returned {len(returned)} results, want {len(evaluations)}")
        except (Exception, SystemExit) as e:
            return [explained(e)] * len(evaluations)
        return [self._checked(r) for r in returned]

    def _one(self, e: Evaluation) -> Union[Checked, str]:
        assert self._evaluate is not None
        try:
            if self._wanted is None:
                returned = self._evaluate(e.params, e.seed, e.instance)
            else:
                returned = self._evaluate(**{name: getattr(e, name) for name in self._wanted})
        except (Exception, SystemExit) as error:
            return explained(error)
        return self._checked(returned)

    def _checked(self, returned: Any) -> Union[Checked, str]:
        result = returned if isinstance(returned, Result) else Result(returned)
        try:
            fitness = array("d", _fitness(result.fitness, self.objectives))
            outputs, targets = _vector(result.outputs), _vector(result.targets)
        except (TypeError, ValueError, OverflowError) as error:
            return f"the model returned {_short(returned)}: {error}"
        except Exception as error:  # of the conversion of an object of the model's own
            return f"the model returned {_short(returned)}: {explained(error)}"
        if not all(map(math.isfinite, fitness)):
            return f"the fitness is not finite: {_named(fitness, self.objectives)}"
        if self.outputs is not None and not len(outputs) == len(targets) == self.outputs:
            return f"the model returned {len(outputs)} outputs and {len(targets)} targets, want {self.outputs}"
        if not all(map(math.isfinite, outputs)) or not all(map(math.isfinite, targets)):
            return "an output or a target is not finite"
        return Checked(fitness, outputs, targets)


_NONE = array("d")


def _vector(values: Iterable[float]) -> "array[float]":
    if isinstance(values, tuple) and not values:
        return _NONE
    if isinstance(values, (str, bytes, bytearray, memoryview)):  # an array would take bytes for doubles
        raise TypeError(f"outputs and targets: want numbers, not {type(values).__name__}")
    return array("d", values)


def _number(value: Any) -> float:
    """A number of any kind as a float. A text is none, though float would read it, and neither is an array, unless it is of no dimension."""
    if not isinstance(value, float) and hasattr(value, "shape"):
        if tuple(value.shape) != ():
            raise TypeError(f"want a number, not {_short(value)}")
        value = value.item()
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError(f"want a number, not {_short(value)}")
    return float(value)


NAMES = ("params", "seed", "instance", "constants", "directory")


def _fitness(value: Any, names: Optional[list[str]]) -> list[float]:
    if value is None:
        raise TypeError("want a number; is a return missing?")
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError("want a number, not a text")
    if isinstance(value, Mapping):
        if names is None:
            return [_number(v) for v in value.values()]
        missing = [name for name in names if name not in value]
        if missing:
            raise ValueError(f"no {', '.join(missing)} in it")
        return [_number(value[name]) for name in names]
    if isinstance(value, Set):
        raise TypeError("want numbers in the order of the objectives; a set has no order")
    if isinstance(value, float):
        fitness = [value]
    elif isinstance(value, Sequence) or getattr(value, "shape", ()) != ():  # an array of one number is a list, too
        fitness = [_number(v) for v in value]
    else:
        try:
            fitness = [_number(value)]
        except TypeError:
            if not isinstance(value, Iterable):
                raise
            fitness = [_number(v) for v in value]  # a generator
    if names is not None and len(fitness) != len(names):
        numbers = "number" if len(fitness) == 1 else "numbers"
        raise ValueError(f"{len(fitness)} {numbers}, want {len(names)}: {', '.join(names)}")
    return fitness


def _named(fitness: Iterable[float], names: Optional[list[str]]) -> str:
    if names is None:
        return ", ".join(map(str, fitness))
    return ", ".join(f"{name} = {f}" for name, f in zip(names, fitness))


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # an integer of thousands of digits has none, nor has an object that is broken
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 100 else text[:100] + "…"


def numpy_or_none() -> Any:
    """The module numpy, if it is installed."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy


def decoder(parameters: list[dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that makes what the wire has for parameters what a model sees of them."""
    vectors = [p["name"] for p in parameters if p["size"] > 0 and p["kind"] != "categorical"]
    numpy = numpy_or_none() if vectors else None

    def decode(params: dict[str, Any]) -> dict[str, Any]:
        for name in vectors:
            raw = params[name]
            if numpy is None:
                params[name] = doubles(raw) if isinstance(raw, bytes) else raw
            elif isinstance(raw, bytes):
                params[name] = numpy.frombuffer(raw, "<f8").astype(float)
            else:
                params[name] = numpy.array(raw)
        return params

    return decode
