"""Long straight-line code in an order that needs few registers: each value as late as may be.

    t = row_0 * column_0                     t_2 = row_1 * column_1
    t_2 = row_1 * column_1        becomes    inner = t_2 * x
    next = t + x * (t_2 * x)                 t = row_0 * column_0
                                             next = t + x * inner

A series of many terms has more numbers than a thread has registers. A processor's compiler loads
them where they are used; that for a device begins with the order that it is given, and spills what
is made long before. Long expressions are cut, and every statement moves to where the longest way
from it to the end is what is left: sums of the same terms go side by side, and a term goes when
all of them have it. Preserves every value to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ntkc.ir.loop import Let, Load, Lookup, Offset, Statement, Store
from ntkc.ir.node import Node, symbol, topological, with_args

MANY = 48
"""Loads that leave a thread registers enough, whatever their order."""
_TALL = 3
"""Operations, one upon the other, of a statement."""


def late(statements: Sequence[Statement], dtype: str) -> list[Statement]:
    """Statements without loops or remarks, in an order with few values at a time. Short code stays
    as it is written, and so does float32, whose numbers take one register where others take two.
    """
    if dtype == "float32" or sum(isinstance(s, Load) for s in statements) <= MANY:
        return list(statements)
    short = [part for s in statements for part in (_cut(s) if isinstance(s, Let) else [s])]
    ahead: dict[str, int] = {}
    """How many operations are left once a name is known."""
    order = []
    for statement in reversed(short):
        left = ahead.get(_bound(statement), 0)
        order.append(left)
        for name, depth in _depths(_read(statement)).items():
            ahead[name] = max(ahead.get(name, 0), left + depth)
    order.reverse()
    return [short[k] for k in sorted(range(len(short)), key=lambda k: -order[k])]


def _bound(statement: Statement) -> str:
    """The name that a statement gives a value; none for a store."""
    return statement.name if isinstance(statement, Let | Load | Lookup | Offset) else ""


def _read(statement: Statement) -> Iterable[Node]:
    match statement:
        case Let(_, value):
            return (value,)
        case Store(_, index, value):
            return index, value
        case Lookup(_, _, position):
            return (symbol(position),)
        case Load(_, _, index) | Offset(_, index):
            return (index,)
        case _:
            raise AssertionError(f"{type(statement).__name__} is no straight-line code")


def _depths(expressions: Iterable[Node]) -> dict[str, int]:
    """How deep each symbol is below the statement: the operations that wait for it."""
    found: dict[str, int] = {}
    for expression in expressions:
        depths = {expression: 1}
        for node in reversed(list(topological([expression]))):
            if node.op == "symbol":
                name = str(node.attr("name"))
                found[name] = max(found.get(name, 0), depths[node])
            below = depths[node] + _steps(node)
            for arg in node.args:
                depths[arg] = max(depths.get(arg, 0), below)
    return found


def _steps(node: Node) -> int:
    return len(node.attr("coefficients")) if node.op == "polynomial" else 1


def _cut(statement: Let) -> list[Statement]:
    """The statement, after others for what is tall below it."""
    lines: list[Statement] = []
    made: dict[Node, Node] = {}
    heights: dict[Node, int] = {}
    for node in topological([statement.value]):
        value = with_args(node, tuple(made[arg] for arg in node.args))
        height = 1 + max((heights[arg] for arg in node.args), default=-1)
        if height >= _TALL and node is not statement.value:
            name = f"{statement.name}_of_{len(lines) + 1}"
            lines.append(Let(name, value))
            value, height = symbol(name), 0
        made[node], heights[node] = value, height
    return [*lines, Let(statement.name, made[statement.value])]
