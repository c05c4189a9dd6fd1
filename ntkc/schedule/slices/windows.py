"""Sums over windows of a slice, row by row."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import prod

from ntkc.ir.loop import Let, Load, Loop, LoopKind, Statement, Store
from ntkc.ir.node import Node, const, symbol
from ntkc.schedule.slices.products import balanced_sum
from ntkc.schedule.slices.rows import Rows

MOST_TAPS = 9
"""Cells of a window that are read one by one, beside the arithmetic, which hides the loads; larger
windows are summed along rows first."""

MOST_COLUMNS = 27
"""Cells of a window whose columns are summed once each, where a row is a loop over vectors."""


class Windows:
    """Means over windows of a slice, in the draft of a step that goes through its rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._where, self._draft = rows, rows.where, rows.draft
        self.first: list[Statement] = []
        self.last: list[Statement] = []
        """What binds the values that a row's loop carries from cell to cell."""

    def mean(self, node: Node, slot: int) -> None:
        """The mean over a window: rows are summed into a line, then cells along it."""
        lanes, last = self._where.lanes, self._rows.rank - 1
        size, stride = node.attr("size"), node.attr("stride")
        before, dilation = node.attr("before"), node.attr("dilation")
        shifts = [
            tuple(d * o - b for d, o, b in zip(dilation, offset, before, strict=True))
            for offset in itertools.product(*map(range, size[:-1]), (0,))
        ]
        rows = [self._draft.offset("above", self._rows.slot_row(slot, s, stride)) for s in shifts]
        taps = [const(dilation[last] * o * lanes) for o in range(size[last])]
        if self._where.vectors and dilation[last] == 1 and len(rows) * len(taps) <= MOST_COLUMNS:
            self._columns(node, rows, len(taps), stride[last])
            return
        near = stride[last] == 1 or self._where.vectors
        if near and len(rows) * len(taps) <= MOST_TAPS:
            self._mean(node, [row + tap for row in rows for tap in taps], stride[last])
            return
        if len(rows) > 1:
            line = const(self._rows.line())
            reach = (size[last] - 1) * dilation[last]
            cells = symbol(f"n_{last}") * const(stride[last])
            count = (cells + const(max(0, reach + 1 - stride[last]))) * const(lanes)
            self._draft.before.append(self._sum_loop("k", count, rows, line))
            start: Node = line
        else:
            start = rows[0]
        if stride[last] > 1 and not self._where.vectors:
            narrow = const(self._rows.line())
            at = symbol("x") * const(stride[last] * lanes)
            inner = self._sum_loop(
                "k",
                const(lanes),
                [start + at + tap for tap in taps],
                narrow + symbol("x") * const(lanes),
            )
            count = symbol(f"n_{last}")
            self._draft.before.append(Loop(LoopKind.SERIAL, "x", count, (inner,)))
            self._mean(node, [narrow], 1)
            return
        self._mean(node, [start + tap for tap in taps], stride[last])

    def _columns(self, node: Node, rows: Sequence[Node], count: int, stride: int) -> None:
        """The mean over a window by its columns, whose sums neighbours share: a column is
        summed once, and carried from cell to cell until the last window that it is in.
        """
        lanes, kept = self._where.lanes, max(0, count - stride)
        names = [self._draft.fresh("vertical") for _ in range(count)]
        for number, name in enumerate(names):
            body = self.first if number < kept else self._draft.body
            parts = []
            for row in rows:
                part = self._draft.fresh("cell")
                further = symbol("k") * const(stride) if stride > 1 else symbol("k")
                body.append(Load(part, "scratch", row + const(number * lanes) + further))
                parts.append(symbol(part))
            body.append(Let(name, balanced_sum(parts)))
        self._averaged(node, [symbol(name) for name in names])
        for number in range(kept):
            self.last.append(Let(names[number], symbol(names[number + stride])))

    def _averaged(self, node: Node, parts: Sequence[Node]) -> None:
        size = prod(node.attr("size"))
        if size == 1:
            self._draft.names[node] = parts[0]
            return
        name = self._draft.fresh("sum")
        self._draft.body.append(Let(name, balanced_sum(parts)))
        self._draft.names[node] = symbol(name) * const(1.0 / size)

    def _mean(self, node: Node, places: Sequence[Node], stride: int) -> None:
        """The mean of what lies at some places, and from cell to cell a stride further on."""
        parts = []
        further = symbol("k") * const(stride) if stride > 1 else symbol("k")
        for place in places:
            name = self._draft.fresh("cell")
            self._draft.body.append(Load(name, "scratch", place + further))
            parts.append(symbol(name))
        self._averaged(node, parts)

    def _sum_loop(self, variable: str, count: Node, rows: Sequence[Node], to: Node) -> Loop:
        names = [f"part_{i}" for i in range(len(rows))]
        loads = [
            Load(name, "scratch", row + symbol(variable))
            for name, row in zip(names, rows, strict=True)
        ]
        store = Store("scratch", to + symbol(variable), balanced_sum([symbol(n) for n in names]))
        return Loop(LoopKind.LANES, variable, count, (*loads, store))
