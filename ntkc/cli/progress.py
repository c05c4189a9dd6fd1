"""A progress bar: what is done, how fast, and how long it will take at that rate."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ntkc.diagnostics.durations import duration

_SETTLED = 1.0  # seconds before a rate says anything about the rest


class Progress:
    """Draws one line on stderr, again and again; draws nothing where it is not `shown`."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._start = time.monotonic()
        self._width = 0
        self._first: tuple[int, float] | None = None

    @property
    def seconds(self) -> float:
        """The time since the beginning."""
        return time.monotonic() - self._start

    def update(self, done: int, total: int) -> None:
        """Show how many of how many entries are done.

        The rate is that since the first of these calls: what comes before is compiling, mostly.
        """
        if self._first is None:
            self._first = done, time.monotonic()
        before, start = self._first
        if self._shown:
            columns = shutil.get_terminal_size().columns
            self._draw(line(done, total, time.monotonic() - start, columns, before))

    def iteration(self, number: int, residual: float) -> None:
        """Show how far a solver is that does not know how many iterations it needs."""
        if self._shown:
            text = f"iteration {number}, residual {residual:.1e}, {duration(self.seconds)}"
            self._draw(text[: max(shutil.get_terminal_size().columns - 1, 0)])

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            self._draw("")
            sys.stderr.write("\r")
            sys.stderr.flush()

    def _draw(self, text: str) -> None:
        sys.stderr.write(f"\r{text.ljust(self._width)}")
        sys.stderr.flush()
        self._width = len(text)


@contextmanager
def bar(shown: bool) -> Iterator[Progress]:
    """A progress bar that is taken away in the end, whatever happens."""
    progress = Progress(shown)
    try:
        yield progress
    finally:
        progress.clear()


def line(done: int, total: int, seconds: float, columns: int, before: int = 0) -> str:
    """The line to show; `before` were done when the seconds began.

    >>> line(30, 100, 3.0, 60)
    '[######              ]  30 %, 10 pairs/s, 7 s left'
    >>> line(30, 100, 0.1, 60)
    '[######              ]  30 %'
    """
    share = done / total if total else 1.0
    text = f" {100 * share:3.0f} %"
    if seconds >= _SETTLED and done > before:
        rate = (done - before) / seconds
        text += f", {_short(rate)} pairs/s, {duration((total - done) / rate)} left"
    room = min(20, columns - len(text) - 3)
    if room < 5:
        return text.strip()[: max(columns - 1, 0)]
    return f"[{'#' * int(share * room)}".ljust(room + 1) + f"]{text}"


def _short(number: float) -> str:
    for unit in ("", " k", " M"):
        if number < 1000:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g} G"
