"""How complete slices are added to stores and totals, as Numba source.

A slice of displacement δ holds, at cell i of an axis, positions p = i + max(0, −δ) and p + δ; on an
axis that wraps around, p = i, and it is two runs of cells, of displacements δ and δ − size. What a
slice adds to is found run by run: for each displacement Δ of the store and each offset of a
window, the cells of the store are a range, and those of the slice go with it.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ntkc.ir.node import Node
from ntkc.schedule.slices.program import Push, Segment
from ntkc.schedule.slices.segments import WRAPPED


def push_lines(writer: Any, segment: Segment, push: Push, number: int) -> list[str]:
    """The source lines of one push, for geometry `number` of its segment."""
    if push.total is not None:
        return _total(writer, push, number)
    if push.store is None:
        return _result(writer, segment, push, number)
    return _store(writer, segment, push, number)


def _rows(writer: Any, push: Push, number: int) -> tuple[list[str], str]:
    """Loops over the rows of a slice, and where a row begins in scratch."""
    where, rank = writer.where, len(push.source.space)
    heads = ["    " * a + f"for y{a} in range(n{number}_{a}):" for a in range(rank - 1)]
    at = f"u64({where.origin(push.slot)})"
    for axis in range(rank - 1):
        at += f" + y{axis} * u64({where.pitches[axis]})"
    return heads, at


def _total(writer: Any, push: Push, number: int) -> list[str]:
    where, rank = writer.where, len(push.source.space)
    lanes, line = where.lanes, where.first_line
    heads, at = _rows(writer, push, number)
    pad, last = "    " * len(heads), f"n{number}_{rank - 1}"
    zero = writer.dialect.literal(0.0)
    scale = 1.0 / prod(push.source.space) if push.node.op == "mean_diagonal" else 1.0
    factor = f" * {scale!r}" if scale != 1.0 else ""
    body = [
        f"for k in range({last} * u64({lanes})):",
        f"    scratch[u64({line}) + k] = {zero}",
        *heads,
        f"{pad}at = {at}",
        f"{pad}for k in range({last} * u64({lanes})):",
        f"{pad}    scratch[u64({line}) + k] += scratch[at + k]",
        f"for x in range({last}):",
        f"    for lane in range(u64({lanes})):",
        f"        total = scratch[u64({line}) + x * u64({lanes}) + lane]",
        f"        totals[u64({push.total * lanes}) + lane] += total{factor}",
    ]
    return _at_zero(rank, body) if push.node.op == "mean_diagonal" else body


def _result(writer: Any, segment: Segment, push: Push, number: int) -> list[str]:
    """A root of positions: its slice at δ = 0 is the result."""
    where, space = writer.where, push.source.space
    heads, at = _rows(writer, push, number)
    pad, row = "    " * len(heads), "u64(0)"
    roots = writer.schedule.roots
    first = sum(prod(root.space) for root in roots[: roots.index(push.node)])
    for axis in range(len(space) - 1):
        row = f"({row}) * u64({space[axis]}) + y{axis}"
    body = [
        *heads,
        f"{pad}at = {at}",
        f"{pad}to = u64({first * where.lanes}) + ({row}) * u64({space[-1] * where.lanes})",
        f"{pad}for k in range(u64({space[-1] * where.lanes})):",
        f"{pad}    result[to + k] = scratch[at + k]",
    ]
    return _at_zero(len(space), body)


def _at_zero(rank: int, body: list[str]) -> list[str]:
    condition = " and ".join(f"d{a} == 0" for a in range(rank))
    return [f"if {condition}:", *(f"    {line}" for line in body)]


def _store(writer: Any, segment: Segment, push: Push, number: int) -> list[str]:
    node, where = push.node, writer.where
    assert push.store is not None
    store = writer.schedule.stores[push.store]
    target = writer.schedule.segments[store.segment]
    rank, depth = len(node.space), 0
    lines: list[str] = []

    def add(*texts: str, deeper: bool = False) -> None:
        nonlocal depth
        lines.extend("    " * depth + text for text in texts)
        depth += deeper

    for axis in range(rank):
        _axis(writer, segment, push, axis, number, add)
    indices = [f"j{a}" for a in range(rank)]
    add(f"base = {writer.store_at(push.store, store, indices)}")
    for axis in range(rank - 1):
        add(f"for c{axis} in range(low{axis}, high{axis}):", deeper=True)
    row, at = "0", str(where.origin(push.slot))
    for axis in range(rank):
        cell = f"c{axis}" if axis < rank - 1 else f"low{axis}"
        corner = "0" if target.modes[axis] == WRAPPED else f"max(0, -t{axis})"
        row = f"({row}) * {node.space[axis]} + {_target(node, axis, cell)} - {corner}"
        pitch = where.pitches[axis]
        at += f" + ({_source(node, axis, cell)} - first{axis}) * {pitch}"
    last = rank - 1
    here, there = _steps(node, last)
    add(f"to = u64(base + ({row}) * {where.lanes})", f"at = u64({at})")
    if here == there == 1:
        add(
            f"for k in range(u64(max(high{last} - low{last}, 0) * {where.lanes})):",
            "    stores[to + k] += scratch[at + k]",
        )
    else:
        add(
            f"for x in range(u64(max(high{last} - low{last}, 0))):",
            f"    for k in range(u64({where.lanes})):",
            f"        stores[to + x * u64({here * where.lanes}) + k] += "
            f"scratch[at + x * u64({there * where.lanes}) + k]",
        )
    return lines


def _steps(node: Node, axis: int) -> tuple[int, int]:
    """How far neighbours in the loop over cells lie apart, in the store and in the slice."""
    if node.op == "pool":
        return 1, node.attr("stride")[axis]
    return (node.attr("stride")[axis], 1) if node.op == "spread" else (1, 1)


def _target(node: Node, axis: int, cell: str) -> str:
    """The position in the store's space that a loop's cell stands for."""
    if node.op != "spread":
        return cell
    stride, before, dilation = (node.attr(n)[axis] for n in ("stride", "before", "dilation"))
    return f"{stride} * {cell} - {before} + {dilation} * o{axis}"


def _source(node: Node, axis: int, cell: str) -> str:
    """The position in the slice's space that a loop's cell stands for."""
    if node.op == "pool":
        return f"{node.attr('stride')[axis]} * {cell} + shift{axis}"
    if node.op == "embed":
        return f"{cell} - {node.attr('start')[axis]}"
    return cell


def _axis(writer: Any, segment: Segment, push: Push, axis: int, number: int, add: Any) -> None:
    """Loops over runs, displacements and offsets of one axis; binds t, j, low, high, shift."""
    node, factor = push.node, push.source.factor[axis]
    size, out = push.source.space[axis], node.space[axis]
    store = writer.schedule.stores[push.store]
    wrapped = segment.modes[axis] == WRAPPED
    target = writer.schedule.segments[store.segment]
    d = f"d{axis}" if factor == 1 else f"d{axis} // {factor}"
    if wrapped:
        add(f"for run{axis} in range(2):", deeper=True)
        add(
            f"e{axis} = {d} - run{axis} * {size}",
            f"first{axis} = 0",
            f"begin{axis} = max(0, -e{axis})",
            f"end{axis} = {size} - max(0, e{axis})",
        )
    else:
        add(
            f"e{axis} = {d}",
            f"first{axis} = max(0, -e{axis})",
            f"begin{axis} = first{axis}",
            f"end{axis} = {size} - max(0, e{axis})",
        )
    table, offset = writer.index_of(push.store, store, axis, target.modes[axis] == WRAPPED)
    pooled = node.op == "pool" and not _inert(node, axis)
    if pooled:
        _pool_axis(node, axis, size, add)
    else:
        stride = f"{node.attr('stride')[axis]} * " if node.op == "spread" else ""
        add(f"t{axis} = {stride}e{axis}")
    add(f"j{axis} = {table}[t{axis} + {offset}] if abs(t{axis}) < {out} else -1")
    add(f"if j{axis} >= 0:", deeper=True)
    if pooled:
        stride, count, before = (node.attr(n)[axis] for n in ("stride", "size", "before"))
        gap = f"{stride} * t{axis} - e{axis} - around{axis}"
        add(f"for o{axis} in range(max(0, {gap}), min({count}, {count} + {gap})):", deeper=True)
        add(
            f"shift{axis} = o{axis} - {before} + wrap{axis}",
            f"low{axis} = max(-((shift{axis} - begin{axis}) // {stride}), max(0, -t{axis}))",
            f"high{axis} = min((end{axis} - 1 - shift{axis}) // {stride} + 1, "
            f"{out} - max(0, t{axis}))",
        )
    elif node.op == "spread":
        stride, before = node.attr("stride")[axis], node.attr("before")[axis]
        add(f"for o{axis} in range({node.attr('size')[axis]}):", deeper=True)
        shift = f"{before} - {node.attr('dilation')[axis]} * o{axis}"
        add(
            f"low{axis} = max(begin{axis}, -((-max(0, -t{axis}) - ({shift})) // {stride}))",
            f"high{axis} = min(end{axis}, ({out} - max(0, t{axis}) - 1 + {shift}) // {stride} + 1)",
        )
    else:
        if node.op == "pool":
            add(f"shift{axis} = 0")
        start = node.attr("start")[axis] if node.op == "embed" else 0
        add(f"low{axis} = begin{axis} + {start}", f"high{axis} = end{axis} + {start}")


def _inert(node: Node, axis: int) -> bool:
    """Whether a pool leaves an axis as it is."""
    size, stride, before = (node.attr(name)[axis] for name in ("size", "stride", "before"))
    return bool(size == stride == 1 and before == 0)


def _pool_axis(node: Node, axis: int, size: int, add: Any) -> None:
    """Loops over what wraps around, and over the displacements of the result."""
    stride, reach = node.attr("stride")[axis], node.attr("size")[axis] - 1
    if node.attr("circular"):
        most = -(-node.attr("size")[axis] // size) * size  # as often as a window goes around
        add(f"for wrap{axis} in range({-most}, {most + 1}, {size}):", deeper=True)
        add(f"for wrap_{axis} in range({-most}, {most + 1}, {size}):", deeper=True)
        add(f"around{axis} = wrap{axis} - wrap_{axis}")
    else:
        add(f"wrap{axis} = 0", f"around{axis} = 0")
    low = f"-(({reach} - e{axis} - around{axis}) // {stride})"
    add(
        f"for t{axis} in range({low}, (e{axis} + around{axis} + {reach}) // {stride} + 1):",
        deeper=True,
    )
