"""Stages as text that have no notation of their own: syntax trees and schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ntkc.schedule.program import ProgramSchedule, Run, Schedule


def tree(node: object) -> str:
    """A syntax tree, one node a line; places in the text are left out."""
    return "\n".join(_lines("", node, "")) + "\n"


def _lines(label: str, value: object, indent: str) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: getattr(value, f.name) for f in fields(value) if f.repr}
        flat = {name: part for name, part in parts.items() if _is_flat(part)}
        shown = " ".join(f"{name}={part!r}" for name, part in flat.items())
        yield f"{indent}{label}{type(value).__name__} {shown}".rstrip()
        for name, part in parts.items():
            if name not in flat:
                yield from _lines(f"{name}: ", part, f"{indent}  ")
    elif isinstance(value, tuple):
        yield f"{indent}{label}"
        for part in value:
            yield from _lines("", part, f"{indent}  ")
    else:
        yield f"{indent}{label}{value!r}"


def _is_flat(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_flat, value))
    return not is_dataclass(value)


def schedules(programs: Mapping[str, ProgramSchedule]) -> str:
    """The schedules of a program by number type."""
    parts = [line for dtype, program in programs.items() for line in _program(dtype, program)]
    return "\n".join(parts) + "\n"


def _program(dtype: str, program: ProgramSchedule) -> Iterator[str]:
    start = "complements" if program.complement else "inner products"
    yield (
        f"{dtype}: from {start}, {len(program.table)} values of each input, "
        f"{len(program.constants)} constants"
    )
    for schedule in program.tiles.values():
        yield from _tile(schedule)


def _tile(schedule: Schedule) -> Iterator[str]:
    yield f"  tile {' and '.join(schedule.roots)}: {schedule.slots} slots"
    for run in schedule.runs:
        yield from _run(run)


def _run(run: Run) -> Iterator[str]:
    indent = "    "
    if run.count > 1:
        yield f"{indent}{run.count} times:"
        indent += "  "
    for step in run.steps[: run.period]:
        reads = [f"s{slot}" for slot in step.input_slots] or ["the pair"]
        writes = [f"s{slot}" for slot in step.output_slots if slot is not None]
        writes += ["result"] if any(step.stores) else []
        yield (
            f"{indent}{', '.join(reads)} -> {', '.join(writes)}: "
            f"{len(step.instance.body)} operations, table {_entries(step.row_entries)} of rows, "
            f"{_entries(step.col_entries)} of columns"
        )


def _entries(entries: tuple[Any, ...]) -> str:
    return ", ".join(map(str, entries)) if entries else "none"
