"""From a schedule to loop IR: the work on one block of pairs, a row by up to WIDTH columns.

Names bound by the caller of the body: `i` (row), `at` (the block's first entry in `values`),
`left` and `column` (its first column, in the tile and in the tables), `width` (its pairs), and
the strides of a tile's row and of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ntkc.ir.loop import Let, Load, Lookup, Loop, LoopKind, Offset, Remark, Statement, Store, Table
from ntkc.ir.node import Node, const, symbol, with_args
from ntkc.schedule.levels import LEAVES, strip
from ntkc.schedule.program import WIDTH, Run, Schedule, Step

_HINTS = {
    "sqrt": "root",
    "inv_sqrt": "scale",
    "polynomial": "series",
    "select": "choice",
    "div": "ratio",
    "abs": "size",
    "exp": "power",
}
_REPEATING = frozenset({"min", "max", "sqrt", "inv_sqrt", "select"})


def label(roots: Sequence[str]) -> str:
    """A word for what a tile function makes, short however many derivatives that is."""
    return "_".join(roots) if len(roots) <= 2 else f"{roots[0]}_and_rates"


def lower(tile: Schedule, describe: Callable[[Step], str]) -> tuple[list[Table], list[Statement]]:
    """The tables of indices and the statements of one block; `describe` words a remark.

    A name is bound at one place: Numba walks all of a function for each name bound at several.
    """
    tables: list[Table] = []
    body: list[Statement] = []
    names: set[str] = set()
    for number, run in enumerate(tile.runs):
        body.extend(_run(tile, run, number, tables, names, describe))
    return tables, body


def _run(
    tile: Schedule,
    run: Run,
    number: int,
    tables: list[Table],
    names: set[str],
    describe: Callable[[Step], str],
) -> list[Statement]:
    inner: list[Statement] = []
    for position in range(run.period):
        name = f"{label(tile.roots)}_{number}_{position}"
        lanes = Lanes(tile, run, position, name, tables, names)
        found = lanes.statements()
        if found:
            inner += [Remark(describe(run.steps[position])), *found]
    if run.count == 1 or not inner:
        return inner
    return [Loop(LoopKind.SERIAL, "layer", const(run.count), tuple(inner))]


class Lanes:
    """One level of a run: what is loaded before the lanes, and the lanes' body.

    `used` are the names that are taken.
    """

    def __init__(
        self,
        tile: Schedule,
        run: Run,
        position: int,
        name: str,
        tables: list[Table],
        used: set[str],
    ) -> None:
        self.tile, self.run, self.position, self.name = tile, run, position, name
        self.tables = tables
        self.step = run.steps[position]
        self.before: list[Statement] = []
        self.body: list[Statement] = []
        self.names: dict[Node, Node] = {}
        self.used = used

    def statements(self) -> list[Statement]:
        """The level: offsets and row values, then the loop over the block's pairs."""
        self._load_single_inputs()
        self._load_pairs()
        self._compute()
        self._store()
        if not self.body:  # a level that hands on what is there, as the identity does
            return []
        loop = Loop(LoopKind.LANES, "j", symbol("width"), tuple(self.body))
        return [*self.before, loop]

    def _entry(self, kind: str, hole: int, entries: Iterable[int | None]) -> Node:
        """The table entry of a hole, as an expression of the repetition's number."""
        found = [entry for entry in entries if entry is not None]
        first, stride = found[0], found[1] - found[0] if len(found) > 1 else 0
        if all(entry == first + stride * k for k, entry in enumerate(found)):
            if stride == 0:
                return const(first)
            if stride > 0:
                return const(first) + const(stride) * symbol("layer")
        table = Table(f"{kind}_entries_{self.name}_{hole}", tuple(found))
        self.tables.append(table)
        name = self._fresh(f"{kind}_entry_{hole}")
        self.before.append(Lookup(name, table.name, "layer"))
        return symbol(name)

    def _steps(self) -> list[Step]:
        return list(self.run.steps[self.position :: self.run.period])

    def _load_single_inputs(self) -> None:
        instance, steps = self.step.instance, self._steps()
        for hole, node in enumerate(instance.rows):
            entry = self._entry("row", hole, (s.row_entries[hole] for s in steps))
            index = entry * symbol("row_stride") + symbol("row")
            self.before.append(Load(self._bind(node, f"row_{hole}"), "row_table", index))
        for hole, node in enumerate(instance.cols):
            entry = self._entry("column", hole, (s.col_entries[hole] for s in steps))
            index = entry * symbol("column_stride") + symbol("column")
            place = self._fresh(f"column_at_{hole}")
            self.before.append(Offset(place, index))
            name = self._bind(node, f"column_{hole}")
            self.body.append(Load(name, "column_table", symbol(place) + symbol("j")))
        for hole, node in enumerate(instance.constants):
            if steps[0].constant_entries[hole] is None:
                self.names[node] = node
                continue
            entry = self._entry("constant", hole, (s.constant_entries[hole] for s in steps))
            self.before.append(Load(self._bind(node, f"constant_{hole}"), "constants", entry))

    def _bind(self, node: Node, name: str) -> str:
        """A name of its own for a value."""
        found = self._fresh(name)
        self.names[node] = symbol(found)
        return found

    def _load_pairs(self) -> None:
        for node, slot in zip(self.step.instance.inputs, self.step.input_slots, strict=True):
            name = self._bind(node, self._role(node))
            self.body.append(Load(name, "scratch", _slot_index(slot)))

    def _role(self, node: Node) -> str:
        """What a value between levels is to a reader."""
        if strip(node) in self.tile.carried:
            return "complement" if self.tile.complement else "covariance"
        return self.tile.roots[-1]

    def _fresh(self, name: str) -> str:
        unique, count = name, 1
        while unique in self.used:
            count += 1
            unique = f"{name}_{count}"
        self.used.add(unique)
        return unique

    def _value(self, node: Node) -> Node:
        node = strip(node)
        if node in self.names:
            return self.names[node]
        if node.op in LEAVES:
            name = self._bind(node, "pair")
            self.body.append(Load(name, "values", symbol("at") + symbol("j")))
            return self.names[node]
        raise AssertionError(f"{node.op} is not available in its level")

    def _compute(self) -> None:
        uses = self._uses()
        for node in self.step.instance.body:
            if node in self.names:
                continue
            value = self._expression(node)
            if uses.get(node, 0) > 1 or node.op in _HINTS:
                name = self._fresh(_HINTS.get(node.op, "t"))
                self.body.append(Let(name, value))
                value = symbol(name)
            self.names[node] = value

    def _expression(self, node: Node) -> Node:
        return with_args(node, tuple(self._operand(node, a) for a in node.args))

    def _operand(self, node: Node, arg: Node) -> Node:
        """The argument's value; under a name where a spelling of the operation repeats it."""
        value = self._value(arg)
        if node.op in _REPEATING and value.op not in ("symbol", "const"):
            name = self._fresh("t")
            self.body.append(Let(name, value))
            value = self.names[strip(arg)] = symbol(name)
        return value

    def _uses(self) -> dict[Node, int]:
        uses: dict[Node, int] = {}
        instance = self.step.instance
        for node in (*instance.outputs, *(a for n in instance.body for a in n.args)):
            uses[strip(node)] = uses.get(strip(node), 0) + 1
        return uses

    def _store(self) -> None:
        """Values first, stores last: a level may write the slots that it reads."""
        step, results = self.step, []
        for node in step.instance.outputs:
            name = self._fresh(f"next_{self._role(node)}")
            self.body.append(Let(name, self._value(node)))
            results.append(symbol(name))
        for value, slot, stores in zip(results, step.output_slots, step.stores, strict=True):
            if slot is not None:
                self.body.append(Store("scratch", _slot_index(slot), value))
            for root in stores:
                self.body.append(self._result(root, value))

    def _result(self, root: int, value: Node) -> Store:
        """Where a root goes: the first to `values`, rows of the others take turns in `second`."""
        if root == 0:
            return Store("values", symbol("at") + symbol("j"), value)
        others = len(self.tile.roots) - 1
        if others == 1:
            return Store("second", symbol("at") + symbol("j"), value)
        row = symbol("i") * const(others) + const(root - 1)
        name = self._fresh(f"place_{root}")
        self.before.append(Offset(name, row * symbol("stride") + symbol("left")))
        return Store("second", symbol(name) + symbol("j"), value)


def _slot_index(slot: int) -> Node:
    return const(slot * WIDTH) + symbol("j")


def numbers_met(node: Node) -> Node:
    """a · (x · b) as (a b) · x for numbers a and b."""
    for factor, other in (node.args, node.args[::-1]):
        if factor.op == "const" and other.op == "mul" and other.args[1].op == "const":
            return const(factor.attr("value") * other.args[1].attr("value")) * other.args[0]
    return node
