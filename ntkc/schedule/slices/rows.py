"""The rows that a step goes through: where each begins in scratch, tables and inputs."""

from __future__ import annotations

from collections.abc import Mapping

from ntkc.ir.loop import Offset, Statement, Table
from ntkc.ir.node import Node, Space, const, symbol
from ntkc.schedule.lower import Lanes
from ntkc.schedule.program import Run
from ntkc.schedule.slices.layout import Layout
from ntkc.schedule.slices.program import Geometry, SliceStep
from ntkc.schedule.slices.streams import Stream


def cells_of(number: int, rank: int) -> dict[str, Node]:
    """The arguments `n_{a}` for a geometry's number."""
    return {f"n_{axis}": symbol(f"n{number}_{axis}") for axis in range(rank)}


class Rows(Lanes):
    """One step of a run, row by row: its statements so far, and the places of a row."""

    step: SliceStep

    def __init__(
        self,
        where: Layout,
        numbers: Mapping[Geometry, int],
        run: Run,
        position: int,
        name: str,
        tables: list[Table],
        own: bool,
        shared: bool,
        stream: Stream | None,
    ) -> None:
        self.shared, self.stream = shared, stream
        self.where, self.numbers, self.run, self.position = where, numbers, run, position
        self.name, self.tables, self.own = name, tables, own
        self.step = run.steps[position]
        self.before: list[Statement] = []
        self.outside: list[Statement] = []
        self.body: list[Statement] = []
        self.first: list[Statement] = []
        self.last: list[Statement] = []
        """What binds the values that a row's loop carries from cell to cell."""
        self.names: dict[Node, Node] = {}
        self.used: set[str] = set()
        self.geometry = self.step.geometry
        self.number = numbers[self.geometry]
        self.rank = len(self.geometry.space)
        self.lines = 0
        self.arguments = cells_of(self.number, self.rank)
        self.slots: dict[int, str] = {}

    def _argument(self, name: str, value: Node) -> Node:
        self.arguments[name] = value
        return symbol(name)

    def _row_length(self) -> Node:
        return symbol(f"n_{self.rank - 1}") * const(self.where.lanes)

    def _offset(self, stem: str, index: Node) -> Node:
        name = self._fresh(stem)
        self.before.append(Offset(name, index))
        return symbol(name)

    def _slot_row(self, slot: int, shift: Space, stride: Space | None = None) -> Node:
        """Where cell `shift` of the current row is; rows are `stride` apart in the slot."""
        where = self.where
        if self.stream is not None and slot == self.stream.slot:
            return self._ring_row(self.stream, shift)
        fixed = where.corner + sum(s * pitch for s, pitch in zip(shift, where.pitches, strict=True))
        result = self._slot(slot) + const(fixed)
        for axis in range(self.rank - 1):
            step = where.pitches[axis] * (1 if stride is None else stride[axis])
            result = result + symbol(f"y{axis}") * const(step)
        return result

    def _ring_row(self, stream: Stream, shift: Space) -> Node:
        """Where cell `shift` of the current row is in a ring of rows."""
        row = self._row_read(stream, shift[0] + stream.margin.before[0])
        turn = self._fresh("turn")
        self.before.append(Offset(turn, row, stream.ring))
        along = stream.first.attr("value") + shift[1] * self.where.lanes
        return self._slot(stream.slot) + const(along) + symbol(turn) * const(self.where.pitches[0])

    def _row_read(self, stream: Stream, further: int) -> Node:
        """A row of the products, so many below the first that the current window reads."""
        return symbol("y0") * const(stream.stride) + const(further)

    def _slot(self, slot: int) -> Node:
        """Where a slot begins: an argument."""
        if slot not in self.slots:
            self.slots[slot] = f"slot_{len(self.slots)}"
            self._argument(self.slots[slot], const(slot * self.where.slot))
        return symbol(self.slots[slot])

    def _line(self) -> int:
        self.lines += 1
        return self.where.first_line + (self.lines - 1) * self.where.line

    def _cell(self, letter: str, sizes: Space) -> Node:
        """The number of the row's first cell among all cells of an input."""
        result: Node | None = None
        for axis in range(self.rank):
            first = symbol(f"{letter}{self.number}_{axis}")
            at = self._argument(f"{letter}_{axis}", first)
            if axis < self.rank - 1:
                at = at + symbol(f"y{axis}")
            if result is None:
                result = at
                continue
            size = self._argument(f"{letter}_size_{axis}", const(sizes[axis]))
            result = result * size + at
        assert result is not None
        return result
