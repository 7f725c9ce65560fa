"""A run of l2l-mpi as data frames, read from its directory. Nothing else is needed, neither l2l-mpi nor the machine that it ran on."""

from __future__ import annotations

import html
import importlib
import json
import math
import os
from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Optional

from . import _columns, _journal

pandas: Any
numpy: Any
try:
    pandas = importlib.import_module("pandas")
except ImportError:
    pandas = None
try:
    numpy = importlib.import_module("numpy")
except ImportError:
    numpy = None

#: A table: a pandas.DataFrame where pandas is installed, and else a dict of columns, numpy's arrays or lists.
Table = Any

_ENDINGS = ("ok", "failed", "timeout", "lost")


#: What reading a record raises that another version has written.
_MISREAD = (TypeError, KeyError, IndexError, AttributeError, OverflowError)


class Objective(NamedTuple):
    """A number of the fitness."""

    name: str
    direction: str  # minimise or maximise
    weight: float  # its share where several are added up
    unit: str  # "" where it has none


class Parameter(NamedTuple):
    """A parameter, or a vector of them."""

    name: str
    kind: str  # float, int, bool or categorical
    lower: float
    upper: float
    log: bool  # it was searched by its logarithm
    choices: list[Any]  # of a categorical one
    size: int  # of a vector; 0 for a single value
    unit: str

    @property
    def labels(self) -> list[str]:
        """The names of its columns."""
        return [f"{self.name}[{i}]" for i in range(self.size)] if self.size else [self.name]

    def value(self, x: float) -> Any:
        """The value at a coordinate of the search, within the bounds."""
        if self.kind == "float":
            if self.log:
                x = self._from_log(x)
            return min(max(x, self.lower), self.upper)
        whole = _rounded(x)
        if self.kind == "int":
            return int(min(max(whole, self.lower), self.upper))
        if self.kind == "bool":
            return whole >= 1
        return self.choices[int(min(max(whole, 0), len(self.choices) - 1))]

    def _from_log(self, c: float) -> float:
        """The value of a logarithm: a bound, or a decimal number of up to ten digits whose logarithm it is, or its exponential."""
        v = math.exp(min(c, 709.78))
        if v < self.lower * (1 + 1e-12) and c <= math.log(self.lower):
            return self.lower
        if v > self.upper * (1 - 1e-12) and c >= math.log(self.upper):
            return self.upper
        decimal = float(f"{v:.9e}")
        return decimal if decimal > 0 and abs(math.log(decimal) - c) <= math.ulp(c) else v


def _rounded(x: float) -> float:
    """To a whole number, halves away from zero."""
    if math.isinf(x):
        return x
    whole = math.trunc(x)
    return float(whole + math.copysign(1, x) if abs(x - whole) >= 0.5 else whole)


#: The number of the first individual that somebody has injected.
_FIRST_INJECTED = 10**12

_MASK = (1 << 64) - 1


def _seed_of(seed: int, individual: int, instance: int, replicate: int) -> int:
    """The seed of an evaluation, as l2l.SeedOf has it."""
    for part in (individual, instance, replicate):
        seed = ((seed << 23 | seed >> 41) & _MASK) ^ (part & _MASK)
        seed = (seed + 0x9E3779B97F4A7C15) & _MASK
        seed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        seed = (seed ^ seed >> 27) * 0x94D049BB133111EB & _MASK
        seed ^= seed >> 31
    return seed


def _vector(raw: bytes) -> Optional[Sequence[float]]:
    """Numbers as journals have them; None where there are none."""
    if not raw:
        return None
    v = array("d", raw)
    if _BIG_ENDIAN:
        v.byteswap()
    return v


_BIG_ENDIAN = array("H", [1]).tobytes() == b"\0\1"


def _typed(value: Any, like: Any) -> Any:
    """The value, which must be of the type of another one; any, where that is None."""
    if like is not None and type(value) is not type(like):
        raise TypeError(f"{value!r:.50}, want a {type(like).__name__}")
    return value


def _record(fields: Sequence[Any], missing: tuple[Any, ...]) -> list[Any]:
    """The fields of a record; those at its end that are zero are not written."""
    return [_typed(f, m) for f, m in zip([*fields, *missing[len(fields) :]], missing)]


def _struct(fields: dict[str, Any], **missing: Any) -> list[Any]:
    """The fields of a struct, by their names; those that an earlier version did not have are zero."""
    return [_typed(fields.get(name, zero), zero) for name, zero in missing.items()]


class _Result(NamedTuple):
    """How an evaluation ended."""

    individual: int
    instance: int
    replicate: int
    attempt: int
    ending: int
    fitness: Optional[Sequence[float]]
    reason: str
    seconds: float
    rank: int
    at: int
    measurements: Sequence[float]


class _Told(NamedTuple):
    """An individual whose evaluations have all ended."""

    individual: int
    generation: int
    x: Sequence[float]
    ending: int
    fitness: Optional[list[float]]


class Run:
    """A run, finished or not. Its tables are read when they are first asked for."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._file = os.path.join(self.path, "journal", "events")
        try:
            with open(self._file, "rb") as f:
                self._journal = f.read()
        except FileNotFoundError:
            raise FileNotFoundError(f"{self.path} holds no run: there is no {self._file}") from None
        kind, begun = next(self._events(), (0, None))
        if kind != _journal.BEGUN:
            raise ValueError(f"{self._file}: nothing has happened in the run yet" if begun is None else f"{self._file} does not begin with a configuration")
        try:
            self._begin(begun)
        except _MISREAD as e:
            raise ValueError(f"{self._file}: written by another version of l2l-mpi: {e!r}") from e

    def _begin(self, begun: Any) -> None:
        rules, space, self.config, self.optimizer, self.version, measured = _struct(
            begun, Rules={}, Space=[], Config="", Algorithm="", Version="", Measurements=None
        )
        kinds, directions = ("float", "int", "bool", "categorical"), ("", "minimise", "maximise")
        self.parameters = []
        for p in space:
            name, kind, *bounds = _struct(p, Name="", Kind=0, Lower=0.0, Upper=0.0, Log=False)
            choices, size, unit = _struct(p, Choices=None, Size=0, Unit="")
            self.parameters.append(Parameter(name, kinds[kind], bounds[0], bounds[1], bounds[2], _typed(choices or [], []), size, unit))
        self.objectives = []
        for o in _typed(rules["Objectives"], []):
            name, direction, weight, unit = _struct(o, Name="", Direction=0, Weight=0.0, Unit="")
            self.objectives.append(Objective(name, directions[direction], weight or 1.0, unit))
        self.measured: list[str] = _typed(measured or [], [])  #: the names of measurements
        self.seed, summed, self._instances, self._replicates, self._rotate, self._aggregate, self._seeds, self._retries = _struct(
            rules, Seed=0, Sum=False, Instances=0, Replicates=0, Rotate=0, Aggregate="", Seeds="", Retries=0
        )
        self._dim = sum(p.size or 1 for p in self.parameters)
        self._front = not summed and len(self.objectives) > 1

    @cached_property
    def result(self) -> Optional[dict[str, Any]]:
        """What is in result.json; None for a run that has not ended."""
        try:
            with open(os.path.join(self.path, "result.json"), encoding="utf-8") as f:
                result: dict[str, Any] = json.load(f)
                return result
        except FileNotFoundError:
            return None

    def _events(self) -> Iterator[tuple[int, Any]]:
        return _journal.events(self._journal, self._file, lambda: self._sound)

    @cached_property
    def _sound(self) -> int:
        return _journal.sound(self._journal)

    def _steps(self) -> Iterator[tuple[int, Any, Optional[tuple[int, Sequence[float]]], Optional[_Told]]]:
        """The events: with a result the individual, its generation and point, that it is of, and what it brings to an end."""
        try:
            yield from self._read()
        except _MISREAD as e:
            raise ValueError(f"{self._file}: written by another version of l2l-mpi: {e!r}") from e

    def _read(self) -> Iterator[tuple[int, Any, Optional[tuple[int, Sequence[float]]], Optional[_Told]]]:
        replicates = max(self._replicates, 1)
        each = max(self._instances, 1) * replicates
        waiting: dict[int, tuple[int, Sequence[float], int, list[_Result]]] = {}
        finalists: list[Sequence[float]] = []
        for kind, e in self._events():
            if kind == _journal.ASKED:
                _, individuals, _, digest = _record(e, (0, None, 0, None))
                if digest:
                    raise ValueError(f"{self._file} has digests of its individuals, which only l2l-mpi makes again: use l2l-mpi export")
                for one in individuals or []:
                    number, generation, x = _record(one, (0, 0, b""))
                    waiting[number] = generation, self._checked(_vector(x)), each, []
            elif kind == _journal.INJECTED:
                (individuals,) = _record(e, (None,))
                for one in individuals or []:
                    number, generation, x = _record(one, (0, 0, b""))
                    waiting[number] = generation, self._checked(_vector(x)), each, []
            elif kind == _journal.FINALS:
                stage, first, of, more = _record(e, ("", 0, None, None))
                if more:
                    finalists = [self._checked(_vector(*_struct(f, X=b""))) for f in more]
                for i, which in enumerate(of or []):
                    waiting[first - i] = 0, finalists[which], replicates if stage == "test" else each, []
            elif kind == _journal.RESULT:
                f = _record(e, (0, 0, 0, 0, 0, b"", b"", b"", "", 0.0, 0, "", 0, b"", b""))
                result = _Result(f[0], f[1], f[2], f[3], f[4], _vector(f[5]), f[8], f[9], f[10], f[12], _vector(f[14]) or ())
                if result.individual not in waiting:
                    raise ValueError(f"{self._file} has a result for individual {result.individual}, which is not awaited")
                if result.ending == 0 and len(result.fitness or ()) != len(self.objectives):
                    raise IndexError(f"a fitness of {len(result.fitness or ())} numbers")
                generation, x, want, final = waiting[result.individual]
                if result.ending == 0 or result.attempt >= self._retries:
                    final.append(result)
                told = None
                if len(final) == want:
                    del waiting[result.individual]
                    if result.individual >= 0:
                        final.sort(key=lambda r: (r.instance, r.replicate))
                        ending = next((r.ending for r in final if r.ending), 0)
                        told = _Told(result.individual, generation, x, ending, None if ending else self._judged(final))
                yield kind, result, (generation, x), told
                continue
            yield kind, e, None, None

    def _checked(self, x: Optional[Sequence[float]]) -> Sequence[float]:
        """A point, which has as many coordinates as the space."""
        if x is None or len(x) != self._dim or any(map(math.isnan, x)):
            raise IndexError(f"a point of {len(x or ())} coordinates")
        return x

    def _judged(self, results: list[_Result]) -> list[float]:
        """The fitness of an individual, which its results make together."""
        combined = []
        for k, objective in enumerate(self.objectives):
            values = [r.fitness[k] for r in results if r.fitness is not None]
            if self._aggregate == "median":
                values.sort()
                combined.append((values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2)
            elif self._aggregate == "worst":
                combined.append(max(values) if objective.direction == "minimise" else min(values))
            else:
                total = 0.0
                for v in values:
                    total += v
                combined.append(total / len(values))
        return combined

    def _losses(self, fitness: Sequence[float]) -> list[float]:
        return [-f if o.direction == "maximise" else f for f, o in zip(fitness, self.objectives)]

    def _loss(self, fitness: Sequence[float]) -> float:
        return sum(o.weight * v for o, v in zip(self.objectives, self._losses(fitness)))

    def _point(self, x: Sequence[float]) -> list[Any]:
        values, at = [], 0
        for p in self.parameters:
            for _ in range(p.size or 1):
                values.append(p.value(x[at]))
                at += 1
        return values

    def _fitness(self, fitness: Optional[Sequence[float]]) -> list[float]:
        return [math.nan] * len(self.objectives) if fitness is None else list(fitness)

    def _seed(self, individual: int, generation: int, instance: int, replicate: int) -> int:
        who = max(individual, -1)
        if self._seeds == "common" and who >= 0:
            who = (1 << 62) + generation
        return _seed_of(self.seed, who, instance, replicate)

    @property
    def _labels(self) -> list[str]:
        return [label for p in self.parameters for label in p.labels]

    def _columns_of(self, prefix: str) -> list[str]:
        return [prefix + o.name for o in self.objectives]

    @cached_property
    def evaluations(self) -> Table:
        """The evaluations, in the order in which they ended. Those of finalists, after the search, have numbers below 0."""
        names = ["individual", "generation", "instance", "replicate", "seed", "attempt", "outcome", "seconds", "rank", "finished_unix_us"]
        if (c := self._columns) is not None:
            columns = [c.individual, c.generation, c.instance, c.replicate, c.seeds(self), c.attempt, c.outcomes, c.seconds, c.rank, c.at]
            columns += [*c.fitness.T, *c.values(self), [_headline(r) if r else "" for r in c.reasons]]
            return _frame([*names, *self._columns_of("fitness_"), *self._labels, "reason"], columns)
        rows = []
        for kind, r, of, _ in self._steps():
            if kind == _journal.RESULT and of is not None:
                seed = self._seed(r.individual, of[0], r.instance, r.replicate)
                ending = _ENDINGS[r.ending] if r.ending < len(_ENDINGS) else f"ending {r.ending}"
                row = [r.individual, of[0], r.instance, r.replicate, seed, r.attempt, ending, r.seconds, r.rank, r.at]
                rows.append([*row, *self._fitness(r.fitness), *self._point(of[1]), _headline(r.reason)])
        return _table([*names, *self._columns_of("fitness_"), *self._labels, "reason"], rows)

    @cached_property
    def failures(self) -> Table:
        """The evaluations that failed, with their reasons."""
        return _where(self.evaluations, "outcome", lambda outcome: outcome != "ok")

    @cached_property
    def _ended(self) -> list[_Told]:
        return [told for _, _, _, told in self._steps() if told is not None]

    @cached_property
    def _told(self) -> list[_Told]:
        return [told for told in self._ended if told.individual < _FIRST_INJECTED]

    @cached_property
    def individuals(self) -> Table:
        """The individuals whose evaluations have all ended, with their fitness."""
        if (c := self._columns) is not None and c.alone:
            c = c.of_the_search()
            columns = [c.individual, c.generation, c.outcomes, *c.fitness.T, *c.values(self)]
            return _frame(["individual", "generation", "outcome", *self._columns_of("fitness_"), *self._labels], columns)
        return self._individuals(self._told)

    @cached_property
    def injected(self) -> Table:
        """The individuals that somebody has injected, beside the search."""
        injected = [t for t in self._ended if t.individual >= _FIRST_INJECTED]
        if not injected:
            raise ValueError(f"nobody has injected individuals into the run in {self.path}, or they are being evaluated")
        return self._individuals(injected)

    def _individuals(self, individuals: list[_Told]) -> Table:
        rows = [[t.individual, t.generation, _ENDINGS[t.ending], *self._fitness(t.fitness), *self._point(t.x)] for t in individuals]
        return _table(["individual", "generation", "outcome", *self._columns_of("fitness_"), *self._labels], rows)

    @cached_property
    def front(self) -> Table:
        """With several objectives, the individuals that no other is better than."""
        if not self._front:
            raise ValueError(f"the run in {self.path} has no front: its optimizer searches for the best of one objective")
        members: list[tuple[list[float], _Told]] = []
        for t in self._told:
            if t.fitness is None:
                continue
            loss = self._losses(t.fitness)
            if any(_at_least_as_good(m, loss) and (m != loss or o.individual < t.individual) for m, o in members):
                continue
            members = [(m, o) for m, o in members if not _at_least_as_good(loss, m)] + [(loss, t)]
        members.sort(key=lambda m: m[1].individual)
        rows = [[t.individual, t.generation, *self._fitness(t.fitness), *self._point(t.x)] for _, t in members]
        return _table(["individual", "generation", *self._columns_of("fitness_"), *self._labels], rows)

    @cached_property
    def posterior(self) -> Table:
        """Of a run that has ended and whose optimizer samples one, the individuals of the posterior sample with their weights."""
        sample = {p["individual"]: p for p in (self.result or {}).get("posterior") or []}
        if not sample:
            raise ValueError(f"the run in {self.path} has no posterior: it has not ended, or its optimizer searches for a point")
        rows = []
        for t in self._told:
            if t.individual in sample:
                p = sample[t.individual]
                rows.append([t.individual, t.generation, float(p["weight"]), float(p["loss"]), *self._point(t.x)])
        return _table(["individual", "generation", "weight", "loss", *self._labels], rows)

    @cached_property
    def measurements(self) -> Table:
        """What the model measured beside its objectives, by evaluation."""
        rows = []
        for kind, r, of, _ in self._steps():
            if kind == _journal.RESULT and of is not None and r.measurements:
                values = [*r.measurements, *[math.nan] * len(self.measured)][: len(self.measured)]
                rows.append([r.individual, of[0], r.instance, r.replicate, r.attempt, *values])
        return _table(["individual", "generation", "instance", "replicate", "attempt", *self.measured], rows)

    @cached_property
    def generations(self) -> Table:
        """A row after each generation: how many are completed, the best fitness so far and what the optimizer says of itself. The generation of an
        individual counts from 0: when that of generation 0 is complete, one is."""
        found: list[tuple[int, int, list[float], dict[str, float]]] = []
        best: Optional[_Told] = None
        each: Optional[list[float]] = None
        evaluations = last = 0
        for kind, e, _, told in self._steps():
            generation, ended, figures = 0, evaluations, {}
            if kind == _journal.FIGURES:
                generation, ended, names, values = _record(e, (0, 0, None, b""))
                figures = dict(zip(names or [], _vector(values) or ()))
            elif kind == _journal.ASKED and len(e) > 1 and e[1]:
                generation = _record(e[1][0], (0, 0))[1]
            if generation > last:
                last = generation
                found.append((generation, ended, self._fitness(each), figures))
            if kind == _journal.RESULT and (e.ending == 0 or e.attempt >= self._retries):
                evaluations += 1
            if told is None or told.individual >= _FIRST_INJECTED:
                continue
            best = self._better(best, told)
            if best is None or best.fitness is None:
                each = None
            elif not self._front:
                each = best.fitness
            elif each is None:
                each = list(best.fitness)
            elif told.fitness is not None:
                each = [min(a, b) if o.direction == "minimise" else max(a, b) for a, b, o in zip(each, told.fitness, self.objectives)]
        names = list(dict.fromkeys(name for _, _, _, figures in found for name in figures))
        rows = [[g, ended, *fitness, *(figures.get(n, math.nan) for n in names)] for g, ended, fitness, figures in found]
        return _table(["generation", "evaluations", *self._columns_of("best_"), *names], rows)

    def _promising(self) -> Sequence[_Told]:
        """The individuals of which the best is one, in their order."""
        c = self._columns
        if c is None or not c.alone or self._rotate:
            return self._ended
        c = c.of_the_search()
        signs = [o.weight * (-1 if o.direction == "maximise" else 1) for o in self.objectives]
        loss = sum(s * column for s, column in zip(signs, c.fitness.T))
        finite = numpy.flatnonzero(numpy.isfinite(loss))
        if not len(finite):
            return []
        best = finite[loss[finite] == loss[finite].min()]
        i = best[c.individual[best].argmin()]
        return [_Told(int(c.individual[i]), int(c.generation[i]), c.x[i].tolist(), 0, c.fitness[i].tolist())]

    @cached_property
    def _columns(self) -> Optional[_columns.Columns]:
        """All results as numpy's arrays; None where numpy is not there, or something is unusual, which is then read event by event."""
        if numpy is None:
            return None
        return _columns.read(self._events(), len(self.objectives), self._dim, max(self._instances, 1) * max(self._replicates, 1), self._retries)

    def _better(self, best: Optional[_Told], t: _Told) -> Optional[_Told]:
        """The best individual with one more. Where evaluations rotate it is that of the last instances."""
        if t.fitness is None or not math.isfinite(self._loss(t.fitness)):
            return best
        if best is None or best.fitness is None:
            return t
        rotate = self._rotate
        if rotate and t.generation // rotate != best.generation // rotate:
            return t if t.generation > best.generation else best
        return min(best, t, key=lambda o: (self._loss(o.fitness or []), o.individual))

    @cached_property
    def best(self) -> Optional[dict[str, Any]]:
        """The best individual as it was told: where evaluations are noisy the luckiest, and result["answer"] is what the run has found."""
        best = None
        for t in self._promising():
            best = self._better(best, t)
        if best is None or best.fitness is None:
            return None
        values, parameters = self._point(best.x), {}
        for p in self.parameters:
            parameters[p.name] = values[: p.size] if p.size else values[0]
            values = values[p.size or 1 :]
        return {
            "individual": best.individual, "generation": best.generation, "fitness": {o.name: f for o, f in zip(self.objectives, best.fitness)},
            "parameters": parameters,
        }  # fmt: skip

    def plot(self, ax: Any = None) -> Any:
        """The fitness of every individual and the best so far, or the first two objectives of the front. Needs matplotlib; returns its axes."""
        import matplotlib.pyplot as plt

        ax = ax or plt.subplots()[1]
        good = [(t, t.fitness) for t in self._told if t.fitness is not None]
        first = self.objectives[0]
        if self._front:
            second = self.objectives[1]
            ax.plot([f[0] for _, f in good], [f[1] for _, f in good], ".", color="0.7", label="individuals")
            ax.plot(list(self.front["fitness_" + first.name]), list(self.front["fitness_" + second.name]), "o", label="front")
            ax.set(xlabel=_titled(first), ylabel=_titled(second))
        else:
            best, line = None, []
            for t, _ in good:
                best = self._better(best, t)
                line.append(best.fitness[0] if best is not None and best.fitness else math.nan)
            ax.plot([f[0] for _, f in good], ".", color="0.7", label="individuals")
            ax.step(range(len(line)), line, where="post", label="best so far")
            ax.set(xlabel="individuals", ylabel=_titled(first))
        ax.legend()
        return ax

    def __repr__(self) -> str:
        return f"<run {self.path}: {self.optimizer}, {len(self._told)} individuals>"

    def _repr_html_(self) -> str:
        rows = [("optimizer", self.optimizer), ("individuals", str(len(self._told))), ("failed", str(sum(t.fitness is None for t in self._told)))]
        rows.append(("ended", (self.result or {}).get("stop_reason", "not yet")))
        answer = (self.result or {}).get("answer") or self.best
        if self._front:
            rows.append(("front", f"{len(self.front['individual'])} individuals"))
        elif answer and self.best:
            rows += [(_titled(o), f"{self.best['fitness'][o.name]:.6g}, to {o.direction}") for o in self.objectives]
            units = {p.name: p.unit for p in self.parameters}
            rows += [(name, f"{_short(value)} {units.get(name, '')}") for name, value in list(answer["parameters"].items())[:20]]
        cells = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in rows)
        return f"<table><caption>{html.escape(self.path)}</caption>{cells}</table>"


def _titled(o: Objective) -> str:
    return f"{o.name} ({o.unit})" if o.unit else o.name


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value[:8])) + (", …]" if len(value) > 8 else "]")
    return str(value)


def _at_least_as_good(a: list[float], b: list[float]) -> bool:
    return all(x <= y for x, y in zip(a, b))


def _headline(reason: str) -> str:
    """The first line of a reason, of printable characters."""
    line = reason.lstrip("\n").split("\n", 1)[0].strip()
    line = "".join(" " if c == "\t" else c for c in line if c == "\t" or c.isprintable())
    return line[:400] + "…" if len(line) > 400 else line


def _table(names: list[str], rows: list[list[Any]]) -> Table:
    """A table. A column that has the name of one before it, as that of a parameter called seed, gets another one: seed_2."""
    columns: dict[str, list[Any]] = {}
    for i, name in enumerate(names):
        distinct, n = name, 2
        while distinct in columns:
            distinct, n = f"{name}_{n}", n + 1
        columns[distinct] = [row[i] for row in rows]
    if pandas is not None:
        return pandas.DataFrame(columns)
    if numpy is not None:
        return {name: numpy.array(column) for name, column in columns.items()}
    return columns


def _frame(names: list[str], columns: list[Any]) -> Table:
    """A table of columns that numpy made."""
    distinct: dict[str, Any] = {}
    for name, column in zip(names, columns):
        other, n = name, 2
        while other in distinct:
            other, n = f"{name}_{n}", n + 1
        distinct[other] = column
    if pandas is not None:
        return pandas.DataFrame(distinct)
    return {name: numpy.array(column) for name, column in distinct.items()}


def _where(table: Table, column: str, keep: Any) -> Table:
    """The rows of a table whose value in a column is to be kept."""
    chosen = [keep(value) for value in table[column]]
    if pandas is not None:
        return table[chosen].reset_index(drop=True)
    if numpy is not None:
        return {name: values[numpy.array(chosen, dtype=bool)] for name, values in table.items()}
    return {name: [v for v, kept in zip(values, chosen) if kept] for name, values in table.items()}
