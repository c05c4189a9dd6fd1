"""IR to SymPy and back: the same function, the same floats."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.core.cache import clear_cache

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.node import const, function, make, param, symbol, topological
from ntkc.ir.ops import SCALAR
from ntkc.symbolic.translate import (
    exact_number,
    from_sympy,
    opaque_numbers,
    sympy_symbol,
    to_sympy,
)

x, y = symbol("x"), symbol("y")
UNARY = ("neg", "abs", "sqrt", "inv_sqrt", "exp", "expm1", "sin", "cos", "asin")
BINARY = ("add", "sub", "mul", "min", "max", "atan2")


def expressions():
    leaves = st.sampled_from([x, y]) | st.floats(0.1, 2).map(lambda a: a * x)

    def extend(inner):
        return st.one_of(
            st.builds(lambda op, a: function(op, a), st.sampled_from(UNARY), inner),
            st.builds(lambda op, a, b: function(op, a, b), st.sampled_from(BINARY), inner, inner),
            st.builds(lambda a, b, c: function("select", a, b, c), inner, inner, inner),
            st.builds(lambda a, n: a**n, inner, st.integers(0, 3)),
            st.builds(lambda a: a / (function("abs", a) + 1.0), inner),
        )

    return st.recursive(leaves, extend, max_leaves=6)


@given(expressions(), st.floats(-1.5, 1.5), st.floats(0.1, 1.5))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_round_trip_is_the_same_function(node, at_x, at_y):
    # sqrt of a negative is 0 in IR and imaginary in SymPy, so stay on its domain.
    domain = [n.args[0] for n in topological([node]) if n.op in ("sqrt", "inv_sqrt", "asin")]
    bindings = {"x": np.float64(at_x), "y": np.float64(at_y)}
    if any(not 1e-3 < v < 0.9 for v in evaluate(domain, bindings)):
        return
    back = from_sympy(to_sympy(node))
    before, after = evaluate([node, back], bindings)
    if np.isfinite(before) and abs(before) < 1e6:
        # Reassociated sums may cancel in a few digits.
        assert after == pytest.approx(before, rel=1e-9, abs=1e-9)


EXAMPLES = {
    "const": const(0.1),
    "param": param("w") * x,
    "symbol": x,
    "add": x + y,
    "sub": x - y,
    "mul": x * y,
    "div": x / y,
    "neg": -x,
    "abs": function("abs", x),
    "min": function("min", x, y),
    "max": function("max", x, 0.0),
    "select": function("select", x, y, 0.0),
    "sqrt": function("sqrt", y),
    "inv_sqrt": function("inv_sqrt", y),
    "power": x**5,
    "exp": function("exp", x),
    "expm1": function("expm1", x),
    "log": function("log", y),
    "sin": function("sin", x),
    "cos": function("cos", x),
    "asin": function("asin", x),
    "atan2": function("atan2", x, y),
    "erf": function("erf", x),
    "normal_cdf": function("normal_cdf", x),
    "owen_t": function("owen_t", x, y, 0.7),
    "triangle": function("triangle", x, y, 0.7),
    "edge": make("edge", x, y, const(0.7), degree=2),
    "kink": function("kink", y, degree=3),
    "chebyshev": make("chebyshev", x, coefficients=(0.1, -2.0, 0.5, 1.0 / 3.0)),
    "polynomial": make("polynomial", x, coefficients=(0.1, -2.0, 0.0, 1.0 / 3.0)),
}


# How a backend computes an exponential, and what a pass fits; no formula has them.
LOWERED = {"coincide", "octaves", "pow2", "round"}
TABLE = {"first": 0, "bits": 0, "rows": ((1.0,),)}


def test_every_scalar_operation_has_an_example():
    assert EXAMPLES.keys() == SCALAR.keys() - LOWERED


@pytest.mark.parametrize("op", sorted(LOWERED))
def test_lowered_operations_have_no_counterpart(op):
    with pytest.raises(ValueError, match=op):
        to_sympy(make(op, x, **TABLE if op == "octaves" else {}))


@pytest.mark.parametrize("op", EXAMPLES)
def test_every_scalar_operation_translates(op):
    node = EXAMPLES[op]
    back = from_sympy(to_sympy(node))
    at = {"x": 0.3, "y": 0.7, "w": 1.1}
    before, after = evaluate([node, back], at)
    # Horner's rule once, the sum of powers the other time.
    assert after == pytest.approx(before, rel=1e-15)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_exactly(value):
    back = from_sympy(exact_number(value))
    assert back is const(value if value else 0.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "1/10"),
        (1 / 3, "1/3"),
        (math.pi, "pi"),
        (2 / math.pi, "2/pi"),
        (math.sqrt(2), "sqrt(2)"),
        (-1.5, "-3/2"),
    ],
)
def test_meant_numbers_are_understood(value, text):
    assert str(exact_number(value)) == text


def test_names_are_symbols_and_nothing_else():
    """A hostile name is a name: no text is ever evaluated."""
    hostile = symbol("__import__('os').system('false')")
    assert isinstance(to_sympy(hostile), sympy.Symbol)
    assert from_sympy(to_sympy(hostile)) is hostile


def test_odd_numbers_may_stay_out_of_sight():
    odd = const(0.34662800123456789)
    assert list(opaque_numbers(odd * x + const(0.5))) == [odd]


def test_a_numeric_polynomial_is_one_operation():
    node = from_sympy(to_sympy(x * x * 3.0 + x * 0.5 - 1.0 + y))
    (polynomial,) = [n for n in topological([node]) if n.op == "polynomial"]
    assert polynomial.attr("coefficients") == (-1.0, 0.5, 3.0)


def test_kernel_operations_have_no_counterpart():
    with pytest.raises(ValueError, match="gram"):
        to_sympy(make("gram", varies="CROSS"))


def test_foreign_functions_have_no_counterpart():
    with pytest.raises(ValueError, match="gamma"):
        from_sympy(sympy.gamma(sympy.Symbol("x")))
    with pytest.raises(ValueError, match="exponent"):
        from_sympy(sympy.Symbol("x") ** sympy.Rational(1, 3))


def test_a_symbol_is_the_same_after_sympy_forgot_it() -> None:
    """SymPy's caches are bounded: equal symbols need not be one object in a long process."""
    before = sympy_symbol("p")
    clear_cache()
    found = from_sympy(3 * before**3 + 2 * sympy_symbol("p") + 1)
    assert found.op == "polynomial"
