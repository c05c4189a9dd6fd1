"""The decorator under which the runtime's loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from .caching import keep_compiled

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(*, reassociate: bool = False) -> Callable[[Function], Function]:
    """Compile a function at its first call: without the GIL, cached on disk where possible.

    `reassociate` lets sums be reordered, without which a sum does not vectorise.
    NaN and infinity keep their meaning.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if reassociate:
        options["fastmath"] = {"reassoc"}

    def decorate(function: Function) -> Function:
        made = cast(Function, numba.njit(**options)(function))
        keep_compiled(made)
        return made

    return decorate
