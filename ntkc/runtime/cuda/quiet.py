"""Launches of few blocks, without the warning that Numba gives of each as of a beginner's error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .devices import simulated

_LOCK = threading.Lock()
_inside: list[int] = []
"""The setting that each of the blocks at work, on any thread, found or would have found."""


@contextmanager
def quiet() -> Iterator[None]:
    """Numba's setting is the user's again when the last such block, on any thread, has ended."""
    if simulated():
        yield
        return
    from numba.cuda import dispatcher

    config: Any = dispatcher.config
    with _LOCK:
        _inside.append(_inside[0] if _inside else int(config.CUDA_LOW_OCCUPANCY_WARNINGS))
        config.CUDA_LOW_OCCUPANCY_WARNINGS = 0
    try:
        yield
    finally:
        with _LOCK:
            before = _inside.pop()
            if not _inside:
                config.CUDA_LOW_OCCUPANCY_WARNINGS = before
