"""The order of long straight-line code for a thread: how many values there are at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ntkc.backends.cuda.late import MANY, late
from ntkc.backends.cuda.spell import INDEX, thread
from ntkc.backends.statements import Printer
from ntkc.ir.loop import Let, Load, Statement, Store
from ntkc.ir.node import const, symbol, topological

TERMS = 60
VALUES = np.random.default_rng(3).standard_normal(TERMS)


def series() -> list[Statement]:
    """Two sums over the same products, as a kernel and its derivative are."""
    statements: list[Statement] = []
    for kind in ("row", "column"):
        statements += [Load(f"{kind}_{k}", f"{kind}_table", const(k)) for k in range(TERMS)]
    names = [symbol(f"t_{k}") for k in range(TERMS)]
    statements += [Let(f"t_{k}", symbol(f"row_{k}") * symbol(f"column_{k}")) for k in range(TERMS)]
    first = second = names[-1]
    for name in reversed(names[:-1]):
        first, second = name + first * symbol("x"), name + second * (0.5 * symbol("x"))
    for place, value in enumerate((first, second)):
        statements += [Let(f"sum_{place}", value)]
    return [*statements, *(Store("out", const(k), symbol(f"sum_{k}")) for k in range(2))]


def reads(statement: Statement) -> set[str]:
    value = statement.value if isinstance(statement, Let | Store) else const(0.0)
    found = (node for node in topological([value]) if node.op == "symbol")
    return {str(node.attr("name")) for node in found} - {"x"}


def alive(statements: Sequence[Statement]) -> int:
    """The most values that are made and still asked for; fails where one is asked for before."""
    last = {name: k for k, statement in enumerate(statements) for name in reads(statement)}
    known: set[str] = set()
    most = 0
    for k, statement in enumerate(statements):
        assert reads(statement) <= known
        if isinstance(statement, Load | Let):
            known.add(statement.name)
        most = max(most, sum(last.get(name, -1) > k for name in known))
    return most


def run(statements: Sequence[Statement]) -> list[float]:
    lines = Printer(thread("float64"), INDEX).block(statements)
    out = [0.0, 0.0]
    exec(
        "\n".join(lines), {"row_table": VALUES, "column_table": VALUES[::-1], "x": 0.9, "out": out}
    )
    return out


def test_few_values_at_a_time() -> None:
    """A product goes when both sums have it: some registers, where there were 120 and more."""
    written = series()
    ordered = late(written, "float64")
    assert alive(written) >= 2 * TERMS
    assert alive(ordered) <= 12  # some terms are on their way
    assert run(ordered) == run(written)  # to the last bit


def test_no_line_is_long() -> None:
    for statement in late(series(), "float64"):
        if isinstance(statement, Let):
            assert len(list(topological([statement.value]))) <= 9


def test_short_code_stays_as_it_is_written() -> None:
    loads: list[Statement] = [Load(f"row_{k}", "row_table", const(k)) for k in range(MANY)]
    written = [*loads, Let("sum", symbol("row_0") + symbol("row_1"))]
    assert late(written, "float64") == written
    assert late([], "float64") == []
    assert late(series(), "float32") == series()
