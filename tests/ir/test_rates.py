"""The rules of differentiation: every scalar operation, against differences in 50 digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ntkc.ir.arithmetic import evaluate, numpy_arithmetic
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.module import Input, Module, Parameter
from ntkc.ir.node import Node, const, make, param, substitute, symbol
from ntkc.ir.ops import SCALAR
from ntkc.ir.rates import RULES
from ntkc.passes.differentiate import Variable, differentiate

LEAVES = {"const", "param", "symbol"}
ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    "power": [{"exponent": n} for n in (0, 1, 2, 5)],
    "kink": [{"degree": n} for n in (0, 1, 2, 3)],
    "edge": [{"degree": n} for n in (0, 1, 2)],
    "chebyshev": [{"coefficients": c} for c in ((2.0,), (1.0, -3.0), (0.5, 1.0, -0.25, 0.5, 2.0))],
    "octaves": [
        {"first": -5, "bits": 1, "rows": tuple((0.5 * i, *c) for i in range(12))}
        for c in ((), (1.5, -0.25, 3.0))
    ],
    "polynomial": [{"coefficients": c} for c in ((2.0,), (1.0, -3.0), (0.5, 1.0, -0.3, 0.0, 2.0))],
}
SIGNED = ("abs", "sin", "asin", "atan2", "edge", "triangle", "min", "max", "select")
POINTS = ((0.3, 0.7, 0.4), (0.9, 0.2, 0.6), (0.05, 0.051, 0.9))
_EXACT = mpmath_arithmetic(50)


def _rate(root: Node) -> Node:
    """d root / dt for a parameter t."""
    module = Module(
        "net", Input("vector", (7,)), (Parameter("t", 1.0),), {"ntk": root, "ntk_diagonal": root}
    )
    return differentiate(module, ("ntk",), (Variable("t"),)).roots["rate_t_of_ntk"]


def test_every_scalar_operation_has_a_rule() -> None:
    missing = set(SCALAR) - LEAVES - set(RULES)
    assert not missing, f"ntkc/ir/rates.py needs a rule for {', '.join(sorted(missing))}"


@pytest.mark.parametrize("op", sorted(set(RULES) & set(SCALAR) - {"round", "pow2"}))
@pytest.mark.parametrize("moving", range(3))
def test_rule(op: str, moving: int) -> None:
    """With one argument moving, on both branches of what chooses; signs where they are allowed."""
    arity = SCALAR[op].arity
    assert arity is not None
    if moving >= arity:
        return
    signs = (1, -1) if op in SIGNED else (1,)
    for attributes in ATTRIBUTES.get(op, [{}]):
        for point in POINTS:
            for sign in signs:
                _check(op, attributes, [sign * x for x in point[:arity]], moving)


def _check(op: str, attributes: dict[str, Any], point: list[float], moving: int) -> None:
    names = [symbol(f"x{k}") for k in range(len(point))]
    form = make(op, *names, **attributes)
    moved = substitute(form, {f"x{moving}": param("t")})
    rate = _rate(moved)
    values = {f"x{k}": x for k, x in enumerate(point)}
    h = _EXACT.number(10) ** -15

    def at(step: Any) -> Any:
        middle = _EXACT.number(point[moving])
        return evaluate([moved], {**values, "t": middle + step}, _EXACT)[0]

    expected = (at(h) - at(-h)) / (2 * h)
    exact = evaluate([rate], {**values, "t": point[moving]}, _EXACT)[0]
    # At select's condition there is no jump at these points, and truncation is of order h^2.
    assert abs(exact - expected) <= 1e-22 * (1 + abs(expected))
    (found,) = evaluate([rate], {**values, "t": point[moving]})
    assert float(found) == pytest.approx(float(expected), rel=1e-13, abs=1e-14)


def test_roundings_and_powers_of_two() -> None:
    """They come with the spelling of functions, after derivatives are taken, and have rules."""
    t = param("t")
    assert _rate(make("round", 3.0 * t)) is const(0.0)
    (found,) = evaluate([_rate(make("pow2", t))], {"t": 3.0})
    assert float(found) == pytest.approx(8 * np.log(2.0), rel=1e-15)


@pytest.mark.parametrize("op", ["sqrt", "inv_sqrt", "asin", "kink"])
def test_branch_points(op: str) -> None:
    """The rate of a square root is 0 at 0 by convention, never infinite."""
    t = param("t")
    value = 1.0 - t if op == "asin" else t
    node = make("kink", value, degree=0) if op == "kink" else make(op, value)
    (found,) = evaluate([_rate(node)], {"t": 0.0}, numpy_arithmetic(np.float64))
    assert float(found) == 0.0


def test_an_operation_without_a_rule_is_named() -> None:
    k12 = param("t") * make("gram", varies="CROSS")
    dual = make("dual", k12, k12, k12, activation="relu")
    with pytest.raises(ValueError, match="no rule for the derivative of 'dual'"):
        _rate(dual)
