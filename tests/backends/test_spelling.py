"""Expressions as text."""

from __future__ import annotations

from ntkc.backends.numba_cpu.spell import PYTHON
from ntkc.ir.node import Node, function, symbol


def test_an_expression_of_any_depth_is_written() -> None:
    value: Node = symbol("x")
    for _ in range(3000):
        value = function("abs", value) - symbol("y")
    text = PYTHON.write(value)
    assert text.startswith("abs(abs(")
    assert text.endswith("(x) - y" + ") - y" * 2999)


def test_what_has_a_name_is_not_looked_into() -> None:
    unspelled = function("coincide", symbol("x"))
    assert PYTHON.write(2.0 * unspelled, {unspelled: "v"}) in ("2.0 * v", "v * 2.0")
