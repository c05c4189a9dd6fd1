"""A machine that runs schedules with NumPy and catches every misuse of a slot."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.ir.arithmetic import numpy_arithmetic
from ntkc.ir.node import Node
from ntkc.schedule.levels import LEAVES, strip
from ntkc.schedule.program import ProgramSchedule, Schedule, Step
from tests.passes.oracle import _Accurate

Array = NDArray[Any]


class Machine:
    """Runs the tiles of one program on two batches, all pairs at once."""

    def __init__(self, program: ProgramSchedule, x1: Array, x2: Array) -> None:
        self._program = program
        defaults = {p.name: p.default for p in program.module.parameters}
        self._interpreter = _Accurate(
            program.module, x1, x2, defaults, numpy_arithmetic(np.float64)
        )
        self._known = self._interpreter.run()

    def run(self, tile: Schedule) -> tuple[Array, ...]:
        """The tile's results, one for each of its roots."""
        slots: dict[int, tuple[Node, Any]] = {}
        results: dict[int, Any] = {}
        for run in tile.runs:
            assert len(run.steps) == run.count * run.period
            for step in run.steps:
                self._step(step, slots, results, tile.slots)
        assert sorted(results) == list(range(len(tile.roots)))
        return tuple(results[k] for k in range(len(tile.roots)))

    def _step(self, step: Step, slots: Any, results: Any, count: int) -> None:
        instance = step.instance
        values: dict[Node, Any] = {}
        for node, slot in zip(instance.inputs, step.input_slots, strict=True):
            owner, value = slots[slot]
            assert owner is node, "a slot was overwritten before its last use"
            values[node] = value
        values.update(self._single_values(step))
        for node in instance.body:
            values[node] = self._value(node, [self._read(a, values) for a in node.args])
        made = [self._read(output, values) for output in instance.outputs]
        for node, value, slot, stores in zip(
            instance.outputs, made, step.output_slots, step.stores, strict=True
        ):
            if slot is not None:
                assert slot < count
                slots[slot] = (node, value)
            for root in stores:
                assert root not in results, "a root is stored twice"
                results[root] = value

    def _single_values(self, step: Step) -> dict[Node, Any]:
        """Values of single inputs and constants, as the tables hold them."""
        instance, program = step.instance, self._program
        found: dict[Node, Any] = {}
        for node, entry in zip(instance.rows, step.row_entries, strict=True):
            found[node] = self._table(entry)
        for node, entry in zip(instance.cols, step.col_entries, strict=True):
            # The same entry of the other input's table: its values mirror the rows'.
            found[node] = self._known[node]
            assert _mirrors(program.table[entry], node)
        for node, place in zip(instance.constants, step.constant_entries, strict=True):
            if place is None:
                assert node.op == "const"
                found[node] = node.attr("value")
            else:
                found[node] = self._known_or_const(program.constants[place])
        return found

    def _table(self, entry: int) -> Any:
        return self._known[self._program.table[entry]]

    def _known_or_const(self, node: Node) -> Any:
        return node.attr("value") if node.op == "const" else self._known[node]

    def _read(self, node: Node, values: dict[Node, Any]) -> Any:
        node = strip(node)
        if node in values:
            return values[node]
        assert node.op in LEAVES, "a value is used before it is made"
        return self._known[node]

    def _value(self, node: Node, args: list[Any]) -> Any:
        return self._interpreter._scalar(node, args)


def _mirrors(row: Node, column: Node) -> bool:
    from ntkc.ir.node import Varies
    from ntkc.ir.project import project

    return project(row, Varies.COL) is column
