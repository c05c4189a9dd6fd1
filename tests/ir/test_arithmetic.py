"""The meaning of every scalar operation, in NumPy and in mpmath."""

import math
import warnings

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkc.ir.arithmetic import evaluate, kink_polynomials, numpy_arithmetic
from ntkc.ir.exact import mpmath_arithmetic, recognise
from ntkc.ir.node import const, function, make, param, symbol
from ntkc.ir.ops import SCALAR

LEAVES = {"const", "param", "symbol"}
mp = mpmath.mp.clone()
mp.dps = 60
x, y = symbol("x"), symbol("y")


def value(node, **bindings):
    return evaluate([node], bindings)[0]


def test_tables_hold_every_scalar_operation_and_no_other():
    for arithmetic in (numpy_arithmetic(), mpmath_arithmetic()):
        assert arithmetic.table.keys() == SCALAR.keys() - LEAVES


# Two parts of [1/2, 1), and [1, 3/2): t is -1/2 where each begins.
OCTAVES = make("octaves", x, first=-1, bits=1, rows=((1.0, 4.0), (-5.0, 4.0), (2.0, 1.0)))

BOUNDARIES = [
    (function("inv_sqrt", x), 0.0, 0.0),
    (function("inv_sqrt", x), -1e-30, 0.0),
    (function("inv_sqrt", x), 4.0, 0.5),
    (function("sqrt", x), -1e-30, 0.0),
    (function("asin", x), 1.0 + 1e-15, math.pi / 2),
    (function("asin", x), -2.0, -math.pi / 2),
    (function("select", x, 1.0, 2.0), 0.0, 2.0),
    (function("select", x, 1.0, 2.0), 1e-300, 1.0),
    (function("select", x, 1.0 / x, 7.0), 0.0, 7.0),
    (function("select", x, function("log", x), 7.0), -1.0, 7.0),
    (x**0, 0.0, 1.0),
    (x**3, -2.0, -8.0),
    (make("polynomial", x, coefficients=(1.0, 0.0, 2.0)), 3.0, 19.0),
    (make("polynomial", x, coefficients=()), 3.0, 0.0),
    (function("kink", x, degree=0), -1e-20, 0.0),
    (function("kink", x, degree=3), 0.0, 0.0),
    (function("atan2", x, 1.0), 1.0, math.pi / 4),
    (function("max", x, 2.0) - function("min", x, 2.0), 5.0, 3.0),
    (OCTAVES, 1.0, 1.5),
    (OCTAVES, 1.125, 1.75),
    (OCTAVES, 0.75, -7.0),
    (OCTAVES, 0.5, -1.0),
    (OCTAVES, 0.0, -1.0),
    (OCTAVES, -1.0, -1.0),
    (OCTAVES, 2.0**-1074, -1.0),
    (function("round", x), 2.5, 2.0),
    (function("round", x), -1.7, -2.0),
    (function("pow2", x), -3.0, 0.125),
]


@pytest.mark.parametrize(("node", "at", "expected"), BOUNDARIES)
def test_boundaries_have_the_stated_values(node, at, expected):
    # One rounding of the result: the operations are correctly rounded or nearly so.
    assert value(node, x=at) == pytest.approx(expected, rel=3e-16, abs=0)
    exact = evaluate([node], {"x": at}, mpmath_arithmetic(40))[0]
    assert float(exact) == pytest.approx(expected, rel=3e-16, abs=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_begins_where_its_part_does(dtype):
    """The numbers next to where parts meet are read by their own rows; the last row is the last."""
    meet = np.array([0.75, 1.0], dtype)
    below, (end,) = np.nextafter(meet, dtype(0)), np.nextafter(np.array([1.5], dtype), dtype(0))
    assert value(OCTAVES, x=meet).tolist() == [-7.0, 1.5]
    assert value(OCTAVES, x=below) == pytest.approx([3.0, -3.0], rel=4 * float(np.finfo(dtype).eps))
    assert value(OCTAVES, x=dtype(7.0)) == value(OCTAVES, x=end) == pytest.approx(2.5, rel=1e-6)
    assert value(OCTAVES, x=dtype(np.nan)) == -1.0


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value(1.0 / x + function("log", x) + function("exp", x), x=np.array([0.0, -1.0, 1e4]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("shape", [(), (3,), (2, 1)])
def test_dtype_and_shape_are_kept(dtype, shape):
    node = function("select", x, function("kink", x, degree=2), 1.0) + const(0.1) * x**2
    node = node + function("inv_sqrt", x) + make("polynomial", x, coefficients=(0.1, 0.2))
    result = value(node, x=np.full(shape, 0.5, dtype))
    assert result.dtype == dtype
    assert result.shape == shape


def test_a_deep_graph_is_no_recursion():
    node = x
    for _ in range(20_000):
        node = node * 0.5 + 1.0
    assert value(node, x=3.0) == 2.0


def test_parameters_are_bound_by_name_and_unknown_ones_named():
    assert value(param("w") * x, x=2.0, w=3.0) == 6.0
    with pytest.raises(KeyError, match="w"):
        value(param("w") * x, x=2.0)


def test_kernel_operations_are_refused():
    with pytest.raises(ValueError, match="not a scalar"):
        value(make("gram", varies="CROSS"))


# --- kink -----------------------------------------------------------------------------


def closed_kink(n, mu):
    """A_n sin + B_n theta in 60 digits: what cancels leaves more than 20."""
    rho = 1 - mp.mpf(mu)
    a, b = ([mp.mpf(k.numerator) / k.denominator for k in reversed(c)] for c in kink_polynomials(n))
    return mp.polyval(a, rho) * mp.sqrt(1 - rho**2) + mp.polyval(b, rho) * mp.acos(rho)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 20])
def test_kink_is_accurate_relative_to_itself(n):
    mu = np.concatenate([10.0 ** np.arange(-300, 0, 23), np.linspace(0.05, 1, 39)])
    computed = value(function("kink", x, degree=n), x=mu)
    # A dozen roundings of a sum of positive terms.
    for at, got in zip(mu, computed, strict=True):
        exact = evaluate([function("kink", x, degree=n)], {"x": at}, mpmath_arithmetic(50))[0]
        assert abs(got / exact - 1) < 1e-15 if exact > 1e-300 else got < 1e-290


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 20])
def test_kink_is_the_closed_form(n):
    for at in (0.3, 0.5, 1.0):
        exact = evaluate([function("kink", x, degree=n)], {"x": at}, mpmath_arithmetic(50))[0]
        # 60 digits, of which the polynomials of degree 20 lose less than 25.
        assert abs(closed_kink(n, at) / mp.mpf(exact) - 1) < mp.mpf(10) ** -30


@given(st.integers(1, 12), st.floats(0.01, 0.99))
@settings(max_examples=30, deadline=None)
def test_kink_obeys_its_differential_equation(n, mu):
    # dK_n/dmu = n^2 K_{n-1}, by a central difference in 50 digits.
    exact = mpmath_arithmetic(50)
    h = mp.mpf(10) ** -12
    nodes = [function("kink", x, degree=n)], [function("kink", x, degree=n - 1)]
    high, low = (evaluate(nodes[0], {"x": mp.mpf(mu) + s * h}, exact)[0] for s in (1, -1))
    slope = n * n * evaluate(nodes[1], {"x": mp.mpf(mu)}, exact)[0]
    assert abs((mp.mpf(high) - mp.mpf(low)) / (2 * h) - mp.mpf(slope)) < 1e-15 * abs(slope)


def test_small_kinks_are_the_known_ones():
    theta = 0.7
    mu = 1 - math.cos(theta)
    sine, cosine = math.sin(theta), math.cos(theta)
    known = [
        theta,
        sine - theta * cosine,
        theta * (1 + 2 * cosine**2) - 3 * sine * cosine,
    ]
    for n, expected in enumerate(known):
        # mu has lost a digit of theta's to rounding.
        assert value(function("kink", x, degree=n), x=mu) == pytest.approx(expected, rel=1e-14)


# --- constants ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (math.pi, "pi"),
        (2 * math.pi, "pi"),
        (0.5 / math.pi, "1/pi"),
        (2 / math.pi, "1/pi"),
        (math.sqrt(2), "sqrt(2)"),
        (-math.pi / 4, "pi"),
    ],
)
def test_multiples_of_named_constants_are_recognised(number, name):
    assert recognise(number)[1] == name


@given(st.fractions(-50, 50, max_denominator=1000))
def test_rationals_are_not_taken_for_other_constants(fraction):
    assert recognise(float(fraction)) is None


def test_the_oracle_knows_pi():
    exact = evaluate([function("sin", const(math.pi) * x)], {"x": 1.0}, mpmath_arithmetic(40))[0]
    assert abs(exact) < 1e-39
