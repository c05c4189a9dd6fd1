"""A step of a segment: a routine for a thread's unit, and one for everything pointwise of a cell.

Names that stand ready in a segment, besides those of `cells`: `slots` and `base` (the pack's
place in them), the tables of the pair's inputs, the inputs themselves, and `layer` in a loop of
layers. Steps with equal text on other slots, or other places of the tables, are one routine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ntkc.backends.cuda.cells import Cells, who
from ntkc.backends.cuda.late import late
from ntkc.backends.cuda.spell import INDEX
from ntkc.backends.cuda.windows import Windows
from ntkc.backends.routines import Routines
from ntkc.backends.spelling import Dialect
from ntkc.backends.statements import Printer, assignment, indented
from ntkc.ir.loop import Let, Load, Lookup, Table
from ntkc.ir.node import Node, Space, Varies, const, symbol
from ntkc.schedule.draft import Draft
from ntkc.schedule.pointwise import Pointwise, numbers_met
from ntkc.schedule.program import Run
from ntkc.schedule.slices.packs import Block
from ntkc.schedule.slices.program import SliceStep

MOST_CHANNELS = 8
"""Input channels that are written out; more are a loop."""

Held = Mapping[int, Space]
"""Slots whose cells the threads that wrote them still hold in registers, with their spaces."""


@dataclass(frozen=True)
class Place:
    """What all steps of a segment have in common."""

    where: Block
    dialect: Dialect
    dtype: str
    channels: int
    own: bool
    """Whether pairs are inputs with themselves."""
    routines: Routines


def held_after(where: Block, step: SliceStep, held: Held) -> Held:
    """What threads hold once a step is done: what it wrote, if each of them had one unit."""
    written = [slot for slot in step.output_slots if slot is not None]
    cells = Cells(where, step.geometry)
    kept = {slot: space for slot, space in held.items() if slot not in written}
    if cells.single and not cells.ragged:
        kept |= dict.fromkeys(written, step.geometry.space)
    return kept


class _Cell(Printer):
    """Prints what is pointwise."""

    def place(self, buffer: str, index: Node) -> str:
        """An entry of a table."""
        return f"{buffer}[u64({self.index(index)})]"


class Step(Pointwise):
    """One step of a run."""

    step: SliceStep

    def __init__(
        self,
        place: Place,
        run: Run,
        position: int,
        name: str,
        tables: list[Table],
        held: Held,
        describe: str,
    ) -> None:
        super().__init__(run, position, name, tables, Draft())
        self.place, self.where, self.dialect = place, place.where, place.dialect
        self.held, self.describe = held, describe
        self.cells = Cells(self.where, self.step.geometry)
        kind = "F" if place.dtype == "float32" else "np.float64"
        self.windows = Windows(self.cells, place.dialect, kind)
        self.fixed: dict[Node, Node] = {}
        self.entries: list[tuple[str, int, Node]] = []
        self.arguments: dict[str, str] = {}

    def text(self) -> list[str]:
        """Lines of the segment: offsets, the routine's call, a barrier."""
        named = self._constants() + self._table_entries()
        self._slots()
        body = [*self.cells.places(), *self._sums()]
        for r in range(self.where.strip):
            body += self._cell(r)
        ready = {name: name for name in (*who(self.where), "same")}
        target = ""
        if self.cells.single and not self.cells.ragged:
            body += ["return (", *(f"    {self._strip(k)}," for k in range(self._outputs)), ")"]
            target = ", ".join(f"held_{slot}" for slot in self.step.output_slots)
            target += "," if self._outputs == 1 else ""
        call = self.place.routines.call(
            "step", self.describe, body, {"unit": self.cells.unit} | ready | self.arguments, target
        )
        return [*named, *self.cells.loop(call), "cuda.syncthreads()"]

    @property
    def _outputs(self) -> int:
        return len(self.step.instance.outputs)

    def _strip(self, output: int) -> str:
        cells = [f"next_{output}_{r}" for r in range(self.where.strip)]
        return f"({', '.join(cells)}{',' if len(cells) == 1 else ''})"

    # --- what differs from one step with this text to another -----------------------------

    def _looked_up(self) -> list[str]:
        found = [f"{s.name} = {s.table}[{s.position}]" for s in self.draft.before
                 if isinstance(s, Lookup)]  # fmt: skip
        self.draft.before = []
        return found

    def _constants(self) -> list[str]:
        steps, lines = self._steps(), []
        for hole, node in enumerate(self.step.instance.constants):
            if steps[0].constant_entries[hole] is None:
                self.fixed[node] = node
                continue
            entry = self._entry("constant", hole, (s.constant_entries[hole] for s in steps))
            lines += self._looked_up()
            name = f"constant_{hole}"
            self.arguments[name] = f"constants[{INDEX.write(entry)}]"
            self.fixed[node] = symbol(name)
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
                self.arguments[f"{kind}_from_{hole}"] = INDEX.write(entry)
                self.entries.append((kind, hole, node))
        return lines

    def _slots(self) -> None:
        """Where slots begin, and which the thread still holds."""
        for k, slot in enumerate(self.step.input_slots):
            self.arguments[f"from_{k}"] = self.cells.start(slot)
            if self.held.get(slot) == self.step.geometry.space:
                self.arguments[f"held_{k}"] = f"held_{slot}"
        for k, to in enumerate(self.step.output_slots):
            assert to is not None
            self.arguments[f"to_{k}"] = self.cells.start(to)

    def _kept(self, k: int) -> str | None:
        """The name of the cells of an input that the thread holds."""
        return f"held_{k}" if f"held_{k}" in self.arguments else None

    # --- a unit --------------------------------------------------------------------------

    def _sums(self) -> list[str]:
        instance = self.step.instance
        for node in (n for n in instance.body if n.op == "window"):
            k = instance.inputs.index(node.args[0])
            own = self._kept(k) if set(node.attr("stride")) == {1} else None
            self.windows.add(node, f"from_{k}", own)
        return self.windows.lines

    def _cell(self, r: int) -> list[str]:
        """Everything pointwise of one cell: a call, and where its results go."""
        given = self._given(r)
        self._singles()
        lines = self._products()
        self._compute()
        results = [self._named(node) for node in self.step.instance.outputs]
        lines += _Cell(self.dialect, INDEX).block(late(self.draft.body, self.place.dtype))
        lines.append(f"return {', '.join(results)}")
        given |= {name: name for name in self.arguments} | {"same": "same"}
        target = ", ".join(f"next_{k}_{r}" for k in range(self._outputs))
        call = self.place.routines.call("cell", self.describe, lines, given, target)
        return [*call, *self._stores(r)]

    def _given(self, r: int) -> dict[str, str]:
        """What is known of a cell before anything pointwise."""
        instance = self.step.instance
        self.draft.names, self.draft.body = dict(self.fixed), []
        given = {
            "row_cell": self.cells.number(r, False),
            "column_cell": self.cells.number(r, True),
        }
        for k, node in enumerate(instance.inputs):
            if any(node in n.args for n in instance.body if n.op != "window") or (
                node in instance.outputs
            ):
                own, name = self._kept(k), f"value_{k}"
                read = f"slots[u64({self.cells.place(f'from_{k}', r)})]"
                given[name] = read if own is None else f"{own}[{r}]"
                self.draft.names[node] = symbol(name)
        for k, node in enumerate(n for n in instance.body if n.op == "window"):
            given[f"sum_{k}"] = self.windows.sums[node, r]
            size = prod(node.attr("size"))
            whole = symbol(f"sum_{k}")
            self.draft.names[node] = whole * const(1.0 / size) if size > 1 else whole
        self.draft.used = dict.fromkeys((*given, *self.arguments, "same"), 1)
        return given

    def _stores(self, r: int) -> list[str]:
        lines, live = [], self.cells.live(r)
        zero = self.dialect.literal(0.0)
        for k in range(self._outputs):
            name = f"next_{k}_{r}"
            if live is not None:
                lines.append(f"{name} = cuda.selp({live}, {name}, {zero})")
            lines.append(f"slots[u64({self.cells.place(f'to_{k}', r)})] = {name}")
        inside = self.cells.inside(r)
        return lines if inside is None else [f"if {inside}:", *indented(lines)]

    # --- a cell --------------------------------------------------------------------------

    def _named(self, node: Node) -> str:
        name = self.draft.fresh("next")
        self.draft.body.append(Let(name, self._value(node)))
        return name

    def _singles(self) -> None:
        for kind, hole, node in self.entries:
            name = self.draft.fresh(f"{kind}_{hole}")
            place = symbol(f"{kind}_from_{hole}") + symbol(f"{kind}_cell")
            self.draft.body.append(Load(name, f"{kind}_table", place))
            self.draft.names[node] = symbol(name)

    def _products(self) -> list[str]:
        """Inner products over channels."""
        instance, lines = self.step.instance, []
        pointwise = (n for n in instance.body if n.op != "window")
        for node in dict.fromkeys([*instance.outputs, *(a for n in pointwise for a in n.args)]):
            if node.op == "gram" and node.varies is Varies.CROSS and node not in self.draft.names:
                name = self.draft.fresh("product")
                lines += self._product(name, prod(node.space))
                self.draft.names[node] = symbol(name)
        return lines

    def _product(self, name: str, cells: int) -> list[str]:
        channels = self.place.channels
        if channels <= MOST_CHANNELS:
            terms = [
                f"x1[u64(row_cell + {c * cells})] * x2[u64(column_cell + {c * cells})]"
                for c in range(channels)
            ]
            return assignment(name, " + ".join(terms) or self.dialect.literal(0.0))
        return [
            f"{name} = {self.dialect.literal(0.0)}",
            f"for channel in range({channels}):",
            f"    {name} += x1[u64(row_cell + channel * {cells})] * "
            f"x2[u64(column_cell + channel * {cells})]",
        ]

    def _role(self, node: Node) -> str:
        return "value"

    def _expression(self, node: Node) -> Node:
        """Constants meet in one: a layer's variance and the size of its window. `dropout` scales
        what an input has with itself at p = p', and nothing else.
        """
        if node.op == "mul":
            return numbers_met(super()._expression(node))
        if node.op != "dropout":
            return super()._expression(node)
        value, rate = (self._operand(node, arg) for arg in node.args)
        scaled = value + value * (symbol("same") * (rate / (1.0 - rate)))
        return scaled if self.place.own else value
