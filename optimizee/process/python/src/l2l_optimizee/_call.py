"""How functions of the user's are called, and how their errors are told."""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Optional


def wanted(function: Callable[..., Any], names: Sequence[str]) -> Optional[list[str]]:
    """The names of these that a function takes, or None for one that does not tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    found = []
    for p in signature.parameters.values():
        if p.kind is p.VAR_KEYWORD:
            return list(names)
        if p.kind is p.POSITIONAL_ONLY or p.kind is p.VAR_POSITIONAL:
            return None
        if p.name in names:
            found.append(p.name)
        elif p.default is p.empty:
            raise TypeError(f"serve: the function wants {p.name!r}; it can be given {', '.join(names)}")
    return found


def explained(error: BaseException) -> str:
    """The text of an error, without the frames of these packages, and not too long to be shown."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_OURS):
        tb = tb.tb_next
    text = "".join(traceback.format_exception(type(error), error, tb)).strip()
    if isinstance(error, SystemExit):
        text += "\nthe program wanted to exit; raise another exception, or return"
    return text if len(text) <= 3000 else "…" + text[-3000:]


_SITE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = tuple(os.path.join(_SITE, package, "") for package in ("l2l_optimizee", "l2l_optimizer"))
