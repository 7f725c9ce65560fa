"""The results of a run as numpy's arrays, all at once: a million of them take seconds where one after the other takes a minute."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Optional

from . import _journal

#: What a result, an individual and a list of finalists have where nothing is written at their end.
_RESULT: tuple[Any, ...] = (0, 0, 0, 0, 0, b"", b"", b"", "", 0.0, 0, "", 0, b"", b"")
_INDIVIDUAL: tuple[Any, ...] = (0, 0, b"")
_FINALS: tuple[Any, ...] = ("", 0, None, None)
_SEVERAL = 1 << 16  # results that are lists before they become arrays


class Columns(NamedTuple):
    """A row for each result, in the order in which they ended."""

    individual: Any
    generation: Any
    instance: Any
    replicate: Any
    attempt: Any
    ending: Any
    seconds: Any
    rank: Any
    at: Any
    fitness: Any  # a column for each objective; NaN where it failed
    x: Any  # a column for each coordinate
    reasons: list[str]
    alone: bool  # each is all that is known of its individual

    @property
    def outcomes(self) -> list[str]:
        names = ["ok", "failed", "timeout", "lost", *(f"ending {i}" for i in range(4, 256))]
        return [names[i] for i in self.ending.tolist()]

    def of_the_search(self) -> Columns:
        """Without the results of finalists, whose numbers are below 0."""
        keep = self.individual >= 0
        if keep.all():
            return self
        rows = [column[keep] for column in self[:11]]
        return Columns(*rows, [r for r, kept in zip(self.reasons, keep.tolist()) if kept], self.alone)

    def seeds(self, run: Any) -> list[int]:
        """The seeds of the evaluations, as l2l.SeedOf has them."""
        import numpy as np

        who = np.maximum(self.individual, -1)
        if run._seeds == "common":
            who = np.where(who >= 0, (1 << 62) + self.generation, who)
        seed = np.full(len(who), run.seed & (1 << 64) - 1, np.uint64)
        u = np.uint64
        for part in (who, self.instance, self.replicate):
            seed = (seed << u(23) | seed >> u(41)) ^ part.astype(np.uint64)
            seed = seed + u(0x9E3779B97F4A7C15)
            seed = (seed ^ seed >> u(30)) * u(0xBF58476D1CE4E5B9)
            seed = (seed ^ seed >> u(27)) * u(0x94D049BB133111EB)
            seed ^= seed >> u(31)
        values: list[int] = seed.tolist()
        return values

    def values(self, run: Any) -> list[Any]:
        """The columns of the parameters' values."""
        import numpy as np

        columns: list[Any] = []
        for p in run.parameters:
            for _ in range(p.size or 1):
                x = self.x[:, len(columns)]
                if p.kind == "float" and not p.log:
                    columns.append(np.clip(x, p.lower, p.upper))
                else:
                    columns.append([p.value(v) for v in x.tolist()])
        return columns


def read(events: Iterable[tuple[int, Any]], objectives: int, dim: int, each: int, retries: int) -> Optional[Columns]:
    """The columns of a run whose individuals have so many objectives, coordinates, evaluations and retries; None where a record is another one than
    is expected: who reads it event by event finds out what is the matter."""
    collecting = gc.isenabled()
    gc.disable()  # it would look through millions of lists, none of which is garbage
    try:
        return _read(events, objectives, dim, each, retries)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError):
        return None
    finally:
        if collecting:
            gc.enable()


def _read(events: Iterable[tuple[int, Any]], objectives: int, dim: int, each: int, retries: int) -> Optional[Columns]:
    import numpy as np

    number: list[int] = []
    generation: list[int] = []
    points: list[bytes] = []
    pending: list[list[Any]] = []
    parts: list[list[Any]] = []
    reasons: list[str] = []
    finalists: list[bytes] = []
    tails = [list(_RESULT[n:]) for n in range(len(_RESULT))]

    def flush() -> None:
        columns = list(zip(*pending))
        for column, like in zip(columns, _RESULT):
            if set(map(type, column)) != {type(like)}:
                raise TypeError
        ending = np.array(columns[4], np.int64)
        raw = columns[5]
        good = np.fromiter(map(len, raw), np.int64, len(raw)) == 8 * objectives
        if not good[ending == 0].all() or ending.min() < 0 or ending.max() > 255:
            raise ValueError
        fitness = np.full((len(raw), objectives), math.nan)
        some = raw if good.all() else [r for r, g in zip(raw, good.tolist()) if g]
        fitness[good] = np.frombuffer(b"".join(some), "<f8").reshape(-1, objectives)
        whole = [np.array(columns[i], np.int64) for i in (0, 1, 2, 3)]
        parts.append([*whole, ending, np.array(columns[9]), np.array(columns[10], np.int64), np.array(columns[12], np.int64), fitness])
        reasons.extend(columns[8])
        pending.clear()

    for kind, e in events:
        if kind == _journal.RESULT:
            pending.append(e + tails[len(e)] if len(e) < 15 else e[:15])
            if len(pending) >= _SEVERAL:
                flush()
        elif kind == _journal.ASKED:
            if len(e) > 3 and e[3]:
                return None
            asked = (e[1] if len(e) > 1 else None) or []
            whole = [one if len(one) >= 3 else one + list(_INDIVIDUAL[len(one) :]) for one in asked]
            number.extend([one[0] for one in whole])
            generation.extend([one[1] for one in whole])
            points.extend([one[2] for one in whole])
        elif kind == _journal.INJECTED:
            return None  # they are beside the search, and few
        elif kind == _journal.FINALS:
            _, first, of, more = e + list(_FINALS[len(e) :])
            if more:
                finalists = [f["X"] for f in more]
            for i, which in enumerate(of or []):
                number.append(first - i)
                generation.append(0)
                points.append(finalists[which])
    if pending:
        flush()
    if not parts or {*map(type, number), *map(type, generation)} != {int}:
        return None
    individual, instance, replicate, attempt, ending, seconds, rank, at, fitness = (np.concatenate(c) for c in zip(*parts))
    numbers, x = np.array(number, np.int64), np.frombuffer(b"".join(points), "<f8").reshape(len(points), -1)
    if x.shape[1] != dim or set(map(len, points)) != {8 * dim} or np.isnan(x).any():
        return None
    order = np.argsort(numbers, kind="stable")
    found = np.searchsorted(numbers, individual, sorter=order)
    of = order[np.minimum(found, len(order) - 1)]
    final = (ending == 0) | (attempt >= retries)
    counts = np.bincount(of[final], minlength=len(numbers))
    if (numbers[of] != individual).any() or (np.diff(numbers[order]) == 0).any() or counts.max(initial=0) > each:
        return None  # a result that is not awaited
    return Columns(
        individual, np.array(generation, np.int64)[of], instance, replicate, attempt, ending, seconds, rank, at, fitness, x[of], reasons,
        each == 1 and bool(final.all()),
    )  # fmt: skip
