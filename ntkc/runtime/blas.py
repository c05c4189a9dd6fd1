"""One BLAS thread while tiles run: the tiles are the parallelism."""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Any

try:
    from threadpoolctl import ThreadpoolController
except ImportError:  # optional for shipped artefacts: slower without, and as right
    ThreadpoolController = None


class _SingleThreaded:
    """A context manager that overlapping calls share: the last one to leave restores."""

    def __init__(self) -> None:
        self._controller: Any = None
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limiter: Any = None

    def after_fork(self) -> None:
        """In a child: no call that was under way in the parent goes on here."""
        limiter = self._limiter
        self._reset()
        if limiter is not None:
            limiter.restore_original_limits()

    def __enter__(self) -> None:
        if ThreadpoolController is None:
            return
        with self._lock:
            if self._users == 0:
                if self._controller is None:
                    self._controller = ThreadpoolController()
                self._limiter = self._controller.limit(limits=1, user_api="blas")
            self._users += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if ThreadpoolController is None:
            return
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limiter.restore_original_limits()
                self._limiter = None


single_threaded_blas = _SingleThreaded()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=single_threaded_blas.after_fork)
