"""From a step on a slice to loop IR.

A step is a routine: its body names the buffers and its arguments, and a call gives the arguments.
`n_{a}` are the cells of the slice along axis a, `p_{a}` and `q_{a}` its first cell in x₁ and in
x₂, `slot_{i}` where a slot begins. So two steps of the same work on slices of different sizes, in
different slots, are two calls of one routine. At the call, for geometry number g of a segment,
there are `n{g}_{a}`, `p{g}_{a}`, `q{g}_{a}`, and `layer` in a run of several steps.

A row is a line of cells along the last axis, interleaved by lanes, so that every loop over a row
is flat, and one cell to the right is LANES further on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ntkc.ir.loop import Let, Load, Loop, LoopKind, Offset, Statement, Store, Table
from ntkc.ir.node import Node, Space, const, function, symbol
from ntkc.schedule.lower import Lanes, numbers_met
from ntkc.schedule.program import Run
from ntkc.schedule.slices.layout import Layout, end_margins, side_margin
from ntkc.schedule.slices.products import Products, balanced_sum, is_product, read
from ntkc.schedule.slices.program import Geometry, Segment, SliceStep
from ntkc.schedule.slices.streams import Stream, made_row, streams

MOST_TAPS = 9
"""Cells of a window that are read one by one, beside the arithmetic, which hides the loads; larger
windows are summed along rows first."""

MOST_COLUMNS = 27
"""Cells of a window whose columns are summed once each, where a row is a loop over vectors."""


@dataclass(frozen=True)
class Call:
    """A routine's body, and the arguments of one call of it."""

    remark: str
    before: tuple[Statement, ...]
    """What the arguments are looked up by."""
    arguments: Mapping[str, Node]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Repeated:
    """Calls one after the other, the whole `count` times; `layer` counts."""

    count: int
    calls: tuple[Call, ...]


def lower_segment(
    segment: Segment,
    where: Layout,
    name: str,
    describe: Callable[[SliceStep], str],
    own: bool,
    shared: bool = False,
) -> tuple[list[Table], list[Repeated]]:
    """All steps of a segment on one slice.

    With `shared`, all lanes are pairs of one x₁, whose buffers have a number a cell.
    """
    tables: list[Table] = []
    found: list[Repeated] = []
    numbers = {geometry: i for i, geometry in enumerate(segment.geometries)}
    streamed = streams(segment, where)
    for number, run in enumerate(segment.runs):
        if number + 1 in streamed:
            continue
        calls = []
        for position in range(run.period):
            part = f"{name}_{segment.number}_{number}_{position}"
            stream = streamed.get(number)
            step = _Slice(where, numbers, run, position, part, tables, own, shared, stream)
            remark = describe(run.steps[position])
            if stream is not None:
                made = describe(segment.runs[number - 1].steps[0])
                remark = f"{made}, row by row, and {remark}"
            calls.append(step.call(remark))
        found.append(Repeated(run.count, tuple(calls)))
    return tables, found


def cells_of(number: int, rank: int) -> dict[str, Node]:
    """The arguments `n_{a}` for a geometry's number."""
    return {f"n_{axis}": symbol(f"n{number}_{axis}") for axis in range(rank)}


class _Slice(Lanes):
    """One step: window sums along the rows, then everything pointwise, then margins."""

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

    def call(self, remark: str) -> Call:
        """The step on all rows, and the margins of what it made."""
        body = self._statements()
        return Call(remark, tuple(self.outside), self.arguments, tuple(body))

    def _argument(self, name: str, value: Node) -> Node:
        self.arguments[name] = value
        return symbol(name)

    def _given(self, kind: str, hole: int, entries: Iterable[int | None]) -> Node:
        """A hole's entry, looked up at the call."""
        inside, self.before = self.before, self.outside
        entry = self._entry(kind, hole, entries)
        self.before = inside
        return entry

    def _statements(self) -> list[Statement]:
        constants: list[Statement] = []
        self.before = constants
        self._load_constants()
        row: list[Statement] = []
        self.before = row
        self._load_single_inputs()
        self._load_pairs()
        self._compute()
        self._store()
        body = (*self.body, *self.last)
        row.append(Loop(LoopKind.LANES, "k", self._row_length(), body, tuple(self.first)))
        row.extend(self._side_margins())
        loops: Sequence[Statement] = row
        if self.stream is not None:
            constants += self._ahead(self.stream)
            loops = [*self._made(self.stream), *row]
        for axis in reversed(range(self.rank - 1)):
            loops = [Loop(LoopKind.SERIAL, f"y{axis}", symbol(f"n_{axis}"), tuple(loops))]
        return [*constants, *loops, *self._end_margins()]

    def _row_length(self) -> Node:
        return symbol(f"n_{self.rank - 1}") * const(self.where.lanes)

    # --- single inputs -----------------------------------------------------------------

    def _load_constants(self) -> None:
        steps = self._steps()
        for hole, node in enumerate(self.step.instance.constants):
            if steps[0].constant_entries[hole] is None:
                self.names[node] = node
                continue
            entry = self._given("constant", hole, (s.constant_entries[hole] for s in steps))
            name = f"constant_{hole}"
            at = self._argument(f"constant_at_{hole}", entry)
            self.before.append(Load(name, "constants", at))
            self.names[node] = symbol(name)

    def _load_single_inputs(self) -> None:
        steps, space = self._steps(), self.geometry.space
        for kind, letter, nodes, given in (
            ("row", "p", self.step.instance.rows, [s.row_entries for s in steps]),
            ("column", "q", self.step.instance.cols, [s.col_entries for s in steps]),
        ):
            sizes = space if kind == "row" else self.where.column_space(space)
            factor = prod(self.where.column_space((1,) * self.rank)) if kind == "column" else 1
            for hole, node in enumerate(nodes):
                entry = self._given(kind, hole, (entries[hole] for entries in given))
                entry = entry * const(factor) if factor > 1 else entry
                first = self._argument(f"{kind}_entry_{hole}", entry)
                alike = self.shared and kind == "row"
                cell = first + self._cell(letter, sizes)
                index = cell if alike else cell * const(self.where.lanes)
                self.before.append(Offset(f"{kind}_at_{hole}", index))
                at = symbol(f"{kind}_at_{hole}")
                self.body.append(read(f"{kind}_{hole}", f"{kind}_table", at, alike))
                self.names[node] = symbol(f"{kind}_{hole}")

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

    # --- values of the pair ------------------------------------------------------------

    def _load_pairs(self) -> None:
        instance = self.step.instance
        windows = [n for n in instance.body if n.op == "window"]
        for node, slot in zip(instance.inputs, self.step.input_slots, strict=True):
            if any(node in n.args for n in instance.body if n.op != "window") or (
                node in instance.outputs
            ):
                at = self._offset("slice_at", self._slot_row(slot, (0,) * self.rank))
                name = self._fresh("value")
                self.body.append(Load(name, "scratch", at + symbol("k")))
                self.names[node] = symbol(name)
        for node in windows:
            self._window(node, self.step.input_slots[instance.inputs.index(node.args[0])])
        pointwise = (n for n in instance.body if n.op != "window")
        read = dict.fromkeys([*instance.outputs, *(a for n in pointwise for a in n.args)])
        for node in read:
            if is_product(node) and node not in self.names:
                self._products(node)

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

    def _ahead(self, stream: Stream) -> list[Statement]:
        """The rows that the first window reads beside those that are fresh for each."""
        count = stream.reach - stream.fresh
        made = self._made_row(stream, symbol("ahead"))
        return [Loop(LoopKind.SERIAL, "ahead", const(count), tuple(made))] if count else []

    def _made(self, stream: Stream) -> list[Statement]:
        """The rows that the current window is the first to read."""
        index = self._row_read(stream, stream.reach - stream.fresh)
        if stream.fresh == 1:
            return self._made_row(stream, index)
        made = self._made_row(stream, index + symbol("ahead"))
        return [Loop(LoopKind.SERIAL, "ahead", const(stream.fresh), tuple(made))]

    def _made_row(self, stream: Stream, index: Node) -> list[Statement]:
        of = self.step.instance.inputs.index(stream.node)
        number = self.numbers[self.step.input_geometries[of]]
        slot = self._slot(stream.slot)
        return made_row(stream, self.shared, number, slot, index, self._argument)

    def _slot(self, slot: int) -> Node:
        """Where a slot begins: an argument."""
        if slot not in self.slots:
            self.slots[slot] = f"slot_{len(self.slots)}"
            self._argument(self.slots[slot], const(slot * self.where.slot))
        return symbol(self.slots[slot])

    def _line(self) -> int:
        self.lines += 1
        return self.where.first_line + (self.lines - 1) * self.where.line

    def _window(self, node: Node, slot: int) -> None:
        """The mean over a window: rows are summed into a line, then cells along it."""
        lanes, last = self.where.lanes, self.rank - 1
        size, stride = node.attr("size"), node.attr("stride")
        before, dilation = node.attr("before"), node.attr("dilation")
        shifts = [
            tuple(d * o - b for d, o, b in zip(dilation, offset, before, strict=True))
            for offset in itertools.product(*map(range, size[:-1]), (0,))
        ]
        rows = [self._offset("above", self._slot_row(slot, s, stride)) for s in shifts]
        taps = [const(dilation[last] * o * lanes) for o in range(size[last])]
        if self.where.vectors and dilation[last] == 1 and len(rows) * len(taps) <= MOST_COLUMNS:
            self._columns(node, rows, len(taps), stride[last])
            return
        near = stride[last] == 1 or self.where.vectors
        if near and len(rows) * len(taps) <= MOST_TAPS:
            self._mean(node, [row + tap for row in rows for tap in taps], stride[last])
            return
        if len(rows) > 1:
            line = const(self._line())
            reach = (size[last] - 1) * dilation[last]
            cells = symbol(f"n_{last}") * const(stride[last])
            count = (cells + const(max(0, reach + 1 - stride[last]))) * const(lanes)
            self.before.append(self._sum_loop("k", count, rows, line))
            start: Node = line
        else:
            start = rows[0]
        if stride[last] > 1 and not self.where.vectors:
            narrow = const(self._line())
            at = symbol("x") * const(stride[last] * lanes)
            inner = self._sum_loop(
                "k",
                const(lanes),
                [start + at + tap for tap in taps],
                narrow + symbol("x") * const(lanes),
            )
            count = symbol(f"n_{last}")
            self.before.append(Loop(LoopKind.SERIAL, "x", count, (inner,)))
            self._mean(node, [narrow], 1)
            return
        self._mean(node, [start + tap for tap in taps], stride[last])

    def _columns(self, node: Node, rows: Sequence[Node], count: int, stride: int) -> None:
        """The mean over a window by its columns, whose sums neighbours share: a column is
        summed once, and carried from cell to cell until the last window that it is in.
        """
        lanes, kept = self.where.lanes, max(0, count - stride)
        names = [self._fresh("vertical") for _ in range(count)]
        for number, name in enumerate(names):
            body = self.first if number < kept else self.body
            parts = []
            for row in rows:
                part = self._fresh("cell")
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
            self.names[node] = parts[0]
            return
        name = self._fresh("sum")
        self.body.append(Let(name, balanced_sum(parts)))
        self.names[node] = symbol(name) * const(1.0 / size)

    def _mean(self, node: Node, places: Sequence[Node], stride: int) -> None:
        """The mean of what lies at some places, and from cell to cell a stride further on."""
        parts = []
        further = symbol("k") * const(stride) if stride > 1 else symbol("k")
        for place in places:
            name = self._fresh("cell")
            self.body.append(Load(name, "scratch", place + further))
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

    def _products(self, node: Node) -> None:
        """Inner products over channels, or halves of squared differences, into a line."""
        products = Products(self.where, node, self.shared)
        line = const(self._line())
        places = [
            self._offset(f"x{i}_at", self._cell(letter, space) * const(width))
            for i, letter, space, width in zip(
                (1, 2), "pq", products.spaces, products.widths, strict=True
            )
        ]
        name = self._fresh("distance" if products.apart else "product")
        if products.written_out:
            loads, value = products.whole(*places)
            self.body.extend(loads)
            self.body.append(Let(name, value))
        else:
            at = line + symbol("k")
            zero = Store("scratch", at, const(0.0))
            self.before.append(Loop(LoopKind.LANES, "k", self._row_length(), (zero,)))
            found, term = products.term(places[0], places[1], symbol("channel"))
            add = Store("scratch", at, symbol("sum") + term)
            inner = (*found, Load("sum", "scratch", at), add)
            loop = Loop(LoopKind.LANES, "k", self._row_length(), inner)
            channels = const(self.where.channels)
            self.before.append(Loop(LoopKind.SERIAL, "channel", channels, (loop,)))
            self.body.append(Load(name, "scratch", at))
            if self.where.differences:
                whole, name = symbol(name), self._fresh("mean_distance")
                self.body.append(Let(name, whole * products.scale))
        self.names[node] = symbol(name)

    def _role(self, node: Node) -> str:
        return "value"

    def _expression(self, node: Node) -> Node:
        """Constants meet in one: a layer's variance and the size of its window. `dropout` scales
        what an input has with itself at p = p', and nothing else.

        `same` is 1 at displacement 0, else 0.
        """
        if node.op == "where_same":
            same = self._argument("same", symbol("same"))
            return function("select", same, *(self._operand(node, arg) for arg in node.args))
        if node.op == "mul":
            return numbers_met(super()._expression(node))
        if node.op != "dropout":
            return super()._expression(node)
        value, rate = (self._operand(node, arg) for arg in node.args)
        if not self.own:
            return value
        same = self._argument("same", symbol("same"))
        return value + value * (same * (rate / (1.0 - rate)))

    def _store(self) -> None:
        results = []
        for node in self.step.instance.outputs:
            name = self._fresh("next")
            self.body.append(Let(name, self._value(node)))
            results.append(symbol(name))
        for value, slot in zip(results, self.step.output_slots, strict=True):
            assert slot is not None
            at = self._offset("to", self._slot_row(slot, (0,) * self.rank))
            self.body.append(Store("scratch", at + symbol("k"), value))

    # --- margins -----------------------------------------------------------------------

    def _side_margins(self) -> list[Statement]:
        """Cells before and after a row."""
        found: list[Statement] = []
        for slot, margin in zip(self.step.output_slots, self.step.margins, strict=True):
            if margin is None or slot is None:
                continue
            found.extend(side_margin(self.where, self.rank, self._slot(slot), margin))
        return found

    def _end_margins(self) -> list[Statement]:
        found: list[Statement] = []
        for slot, margin in zip(self.step.output_slots, self.step.margins, strict=True):
            if margin is not None and slot is not None:
                found.extend(end_margins(self.where, self.rank, self._slot(slot), margin))
        return found
