"""What `ntkc explain` and `--emit schedule` say of a network on positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from math import prod
from typing import Any

from ntkc.explain.layout import WIDTH, amount, size, table, wrapped
from ntkc.ir.cost import Work, itemsize, work
from ntkc.ir.node import Node
from ntkc.schedule.slices.layout import layout
from ntkc.schedule.slices.program import (
    Push,
    Segment,
    SliceProgram,
    SliceSchedule,
    SliceStep,
    cells,
    input_space,
    store_size,
)
from ntkc.schedule.slices.segments import WRAPPED

Describe = Callable[[Any], str]

_LEAST = 36
"""Columns that words need beside numbers."""


def schedule_work(schedule: SliceSchedule) -> Work:
    """The operations of a pair, over all entries that are computed."""
    total = Work()
    for segment in schedule.segments:
        for step in steps_of(segment):
            count = cells(segment, step.geometry)
            one = work(n for n in step.instance.body)
            total = total + Work(*(count * k for k in one.counts))
    return total


def format_slices(program: SliceProgram, describe: Describe | None = None) -> str:
    """Every function: its segments, their displacements, steps, stores, and what they need."""
    lines: list[str] = []
    for schedule in program.functions:
        lines += [*_Function(program, schedule, describe, slots=True).lines(), ""]
    return "\n".join(lines).rstrip() + "\n"


def summary(program: SliceProgram, describe: Describe) -> Iterator[str]:
    """The function of the first roots, equal steps in a row as one; what all others need."""
    first, *others = program.tiles.values()
    yield from _Function(program, first, describe, slots=False).lines()
    for schedule in (*others, *program.own):
        yield ""
        yield from _Function(program, schedule, describe, slots=False).needs()


class _Function:
    """One function's lines."""

    def __init__(
        self, program: SliceProgram, schedule: SliceSchedule, describe: Describe | None, slots: bool
    ) -> None:
        self.program, self.schedule = program, schedule
        self.describe, self.slots = describe, slots
        self.rank = len(program.module.input.sizes) - 1  # a sequence is scheduled as an image

    def lines(self) -> Iterator[str]:
        """The head, segment by segment what is done, and what it needs."""
        head, *needs = self.needs()
        yield head
        for segment in self.schedule.segments:
            yield f"  segment {segment.number}"
            yield from self._steps(segment)
            for text, count in Counter(map(self._push, segment.pushes)).items():
                yield from wrapped(text + (f" ({count} values)" if count > 1 else ""), 4, 6)
        yield from needs

    def needs(self) -> Iterator[str]:
        """What it is for, how many entries, how much memory."""
        schedule = self.schedule
        what = "each input with itself" if schedule.own else "pairs of inputs"
        jobs = amount(len(schedule.jobs), "job")
        how = "as a vector" if self.program.vectors else "at a time"
        yield f"{schedule.name}: {what}, {self.program.lanes} {how}, in {jobs}"
        every = sum(prod(s.geometry.space) ** 2 for g in schedule.segments for s in steps_of(g))
        yield f"  entries of a pair: {_part(schedule.entries, every)}"
        yield f"  workspace of a thread: {size(workspace_bytes(self.program, schedule))}"

    def _steps(self, segment: Segment) -> Iterator[str]:
        rows: list[tuple[str, str, str, str]] = []
        for row, same in groupby(self._step(segment, step) for step in steps_of(segment)):
            count = len(list(same))
            rows.append((*row[:3], row[3] + (f" ({count} times)" if count > 1 else "")))
        numbers = table([row[:3] for row in rows], 4) if rows else []
        start = max(map(len, numbers), default=0) + 2
        for shown, row in zip(numbers, rows, strict=True):
            if start > WIDTH - _LEAST:
                yield shown
                yield from wrapped(row[3], 6)
                continue
            first, *more = wrapped(row[3], start) or [""]
            yield (shown.ljust(start) + first[start:]).rstrip()
            yield from more

    def _step(self, segment: Segment, step: SliceStep) -> tuple[str, str, str, str]:
        """Cells of a slice, displacements, entries, and words."""
        space = step.geometry.space
        words = "" if self.describe is None else _short(self.describe(step))
        if self.slots:
            slots = "slot" if len(step.output_slots) == 1 else "slots"
            words += f", to {slots} {', '.join(map(str, step.output_slots))}"
        axes = own_displacements(segment, step)[-self.rank :]
        count = f"{cells(segment, step.geometry):,} of {prod(space) ** 2:,}"
        return _size(space[-self.rank :]), product_text(axes), count, words

    def _push(self, push: Push) -> str:
        node = push.node
        if push.total is not None:
            return _SUMS[node.op]
        if push.store is None:
            return "the result, at p = p'"
        store = self.schedule.stores[push.store]
        where = f"to a store of {_size(node.space[-self.rank :])} for segment {store.segment}"
        kept = f"{store.rings} of {amount(len(store.displacements[0]), 'displacement')}"
        along = f", {kept} along the first axis at a time" if self.rank > 1 else ""
        return f"{self._move(node)}{where}{along}"

    def _move(self, node: Node) -> str:
        if node.op not in ("pool", "spread"):
            return "at p = p', " if node.op == "same_position" else ""
        windows, stride = (_size(node.attr(n)[-self.rank :]) for n in ("size", "stride"))
        word = "pooled by" if node.op == "pool" else "spread over"
        return f"{word} {windows} with stride {stride}, "


_SUMS = {
    "sum_positions": "summed over all pairs of positions",
    "mean_diagonal": "averaged over p = p'",
}


def steps_of(segment: Segment) -> Iterator[SliceStep]:
    """A segment's steps, in order."""
    for run in segment.runs:
        yield from run.steps


def _short(words: str) -> str:
    """Words for a step; where a layer's arguments are layers in a row, they are left out."""
    found, depth, start = "", 0, 0
    for place, letter in enumerate(words):
        depth += (letter == "(") - (letter == ")")
        if letter == "(" and depth == 1:
            start = place
        elif letter == ")" and depth == 0:
            inner = words[start : place + 1]
            found += "(...)" if "->" in inner else inner
        elif depth == 0:
            found += letter
    return found


def _part(needed: int, every: int) -> str:
    """How many entries are computed, of all that there are, and how many times fewer that is."""
    times = every / max(needed, 1)
    fewer = f", {times:.1f} times fewer" if times < 100 else f", {times:,.0f} times fewer"
    return f"{needed:,} of {every:,} without demand analysis{fewer if needed < every else ''}"


def _size(space: Sequence[int]) -> str:
    return "x".join(map(str, space))


def own_displacements(segment: Segment, step: SliceStep) -> tuple[str, ...]:
    """The displacements of a step's values, axis by axis, in cells of their own space."""
    found = []
    for axis, mode, size_, factor in zip(
        segment.displacements,
        segment.modes,
        step.geometry.space,
        step.geometry.factor,
        strict=True,
    ):
        own = [d // factor for d in axis if d % factor == 0]
        found.append(displacement_text(own, size_ if mode == WRAPPED else None))
    return tuple(found)


def product_text(axes: Sequence[str]) -> str:
    """Sets of all axes: `{-3..3} x {0}`, `{-3..3}²` where they are alike."""
    if len(axes) == 1 or len(set(axes)) > 1:
        return " x ".join(axes)
    power = "²" if len(axes) == 2 else "³"
    return f"({axes[0]}){power}" if " mod " in axes[0] else f"{axes[0]}{power}"


def displacement_text(axis: Sequence[int], ring: int | None = None) -> str:
    """A set of displacements in short: `{0}`, `{-7..7}`, `{-6..6 by 2}`, `{0..7} mod 8`."""
    suffix = "" if ring is None else f" mod {ring}"
    if len(axis) <= 1:
        return f"{{{', '.join(map(str, axis))}}}{suffix}"
    steps = {b - a for a, b in pairwise(axis)}
    if len(steps) > 1:
        return "{" + ", ".join(map(str, axis)) + "}" + suffix
    (step,) = steps
    by = "" if step == 1 else f" by {step}"
    return f"{{{axis[0]}..{axis[-1]}{by}}}{suffix}"


def workspace_bytes(program: SliceProgram, schedule: SliceSchedule) -> int:
    """What one thread holds while it works on a group of pairs: slices, stores, both inputs with
    their tables, totals and results. There are no arrays without numbers.
    """
    space, channels = input_space(program)
    repeated = any(WRAPPED in g.modes for s in program.functions for g in s.segments)
    where = layout(schedule, program.lanes, space, channels, repeated, program.vectors)
    stores = sum(store_size(store, program.lanes) for store in schedule.stores)
    spaces = [extents for _, extents in schedule.rows]
    tables = (spaces, [where.column_space(extents) for extents in spaces])
    single = sum(max(1, sum(map(prod, table))) for table in tables)
    inputs = (prod(space) + prod(where.column_space(space))) * channels
    numbers = where.size + max(1, stores) + (inputs + single) * program.lanes
    results = sum(prod(root.space) for root in schedule.roots)
    sums = max(1, len(schedule.totals)) + max(1, results)
    return numbers * itemsize(program.dtype) + 8 * sums * program.lanes
