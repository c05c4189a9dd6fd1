"""A step of a segment as the source of one thread: windows, then everything pointwise.

Names that stand ready, besides those of `cells`: `row_at` and `column_at` (the tables of its
inputs), `x1_at` and `x2_at` (the inputs themselves), and `layer` in a loop of layers.
"""

from __future__ import annotations

import itertools
from math import prod

from ntkc.backends.cuda.cells import Cells
from ntkc.backends.cuda.spell import INDEX
from ntkc.backends.spelling import Dialect
from ntkc.backends.statements import assignment, indented
from ntkc.ir.loop import Let, Load, Lookup, Table
from ntkc.ir.node import Node, Varies, symbol
from ntkc.schedule.lower import Lanes
from ntkc.schedule.program import Run
from ntkc.schedule.slices.packs import Block
from ntkc.schedule.slices.program import SliceStep

MOST_TAPS = 49
"""Cells of a window that are written out; larger windows are loops."""
MOST_CHANNELS = 8
"""Input channels that are written out; more are a loop."""


class Step(Lanes):
    """One step of a run."""

    step: SliceStep

    def __init__(
        self,
        where: Block,
        run: Run,
        position: int,
        name: str,
        tables: list[Table],
        dialect: Dialect,
        channels: int,
        own: bool,
    ) -> None:
        self.run, self.position, self.name, self.tables = run, position, name, tables
        self.step = run.steps[position]
        self.where, self.dialect, self.channels, self.own = where, dialect, channels, own
        self.cells = Cells(where, self.step.geometry)
        self.rank = len(self.step.geometry.space)
        self.before, self.body = [], []
        self.names: dict[Node, Node] = {}
        self.used: set[str] = set()
        self.lines: list[str] = []
        self.weights: dict[str, str] = {}
        self.means: dict[tuple[Node, int], str] = {}
        self.entries: list[tuple[str, int, Node, str]] = []

    def text(self) -> list[str]:
        """The step's source."""
        shared = self._constants() + self._table_entries()
        self.lines = []
        self._windows()
        for r in range(self.where.strip):
            self._cell(r)
        return [*shared, *self.cells.loop(self.lines), "cuda.syncthreads()"]

    def _looked_up(self) -> list[str]:
        found = [f"{s.name} = {s.table}[{s.position}]" for s in self.before
                 if isinstance(s, Lookup)]  # fmt: skip
        self.before = []
        return found

    def _constants(self) -> list[str]:
        steps, lines = self._steps(), []
        self.fixed: dict[Node, Node] = {}
        for hole, node in enumerate(self.step.instance.constants):
            if steps[0].constant_entries[hole] is None:
                self.fixed[node] = node
                continue
            entry = self._entry("constant", hole, (s.constant_entries[hole] for s in steps))
            lines += [*self._looked_up(), f"constant_{hole} = constants[{INDEX.write(entry)}]"]
            self.fixed[node] = symbol(f"constant_{hole}")
        return lines

    def _table_entries(self) -> list[str]:
        steps, lines = self._steps(), []
        for kind, nodes, given in (
            ("row", self.step.instance.rows, [s.row_entries for s in steps]),
            ("column", self.step.instance.cols, [s.col_entries for s in steps]),
        ):
            for hole, node in enumerate(nodes):
                entry = self._entry(kind, hole, (entries[hole] for entries in given))
                lines += self._looked_up()
                name = f"{kind}_from_{hole}"
                lines.append(f"{name} = {kind}_at + {INDEX.write(entry)}")
                self.entries.append((kind, hole, node, name))
        return lines

    # --- windows -----------------------------------------------------------------------

    def _windows(self) -> None:
        instance = self.step.instance
        for number, node in enumerate(n for n in instance.body if n.op == "window"):
            slot = self.step.input_slots[instance.inputs.index(node.args[0])]
            if prod(node.attr("size")) <= MOST_TAPS:
                self._window(node, slot, number)
            else:
                self._looped_window(node, slot, number)

    def _weight(self, node: Node, axis: int, r: int, tap: int) -> str | None:
        """1 where what a window reads along an axis is inside, else 0; None for always."""
        size, stride = node.args[0].space[axis], node.attr("stride")[axis]
        last = stride * (node.attr("out")[axis] - 1) + tap
        if node.attr("circular") or (tap >= 0 and last < size):
            return None
        p, q = self.cells.p(axis, r), self.cells.q(axis, r)
        parts = []
        for at in (p, q):
            scaled = f"({at}) * {stride}" if stride > 1 else at
            if tap < 0:
                parts.append(f"({scaled} >= {-tap})")
            if last >= size:
                parts.append(f"({scaled} < {size - tap})")
        condition = " & ".join(parts)
        if condition not in self.weights:
            kind = "F" if "F(" in self.dialect.literal(1.0) else "np.float64"
            name = self.weights[condition] = f"inside_{len(self.weights)}"
            self.lines.append(f"{name} = {kind}({condition})")
        return self.weights[condition]

    def _taps(self, node: Node, axis: int) -> list[int]:
        dilation, before = node.attr("dilation")[axis], node.attr("before")[axis]
        return [dilation * o - before for o in range(node.attr("size")[axis])]

    def _window(self, node: Node, slot: int, number: int) -> None:
        """Sums along the last axis (and outer ones), then along the strip."""
        axis, strip = self.cells.strip_axis, self.where.strip
        stride, taps = node.attr("stride"), self._taps(node, axis)
        rows = sorted({stride[axis] * r + tap for r in range(strip) for tap in taps})
        others = [a for a in range(self.rank) if a != axis]
        for row in rows:
            terms = []
            for shifts in itertools.product(*(self._taps(node, a) for a in others)):
                weights = [self._weight(node, a, 0, t) for a, t in zip(others, shifts, strict=True)]
                at = self._cell_read(
                    node, slot, dict(zip(others, shifts, strict=True)) | {axis: row}
                )
                factors = [*dict.fromkeys(w for w in weights if w is not None), f"slots[u64({at})]"]
                terms.append(" * ".join(factors))
            terms.sort(key=lambda term: " * " in term.split("slots")[0])  # a plain one comes first
            self.lines += assignment(f"line_{number}_{rows.index(row)}", " + ".join(terms))
        scale = 1.0 / prod(node.attr("size"))
        for r in range(strip):
            terms = []
            for tap in taps:
                line = f"line_{number}_{rows.index(stride[axis] * r + tap)}"
                weight = self._weight(node, axis, r, tap)
                terms.append(line if weight is None else f"{weight} * {line}")
            terms.sort(key=lambda term: " * " in term)
            total = " + ".join(terms)
            if scale != 1.0:
                total = f"({total}) * {self.dialect.literal(scale)}"
            name = self.means[node, r] = f"mean_{number}_{r}"
            self.lines += assignment(name, total)

    def _cell_read(self, node: Node, slot: int, shifts: dict[int, int]) -> str:
        """The place of the cell that is `shifts` away from the first one's."""
        where, stride = self.where, node.attr("stride")
        fixed, parts = where.origin(slot), []
        for axis, pitch in enumerate(where.pitches):
            size, shift = node.args[0].space[axis], shifts[axis]
            scaled = f"p{axis} * {stride[axis]}" if stride[axis] > 1 else f"p{axis}"
            if node.attr("circular"):
                parts.append(f"({scaled} + {shift + size * (1 + abs(shift) // size)}) % {size}"
                             f" * {pitch}")  # fmt: skip
            else:
                fixed += shift * pitch
                parts.append(f"p{axis} * {stride[axis] * pitch}")
        return f"base + {' + '.join(parts)} + {fixed}"

    def _looped_window(self, node: Node, slot: int, number: int) -> None:
        """A large window: loops over its cells, those outside left out."""
        zero = self.dialect.literal(0.0)
        scale = self.dialect.literal(1.0 / prod(node.attr("size")))
        pitches = self.where.pitches
        for r in range(self.where.strip):
            total = f"total_{number}_{r}"
            self.lines.append(f"{total} = {zero}")
            depth, conditions, place = 0, [], f"base + {self.where.origin(slot)}"
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
            name = self.means[node, r] = f"mean_{number}_{r}"
            self.lines.append(f"{name} = {total} * {scale}")

    # --- a cell ------------------------------------------------------------------------

    def _cell(self, r: int) -> None:
        """Everything pointwise of one cell."""
        instance = self.step.instance
        self.names, self.body = dict(self.fixed), []
        loads = self._singles(r)
        for node, slot in zip(instance.inputs, self.step.input_slots, strict=True):
            if any(node in n.args for n in instance.body if n.op != "window") or (
                node in instance.outputs
            ):
                name = self._fresh("value")
                loads.append(f"{name} = slots[u64({self.cells.place(slot, r)})]")
                self.names[node] = symbol(name)
        for node in (n for n in instance.body if n.op == "window"):
            self.names[node] = symbol(self.means[node, r])
        pointwise = (n for n in instance.body if n.op != "window")
        for node in dict.fromkeys([*instance.outputs, *(a for n in pointwise for a in n.args)]):
            if node.op == "gram" and node.varies is Varies.CROSS and node not in self.names:
                loads += self._products(node, r)
        self._compute()
        results = [self._named(node) for node in instance.outputs]
        stores = []
        live = self.cells.live(r)
        for value, to in zip(results, self.step.output_slots, strict=True):
            assert to is not None
            zero = self.dialect.literal(0.0)
            text = f"cuda.selp({live}, {value}, {zero})" if live else value
            stores.append(f"slots[u64({self.cells.place(to, r)})] = {text}")
        lets = [
            line
            for s in self.body
            if isinstance(s, Let)
            for line in assignment(s.name, self.dialect.write(s.value))
        ]
        assert not any(isinstance(s, Load) for s in self.body)
        inside = self.cells.inside(r)
        self.lines += [*loads, *lets]
        self.lines += stores if inside is None else [f"if {inside}:", *indented(stores)]

    def _named(self, node: Node) -> str:
        name = self._fresh("next")
        self.body.append(Let(name, self._value(node)))
        return name

    def _singles(self, r: int) -> list[str]:
        loads = []
        numbers: dict[str, str] = {}
        for kind, hole, node, first in self.entries:
            if kind not in numbers:
                numbers[kind] = self._fresh(f"{kind}_cell")
                loads.append(f"{numbers[kind]} = {self.cells.number(r, kind == 'column')}")
            name = self._fresh(f"{kind}_{hole}")
            loads.append(f"{name} = {kind}_table[u64({first} + {numbers[kind]})]")
            self.names[node] = symbol(name)
        return loads

    def _products(self, node: Node, r: int) -> list[str]:
        """Inner products over channels."""
        cells = prod(node.space)
        left, right = self._fresh("left"), self._fresh("right")
        name = self._fresh("product")
        lines = [
            f"{left} = x1_at + {self.cells.number(r, False)}",
            f"{right} = x2_at + {self.cells.number(r, True)}",
        ]
        if self.channels <= MOST_CHANNELS:
            terms = [
                f"x1[u64({left} + {c * cells})] * x2[u64({right} + {c * cells})]"
                for c in range(self.channels)
            ]
            lines += assignment(name, " + ".join(terms) or self.dialect.literal(0.0))
        else:
            lines += [
                f"{name} = {self.dialect.literal(0.0)}",
                f"for channel in range({self.channels}):",
                f"    {name} += x1[u64({left} + channel * {cells})] * "
                f"x2[u64({right} + channel * {cells})]",
            ]
        self.names[node] = symbol(name)
        return lines

    def _role(self, node: Node) -> str:
        return "value"

    def _expression(self, node: Node) -> Node:
        """`dropout` scales what an input has with itself at p = p', and nothing else."""
        if node.op != "dropout":
            return super()._expression(node)
        value, rate = (self._operand(node, arg) for arg in node.args)
        return value + value * (symbol("same") * (rate / (1.0 - rate))) if self.own else value
