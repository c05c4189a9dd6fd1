"""A worker: one side of one case in a process of its own, which does nothing until it is told.

    python -m benchmarks.worker product

Reads commands from stdin and answers on stdout (see `protocol.py`). While it waits, it blocks in
a read; CPU time that the libraries' threads burn meanwhile is measured and reported, since it
would be taken from the other side.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

from benchmarks.memory import forget_peak, peak_mib
from benchmarks.protocol import MODULES, Job
from benchmarks.sides import Side, make_side

Reply = dict[str, Any]


class Worker:
    """Carries out commands on one side, and measures each."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._result: Any = None
        self._base_mib = 0.0

    def handle(self, request: dict[str, Any]) -> Reply:
        """The answer to one request."""
        handler: Callable[[dict[str, Any]], Reply] = getattr(self, f"_on_{request['command']}")
        return handler(request)

    def _on_load(self, request: dict[str, Any]) -> Reply:
        _restrict_to_cores(request["threads"])
        reply = _timed(self._side.load)
        return reply | {"versions": self._side.versions()}

    def _on_prepare(self, request: dict[str, Any]) -> Reply:
        self._side.prepare(Job.from_json(request["job"]))
        forget_peak()
        self._base_mib = peak_mib()
        return {"base_mib": self._base_mib}

    def _on_compile(self, request: dict[str, Any]) -> Reply:
        reply = _timed(self._side.compile) | self._peak()
        forget_peak()
        return reply

    def _on_run(self, request: dict[str, Any]) -> Reply:
        self._result = None
        return _timed(self._keep_result) | self._peak()

    def _on_sample(self, request: dict[str, Any]) -> Reply:
        values = self._side.sample(self._result, request["indices"])
        self._result = None
        return {"values": values}

    def _keep_result(self) -> None:
        """Keep the result past the clock: freeing it is not part of computing it."""
        self._result = self._side.run()

    def _peak(self) -> Reply:
        return {"peak_mib": max(0.0, peak_mib() - self._base_mib)}


def _timed(action: Callable[[], None]) -> Reply:
    cpu, start = time.process_time(), time.perf_counter()
    action()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "cpu_seconds": time.process_time() - cpu}


def _restrict_to_cores(threads: int) -> None:
    """Give every side the same number of cores, whatever its own idea of a thread count is.

    The rival's library has no option for it: it counts the cores the process may run on.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _serve(worker: Worker, requests: IO[bytes], replies: IO[bytes]) -> None:
    waiting_since, cpu_then = time.perf_counter(), time.process_time()
    while line := requests.readline():
        idle = {
            "idle_seconds": time.perf_counter() - waiting_since,
            "idle_cpu_seconds": time.process_time() - cpu_then,
        }
        try:
            reply = worker.handle(json.loads(line))
        except Exception as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(idle | reply).encode() + b"\n")
        replies.flush()
        waiting_since, cpu_then = time.perf_counter(), time.process_time()


def main() -> None:
    """Serve until stdin closes, which it does when the parent goes away."""
    if len(sys.argv) != 2 or sys.argv[1] not in MODULES:
        sys.exit(f"usage: python -m benchmarks.worker {{{','.join(MODULES)}}}")
    # Libraries may print to stdout: they get stderr, and the replies a descriptor of their own.
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        side = make_side(sys.argv[1])
        _serve(Worker(side), sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
