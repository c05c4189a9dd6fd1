"""What `ntkc explain` and `--emit schedule` say of a network on positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Any

from ntkc.ir.cost import Work, itemsize, work
from ntkc.ir.node import Node
from ntkc.schedule.slices.lower import layout
from ntkc.schedule.slices.program import (
    Segment,
    SliceProgram,
    SliceSchedule,
    SliceStep,
    cells,
    input_space,
    store_size,
)

Describe = Callable[[Any], str]


def schedule_work(schedule: SliceSchedule) -> Work:
    """The operations of a pair, over all entries that are computed."""
    total = Work()
    for segment in schedule.segments:
        for step in (s for r in segment.runs for s in r.steps):
            count = cells(segment, step.geometry)
            one = work(n for n in step.instance.body)
            total = total + Work(*(count * k for k in one.counts))
    return total


def format_slices(program: SliceProgram, describe: Describe | None = None) -> str:
    """Every function: its segments, their displacements, steps, stores, and what they need."""
    lines: list[str] = []
    for schedule in program.functions:
        lines += [*_function(program, schedule, describe), ""]
    return "\n".join(lines).rstrip() + "\n"


def _function(
    program: SliceProgram, schedule: SliceSchedule, describe: Describe | None
) -> Iterator[str]:
    how = "a vector" if program.vectors else "in loops over numbers"
    pairs = f"{program.lanes} pairs at a time, {how}"
    what = "each input with itself" if schedule.own else pairs
    yield f"{schedule.name}: {what}, {len(schedule.jobs)} jobs"
    for segment in schedule.segments:
        yield from _segment(segment, describe)
    every = sum(prod(s.geometry.space) ** 2 for s in _steps(schedule))
    yield f"  entries a pair: {schedule.entries:,} of {every:,} without demand analysis"
    yield f"  workspace a thread: {workspace_bytes(program, schedule):,} bytes"


def _steps(schedule: SliceSchedule) -> Iterator[SliceStep]:
    for segment in schedule.segments:
        for run in segment.runs:
            yield from run.steps


def _segment(segment: Segment, describe: Describe | None) -> Iterator[str]:
    axes = " x ".join(
        displacement_text(axis, mode)
        for axis, mode in zip(segment.displacements, segment.modes, strict=True)
    )
    yield f"  segment {segment.number}: displacements {axes}"
    for run in segment.runs:
        for position in range(run.period):
            step: SliceStep = run.steps[position]
            count = f" ({run.count} times)" if run.count > 1 else ""
            words = "" if describe is None else f"{describe(step)}: "
            slots = ", ".join(map(str, step.output_slots))
            yield f"    {words}slices of {_size(step.geometry.space)} to slot {slots}{count}"
    for push in segment.pushes:
        target = (
            "the result"
            if push.store is None and push.total is None
            else ("a total" if push.store is None else f"a store for segment {_target(push.node)}")
        )
        yield f"    {push.node.op}: to {target}"


def _target(node: Node) -> str:
    return f"of {_size(node.space)}"


def _size(space: Sequence[int]) -> str:
    return "x".join(map(str, space))


def displacement_text(axis: Sequence[int], mode: str) -> str:
    """A set of displacements in short: `0`, `-7..7`, `-6..6 by 2`, `0..7 (wrapped)`."""
    suffix = " (wrapped)" if mode == "wrapped" else ""
    if len(axis) == 1:
        return f"{{{axis[0]}}}{suffix}"
    steps = {b - a for a, b in pairwise(axis)}
    if len(steps) > 1:
        return "{" + ", ".join(map(str, axis)) + "}" + suffix
    (step,) = steps
    by = "" if step == 1 else f" by {step}"
    return f"{{{axis[0]}..{axis[-1]}{by}}}{suffix}"


def workspace_bytes(program: SliceProgram, schedule: SliceSchedule) -> int:
    """What one thread holds while it works on a group of pairs: slices, stores, and tables."""
    space, channels = input_space(program)
    repeated = any("wrapped" in g.modes for s in program.functions for g in s.segments)
    where = layout(schedule, program.lanes, space, channels, repeated, program.vectors)
    stores = sum(store_size(store, program.lanes) for store in schedule.stores)
    single = sum(prod(size) for _, size in schedule.rows) + prod(space) * channels
    repeats = 2 ** len(space) if repeated else 1
    numbers = where.size + stores + single * program.lanes * (1 + repeats)
    return numbers * itemsize(program.dtype)
