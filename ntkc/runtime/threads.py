"""Tasks on threads that live as long as one call.

Starting a thread costs less than a tile does, so there is no shared pool: nothing to be torn by
a fork, by calls from several threads at once, or by an exception half way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .errors import ArgumentTypeError

Task = TypeVar("Task")
_INTERVAL = 0.1  # seconds between two reports of progress
_POLL = 0.05  # seconds in which an interrupt of the calling thread is noticed


class Reporter:
    """Calls `progress(done, total)` now and then, from the thread that made the call."""

    def __init__(self, progress: Callable[[int, int], object] | None, total: int) -> None:
        if progress is not None and not callable(progress):
            raise ArgumentTypeError(f"progress: expected a function, got {progress!r}")
        self._progress = progress
        self._total = total
        self._last = time.monotonic()

    def update(self, done: int) -> None:
        """Report what is done, unless the last report is fresh or everything is done."""
        if self._progress is None or done >= self._total:
            return
        now = time.monotonic()
        if now - self._last >= _INTERVAL:
            self._last = now
            self._progress(done, self._total)

    def finish(self) -> None:
        """Report that everything is done."""
        if self._progress is not None:
            self._progress(self._total, self._total)


class _Queue(Generic[Task]):
    """Hands out tasks, and remembers what is done and the first thing that went wrong."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._next = 0
        self._lock = threading.Lock()
        self._stopped = False
        self.done = 0
        self.error: BaseException | None = None

    def take(self) -> Task | None:
        with self._lock:
            if self._stopped or self._next == len(self._tasks):
                return None
            self._next += 1
            return self._tasks[self._next - 1]

    def add(self, done: int) -> None:
        with self._lock:
            self.done += done

    def fail(self, error: BaseException) -> None:
        with self._lock:
            self._stopped = True
            if self.error is None:
                self.error = error

    def stop(self) -> None:
        self._stopped = True


def run_tasks(
    tasks: Sequence[Task],
    make_worker: Callable[[], Callable[[Task], int]],
    threads: int,
    reporter: Reporter | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Run every task on `threads` threads, of which the calling one is the first.

    Each thread makes its own worker, which takes a task and returns how much it settled.
    An exception in a worker, in the reporter, or an interrupt of the calling thread stops all
    threads after the tasks they are at, and is raised here once they have ended. `stop` is set as
    soon as that happens, for workers whose tasks take long.
    """
    queue = _Queue(tasks)
    report = reporter.update if reporter is not None else _ignore
    if threads == 1 or len(tasks) <= 1:
        _work(queue, make_worker(), report)
        return
    helpers = [
        threading.Thread(target=_help, args=(queue, make_worker, stop), daemon=True)
        for _ in range(min(threads, len(tasks)) - 1)
    ]
    started = []
    try:
        for helper in helpers:
            try:
                helper.start()
            except RuntimeError:  # the system refuses another thread: fewer do the same work
                break
            started.append(helper)
        _work(queue, make_worker(), report)
        for helper in started:
            while helper.is_alive():
                helper.join(_POLL)
                report(queue.done)
    except BaseException:
        if stop is not None:
            stop.set()
        raise
    finally:
        queue.stop()
        for helper in started:
            helper.join()
    if queue.error is not None:
        raise queue.error


def _ignore(done: int) -> None:
    """Report nothing."""


def _work(
    queue: _Queue[Task], worker: Callable[[Task], int], report: Callable[[int], None]
) -> None:
    while (task := queue.take()) is not None:
        queue.add(worker(task))
        report(queue.done)


def _help(
    queue: _Queue[Task],
    make_worker: Callable[[], Callable[[Task], int]],
    stop: threading.Event | None,
) -> None:
    try:
        _work(queue, make_worker(), _ignore)
    except BaseException as error:  # raised again in the calling thread
        queue.fail(error)
        if stop is not None:
            stop.set()
