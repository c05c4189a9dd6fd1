"""How complete slices are added to stores and totals, as Numba source.

A slice of displacement δ holds, at cell i of an axis, positions p = i + max(0, −δ) and p + δ; on an
axis that wraps around, p = i, and it is two runs of cells, of displacements δ and δ − size. What a
slice adds to is found run by run: for each displacement Δ of the store and each offset of a
window, the cells of the store are a range, and those of the slice go with it.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from ntkc.ir.node import Node
from ntkc.schedule.slices.program import Push, Segment
from ntkc.schedule.slices.segments import WRAPPED

if TYPE_CHECKING:
    from ntkc.backends.numba_cpu.slice_function import Function


def push_lines(writer: Function, segment: Segment, push: Push, number: int) -> list[str]:
    """The source lines of one push, for geometry `number` of its segment."""
    if push.total is not None:
        return _total(writer, push, number)
    if push.store is None:
        return _result(writer, push, number)
    return _store(writer, segment, push, number)


def _rows(writer: Function, push: Push, number: int) -> tuple[list[str], str, dict[str, str]]:
    """Loops over the rows of a slice, where a row begins in scratch, and the arguments of both."""
    where, rank = writer.where, len(push.source.space)
    heads = ["    " * a + f"for y{a} in range(n_{a}):" for a in range(rank - 1)]
    at = f"slot + u64({where.corner})"
    for axis in range(rank - 1):
        at += f" + y{axis} * u64({where.pitches[axis]})"
    arguments = {f"n_{a}": f"n{number}_{a}" for a in range(rank)}
    return heads, at, {"slot": f"u64({push.slot * where.slot})", **arguments}


def _total(writer: Function, push: Push, number: int) -> list[str]:
    where, rank = writer.where, len(push.source.space)
    assert push.total is not None
    lanes, line = where.lanes, where.first_line
    heads, at, arguments = _rows(writer, push, number)
    pad, last = "    " * len(heads), f"n_{rank - 1}"
    zero = writer.dialect.literal(0.0)
    scale = 1.0 / prod(push.source.space) if push.node.op == "mean_diagonal" else 1.0
    arguments |= {"to": f"u64({push.total * lanes})", "scale": repr(scale)}
    body = (
        _column_sums(lanes, last, heads, at)
        if writer.vector
        else [
            f"for k in range({last} * u64({lanes})):",
            f"    scratch[u64({line}) + k] = {zero}",
            *heads,
            f"{pad}at = {at}",
            f"{pad}for k in range({last} * u64({lanes})):",
            f"{pad}    scratch[u64({line}) + k] += scratch[at + k]",
            f"for x in range({last}):",
            f"    for lane in range(u64({lanes})):",
            f"        total = scratch[u64({line}) + x * u64({lanes}) + lane]",
            "        totals[to + lane] += total * scale",
        ]
    )
    call = writer.routines.call("add", "Add a slice to totals.", body, arguments)
    return _at_zero(rank, call) if push.node.op == "mean_diagonal" else call


def _column_sums(lanes: int, last: str, heads: list[str], at: str) -> list[str]:
    """Sums of columns as vectors, added up in float64."""
    pad = "    " * (len(heads) + 1)
    return [
        f"for x in range({last}):",
        "    total = zeros(scratch)",
        *(f"    {head}" for head in heads),
        f"{pad}total = total + load(scratch, {at} + x * u64({lanes}))",
        "    accumulate(totals, to, total, scale)",
    ]


def _result(writer: Function, push: Push, number: int) -> list[str]:
    """A root of positions: its slice at δ = 0 is the result."""
    where, space = writer.where, push.source.space
    heads, at, arguments = _rows(writer, push, number)
    pad, row = "    " * len(heads), "u64(0)"
    roots = writer.schedule.roots
    first = sum(prod(root.space) for root in roots[: roots.index(push.node)])
    arguments["first"] = f"u64({first * where.lanes})"
    arguments["length"] = f"u64({space[-1] * where.lanes})"
    for axis in range(len(space) - 1):
        row = f"({row} * size_{axis} + y{axis})"
        arguments[f"size_{axis}"] = f"u64({space[axis]})"
    body = [
        *heads,
        f"{pad}at = {at}",
        f"{pad}to = first + {row} * length",
        f"{pad}for k in range(length):",
        f"{pad}    result[to + k] = scratch[at + k]",
    ]
    what = "Give out a slice."
    return _at_zero(len(space), writer.routines.call("give", what, body, arguments))


def _at_zero(rank: int, body: list[str]) -> list[str]:
    condition = " and ".join(f"d{a} == 0" for a in range(rank))
    return [f"if {condition}:", *(f"    {line}" for line in body)]


def _store(writer: Function, segment: Segment, push: Push, number: int) -> list[str]:
    node, where = push.node, writer.where
    assert push.store is not None
    store = writer.schedule.stores[push.store]
    target = writer.schedule.segments[store.segment]
    rank, depth = len(node.space), 0
    lines: list[str] = []
    arguments: dict[str, str] = {
        "slot": _number(push.slot * where.slot),
        "base": _number(writer.bases[push.store]),
        "ring": writer.ring(push.store, store),
    }

    def add(*texts: str, deeper: bool = False) -> None:
        nonlocal depth
        lines.extend("    " * depth + text for text in texts)
        depth += deeper

    for axis in range(rank):
        _axis(writer, segment, push, axis, arguments, add)
    place = "ring[j0]"
    for axis in range(1, rank):
        place = f"({place} * count_{axis} + j{axis})"
        arguments[f"count_{axis}"] = _number(len(store.displacements[axis]))
    add(f"place = {place}")
    for axis in range(rank - 1):
        add(f"for c{axis} in range(low{axis}, high{axis}):", deeper=True)
    row, at = "place", f"slot + {where.corner}"
    for axis in range(rank):
        cell = f"c{axis}" if axis < rank - 1 else f"low{axis}"
        corner = "0" if target.modes[axis] == WRAPPED else f"max(0, -t{axis})"
        row = f"({row}) * out_{axis} + {_target(node, axis, cell)} - {corner}"
        at += f" + ({_source(node, axis, cell)} - first{axis}) * {where.pitches[axis]}"
    last = rank - 1
    here, there = _steps(node, last)
    add(f"to = u64(base + ({row}) * {where.lanes})", f"at = u64({at})")
    if writer.vector:
        add(
            f"for x in range(u64(max(high{last} - low{last}, 0))):",
            f"    place_of = to + x * u64({here * where.lanes})",
            f"    part = load(scratch, at + x * u64({there * where.lanes}))",
            "    store(stores, place_of, load(stores, place_of) + part)",
        )
    elif here == there == 1:
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
    what = "Add a slice to the slices of a store."
    return list(writer.routines.call("push", what, lines, arguments))


def _number(value: int) -> str:
    """A signed number as an argument: a bare literal would make Numba compile a routine for it."""
    return f"i64({value})"


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


def _axis(
    writer: Function, segment: Segment, push: Push, axis: int, arguments: dict[str, str], add: Any
) -> None:
    """Loops over runs, displacements and offsets of one axis; binds t, j, low, high, shift."""
    node, factor = push.node, push.source.factor[axis]
    assert push.store is not None
    size, out = f"size_{axis}", f"out_{axis}"
    arguments[size] = _number(push.source.space[axis])
    arguments[out] = _number(node.space[axis])
    store = writer.schedule.stores[push.store]
    wrapped = segment.modes[axis] == WRAPPED
    target = writer.schedule.segments[store.segment]
    arguments[f"d{axis}"] = f"d{axis}" if factor == 1 else f"d{axis} // {factor}"
    if wrapped:
        add(f"for run{axis} in range(2):", deeper=True)
        add(
            f"e{axis} = d{axis} - run{axis} * {size}",
            f"first{axis} = 0",
            f"begin{axis} = max(0, -e{axis})",
            f"end{axis} = {size} - max(0, e{axis})",
        )
    else:
        add(
            f"e{axis} = d{axis}",
            f"first{axis} = max(0, -e{axis})",
            f"begin{axis} = first{axis}",
            f"end{axis} = {size} - max(0, e{axis})",
        )
    wraps = target.modes[axis] == WRAPPED
    arguments[f"index_{axis}"] = writer.index_of(push.store, store, axis, wraps)
    pooled = node.op == "pool" and not _inert(node, axis)
    if pooled:
        _pool_axis(node, axis, size, add)
    else:
        stride = f"{node.attr('stride')[axis]} * " if node.op == "spread" else ""
        add(f"t{axis} = {stride}e{axis}")
    inside = f"t{axis} == 0" if node.op == "same_position" else f"abs(t{axis}) < {out}"
    add(f"j{axis} = index_{axis}[t{axis} + {out} - 1] if {inside} else -1")
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


def _pool_axis(node: Node, axis: int, size: str, add: Any) -> None:
    """Loops over what wraps around, and over the displacements of the result."""
    stride, reach = node.attr("stride")[axis], node.attr("size")[axis] - 1
    if node.attr("circular"):
        add(f"most{axis} = -(-{reach + 1} // {size}) * {size}")  # as often as a window goes around
        around = f"range(-most{axis}, most{axis} + 1, {size})"
        add(f"for wrap{axis} in {around}:", deeper=True)
        add(f"for wrap_{axis} in {around}:", deeper=True)
        add(f"around{axis} = wrap{axis} - wrap_{axis}")
    else:
        add(f"wrap{axis} = 0", f"around{axis} = 0")
    low = f"-(({reach} - e{axis} - around{axis}) // {stride})"
    add(
        f"for t{axis} in range({low}, (e{axis} + around{axis} + {reach}) // {stride} + 1):",
        deeper=True,
    )
