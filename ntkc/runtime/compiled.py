"""The decorator under which the runtime's loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

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
        try:
            return cast(Function, numba.njit(cache=True, **options)(function))
        except RuntimeError:  # no folder to keep a cache in, as in a read-only or zipped package
            return cast(Function, numba.njit(**options)(function))

    return decorate
