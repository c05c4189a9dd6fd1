"""Derivatives, rearrangement, accurate differences."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.node import const, function, make, sqrt, symbol, topological
from ntkc.symbolic.choose import cheapest, cost, tidy
from ntkc.symbolic.derive import derivative
from ntkc.symbolic.difference import Pair, difference
from ntkc.symbolic.functions import Kink, Larger, Modulus, Select
from ntkc.symbolic.translate import sympy_symbol, to_sympy

c, p, q, x = map(symbol, ("c", "p", "q", "x"))
EXACT = mpmath_arithmetic(50)
m = mpmath.mp.clone()
m.dps = 50


def operations(node):
    return {n.op for n in topological([node])}


# --- derivatives -----------------------------------------------------------------------

SMOOTH = {
    "square root": sqrt(1.0 + p * q - c * c),
    "angle": function("atan2", c, sqrt(1.0 + p + q + (p * q - c * c))),
    "exponential": function("exp", -(p + q - 2.0 * c) / (1.0 + c * c)),
    "wave": function("sin", c * p) * function("cos", c * q),
    "expm1": function("expm1", c / (1.0 + p)) * c,
    "arcsine": function("asin", c / sqrt((1.0 + p) * (1.0 + q))),
    "polynomial": make("polynomial", c, coefficients=(1.0, 2.0, 0.5, 0.25)) * p,
    "branches": function("select", c, c * c, -c) + function("max", c, p),
    "inverse root": function("inv_sqrt", 1.0 + p * q - c * c),
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("at", [0.4, -0.3])
def test_derivatives_are_the_slopes(name, at):
    form = SMOOTH[name]
    h = m.mpf(10) ** -14
    place = {"p": 0.7, "q": 1.2}
    high, low = (m.mpf(evaluate([form], {"c": at + s * h, **place}, EXACT)[0]) for s in (1, -1))
    slope = float((high - low) / (2 * h))
    (value,) = evaluate([derivative(form, "c")], {"c": at, **place})
    # The difference quotient is good to h^2 and 1e-50/h; float64 to a few roundings.
    assert value == pytest.approx(slope, rel=1e-14)


def test_an_angle_differentiates_to_one_quotient():
    """asin's derivative in the form without the difference of squares: 1/sqrt."""
    slope = derivative(SMOOTH["angle"], "c")
    assert slope.op == "div"
    assert operations(slope) <= {"div", "sqrt", "add", "sub", "mul", "const", "symbol"}
    radicand = SMOOTH["angle"].args[1]
    assert radicand in set(topological([slope]))


def test_kinks_differentiate_to_the_kink_below():
    rho, mu = symbol("rho"), symbol("mu")
    slope = derivative(function("kink", mu, degree=2), "rho")
    at = {"rho": 0.75, "mu": 0.25}
    (value,), (below,) = (evaluate([n], at) for n in (slope, function("kink", mu, degree=1)))
    assert value == pytest.approx(-4 * below, rel=1e-15)
    assert derivative(rho * 0.0 + 1.0, "rho") is const(0.0)


# --- SymPy's functions -----------------------------------------------------------------


def test_functions_fold_only_what_is_known():
    r = sympy_symbol("r")
    v = sympy_symbol("p")
    assert Select(1, r, 2) == r
    assert Select(0, r, 2) == 2
    assert Select(v, r, 2) == r
    assert Select(r, 5, 5) == 5
    assert Select(r, 1, 2).func is Select
    assert Larger(2, 3) == 3
    assert Larger(r, 0).func is Larger
    assert Modulus(-3) == 3
    assert Modulus(v) == v
    assert Kink(4, 0) == 0


# --- rearrangement ---------------------------------------------------------------------


def test_of_equal_forms_the_accurate_one_is_kept():
    # (1 + t) - 1 costs less than anything but loses t; SymPy sees them equal.
    t = symbol("eta")
    accurate = function("expm1", t)
    lossy = function("exp", t) - 1.0
    assert cheapest(to_sympy(accurate), {}, (lossy, accurate)) is accurate


def test_of_accurate_forms_the_cheap_one_is_kept():
    form = (x * 2.0 + x * 3.0) / 5.0 + function("select", x, 1.0, 1.0) * 0.0
    assert tidy(form) is x
    assert cost(form) > cost(x)


def test_choices_with_one_condition_are_merged():
    form = function("select", x, function("exp", x), 0.0) - function("select", x, 1.0, 0.0)
    choices = [n for n in topological([tidy(form)]) if n.op == "select"]
    assert len(choices) == 1


def test_rearranging_is_deterministic():
    form = SMOOTH["exponential"] * SMOOTH["wave"]
    assert derivative(form, "c") is derivative(form, "c")


# --- difference arithmetic -------------------------------------------------------------

y = symbol("y")
DIFFERENCES = {
    "sum": x + y * 2.0,
    "product": x * y,
    "square": x * x,
    "quotient": x / (y + 1.0),
    "power": (x + y) ** 5,
    "root": sqrt(x + y),
    "inverse root": function("inv_sqrt", x * y),
    "polynomial": make("polynomial", x, coefficients=(3.0, -1.0, 0.5, 2.0)),
    "exp": function("exp", x - y),
    "expm1": function("expm1", x * 0.1),
    "sin": function("sin", x),
    "cos": function("cos", x * y),
    "asin": function("asin", x / 4.0),
    "atan2": function("atan2", x, y),
    "abs": function("abs", -x),
    "max": function("max", x, 0.0) + function("max", y, 99.0),
    "min": function("min", x, 99.0) + function("min", y, 0.0),
    "select": function("select", x, x * y, 0.0),
    "negation": 1.0 - (-x),
}


def stepped(form, x1, y1, dx, dy):
    """The difference in float64, and in 50 digits, of the form at (x1, y1) and a step away."""
    names = ("x1", "x2", "dx", "y1", "y2", "dy")
    s = dict(zip(names, map(symbol, names), strict=True))
    points = {"x": Pair(s["x1"], s["x2"], s["dx"]), "y": Pair(s["y1"], s["y2"], s["dy"])}
    step = difference(form, points).step
    x2, y2 = m.mpf(x1) - m.mpf(dx), m.mpf(y1) - m.mpf(dy)
    values = (x1, float(x2), dx, y1, float(y2), dy)
    (computed,) = evaluate([step], dict(zip(names, map(np.float64, values), strict=True)))
    one, two = (
        evaluate([form], {"x": a, "y": b}, EXACT)[0] for a, b in ((m.mpf(x1), m.mpf(y1)), (x2, y2))
    )
    return float(computed), float(m.mpf(one) - m.mpf(two))


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("size", [1e-13, 1e-6, 0.1])
def test_differences_are_as_accurate_as_the_steps(name, size):
    # One step alone: two may cancel each other, which no rule can help.
    for dx, dy in ((size, 0.0), (0.0, size), (-size, 0.0)):
        computed, exact = stepped(DIFFERENCES[name], 1.3, 0.8, dx, dy)
        # Ten roundings, relative to the difference itself.
        assert computed == pytest.approx(exact, rel=3e-15, abs=0.0)


@given(st.sampled_from(sorted(DIFFERENCES)), st.floats(0.2, 3), st.floats(0.2, 3))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_differences_far_apart_are_differences(name, x1, y1):
    computed, exact = stepped(DIFFERENCES[name], x1, y1, x1 - 0.7, y1 - 1.1)
    (one,) = evaluate([DIFFERENCES[name]], {"x": x1, "y": y1})
    assert computed == pytest.approx(exact, rel=1e-13, abs=1e-14 * (1 + abs(one)))


def test_what_does_not_move_has_no_difference():
    pair = difference(x * 3.0 + 1.0, {"y": Pair(symbol("a"), symbol("b"), symbol("d"))})
    assert pair.step is const(0.0)
    assert pair.one is pair.two


def test_a_choice_between_sides_is_plain():
    form = function("select", x, function("exp", x), x)
    computed, exact = stepped(form, 0.5, 0.0, 1.0, 0.0)
    assert computed == pytest.approx(exact, rel=1e-15)
