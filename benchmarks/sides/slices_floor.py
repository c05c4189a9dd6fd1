"""The floor of a convolutional network: the elementwise body of its slices at full vector rate.

For every step of the product's own schedule the arithmetic of one entry is written as a flat loop:
the activation's dual, the update of Θ, the scaling by the tables, and of each window the additions
that a separable sum needs, one for each cell beyond the first along each axis. The operands lie in
one buffer that stays in the first-level cache. The loop runs as often as the network has entries:
those of a pair, by the demand analysis, times the pairs above the diagonal.

What it leaves out is all else: slices of every length, margins, pools, stores, the inputs' own
variances and diagonals, and whatever does not fit the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks.protocol import Job

if TYPE_CHECKING:
    from ntkc.ir.node import Node
    from ntkc.schedule.slices.program import SliceStep

NUMBERS = 256
"""Entries in a row: some 16 such rows, operands and results, are in use at a time."""


class SliceBody:
    """The loops of a job's network, and how often each runs."""

    def __init__(self, job: Job) -> None:
        numpy = import_module("numpy")
        pairs = job.n * (job.n - 1) // 2
        self._threads = job.threads
        self._loops: list[tuple[Callable[[Any, int], None], int]] = []
        rows = 0
        for text, (entries, used) in _bodies(job).items():
            self._loops.append((_compiled(text, used, job.dtype), -(-entries * pairs // NUMBERS)))
            rows = max(rows, used)
        generator = numpy.random.default_rng(0)
        self._buffers = [
            generator.uniform(0.05, 0.1, rows * NUMBERS).astype(job.dtype)
            for _ in range(self._threads)
        ]

    def run(self) -> Any:
        """All entries of all steps, divided among the threads."""
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(self._share, self._buffers))
        return self._buffers

    def _share(self, buffer: Any) -> None:
        for loop, times in self._loops:
            loop(buffer, -(-times // self._threads))


def _bodies(job: Job) -> Mapping[str, tuple[int, int]]:
    """The source of each loop -> entries of a pair that it is for, and rows of the buffer."""
    driver, diagnostics = import_module("ntkc.driver"), import_module("ntkc.diagnostics")
    slices = import_module("ntkc.schedule.slices.program")
    options = driver.Options(dtype=job.dtype)
    front = driver.front_end(diagnostics.Source("<case>", job.source), options)
    schedule = driver.middle_on_positions(front.module, job.dtype).tiles["nngp+ntk"]
    found: dict[str, tuple[int, int]] = {}
    for segment in schedule.segments:
        for step in (step for run in segment.runs for step in run.steps):
            text, rows = _loop(step, job)
            before = found.get(text, (0, rows))[0]
            found[text] = before + slices.cells(segment, step.geometry), rows
    return found


def _loop(step: SliceStep, job: Job) -> tuple[str, int]:
    """A step's arithmetic as a loop over a row of entries, and the rows it reads and writes."""
    spell = import_module("ntkc.backends.numba_cpu.spell")
    straight = import_module("ntkc.backends.numba_cpu.straight")
    places = count()

    def load() -> str:
        return f"buffer[u64({next(places) * NUMBERS}) + k]"

    instance = step.instance
    names: dict[Node, str] = {n: load() for n in (*instance.rows, *instance.cols)}
    names |= {n: load() for n in instance.inputs}
    sums: list[str] = []
    arguments = (arg for node in instance.body for arg in node.args)
    for node in dict.fromkeys((*instance.body, *arguments, *instance.outputs)):
        if node.op == "window":
            cells = 1 + sum(size - 1 for size in node.attr("size"))
            terms = [load() for _ in range(cells)]
        elif node.op == "gram" and node not in names:
            terms = [f"{load()} * {load()}" for _ in range(job.input_shape[-1])]
        else:
            continue
        names[node] = f"sum_{len(sums)}"
        sums.append(f"{names[node]} = {' + '.join(terms)}")
    code = straight.StraightLine(spell.lanes(job.dtype), instance.outputs, names)
    lines = [
        "def loop(buffer, times):",
        "    for _ in range(times):",
        f"        for k in range(u64({NUMBERS})):",
        *(f"            {line}" for line in (*sums, *code.lines)),
        *(f"            {load()} = {text}" for text in code.results),
    ]
    return "\n".join(lines), next(places)


def _compiled(text: str, rows: int, dtype: str) -> Callable[[Any, int], None]:
    """The loop as machine code, with the options of the product's own."""
    numpy, numba = import_module("numpy"), import_module("numba")
    vectors = import_module("ntkc.runtime.vectors")
    names = {
        **vars(vectors),
        "math": import_module("math"),
        "u64": numpy.uint64,
        "F": numpy.float32,
    }
    exec(compile(text, "<floor>", "exec"), names)
    made = numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(names["loop"])
    made(numpy.zeros(rows * NUMBERS, dtype), 1)
    loop: Callable[[Any, int], None] = made
    return loop
