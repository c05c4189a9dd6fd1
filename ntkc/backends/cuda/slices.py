"""Print a slice program as `numba.cuda` source: a kernel a segment, and one that ends a pair.

A block carries a group of packs of one pair through a whole segment: slots lie in shared memory,
and what leaves the segment is a slice in the workspace or the sum of a pack. Sums of packs are kept
apart until the last kernel adds them in one order, so that results do not depend on the batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ntkc.backends.cuda.segments import Kernel
from ntkc.backends.cuda.spell import DEVICE, helpers, preamble, thread
from ntkc.backends.cuda.totals import FINAL_THREADS, final_lines
from ntkc.backends.cuda.workspace import Workspace
from ntkc.backends.routines import Routines
from ntkc.backends.statements import docstring, indented
from ntkc.runtime.program import DEVICE_ABI
from ntkc.schedule.slices.packs import ITEM, Target, block
from ntkc.schedule.slices.program import SliceProgram, SliceSchedule, SliceStep

_BUFFERS = ("x1", "x2", "row_table", "column_table", "slots", "stores")
"""The arrays that routines are given."""

_ARGUMENTS = (
    "x1", "x2", "row_table", "column_table", "constants", "rows", "columns", "scratch", "stores",
    "partials", "result",
)  # fmt: skip
_FINAL_ARGUMENTS = (
    "row_table", "column_table", "constants", "rows", "columns", "partials", "result",
)  # fmt: skip


def emit_kernels(
    program: SliceProgram,
    describe: Callable[[SliceStep], str],
    header: str,
    target: Target,
    suffix: str = "",
) -> str:
    """The module's text."""
    routines = Routines(DEVICE, _BUFFERS, suffix)
    functions = [
        _Function(program, s, describe, target, suffix, routines) for s in program.functions
    ]
    kernels = [function.text() for function in functions]
    texts, literals = _named([*routines.texts(), *kernels])
    carried = helpers(texts)
    tables = [line for function in functions for line in function.workspace.tables]
    entries = [f"    {f.schedule.name!r}: {f.entry()}," for f in functions]
    listing = "\n".join(["KERNELS = {", *entries, "}"])
    head = f"{docstring(header)}\n\n{preamble([*texts, *carried])}"
    own = f"OWN = {[s.name for s in program.own]!r}"
    abi = f"DEVICE_ABI = {DEVICE_ABI}"
    named = ["\n".join(tables)] if tables else []
    parts = [head, abi, *literals, *named, *carried, *texts, f"{own}\n{listing}"]
    return "\n\n\n".join(parts) + "\n"


def _named(texts: list[str]) -> tuple[list[str], list[str]]:
    """The texts with names for float32 numbers, and the names' definitions.

    Numba resolves every call for itself, those that make a number too: a third of its time.
    """
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"K{len(names)}")

    found = [re.sub(r"\bF\(-?[0-9][0-9.e+-]*\)", name, text) for text in texts]
    return found, ["\n".join(f"{k} = {text}" for text, k in names.items())] * bool(names)


class _Function:
    """The kernels of one schedule."""

    def __init__(
        self,
        program: SliceProgram,
        schedule: SliceSchedule,
        describe: Callable[[SliceStep], str],
        target: Target,
        suffix: str,
        routines: Routines,
    ) -> None:
        self.program, self.schedule, self.describe = program, schedule, describe
        self.dtype, self.dialect = program.dtype, thread(program.dtype)
        self.routines = routines
        self.blocks = [block(schedule, s, self.dtype, target) for s in schedule.segments]
        self.name = f"packs_{schedule.name.replace('+', '_')}_{self.dtype}{suffix}"
        self.workspace = Workspace(program, schedule, self.blocks, self.dialect)

    def text(self) -> str:
        """All kernels."""
        kernels = []
        for segment, where in zip(self.schedule.segments, self.blocks, strict=True):
            kernel = Kernel(
                self.program, self.schedule, segment, where, self.workspace, self.routines
            )
            doc = f"Segment {segment.number} of {self.schedule.name}, in {self.dtype}: "
            doc += f"{where.group} packs of {where.threads} threads a block."
            kernels.append(
                _kernel(
                    f"{self.name}_{segment.number}", doc, _ARGUMENTS, kernel.lines(self.describe)
                )
            )
        if not self.workspace.spatial:
            doc = f"{self.schedule.name} of each pair, from the sums of its packs."
            lines = final_lines(self.program, self.schedule, self.workspace, self.dialect)
            kernels.append(_kernel(f"{self.name}_final", doc, _FINAL_ARGUMENTS, lines))
        return "\n\n\n".join(kernels)

    def entry(self) -> str:
        """What the runtime needs to know."""
        segments = []
        for segment, where in zip(self.schedule.segments, self.blocks, strict=True):
            size = where.size * where.group
            numbers = {
                "blocks": where.blocks,
                "threads": where.threads * where.group,
                "shared": size * ITEM[self.dtype] if where.shared else 0,
                "scratch": 0 if where.shared else size,
            }
            segments.append(f"({self.name}_{segment.number}, {numbers!r})")
        work = self.workspace
        final = "None" if work.spatial else f"{self.name}_final"
        return (
            f"{{'segments': [{', '.join(segments)}], 'final': {final}, "
            f"'final_threads': {FINAL_THREADS}, 'workspace': {work.size}, "
            f"'partials': {work.partials}, 'results': {work.results}}}"
        )


def _kernel(name: str, doc: str, arguments: tuple[str, ...], lines: list[str]) -> str:
    head = ["@cuda.jit", f"def {name}(", *(f"    {a}," for a in arguments), "):"]
    return "\n".join([*head, f'    """{doc}"""', *indented(lines)])
