"""Signals that end a command as an interrupt does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from ntkc.cli import exits


@contextmanager
def terminating() -> Iterator[None]:
    """Let a request to terminate unwind like an interrupt does."""

    def leave(*_: object) -> None:
        raise SystemExit(exits.TERMINATED)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not the main thread: no signal arrives here
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
