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

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ntkc.ir.loop import Let, Load, Loop, LoopKind, Offset, Statement, Store, Table
from ntkc.ir.node import Node, const, function, symbol
from ntkc.schedule.draft import Draft
from ntkc.schedule.pointwise import Pointwise, numbers_met
from ntkc.schedule.program import Run
from ntkc.schedule.slices.layout import Layout, end_margins, side_margin
from ntkc.schedule.slices.products import Products, is_product, read
from ntkc.schedule.slices.program import Geometry, Segment, SliceStep
from ntkc.schedule.slices.rows import Rows
from ntkc.schedule.slices.streams import Stream, made_row, streams
from ntkc.schedule.slices.windows import Windows


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
            step = _Step(where, numbers, run, position, part, tables, own, shared, stream)
            remark = describe(run.steps[position])
            if stream is not None:
                made = describe(segment.runs[number - 1].steps[0])
                remark = f"{made}, row by row, and {remark}"
            calls.append(step.call(remark))
        found.append(Repeated(run.count, tuple(calls)))
    return tables, found


class _Step(Pointwise):
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
        super().__init__(run, position, name, tables, Draft())
        self.where, self.numbers, self.own = where, numbers, own
        self.shared, self.stream = shared, stream
        geometry = self.step.geometry
        self.rows = Rows(where, geometry, numbers[geometry], self.draft, stream)
        self.windows = Windows(self.rows)
        self.outside: list[Statement] = []
        """What the arguments of a call are looked up by."""

    def call(self, remark: str) -> Call:
        """The step on all rows, and the margins of what it made."""
        body = self._statements()
        return Call(remark, tuple(self.outside), self.rows.arguments, tuple(body))

    def _given(self, kind: str, hole: int, entries: Iterable[int | None]) -> Node:
        """A hole's entry, looked up at the call."""
        inside, self.draft.before = self.draft.before, self.outside
        entry = self._entry(kind, hole, entries)
        self.draft.before = inside
        return entry

    def _statements(self) -> list[Statement]:
        constants: list[Statement] = []
        self.draft.before = constants
        self._load_constants()
        row: list[Statement] = []
        self.draft.before = row
        self._load_single_inputs()
        self._load_pairs()
        self._compute()
        self._store()
        body = (*self.draft.body, *self.windows.last)
        row.append(Loop(LoopKind.LANES, "k", self.rows.length(), body, tuple(self.windows.first)))
        row.extend(self._side_margins())
        loops: Sequence[Statement] = row
        if self.stream is not None:
            constants += self._ahead(self.stream)
            loops = [*self._made(self.stream), *row]
        for axis in reversed(range(self.rows.rank - 1)):
            loops = [Loop(LoopKind.SERIAL, f"y{axis}", symbol(f"n_{axis}"), tuple(loops))]
        return [*constants, *loops, *self._end_margins()]

    # --- single inputs -----------------------------------------------------------------

    def _load_constants(self) -> None:
        steps = self._steps()
        for hole, node in enumerate(self.step.instance.constants):
            if steps[0].constant_entries[hole] is None:
                self.draft.names[node] = node
                continue
            entry = self._given("constant", hole, (s.constant_entries[hole] for s in steps))
            name = f"constant_{hole}"
            at = self.rows.argument(f"constant_at_{hole}", entry)
            self.draft.before.append(Load(name, "constants", at))
            self.draft.names[node] = symbol(name)

    def _load_single_inputs(self) -> None:
        steps, space = self._steps(), self.step.geometry.space
        for kind, letter, nodes, given in (
            ("row", "p", self.step.instance.rows, [s.row_entries for s in steps]),
            ("column", "q", self.step.instance.cols, [s.col_entries for s in steps]),
        ):
            sizes = space if kind == "row" else self.where.column_space(space)
            factor = prod(self.where.column_space((1,) * self.rows.rank)) if kind == "column" else 1
            for hole, node in enumerate(nodes):
                entry = self._given(kind, hole, (entries[hole] for entries in given))
                entry = entry * const(factor) if factor > 1 else entry
                first = self.rows.argument(f"{kind}_entry_{hole}", entry)
                alike = self.shared and kind == "row"
                cell = first + self.rows.cell(letter, sizes)
                index = cell if alike else cell * const(self.where.lanes)
                self.draft.before.append(Offset(f"{kind}_at_{hole}", index))
                at = symbol(f"{kind}_at_{hole}")
                self.draft.body.append(read(f"{kind}_{hole}", f"{kind}_table", at, alike))
                self.draft.names[node] = symbol(f"{kind}_{hole}")

    # --- values of the pair ------------------------------------------------------------

    def _load_pairs(self) -> None:
        instance = self.step.instance
        windows = [n for n in instance.body if n.op == "window"]
        for node, slot in zip(instance.inputs, self.step.input_slots, strict=True):
            if any(node in n.args for n in instance.body if n.op != "window") or (
                node in instance.outputs
            ):
                at = self.draft.offset("slice_at", self.rows.slot_row(slot, (0,) * self.rows.rank))
                name = self.draft.fresh("value")
                self.draft.body.append(Load(name, "scratch", at + symbol("k")))
                self.draft.names[node] = symbol(name)
        for node in windows:
            self.windows.mean(node, self.step.input_slots[instance.inputs.index(node.args[0])])
        pointwise = (n for n in instance.body if n.op != "window")
        read = dict.fromkeys([*instance.outputs, *(a for n in pointwise for a in n.args)])
        for node in read:
            if is_product(node) and node not in self.draft.names:
                self._products(node)

    def _ahead(self, stream: Stream) -> list[Statement]:
        """The rows that the first window reads beside those that are fresh for each."""
        count = stream.reach - stream.fresh
        made = self._made_row(stream, symbol("ahead"))
        return [Loop(LoopKind.SERIAL, "ahead", const(count), tuple(made))] if count else []

    def _made(self, stream: Stream) -> list[Statement]:
        """The rows that the current window is the first to read."""
        index = self.rows.row_read(stream, stream.reach - stream.fresh)
        if stream.fresh == 1:
            return self._made_row(stream, index)
        made = self._made_row(stream, index + symbol("ahead"))
        return [Loop(LoopKind.SERIAL, "ahead", const(stream.fresh), tuple(made))]

    def _made_row(self, stream: Stream, index: Node) -> list[Statement]:
        of = self.step.instance.inputs.index(stream.node)
        number = self.numbers[self.step.input_geometries[of]]
        slot = self.rows.slot(stream.slot)
        return made_row(stream, self.shared, number, slot, index, self.rows.argument)

    def _products(self, node: Node) -> None:
        """Inner products over channels, or halves of squared differences, into a line."""
        products = Products(self.where, node, self.shared)
        line = const(self.rows.line())
        places = [
            self.draft.offset(f"x{i}_at", self.rows.cell(letter, space) * const(width))
            for i, letter, space, width in zip(
                (1, 2), "pq", products.spaces, products.widths, strict=True
            )
        ]
        name = self.draft.fresh("distance" if products.apart else "product")
        if products.written_out:
            loads, value = products.whole(*places)
            self.draft.body.extend(loads)
            self.draft.body.append(Let(name, value))
        else:
            at = line + symbol("k")
            zero = Store("scratch", at, const(0.0))
            self.draft.before.append(Loop(LoopKind.LANES, "k", self.rows.length(), (zero,)))
            found, term = products.term(places[0], places[1], symbol("channel"))
            add = Store("scratch", at, symbol("sum") + term)
            inner = (*found, Load("sum", "scratch", at), add)
            loop = Loop(LoopKind.LANES, "k", self.rows.length(), inner)
            channels = const(self.where.channels)
            self.draft.before.append(Loop(LoopKind.SERIAL, "channel", channels, (loop,)))
            self.draft.body.append(Load(name, "scratch", at))
            if self.where.differences:
                whole, name = symbol(name), self.draft.fresh("mean_distance")
                self.draft.body.append(Let(name, whole * products.scale))
        self.draft.names[node] = symbol(name)

    def _role(self, node: Node) -> str:
        return "value"

    def _expression(self, node: Node) -> Node:
        """Constants meet in one: a layer's variance and the size of its window. `dropout` scales
        what an input has with itself at p = p', and nothing else.

        `same` is 1 at displacement 0, else 0.
        """
        if node.op == "where_same":
            same = self.rows.argument("same", symbol("same"))
            return function("select", same, *(self._operand(node, arg) for arg in node.args))
        if node.op == "mul":
            return numbers_met(super()._expression(node))
        if node.op != "dropout":
            return super()._expression(node)
        value, rate = (self._operand(node, arg) for arg in node.args)
        if not self.own:
            return value
        same = self.rows.argument("same", symbol("same"))
        return value + value * (same * (rate / (1.0 - rate)))

    def _store(self) -> None:
        results = []
        for node in self.step.instance.outputs:
            name = self.draft.fresh("next")
            self.draft.body.append(Let(name, self._value(node)))
            results.append(symbol(name))
        for value, slot in zip(results, self.step.output_slots, strict=True):
            assert slot is not None
            at = self.draft.offset("to", self.rows.slot_row(slot, (0,) * self.rows.rank))
            self.draft.body.append(Store("scratch", at + symbol("k"), value))

    # --- margins -----------------------------------------------------------------------

    def _side_margins(self) -> list[Statement]:
        """Cells before and after a row."""
        found: list[Statement] = []
        for slot, margin in zip(self.step.output_slots, self.step.margins, strict=True):
            if margin is None or slot is None:
                continue
            found.extend(side_margin(self.where, self.rows.rank, self.rows.slot(slot), margin))
        return found

    def _end_margins(self) -> list[Statement]:
        found: list[Statement] = []
        for slot, margin in zip(self.step.output_slots, self.step.margins, strict=True):
            if margin is not None and slot is not None:
                found.extend(end_margins(self.where, self.rows.rank, self.rows.slot(slot), margin))
        return found
