"""Sums over all entries of a pair: of a pack in its block, then of all packs in a last kernel.

Every sum has one order, so that a result depends neither on the batch nor on what else runs.
"""

from __future__ import annotations

from math import prod

from ntkc.backends.cuda.cells import Cells
from ntkc.backends.cuda.workspace import Workspace
from ntkc.backends.spelling import Dialect
from ntkc.backends.statements import indented
from ntkc.ir.node import Node, Space, Varies, symbol, with_args
from ntkc.ir.project import Projection
from ntkc.schedule.slices.packs import Block
from ntkc.schedule.slices.program import Push, SliceProgram, SliceSchedule, final_values

FINAL_THREADS = 64
_PARTS = 16  # of a block's sum: two rounds of additions instead of one long one


def total_lines(push: Push, where: Block, work: Workspace, dialect: Dialect) -> list[str]:
    """The sum of a pack: threads, then parts of a block, then one thread."""
    number, threads, own = push.total, where.threads, Cells(where, push.source)
    assert number is not None
    body = []
    for r in range(where.strip):
        line = f"total += slots[u64({own.place(own.start(push.slot), r)})]"
        inside = own.inside(r)
        body += [line] if inside is None else [f"if {inside}:", f"    {line}"]
    kept, parts = "whole", min(_PARTS, threads)
    if push.node.op == "mean_diagonal":
        zero = " and ".join(f"w{a} == 0" for a in range(len(push.source.space)))
        kept = f"whole * {1.0 / prod(push.source.space)!r} if {zero} else 0.0"
    at = f"pair * {work.partials} + {work.total_at[number][0]} + pack"
    return [
        f"# {push.node.op}",
        f"total = {dialect.literal(0.0)}",
        *own.loop([*own.places(own.unit), *body]),
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
        f"    partials[u64({at})] = {kept}",
    ]


def final_lines(
    program: SliceProgram, schedule: SliceSchedule, work: Workspace, dialect: Dialect
) -> list[str]:
    """From the packs' sums to a pair's results: the body of a kernel, a block a pair."""
    body = ["thread = cuda.threadIdx.x", "pair = cuda.blockIdx.x"]
    for i in range(len(schedule.totals)):
        first, count = work.total_at[i]
        body += [
            f"sums_{i} = cuda.shared.array({FINAL_THREADS}, float64)",
            "whole = 0.0",
            f"for pack in range(thread, {count}, {FINAL_THREADS}):",
            f"    whole += partials[u64(pair * {work.partials} + {first} + pack)]",
            f"sums_{i}[thread] = whole",
        ]
    last = _results(program, schedule, work, dialect)
    return [*body, "cuda.syncthreads()", "if thread == 0:", *indented(last)]


def _results(
    program: SliceProgram, schedule: SliceSchedule, work: Workspace, dialect: Dialect
) -> list[str]:
    """What one thread does with the sums: everything behind the last of them."""
    kind = "F" if program.dtype == "float32" else "float"
    names: dict[Node, Node] = {}
    lines = [f"row_at = rows[pair] * {work.width}", f"column_at = columns[pair] * {work.width}"]
    for i, node in enumerate(schedule.totals):
        lines += [
            "whole = 0.0",
            f"for other in range({FINAL_THREADS}):",
            f"    whole += sums_{i}[other]",
            f"total_{i} = {kind}(whole)",
        ]
        names[node] = symbol(f"total_{i}")
    offsets = dict(zip(schedule.rows, schedule.offsets, strict=True))
    values = final_values(schedule.roots)
    for node in values:
        for arg in node.args:
            if arg in names or arg.op == "const" or arg.varies is Varies.CROSS:
                continue
            name = f"single_{len(names)}"
            lines.append(f"{name} = {_single(program, arg, offsets)}")
            names[arg] = symbol(name)
    for number, node in enumerate(values):
        args = tuple(names.get(a, a) for a in node.args)
        lines.append(f"v{number} = {dialect.write(with_args(node, args))}")
        names[node] = symbol(f"v{number}")
    for number, root in enumerate(schedule.roots):
        value = dialect.write(names.get(root, root))
        lines.append(f"result[u64(pair * {work.results} + {number})] = {value}")
    return lines


def _single(program: SliceProgram, arg: Node, offsets: dict[tuple[Node, Space], int]) -> str:
    """A value of one input, or of none."""
    if arg.varies is Varies.CONST:
        return f"constants[{program.constants.index(arg)}]"
    row = Projection(Varies.ROW)(arg)
    side = "row" if arg.varies is Varies.ROW else "column"
    return f"{side}_table[u64({side}_at + {offsets[row, ()]})]"
