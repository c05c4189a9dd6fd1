"""The rows that a step goes through: where each begins in scratch, tables and inputs."""

from __future__ import annotations

from ntkc.ir.loop import Offset
from ntkc.ir.node import Node, Space, const, symbol
from ntkc.schedule.draft import Draft
from ntkc.schedule.slices.layout import Layout
from ntkc.schedule.slices.program import Geometry
from ntkc.schedule.slices.streams import Stream


def cells_of(number: int, rank: int) -> dict[str, Node]:
    """The arguments `n_{a}` for a geometry's number."""
    return {f"n_{axis}": symbol(f"n{number}_{axis}") for axis in range(rank)}


class Rows:
    """The rows of a slice, and where each begins: places that a step's draft is written with.

    `number` is that of the slice's geometry, and `stream` what makes one of its slots as it goes.
    """

    def __init__(
        self, where: Layout, geometry: Geometry, number: int, draft: Draft, stream: Stream | None
    ) -> None:
        self.where, self.draft, self.stream = where, draft, stream
        self.rank = len(geometry.space)
        self.arguments = cells_of(number, self.rank)
        """What differs from call to call."""

        self._number = number
        self._lines = 0
        self._slots: dict[int, str] = {}

    def argument(self, name: str, value: Node) -> Node:
        """What the routine is given under a name."""
        self.arguments[name] = value
        return symbol(name)

    def length(self) -> Node:
        """Numbers in a row."""
        return symbol(f"n_{self.rank - 1}") * const(self.where.lanes)

    def slot_row(self, slot: int, shift: Space, stride: Space | None = None) -> Node:
        """Where cell `shift` of the current row is; rows are `stride` apart in the slot."""
        where = self.where
        if self.stream is not None and slot == self.stream.slot:
            return self._ring_row(self.stream, shift)
        fixed = where.corner + sum(s * pitch for s, pitch in zip(shift, where.pitches, strict=True))
        result = self.slot(slot) + const(fixed)
        for axis in range(self.rank - 1):
            step = where.pitches[axis] * (1 if stride is None else stride[axis])
            result = result + symbol(f"y{axis}") * const(step)
        return result

    def _ring_row(self, stream: Stream, shift: Space) -> Node:
        """Where cell `shift` of the current row is in a ring of rows."""
        row = self.row_read(stream, shift[0] + stream.margin.before[0])
        turn = self.draft.fresh("turn")
        self.draft.before.append(Offset(turn, row, stream.ring))
        along = stream.first.attr("value") + shift[1] * self.where.lanes
        return self.slot(stream.slot) + const(along) + symbol(turn) * const(self.where.pitches[0])

    def row_read(self, stream: Stream, further: int) -> Node:
        """A row of the products, so many below the first that the current window reads."""
        return symbol("y0") * const(stream.stride) + const(further)

    def slot(self, slot: int) -> Node:
        """Where a slot begins: an argument."""
        if slot not in self._slots:
            self._slots[slot] = f"slot_{len(self._slots)}"
            self.argument(self._slots[slot], const(slot * self.where.slot))
        return symbol(self._slots[slot])

    def line(self) -> int:
        """Where room for a row begins, beside the slots."""
        self._lines += 1
        return self.where.first_line + (self._lines - 1) * self.where.line

    def cell(self, letter: str, sizes: Space) -> Node:
        """The number of the row's first cell among all cells of an input."""
        result: Node | None = None
        for axis in range(self.rank):
            first = symbol(f"{letter}{self._number}_{axis}")
            at = self.argument(f"{letter}_{axis}", first)
            if axis < self.rank - 1:
                at = at + symbol(f"y{axis}")
            if result is None:
                result = at
                continue
            size = self.argument(f"{letter}_size_{axis}", const(sizes[axis]))
            result = result * size + at
        assert result is not None
        return result
