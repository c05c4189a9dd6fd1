"""Print a slice program as `numba.cuda` source: a kernel a segment, and one that ends a pair.

A block carries a group of packs of one pair through a whole segment: slots lie in shared memory,
and what leaves the segment is a slice in the workspace or the sum of a pack. Sums of packs are kept
apart until the last kernel adds them in one order, so that results do not depend on the batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod

from ntkc.backends.cuda.cells import Cells
from ntkc.backends.cuda.gathers import Gather
from ntkc.backends.cuda.spell import HELPERS, thread
from ntkc.backends.cuda.steps import Step
from ntkc.backends.statements import docstring, indented, table_lines
from ntkc.ir.loop import Table
from ntkc.ir.node import Node, Space, Varies, symbol, with_args
from ntkc.ir.project import Projection
from ntkc.runtime.program import DEVICE_ABI
from ntkc.schedule.slices.packs import ITEM, Target, block
from ntkc.schedule.slices.program import (
    Geometry,
    Push,
    Segment,
    SliceProgram,
    SliceSchedule,
    SliceStep,
    final_values,
    input_space,
)

_IMPORTS = """\
import math

import numpy as np
from numba import cuda, float32, float64

F = np.float32
u64 = np.uint64"""

FINAL_THREADS = 64
_PARTS = 16  # of a block's sum: two rounds of additions instead of one long one


def emit_kernels(
    program: SliceProgram,
    describe: Callable[[SliceStep], str],
    header: str,
    target: Target,
    suffix: str = "",
) -> str:
    """The module's text."""
    functions = [_Function(program, s, describe, target, suffix) for s in program.functions]
    texts, literals = _named([function.text() for function in functions])
    helpers = [h for name, h in HELPERS.items() if any(f"{name}(" in t for t in texts)]
    entries = [f"    {f.schedule.name!r}: {f.entry()}," for f in functions]
    listing = "\n".join(["KERNELS = {", *entries, "}"])
    head = f"{docstring(header)}\n\n{_IMPORTS}"
    own = f"OWN = {[s.name for s in program.own]!r}"
    abi = f"DEVICE_ABI = {DEVICE_ABI}"
    return "\n\n\n".join([head, abi, *literals, *helpers, *texts, f"{own}\n{listing}"]) + "\n"


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
    ) -> None:
        self.program, self.schedule, self.describe = program, schedule, describe
        self.dtype, self.dialect = program.dtype, thread(program.dtype)
        self.blocks = [block(schedule, s, self.dtype, target) for s in schedule.segments]
        self.space, self.channels = input_space(program)
        self.plain = schedule.name.replace("+", "_")
        self.name = f"packs_{self.plain}_{self.dtype}{suffix}"
        self.width = sum(prod(space) for _, space in schedule.rows)
        self.results = sum(prod(root.space) for root in schedule.roots)
        self.sources: dict[int, Push] = {}
        self.total_at: dict[int, tuple[int, int]] = {}
        self.tables: list[str] = []
        self._places()

    def _places(self) -> None:
        """Where slices and partial sums of a pair are in the workspace."""
        self.gathers: dict[int, Gather] = {}
        self.store_at: dict[int, int] = {}
        self.workspace = self.partials = 0
        for segment, where in zip(self.schedule.segments, self.blocks, strict=True):
            for push in segment.pushes:
                if push.total is not None:
                    self.total_at[push.total] = self.partials, where.packs.count
                    self.partials += where.packs.count
                elif push.store is not None:
                    name = f"{self.plain.upper()}_STORE_{push.store}"
                    store = self.schedule.stores[push.store]
                    zero = self.dialect.literal(0.0)
                    gather = Gather(store.node, push.source, where.packs, name, self.dtype, zero)
                    self.gathers[push.store] = gather
                    self.store_at[push.store] = self.workspace
                    self.workspace += gather.size
                    self.tables += gather.tables

    def text(self) -> str:
        """All kernels, with the tables that they read."""
        kernels = [self._segment(segment) for segment in self.schedule.segments]
        if not any(root.space for root in self.schedule.roots):
            kernels.append(self._final())
        return "\n\n\n".join(["\n".join(self.tables)] * bool(self.tables) + kernels)

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
        final = "None" if any(r.space for r in self.schedule.roots) else f"{self.name}_final"
        return (
            f"{{'segments': [{', '.join(segments)}], 'final': {final}, "
            f"'final_threads': {FINAL_THREADS}, 'workspace': {self.workspace}, "
            f"'partials': {self.partials}, 'results': {self.results}}}"
        )

    # --- a segment ---------------------------------------------------------------------

    def _segment(self, segment: Segment) -> str:
        where = self.blocks[segment.number]
        body = [*self._start(segment), *self._clear(segment)]
        for index in segment.stores:
            body += self._take(segment, index)
        if segment.stores:
            body.append("cuda.syncthreads()")
        tables: list[Table] = []
        for number, run in enumerate(segment.runs):
            inner: list[str] = []
            for position in range(run.period):
                name = f"{self.plain}_{segment.number}_{number}_{position}"
                inner.append(f"# {self.describe(run.steps[position])}")
                inner += Step(
                    where, run, position, name, tables, self.dialect, self.channels,
                    self.schedule.own,
                ).text()  # fmt: skip
            if run.count > 1:
                inner = [f"for layer in range({run.count}):", *indented(inner)]
            body += inner
        for push in segment.pushes:
            body += self._push(segment, push)
        head = [
            "@cuda.jit",
            f"def {self.name}_{segment.number}(",
            *(f"    {a}," for a in (
                "x1", "x2", "row_table", "column_table", "constants", "rows", "columns", "scratch",
                "stores", "partials", "result",
            )),
            "):",
            f'    """Segment {segment.number} of {self.schedule.name}, in {self.dtype}: '
            f'{where.group} packs of {where.threads} threads a block."""',
            *indented(body),
        ]  # fmt: skip
        return "\n".join([*table_lines(tables, "int64"), *([""] * 2 if tables else []), *head])

    def _start(self, segment: Segment) -> list[str]:
        """Who this thread is, and what it works on."""
        where = self.blocks[segment.number]
        packs, cells = where.packs, prod(self.space)
        lines = [
            "thread = cuda.threadIdx.x",
            f"pair = cuda.blockIdx.x // {where.blocks}",
            f"member = thread // {where.threads}",
            f"first = thread % {where.threads}",
            f"pack = cuda.blockIdx.x % {where.blocks} * {where.group} + member",
        ]
        if packs.count % where.group:
            # What is left over repeats the last pack, and writes the same numbers again.
            lines.append(f"pack = min(pack, {packs.count - 1})")
        rest = "pack"
        for axis in reversed(range(len(packs.classes))):
            classes = packs.classes[axis]
            name = f"{self.plain.upper()}_{segment.number}_{axis}"
            lines.append(f"i{axis} = {rest} % {len(classes)}")
            if classes == tuple(range(len(classes))):
                lines.append(f"w{axis} = i{axis}")
            else:
                self._table(f"{name} = np.array({list(classes)!r}, dtype=np.int64)")
                lines.append(f"w{axis} = {name}[i{axis}]")
            if axis:
                lines.append(f"rest = {rest} // {len(classes)}")
            rest = "rest"
            if not packs.full(axis):
                for kind, found in (("first", packs.first), ("second", packs.second)):
                    values = [int(flag) for flag in found[axis]]
                    self._table(f"{name}_{kind} = np.array({values!r}, dtype=np.int64)")
                    lines.append(f"{kind}{axis} = {name}_{kind}[i{axis}] > 0")
        slots = f"cuda.shared.array(0, {self.dtype})" if where.shared else "scratch"
        base = f"member * {where.size}"
        if not where.shared:
            base = f"(cuda.blockIdx.x * {where.group} + member) * {where.size}"
        lines += [
            f"slots = {slots}",
            f"base = {base}",
            f"row_at = rows[pair] * {self.width}",
            f"column_at = columns[pair] * {self.width}",
            f"x1_at = rows[pair] * {cells * self.channels}",
            f"x2_at = columns[pair] * {cells * self.channels}",
        ]
        if self.schedule.own:
            zero = " and ".join(f"w{a} == 0" for a in range(len(packs.classes)))
            one, nought = self.dialect.literal(1.0), self.dialect.literal(0.0)
            lines.append(f"same = {one} if {zero} else {nought}")
        return lines

    def _table(self, line: str) -> None:
        if line not in self.tables:
            self.tables.append(line)

    def _clear(self, segment: Segment) -> list[str]:
        """Zeros everywhere: windows read margins, and nothing ever writes them."""
        where = self.blocks[segment.number]
        return [
            f"for k in range(first, {where.size}, {where.threads}):",
            f"    slots[u64(base + k)] = {self.dialect.literal(0.0)}",
            "cuda.syncthreads()",
        ]

    def _take(self, segment: Segment, index: int) -> list[str]:
        """Gather a slice of a store into its slot."""
        where, store = self.blocks[segment.number], self.schedule.stores[index]
        own = Cells(where, Geometry(store.node.space, (1,) * len(store.node.space)))
        gather, lines = self.gathers[index], [f"from_{index} = pair * {self.workspace}"]
        lines[0] += f" + {self.store_at[index]}"
        body: list[str] = []
        for r in range(where.strip):
            body += gather.lines(own, r, "value", f"from_{index}")
            live, inside = own.live(r), own.inside(r)
            zero = self.dialect.literal(0.0)
            text = f"cuda.selp({live}, value, {zero})" if live else "value"
            put = [f"slots[u64({own.place(store.slot, r)})] = {text}"]
            body += put if inside is None else [f"if {inside}:", *indented(put)]
        return [*lines, *own.loop(body)]

    # --- what leaves a segment ---------------------------------------------------------

    def _push(self, segment: Segment, push: Push) -> list[str]:
        where = self.blocks[segment.number]
        own = Cells(where, push.source)
        zero = " and ".join(f"w{a} == 0" for a in range(len(push.source.space)))
        if push.total is not None:
            return self._total(segment, push, own, zero)
        body = []
        for r in range(where.strip):
            value, cell = f"slots[u64({own.place(push.slot, r)})]", own.number(r, False)
            if push.store is not None:
                size = prod(push.source.space)
                line = f"stores[u64(pair * {self.workspace} + {self.store_at[push.store]}"
                line += f" + pack * {size} + {cell})] = {value}"
            else:
                roots = self.schedule.roots
                first = sum(prod(root.space) for root in roots[: roots.index(push.node)])
                line = f"result[u64(pair * {self.results} + {first} + {cell})] = {value}"
            inside = own.inside(r)
            body += [line] if inside is None else [f"if {inside}:", f"    {line}"]
        lines = own.loop(body)
        return lines if push.store is not None else [f"if {zero}:", *indented(lines)]

    def _total(self, segment: Segment, push: Push, own: Cells, zero: str) -> list[str]:
        """The sum of a pack: threads, then parts of a block, then one thread."""
        where, number = self.blocks[segment.number], push.total
        assert number is not None
        threads = where.threads
        body = []
        for r in range(where.strip):
            line = f"total += slots[u64({own.place(push.slot, r)})]"
            inside = own.inside(r)
            body += [line] if inside is None else [f"if {inside}:", f"    {line}"]
        first, _ = self.total_at[number]
        kept, parts = "total", min(_PARTS, threads)
        if push.node.op == "mean_diagonal":
            kept = f"total * {1.0 / prod(push.source.space)!r} if {zero} else 0.0"
        return [
            f"total = {self.dialect.literal(0.0)}",
            *own.loop(body),
            f"sums_{number} = cuda.shared.array({threads * where.group}, float64)",
            f"sums_{number}[thread] = total",
            "cuda.syncthreads()",
            f"if first < {parts}:",
            f"    for other in range(first + {parts}, {threads}, {parts}):",
            f"        sums_{number}[thread] += sums_{number}[thread - first + other]",
            "cuda.syncthreads()",
            "if first == 0:",
            f"    whole = sums_{number}[thread]",
            f"    for other in range(1, {parts}):",
            f"        whole += sums_{number}[thread + other]",
            f"    partials[u64(pair * {self.partials} + {first} + pack)] = "
            + kept.replace("total", "whole"),
        ]

    # --- the end -----------------------------------------------------------------------

    def _final(self) -> str:
        """From partial sums to results: a block a pair."""
        schedule, kind = self.schedule, "F" if self.dtype == "float32" else "float"
        names: dict[Node, Node] = {}
        body = ["thread = cuda.threadIdx.x", "pair = cuda.blockIdx.x"]
        for i in range(len(schedule.totals)):
            first, count = self.total_at[i]
            body += [
                f"sums_{i} = cuda.shared.array({FINAL_THREADS}, float64)",
                "whole = 0.0",
                f"for pack in range(thread, {count}, {FINAL_THREADS}):",
                f"    whole += partials[u64(pair * {self.partials} + {first} + pack)]",
                f"sums_{i}[thread] = whole",
            ]
        last = [f"row_at = rows[pair] * {self.width}", f"column_at = columns[pair] * {self.width}"]
        for i, node in enumerate(schedule.totals):
            last += [
                "whole = 0.0",
                f"for other in range({FINAL_THREADS}):",
                f"    whole += sums_{i}[other]",
                f"total_{i} = {kind}(whole)",
            ]
            names[node] = symbol(f"total_{i}")
        offsets: dict[tuple[Node, Space], int] = dict(
            zip(schedule.rows, schedule.offsets, strict=True)
        )
        values = final_values(schedule.roots)
        for node in values:
            for arg in node.args:
                if arg in names or arg.op == "const" or arg.varies is Varies.CROSS:
                    continue
                name = f"single_{len(names)}"
                last.append(f"{name} = {self._single(arg, offsets)}")
                names[arg] = symbol(name)
        for number, node in enumerate(values):
            args = tuple(names.get(a, a) for a in node.args)
            last.append(f"v{number} = {self.dialect.write(with_args(node, args))}")
            names[node] = symbol(f"v{number}")
        for number, root in enumerate(schedule.roots):
            value = self.dialect.write(names.get(root, root))
            last.append(f"result[u64(pair * {self.results} + {number})] = {value}")
        body += ["cuda.syncthreads()", "if thread == 0:", *indented(last)]
        head = [
            "@cuda.jit",
            f"def {self.name}_final(",
            "    row_table, column_table, constants, rows, columns, partials, result",
            "):",
            f'    """{schedule.name} of each pair, from the sums of its packs."""',
        ]
        return "\n".join([*head, *indented(body)])

    def _single(self, arg: Node, offsets: dict[tuple[Node, Space], int]) -> str:
        if arg.varies is Varies.CONST:
            return f"constants[{self.program.constants.index(arg)}]"
        row = Projection(Varies.ROW)(arg)
        side = "row" if arg.varies is Varies.ROW else "column"
        return f"{side}_table[u64({side}_at + {offsets[row, ()]})]"
