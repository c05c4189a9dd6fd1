"""A schedule as text: `--emit schedule`, and its summary in `ntkc explain`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from ntkc.explain.layout import amount, size
from ntkc.ir.cost import Traffic, itemsize, work
from ntkc.ir.node import topological
from ntkc.schedule.program import WIDTH, ProgramSchedule, Run, Schedule, Step
from ntkc.schedule.work import tile_traffic, tile_work

Describe = Callable[[Step], str]


def format_schedule(
    program: ProgramSchedule | Mapping[str, ProgramSchedule], describe: Describe | None = None
) -> str:
    """The levels of every tile function with their slots, table entries and work.

    Several schedules of one program are given by number type.
    """
    if isinstance(program, ProgramSchedule):
        return "\n".join(_program(program, describe)) + "\n"
    parts = []
    for dtype, schedule in program.items():
        parts.append("\n".join([f"in {dtype}", *_program(schedule, describe)]))
    return "\n\n".join(parts) + "\n"


def _program(program: ProgramSchedule, describe: Describe | None) -> Iterator[str]:
    start = "complements" if program.complement else "inner products"
    yield f"schedule of {program.module.name}: tiles start from {start}, {WIDTH} pairs a block"
    yield f"  {amount(len(program.table), 'value')} of each input in the table"
    yield f"  {amount(len(program.constants), 'constant')} from parameters and layers"
    for tile in program.tiles.values():
        yield ""
        yield from _tile(tile, describe)


def _tile(tile: Schedule, describe: Describe | None) -> Iterator[str]:
    steps = sum(len(run.steps) for run in tile.runs)
    done, moved = tile_work(tile), tile_traffic(tile)
    yield (
        f"tile {' and '.join(tile.roots)}: {amount(steps, 'level')} in "
        f"{amount(len(tile.runs), 'run')}, {amount(tile.slots, 'slot')}"
    )
    yield f"  a pair: {done.flops} flops, {moved_text(moved)}"
    for run in tile.runs:
        yield from _run(run, describe)


def _run(run: Run, describe: Describe | None) -> Iterator[str]:
    if run.count > 1:
        yield f"  repeat {run.count} times"
    indent = "    " if run.count > 1 else "  "
    for position in range(run.period):
        steps = run.steps[position :: run.period]
        step = steps[0]
        words = "" if describe is None else f"  # {describe(step)}"
        yield f"{indent}level: {_reads(step)} -> {_writes(step)}{words}"
        operations = amount(len(step.instance.body), "operation")
        done = work(step.instance.body)
        yield f"{indent}  {operations}, {done.flops} flops: {done}"
        for kind, entries in (
            ("row values", [s.row_entries for s in steps]),
            ("column values", [s.col_entries for s in steps]),
            ("constants", [s.constant_entries for s in steps]),
        ):
            shown = [_entries(column) for column in zip(*entries, strict=True)]
            shown = [text for text in shown if text]
            if shown:
                yield f"{indent}  {kind}: {', '.join(shown)}"


def _reads(step: Step) -> str:
    slots = [f"slot {slot}" for slot in step.input_slots]
    return ", ".join(slots) if slots else "the input"


def _writes(step: Step) -> str:
    written = [f"slot {slot}" for slot in step.output_slots if slot is not None]
    results = sum(len(stores) for stores in step.stores)
    return ", ".join([*written, *([amount(results, "result")] if results else [])])


def _entries(column: tuple[int | None, ...]) -> str:
    """Entries of one hole over the repetitions: `3`, `3, 4 .. 9`, or nothing for literals."""
    found = [entry for entry in column if entry is not None]
    if not found or len(set(found)) == 1:
        return str(found[0]) if found else ""
    start = f"{found[0]}, {found[1]}"
    if len({b - a for a, b in pairwise(found)}) == 1:
        return start if len(found) == 2 else f"{start} .. {found[-1]}"
    return f"{start}, ... ({len(found)} entries)"


def scratch_bytes(program: ProgramSchedule, dtype: str) -> int:
    """Bytes of scratch of one thread."""
    return program.slots * WIDTH * itemsize(dtype)


def moved_text(moved: Traffic) -> str:
    """What a pair moves, in words."""
    return (
        f"{amount(moved.loads, 'load')}, {amount(moved.stores, 'store')}, "
        f"{amount(moved.table, 'table value')}"
    )


def scratch_text(program: ProgramSchedule, dtype: str) -> str:
    """The scratch memory of a thread, in words."""
    return (
        f"{amount(program.slots, 'slot')} of {WIDTH} pairs in {dtype}: "
        f"{size(scratch_bytes(program, dtype))}"
    )


def single_values(program: ProgramSchedule) -> int:
    """Operations for each input: everything in the table, and both diagonals."""
    roots = program.module.roots
    diagonals = [roots[name] for name in ("nngp_diagonal", "ntk_diagonal")]
    return work(topological([*program.table, *diagonals])).flops
