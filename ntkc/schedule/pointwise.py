"""What is pointwise in a step, and what a step looks up in tables: the same for every loop."""

from __future__ import annotations

from collections.abc import Iterable

from ntkc.ir.loop import Let, Lookup, Table
from ntkc.ir.node import Node, const, symbol, with_args
from ntkc.schedule.draft import Draft
from ntkc.schedule.levels import strip
from ntkc.schedule.program import Run, Step

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


class Pointwise:
    """One step of a run, written into a draft: what its operations are, in the order of its body.

    A subclass loads what they begin with and stores what they end with.
    """

    def __init__(
        self, run: Run, position: int, name: str, tables: list[Table], draft: Draft
    ) -> None:
        self.run, self.position, self.name, self.tables = run, position, name, tables
        self.step = run.steps[position]
        self.draft = draft

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
        name = self.draft.fresh(f"{kind}_entry_{hole}")
        self.draft.before.append(Lookup(name, table.name, "layer"))
        return symbol(name)

    def _steps(self) -> list[Step]:
        return list(self.run.steps[self.position :: self.run.period])

    def _value(self, node: Node) -> Node:
        node = strip(node)
        if node in self.draft.names:
            return self.draft.names[node]
        return self._leaf(node)

    def _leaf(self, node: Node) -> Node:
        """A value that nothing has made."""
        raise AssertionError(f"{node.op} is not available in its step")

    def _compute(self) -> None:
        uses = self._uses()
        for node in self.step.instance.body:
            if node in self.draft.names:
                continue
            value = self._expression(node)
            if uses.get(node, 0) > 1 or node.op in _HINTS:
                name = self.draft.fresh(_HINTS.get(node.op, "t"))
                self.draft.body.append(Let(name, value))
                value = symbol(name)
            self.draft.names[node] = value

    def _expression(self, node: Node) -> Node:
        return with_args(node, tuple(self._operand(node, a) for a in node.args))

    def _operand(self, node: Node, arg: Node) -> Node:
        """The argument's value; under a name where a spelling of the operation repeats it."""
        value = self._value(arg)
        if node.op in _REPEATING and value.op not in ("symbol", "const"):
            name = self.draft.fresh("t")
            self.draft.body.append(Let(name, value))
            value = self.draft.names[strip(arg)] = symbol(name)
        return value

    def _uses(self) -> dict[Node, int]:
        uses: dict[Node, int] = {}
        instance = self.step.instance
        for node in (*instance.outputs, *(a for n in instance.body for a in n.args)):
            uses[strip(node)] = uses.get(strip(node), 0) + 1
        return uses


def numbers_met(node: Node) -> Node:
    """a · (x · b) as (a b) · x for numbers a and b."""
    for factor, other in (node.args, node.args[::-1]):
        if factor.op == "const" and other.op == "mul" and other.args[1].op == "const":
            return const(factor.attr("value") * other.args[1].attr("value")) * other.args[0]
    return node
