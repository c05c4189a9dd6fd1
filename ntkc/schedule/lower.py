"""From a schedule to loop IR: the work on one block of pairs, a row by up to WIDTH columns.

Names bound by the caller of the body: `i` (row), `at` (the block's first entry in `values`),
`left` and `column` (its first column, in the tile and in the tables), `width` (its pairs), and
the strides of a tile's row and of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ntkc.ir.loop import Let, Load, Loop, LoopKind, Remark, Statement, Store, Table
from ntkc.ir.node import Node, const, symbol
from ntkc.schedule.draft import Draft
from ntkc.schedule.levels import LEAVES, strip
from ntkc.schedule.pointwise import Pointwise
from ntkc.schedule.program import WIDTH, Run, Schedule, Step


def label(roots: Sequence[str]) -> str:
    """A word for what a tile function makes, short however many derivatives that is."""
    return "_".join(roots) if len(roots) <= 2 else f"{roots[0]}_and_rates"


def lower(tile: Schedule, describe: Callable[[Step], str]) -> tuple[list[Table], list[Statement]]:
    """The tables of indices and the statements of one block; `describe` words a remark.

    A name is bound at one place: Numba walks all of a function for each name bound at several.
    """
    tables: list[Table] = []
    body: list[Statement] = []
    names: dict[str, int] = {}
    for number, run in enumerate(tile.runs):
        body.extend(_run(tile, run, number, tables, names, describe))
    return tables, body


def _run(
    tile: Schedule,
    run: Run,
    number: int,
    tables: list[Table],
    names: dict[str, int],
    describe: Callable[[Step], str],
) -> list[Statement]:
    inner: list[Statement] = []
    for position in range(run.period):
        name = f"{label(tile.roots)}_{number}_{position}"
        lanes = _Level(tile, run, position, name, tables, Draft(names))
        found = lanes.statements()
        if found:
            inner += [Remark(describe(run.steps[position])), *found]
    if run.count == 1 or not inner:
        return inner
    return [Loop(LoopKind.SERIAL, "layer", const(run.count), tuple(inner))]


class _Level(Pointwise):
    """One level of a run: what is loaded before the lanes, and the lanes' body."""

    def __init__(
        self, tile: Schedule, run: Run, position: int, name: str, tables: list[Table], draft: Draft
    ) -> None:
        super().__init__(run, position, name, tables, draft)
        self.tile = tile

    def statements(self) -> list[Statement]:
        """The level: offsets and row values, then the loop over the block's pairs."""
        self._load_single_inputs()
        self._load_pairs()
        self._compute()
        self._store()
        if not self.draft.body:  # a level that hands on what is there, as the identity does
            return []
        loop = Loop(LoopKind.LANES, "j", symbol("width"), tuple(self.draft.body))
        return [*self.draft.before, loop]

    def _load_single_inputs(self) -> None:
        instance, steps = self.step.instance, self._steps()
        for hole, node in enumerate(instance.rows):
            entry = self._entry("row", hole, (s.row_entries[hole] for s in steps))
            index = entry * symbol("row_stride") + symbol("row")
            self.draft.before.append(Load(self.draft.bind(node, f"row_{hole}"), "row_table", index))
        for hole, node in enumerate(instance.cols):
            entry = self._entry("column", hole, (s.col_entries[hole] for s in steps))
            index = entry * symbol("column_stride") + symbol("column")
            place = self.draft.offset(f"column_at_{hole}", index)
            name = self.draft.bind(node, f"column_{hole}")
            self.draft.body.append(Load(name, "column_table", place + symbol("j")))
        for hole, node in enumerate(instance.constants):
            if steps[0].constant_entries[hole] is None:
                self.draft.names[node] = node
                continue
            entry = self._entry("constant", hole, (s.constant_entries[hole] for s in steps))
            self.draft.before.append(
                Load(self.draft.bind(node, f"constant_{hole}"), "constants", entry)
            )

    def _load_pairs(self) -> None:
        for node, slot in zip(self.step.instance.inputs, self.step.input_slots, strict=True):
            name = self.draft.bind(node, self._role(node))
            self.draft.body.append(Load(name, "scratch", _slot_index(slot)))

    def _role(self, node: Node) -> str:
        """What a value between levels is to a reader."""
        if strip(node) in self.tile.carried:
            return "complement" if self.tile.complement else "covariance"
        return self.tile.roots[-1]

    def _leaf(self, node: Node) -> Node:
        if node.op not in LEAVES:
            return super()._leaf(node)
        name = self.draft.bind(node, "pair")
        self.draft.body.append(Load(name, "values", symbol("at") + symbol("j")))
        return self.draft.names[node]

    def _store(self) -> None:
        """Values first, stores last: a level may write the slots that it reads."""
        step, results = self.step, []
        for node in step.instance.outputs:
            name = self.draft.fresh(f"next_{self._role(node)}")
            self.draft.body.append(Let(name, self._value(node)))
            results.append(symbol(name))
        for value, slot, stores in zip(results, step.output_slots, step.stores, strict=True):
            if slot is not None:
                self.draft.body.append(Store("scratch", _slot_index(slot), value))
            for root in stores:
                self.draft.body.append(self._result(root, value))

    def _result(self, root: int, value: Node) -> Store:
        """Where a root goes: the first to `values`, rows of the others take turns in `second`."""
        if root == 0:
            return Store("values", symbol("at") + symbol("j"), value)
        others = len(self.tile.roots) - 1
        if others == 1:
            return Store("second", symbol("at") + symbol("j"), value)
        row = symbol("i") * const(others) + const(root - 1)
        place = self.draft.offset(f"place_{root}", row * symbol("stride") + symbol("left"))
        return Store("second", place + symbol("j"), value)


def _slot_index(slot: int) -> Node:
    return const(slot * WIDTH) + symbol("j")
