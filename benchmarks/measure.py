"""One case: a worker a side, everything in turn, the warm calls in strict alternation."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.machine import available_cores, busy_seconds
from benchmarks.protocol import Job, SideName
from benchmarks.records import CaseRecord, SideRecord
from benchmarks.worker_process import WorkerError, WorkerProcess, worker_environment

SEED = 20
_WAKING = 1.0
"""Seconds of a call from which on it matters little that it begins on cores that were asleep."""


@dataclass(frozen=True)
class Settings:
    """What is the same for all cases of a run."""

    sides: tuple[SideName, ...]
    """Who takes part, in the order of turns."""
    pythons: Mapping[str, Path]
    """The interpreter of each module in `sides/` that is needed."""
    repetitions: int
    threads: int
    settle_seconds: float
    timeout_seconds: float
    say: Callable[[str], None]


class Contender:
    """A worker and the record it fills; once it has failed, it is out of the rotation."""

    def __init__(self, worker: WorkerProcess, case: Case, settings: Settings) -> None:
        self.record = SideRecord(n=case.n_of(worker.side))
        self.samples: list[float] = []
        self._worker = worker
        self._case = case
        self._settings = settings
        self._idle = Share()
        self._foreign = Share()
        self._last_seconds = 0.0

    def start_up(self) -> None:
        """Import, make the data, compile: cold, once."""
        job = _job(self._case, self._worker.side, self._settings.threads)
        loaded = self._worker.ask("load", threads=self._settings.threads)
        self.record.versions = loaded["versions"]
        self.record.import_seconds = loaded["seconds"]
        self._worker.ask("prepare", job=job.to_json())
        compiled = self._worker.ask("compile")
        self.record.compile_seconds = compiled["seconds"]
        self.record.compile_peak_mib = compiled["peak_mib"]

    def first_call(self) -> None:
        """The first call, which may still hold work put off at compile time; then a sample."""
        reply = self._worker.ask("run")
        self.record.first_call_seconds = reply["seconds"]
        self.record.call_peak_mib = reply["peak_mib"]
        indices = _sampled_indices(min(self._case.product_n, self._case.rival_n))
        self.samples = self._worker.ask("sample", indices=indices)["values"]

    def warm_call(self) -> None:
        """One repetition, after a pause in which the last turn's threads fall asleep, and after a
        call that wakes this side's."""
        time.sleep(self._settings.settle_seconds)
        if self._last_seconds < _WAKING:
            self.record.resumed_seconds.append(self._worker.ask("run")["seconds"])
        busy_before, start = busy_seconds(), time.perf_counter()
        reply = self._worker.ask("run")
        elapsed, busy_after = time.perf_counter() - start, busy_seconds()
        self._last_seconds = reply["seconds"]
        self.record.warm_seconds.append(reply["seconds"])
        self.record.call_peak_mib = reply["peak_mib"]
        self.record.idle_cpu_share = self._idle.add(
            reply["idle_cpu_seconds"], reply["idle_seconds"]
        )
        if busy_before is not None and busy_after is not None:
            foreign = busy_after - busy_before - reply["cpu_seconds"]
            self.record.foreign_cpu_share = self._foreign.add(foreign, elapsed * available_cores())

    def attempt(self, step: Callable[[], None]) -> None:
        """Carry out a step, unless an earlier one failed; keep a failure as a result."""
        if self.record.error is not None:
            return
        try:
            step()
        except WorkerError as error:
            self.record.error = str(error)
            self._settings.say(f"  {self._worker.side}: {error}")


class Share:
    """A part of a whole, both summed over the repetitions: single clock ticks are too coarse."""

    def __init__(self) -> None:
        self._part = 0.0
        self._whole = 0.0

    def add(self, part: float, whole: float) -> float:
        """The share so far."""
        self._part += part
        self._whole += whole
        return max(0.0, self._part / self._whole)


def measure_case(case: Case, settings: Settings) -> CaseRecord:
    """Measure all sides of a case, no two of which ever work at the same time."""
    settings.say(case.name)
    with ExitStack() as stack:
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ntkc-benchmark-")))
        contenders = {
            side: Contender(
                stack.enter_context(_start(side, case, settings, cache)), case, settings
            )
            for side in settings.sides
            if side != "floor" or case.floor is not None
        }
        _take_turns(list(contenders.values()), case, settings)
    return CaseRecord(
        name=case.name,
        dtype=case.dtype,
        input_shape=list(case.input_shape),
        threads=settings.threads,
        date=datetime.now(UTC).date().isoformat(),
        sides={side: contender.record for side, contender in contenders.items()},
        difference=_difference(contenders),
    )


def _start(side: SideName, case: Case, settings: Settings, cache: Path) -> WorkerProcess:
    environment = worker_environment(case.dtype, settings.threads, cache / side)
    module = case.module_of(side)
    python = settings.pythons[module]
    return WorkerProcess(side, module, python, environment, settings.timeout_seconds)


def _take_turns(contenders: list[Contender], case: Case, settings: Settings) -> None:
    for contender in contenders:
        contender.attempt(contender.start_up)
    for contender in contenders:
        contender.attempt(contender.first_call)
    for _ in range(min(settings.repetitions, case.max_repetitions or settings.repetitions)):
        for contender in contenders:
            contender.attempt(contender.warm_call)


def _job(case: Case, side: SideName, threads: int) -> Job:
    return Job(
        source=case.source,
        rival_builder=case.rival_builder,
        rival_arguments=case.rival_arguments,
        floor=case.floor,
        n=case.n_of(side),
        input_shape=case.input_shape,
        dtype=case.dtype,
        threads=threads,
        seed=SEED,
    )


def _sampled_indices(n: int) -> list[tuple[int, int]]:
    """Diagonal and off-diagonal entries, on both sides of the diagonal and in its corners."""
    last, middle = n - 1, n // 2
    return [(0, 0), (last, last), (0, 1), (1, 0), (0, last), (last, 0), (middle, last)]


def _difference(contenders: Mapping[SideName, Contender]) -> float | None:
    samples = [contenders[side].samples for side in ("product", "rival") if side in contenders]
    if len(samples) < 2 or not all(samples):
        return None
    product, rival = samples
    furthest = max(abs(a - b) for a, b in zip(product, rival, strict=True))
    return furthest / max(map(abs, rival))
