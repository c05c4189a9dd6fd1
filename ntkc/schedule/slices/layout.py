"""Where everything lies in a function's scratch, and the zeros or copies around slices there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from ntkc.ir.loop import Load, Loop, LoopKind, Statement, Store
from ntkc.ir.node import Node, Space, const, symbol
from ntkc.schedule.slices.program import Margin, SliceSchedule


@dataclass(frozen=True)
class Layout:
    """Where everything lies in scratch and in the tables, in numbers of the type.

    A slot is a slice with a margin `margin` before it on every axis; `pitches` are the distances
    of neighbours along each axis. Then come lines: rows of window sums.
    """

    lanes: int
    dims: Space
    margin: Space
    slots: int
    lines: int
    channels: int
    space: Space
    """The input's."""
    slack: int
    repeated: bool
    """Whether tables of the second input hold every row twice, for axes that wrap around."""
    vectors: bool
    """Whether loops over lanes are by whole vectors, which may lie apart from one another."""
    differences: bool = False
    """Whether inputs come as they are, for differences; else one comes divided by the channels."""

    @property
    def pitches(self) -> Space:
        """Distances of neighbours, by axis."""
        found, pitch = [], self.lanes
        for size in reversed(self.dims):
            found.append(pitch)
            pitch *= size
        return tuple(reversed(found))

    @property
    def slot(self) -> int:
        """Numbers in a slot."""
        return prod(self.dims) * self.lanes

    @property
    def line(self) -> int:
        """Numbers in a line: as long as any row, and by a stride longer."""
        return (self.dims[-1] + self.slack) * self.lanes

    @property
    def first_line(self) -> int:
        """Where lines begin."""
        return self.slots * self.slot

    @property
    def size(self) -> int:
        """Numbers of scratch before the stores."""
        return self.first_line + self.lines * self.line

    @property
    def corner(self) -> int:
        """Where cell 0 of a slot is, from the slot's beginning."""
        return sum(m * pitch for m, pitch in zip(self.margin, self.pitches, strict=True))

    def origin(self, slot: int) -> int:
        """Where cell 0 of a slot is."""
        return slot * self.slot + self.corner

    def column_space(self, space: Space) -> Space:
        """The sizes of a table's entry for the second input."""
        return tuple(2 * size for size in space) if self.repeated else space


def layout(
    schedule: SliceSchedule,
    lanes: int,
    space: Space,
    channels: int,
    repeated: bool,
    vectors: bool,
    differences: bool = False,
) -> Layout:
    """The layout of one function's scratch."""
    rank = len(space)
    dims, before, after = [1] * rank, [0] * rank, [0] * rank
    lines, slack = 1, 1
    for segment in schedule.segments:
        for geometry in segment.geometries:
            dims = [max(d, s) for d, s in zip(dims, geometry.space, strict=True)]
        for step in (s for r in segment.runs for s in r.steps):
            windows = [n for n in step.instance.body if n.op == "window"]
            lines = max(lines, 2 * len(windows) + 1)
            slack = max([slack, *(n.attr("stride")[-1] for n in windows)])
    for margin in _margins(schedule):
        before = [max(b, m) for b, m in zip(before, margin.before, strict=True)]
        after = [max(b, m) for b, m in zip(after, margin.after, strict=True)]
    for store in schedule.stores:
        dims = [max(d, s) for d, s in zip(dims, store.node.space, strict=True)]
    return Layout(
        lanes,
        tuple(b + d + a for b, d, a in zip(before, dims, after, strict=True)),
        tuple(before),
        max(1, schedule.slots),
        lines,
        channels,
        space,
        slack,
        repeated,
        vectors,
        differences,
    )


def _margins(schedule: SliceSchedule) -> Iterator[Margin]:
    for segment in schedule.segments:
        for step in (s for r in segment.runs for s in r.steps):
            yield from (m for m in step.margins if m is not None)
    yield from (s.margin for s in schedule.stores if s.margin is not None)


def side_margin(where: Layout, rank: int, slot: Node, margin: Margin) -> list[Statement]:
    """The margin of one row (the loop variables' own) along the last axis."""
    last, lanes = rank - 1, where.lanes
    row: Node = const(where.corner) + slot
    for axis in range(last):
        row = row + symbol(f"y{axis}") * const(where.pitches[axis])
    length = symbol(f"n_{last}") * const(lanes)
    found: list[Statement] = []
    before, after = margin.before[last] * lanes, margin.after[last] * lanes
    if (
        before and margin.wrapped[last]
    ):  # from the row outward: a margin may be longer than its ring
        for i in range(1, margin.before[last] + 1):
            to = _back(row, i * lanes)
            found.append(fill(to, const(lanes), to + length))
    elif before:
        found.append(fill(_back(row, before), const(before), None))
    if after:
        found.append(fill(row + length, const(after), row if margin.wrapped[last] else None))
    return found


def end_margins(where: Layout, rank: int, slot: Node, margin: Margin) -> list[Statement]:
    """Whole rows before and after, axis by axis from the last but one to the first."""
    found: list[Statement] = []
    for axis in reversed(range(rank - 1)):
        pitch = where.pitches[axis]
        row: Node = const(where.corner - margin.before[rank - 1] * where.lanes) + slot
        for outer in range(axis):
            row = row + symbol(f"y{outer}") * const(where.pitches[outer])
        looped = list(range(axis))
        for inner in range(axis + 1, rank - 1):
            if margin.before[inner] or margin.after[inner]:
                row = _back(row, margin.before[inner] * where.pitches[inner])
            else:
                row = row + symbol(f"y{inner}") * const(where.pitches[inner])
                looped.append(inner)
        cells = _span(where, rank, axis, margin)
        length = symbol(f"n_{axis}") * const(pitch)
        copies: list[Statement] = []
        for i in range(1, margin.before[axis] + 1):  # outward, as above
            to = _back(row, i * pitch)
            copies.append(fill(to, cells, to + length if margin.wrapped[axis] else None))
        for i in range(margin.after[axis]):
            to = row + length + const(i * pitch)
            source = row + const(i * pitch) if margin.wrapped[axis] else None
            copies.append(fill(to, cells, source))
        if not copies:
            continue
        loops: Sequence[Statement] = copies
        for other in reversed(looped):
            loops = [Loop(LoopKind.SERIAL, f"y{other}", symbol(f"n_{other}"), tuple(loops))]
        found.extend(loops)
    return found


def _span(where: Layout, rank: int, axis: int, margin: Margin) -> Node:
    """Numbers from the first cell of a row's margin to the last, over inner axes with margins."""
    last = rank - 1
    cells = symbol(f"n_{last}") + const(margin.before[last] + margin.after[last])
    count: Node = cells * const(where.lanes)
    for inner in range(axis + 1, last):
        if not (margin.before[inner] or margin.after[inner]):
            continue
        more = symbol(f"n_{inner}") + const(margin.before[inner] + margin.after[inner] - 1)
        count = count + more * const(where.pitches[inner])
    return count


def _back(row: Node, distance: int) -> Node:
    """`row − distance`: the constant at its head takes it in, for indices are not negative."""
    if distance == 0:
        return row
    if row.op == "const":
        return const(row.attr("value") - distance)
    return _back(row.args[0], distance) + row.args[1]


def fill(to: Node, count: Node, source: Node | None) -> Loop:
    """Zeros at `to`, or a copy of what lies at `source`."""
    k = symbol("k")
    if source is None:
        return Loop(LoopKind.LANES, "k", count, (Store("scratch", to + k, const(0.0)),))
    load = Load("copied", "scratch", source + k)
    return Loop(LoopKind.LANES, "k", count, (load, Store("scratch", to + k, symbol("copied"))))
