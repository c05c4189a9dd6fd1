"""Fitted polynomials keep the error that they certify."""

import math

import mpmath
import numpy as np
import pytest

from ntkc.symbolic.minimax import (
    angle_core,
    angle_quotient,
    asin_core,
    atan_core,
    exp_core,
    expm1_core,
    fit,
    fit_quotient,
)

mp = mpmath.mp.clone()
mp.dps = 40
ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53}
# The degree each core needs: the price of a kernel, so a change must be noticed.
DEGREES = {
    "asin": (asin_core, {"float32": 5, "float64": 12}),
    "atan": (atan_core, {"float32": 5, "float64": 10}),
    "exp": (exp_core, {"float32": 6, "float64": 11}),
    "expm1": (expm1_core, {"float32": 6, "float64": 10}),
    "angle": (angle_core, {"float32": 9, "float64": 20}),
}


def horner(coefficients, x):
    result = x * 0
    for a in reversed(coefficients):
        result = result * x + x.dtype.type(a)
    return result


def root_over(f):
    return lambda t: f(mp.sqrt(t)) / mp.sqrt(t) if t else mp.one


def angle(mu):
    return mp.acos(1 - mu) / mp.sqrt(mu * (2 - mu)) if mu else mp.one


EXACT = {
    "asin": root_over(mp.asin),
    "atan": root_over(mp.atan),
    "exp": mp.exp,
    "expm1": lambda x: mp.expm1(x) / x if x else mp.one,
    "angle": angle,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DEGREES)
def test_cores_are_as_good_as_certified(name, dtype):
    core, degrees = DEGREES[name]
    found = core(dtype)
    exact = EXACT[name]
    assert found.degree == degrees[dtype]
    # Approximation and rounded coefficients: below the rounding that any result has.
    assert found.certified_error <= 1.1 * ROUNDING[dtype]
    points = np.linspace(found.low, found.high, 173).astype(dtype)
    points = points[(points >= found.low) & (points <= found.high)]
    values = horner(found.coefficients, points)
    for x, value in zip(points, values, strict=True):
        true = exact(mp.mpf(float(x)))
        in_exact_arithmetic = mp.polyval([mp.mpf(a) for a in found.coefficients[::-1]], float(x))
        assert abs(in_exact_arithmetic / true - 1) <= found.certified_error
        # Horner's rule on decreasing terms: a rounding or two more.
        assert abs(mp.mpf(float(value)) / true - 1) <= 4 * ROUNDING[dtype]


def test_coefficients_are_floats_of_the_type():
    for a in angle_core("float32").coefficients:
        assert float(np.float32(a)) == a


def test_absolute_and_relative_errors_are_told_apart():
    absolute = fit(mp.exp, -20, 1, tolerance=1e-6, relative=False)
    assert not absolute.relative
    assert absolute.certified_error <= 1.02e-6 + 1e-12
    relative = fit(mp.exp, -5, 1, tolerance=1e-6)
    grid = np.linspace(-5, 1, 400)
    error = np.abs(horner(relative.coefficients, grid) / np.exp(grid) - 1)
    # Horner's rule on a wide interval adds cancellation, 1e-11 here.
    assert error.max() <= relative.certified_error + 1e-10


def test_looser_tolerances_cost_fewer_terms():
    degrees = [fit(mp.cos, -1, 1, tolerance=10.0**-k).degree for k in (2, 5, 8, 11)]
    assert degrees == sorted(degrees)
    assert degrees[0] < degrees[-1]


def test_polynomials_are_found_exactly():
    found = fit(lambda x: 1 + 2 * x - 3 * x**3, -1, 2, relative=False)
    assert found.coefficients == pytest.approx((1, 2, 0, -3), abs=1e-28)


def test_what_no_polynomial_fits_is_refused():
    with pytest.raises(ValueError, match="no polynomial"):
        fit(lambda x: abs(x - mp.mpf("0.3")), 0, 1, relative=False)


def test_the_angle_as_a_quotient_is_exact_to_a_few_roundings():
    found = angle_quotient()
    assert len(found.numerator) == len(found.denominator) == 7
    # All positive: neither polynomial cancels, so each is good to 2 * 6 roundings, in truth to few.
    assert all(a > 0.0 for a in (*found.numerator, *found.denominator))
    assert found.certified_error <= ROUNDING["float64"]
    rho = np.linspace(0.0, 1.0, 173)
    values = horner(found.numerator, rho) / horner(found.denominator, rho)
    for x, value in zip(rho, values, strict=True):
        exact = angle(1 - mp.mpf(x))
        assert abs(mp.mpf(value) / exact - 1) <= 6 * ROUNDING["float64"]


def test_quotients_are_found_exactly():
    found = fit_quotient(lambda x: (1 + 3 * x) / (1 + x / 2), 0.0, 2.0, 1)
    assert found.numerator == pytest.approx((1.0, 3.0), rel=1e-14)
    assert found.denominator == pytest.approx((1.0, 0.5), rel=1e-14)
    assert found.certified_error <= 1e-15


def test_half_a_turn_by_cores():
    """theta and sin(theta) from one root, as kernels compute them."""
    mu = np.linspace(1e-12, 1, 300)
    theta = np.sqrt(mu * (2 - mu)) * horner(angle_core().coefficients, mu)
    # A handful of roundings.
    np.testing.assert_allclose(theta, 2 * np.arcsin(np.sqrt(mu / 2)), rtol=1e-15)
    assert theta[-1] == pytest.approx(math.pi / 2, rel=1e-15)
