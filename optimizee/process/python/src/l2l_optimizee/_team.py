"""The ranks that evaluate together, where a model is an MPI program itself; in most cases one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional, Union

from ._call import explained
from ._model import Checked, Evaluation, Model


class Team:
    """A model on the ranks of a communicator. Rank 0 leads: what it is called with, follow does on the others."""

    def __init__(self, model: Model, comm: Any) -> None:
        self._model, self._comm = model, comm
        self.rank: int = 0 if comm is None else comm.Get_rank()

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        if self._comm is not None:
            self._comm.bcast(None)  # the others end

    def follow(self) -> None:
        """The part of all ranks but 0."""
        while True:
            task = self._comm.bcast(None)
            if task is None:
                return
            if isinstance(task, dict):
                self._comm.gather(self._begin(task))
            else:
                self._comm.gather(_failures(self._model.run(task)))

    def begin(self, task: dict[str, Any]) -> Optional[str]:
        """Tell the model what it is to evaluate. Returns what went wrong."""
        if self._comm is None:
            return self._begin(task)
        self._comm.bcast(task)
        return _first(self._comm.gather(self._begin(task)))

    def _begin(self, task: dict[str, Any]) -> Optional[str]:
        try:
            self._model.begin(task)
        except (Exception, SystemExit) as error:
            return explained(error)
        return None

    def run(self, evaluations: list[Evaluation]) -> list[Union[Checked, str]]:
        """The results of rank 0, or what went wrong on any rank."""
        if self._comm is None:
            return self._model.run(evaluations)
        self._comm.bcast(evaluations)
        results = self._model.run(evaluations)
        failures = self._comm.gather(_failures(results))
        return [_first(f[i] for f in failures) or r for i, r in enumerate(results)]


def _failures(results: list[Union[Checked, str]]) -> list[Optional[str]]:
    return [r if isinstance(r, str) else None for r in results]


def _first(texts: Iterable[Optional[str]]) -> Optional[str]:
    return next((t for t in texts if t is not None), None)
