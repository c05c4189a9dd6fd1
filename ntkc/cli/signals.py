"""Signals that end a command, soon whatever it is at.

An interrupt unwinds the main thread, which then waits for the others: for a function that one of
them is compiling, up to half a minute. So a command that was asked to end has a short while to do
it by itself; then what it has half written is removed, and the process ends.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ntkc.cli import exits

GRACE = 0.8
"""Seconds."""

_half_written: set[Path] = set()


@contextmanager
def half_written(path: Path) -> Iterator[None]:
    """Where a file is made that is nothing unless it is finished: it goes in the end."""
    _half_written.add(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        _half_written.discard(path)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let an interrupt end the command soon, where it would have raised `KeyboardInterrupt`."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    with _ending(signal.SIGINT, exits.INTERRUPTED, interrupt):
        yield


@contextmanager
def terminating() -> Iterator[None]:
    """Let a request to terminate unwind like an interrupt does."""

    def leave() -> None:
        raise SystemExit(exits.TERMINATED)

    with _ending(signal.SIGTERM, exits.TERMINATED, leave):
        yield


class _Watch:
    """Ends the process a while after a signal, unless the command has ended by itself."""

    def __init__(self, status: int) -> None:
        self._status = status
        self._ended = threading.Event()

    def begin(self) -> None:
        threading.Thread(target=self._wait, daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def _wait(self) -> None:
        if self._ended.wait(GRACE):
            return
        for path in list(_half_written):
            path.unlink(missing_ok=True)
        os._exit(self._status)


@contextmanager
def _ending(number: signal.Signals, status: int, leave: Callable[[], None]) -> Iterator[None]:
    watch = _Watch(status)

    def handler(_: int, __: FrameType | None) -> None:
        watch.begin()
        leave()

    try:
        before = signal.signal(number, handler)
    except ValueError:  # not the main thread: no signal arrives here
        yield
        return
    try:
        yield
    finally:
        watch.end()
        signal.signal(number, before)
