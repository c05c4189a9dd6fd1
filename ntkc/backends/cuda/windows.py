"""Windows of a step: sums over neighbouring cells of one slot, for every cell of a strip.

Windows of a strip share what they load. What a window reads across the seam of a pack, or outside
of the image, gets the weight 0; the cells that the thread wrote itself it still holds in registers.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from math import prod

from ntkc.backends.cuda.cells import Cells
from ntkc.backends.spelling import Dialect
from ntkc.backends.statements import assignment
from ntkc.ir.node import Node

MOST_TAPS = 49
"""Cells of a window that are written out; larger windows are loops."""


class Windows:
    """Lines that compute the windows of one step, and the names of the sums."""

    def __init__(self, cells: Cells, dialect: Dialect, kind: str) -> None:
        """`kind` spells the number type that conditions become."""
        self.cells, self.dialect, self.kind = cells, dialect, kind
        self.where = cells.where
        self.rank = len(cells.geometry.space)
        self.lines: list[str] = []
        self.sums: dict[tuple[Node, int], str] = {}
        self._weights: dict[str, str] = {}
        self._count = 0

    def add(self, node: Node, start: str, own: str | None) -> None:
        """The sums of a window over the slot at `start`; `own` holds the thread's cells of it."""
        number, self._count = self._count, self._count + 1
        if prod(node.attr("size")) <= MOST_TAPS:
            self._written_out(node, start, own, number)
        else:
            self._looped(node, start, number)

    def _written_out(self, node: Node, start: str, own: str | None, number: int) -> None:
        """Sums along the last axis (and outer ones), then along the strip."""
        axis, strip = self.cells.strip_axis, self.where.strip
        stride, taps = node.attr("stride"), self._taps(node, axis)
        rows = sorted({stride[axis] * r + tap for r in range(strip) for tap in taps})
        read = _Reading(self, node, start, own, number)
        self.lines += read.address()
        for k, row in enumerate(rows):
            self.lines += assignment(f"line_{number}_{k}", self._line(node, read, axis, row))
        for r in range(strip):
            terms = []
            for tap in taps:
                line = f"line_{number}_{rows.index(stride[axis] * r + tap)}"
                weight = self._weight(node, axis, r, tap)
                terms.append(line if weight is None else f"{weight} * {line}")
            terms.sort(key=lambda term: " * " in term)
            name = self.sums[node, r] = f"sum_{number}_{r}"
            self.lines += assignment(name, " + ".join(terms))

    def _line(self, node: Node, read: _Reading, axis: int, row: int) -> str:
        """The weighted sum of what the windows read of one row."""
        others = [a for a in range(self.rank) if a != axis]
        plain: list[str] = []
        weighted: list[str] = []
        for shifts in itertools.product(*(self._taps(node, a) for a in others)):
            pairs = list(zip(others, shifts, strict=True))
            weights = dict.fromkeys(self._weight(node, a, 0, t) for a, t in pairs)
            factors = [w for w in weights if w is not None]
            value = read.cell(dict(pairs) | {axis: row})
            (weighted if factors else plain).append(" * ".join([*factors, value]))
        return " + ".join([*plain, *weighted])

    def _weight(self, node: Node, axis: int, r: int, tap: int) -> str | None:
        """1 where what a window reads along an axis is inside, else 0; None for always."""
        size, stride = node.args[0].space[axis], node.attr("stride")[axis]
        last = stride * (node.attr("out")[axis] - 1) + tap
        if node.attr("circular") or (tap >= 0 and last < size):
            return None
        parts = []
        for at in (self.cells.p(axis, r), self.cells.q(axis, r)):
            scaled = f"({at}) * {stride}" if stride > 1 else at
            if tap < 0:
                parts.append(f"({scaled} >= {-tap})")
            if last >= size:
                parts.append(f"({scaled} < {size - tap})")
        condition = " & ".join(parts)
        if condition not in self._weights:
            name = self._weights[condition] = f"inside_{len(self._weights)}"
            self.lines.append(f"{name} = {self.kind}({condition})")
        return self._weights[condition]

    @staticmethod
    def _taps(node: Node, axis: int) -> list[int]:
        dilation, before = node.attr("dilation")[axis], node.attr("before")[axis]
        return [dilation * o - before for o in range(node.attr("size")[axis])]

    def _looped(self, node: Node, start: str, number: int) -> None:
        """A large window: loops over its cells, those outside left out."""
        zero = self.dialect.literal(0.0)
        pitches = self.where.pitches
        for r in range(self.where.strip):
            total = self.sums[node, r] = f"sum_{number}_{r}"
            self.lines.append(f"{total} = {zero}")
            depth, conditions, place = 0, [], start
            for axis in range(self.rank):
                stride, dilation, before, size = (
                    node.attr(n)[axis] for n in ("stride", "dilation", "before", "size")
                )
                length = node.args[0].space[axis]
                self.lines.append("    " * depth + f"for o{axis} in range({size}):")
                depth += 1
                for letter, at in (("a", self.cells.p(axis, r)), ("b", self.cells.q(axis, r))):
                    text = f"({at}) * {stride} + o{axis} * {dilation} - {before}"
                    if node.attr("circular"):
                        text = f"({text} + {before * length}) % {length}"
                    self.lines.append("    " * depth + f"{letter}{axis} = {text}")
                    conditions.append(f"0 <= {letter}{axis} < {length}")
                place += f" + a{axis} * {pitches[axis]}"
            self.lines += [
                "    " * depth + f"if {' and '.join(conditions)}:",
                "    " * (depth + 1) + f"{total} += slots[u64({place})]",
            ]


class _Reading:
    """How a window reads the cells of its slot."""

    def __init__(
        self, windows: Windows, node: Node, start: str, own: str | None, number: int
    ) -> None:
        self.windows, self.node, self.start, self.own = windows, node, start, own
        self.name = f"around_{number}"

    def address(self) -> list[str]:
        """Lines that name the place that shifts are added to."""
        if self.node.attr("circular"):
            return []
        parts = [self.start]
        strides, pitches = self.node.attr("stride"), self.windows.where.pitches
        for axis, (stride, pitch) in enumerate(zip(strides, pitches, strict=True)):
            factor = stride * pitch
            parts.append(f"p{axis} * {factor}" if factor > 1 else f"p{axis}")
        return [f"{self.name} = {' + '.join(parts)}"]

    def cell(self, shifts: Mapping[int, int]) -> str:
        """The cell that is `shifts` away from the first one's."""
        axis, strip = self.windows.cells.strip_axis, self.windows.where.strip
        beside = [shift for a, shift in shifts.items() if a != axis]
        if self.own is not None and not any(beside) and 0 <= shifts[axis] < strip:
            return f"{self.own}[{shifts[axis]}]"
        if self.node.attr("circular"):
            return f"slots[u64({self._around(shifts)})]"
        pitches = self.windows.where.pitches
        fixed = sum(shifts[a] * pitch for a, pitch in enumerate(pitches))
        sign = "-" if fixed < 0 else "+"
        return (
            f"slots[u64({self.name} {sign} {abs(fixed)})]" if fixed else f"slots[u64({self.name})]"
        )

    def _around(self, shifts: Mapping[int, int]) -> str:
        """The place of a cell where axes wrap around."""
        parts = [self.start]
        for axis, pitch in enumerate(self.windows.where.pitches):
            size, shift = self.node.args[0].space[axis], shifts[axis]
            stride = self.node.attr("stride")[axis]
            scaled = f"p{axis} * {stride}" if stride > 1 else f"p{axis}"
            ahead = shift + size * (1 + abs(shift) // size)
            parts.append(f"({scaled} + {ahead}) % {size} * {pitch}")
        return " + ".join(parts)
