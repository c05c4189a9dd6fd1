"""Forms and oracles against quadrature of the activation itself, which knows no formula.

Smooth activations: the trapezoidal rule on the plane, whose error falls as
exp(-(2 pi w / h)^2 / 2) with the width w of the integrand's narrowest Gaussian feature
(Trefethen & Weideman 2014); h is chosen for 1e-17. Homogeneous ones: in polar coordinates
the radius is a Gamma function and the angle a trigonometric polynomial between kinks.
"""

import itertools

import mpmath
import numpy as np
import pytest
import sympy

from ntkc.activations.base import Homogeneous
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.node import symbol
from ntkc.symbolic.translate import from_sympy, sympy_symbol, to_sympy

VARIANCES = [(1e-6, 1e-6), (0.3, 1.1), (1.0, 1.0), (9.0, 100.0)]
RHOS = [0.0, 0.5, -0.5, 0.999999, 1 - 1e-12, 1.0, -1.0]
GROWING = {"exp", "polynomial", "hermite"}


def trapezoid(f, rho, p, q, reach):
    """E[f(u) f(v)] to a few roundings of sqrt(E[f(u)^2] E[f(v)^2])."""
    h = 0.6 / np.sqrt(1 + 4 * max(p, q))
    x = np.arange(-reach, reach + h, h)
    weight = h * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    if abs(rho) == 1:
        return float(np.sum(weight * f(np.sqrt(p) * x) * f(np.sqrt(q) * rho * x)))
    v = np.sqrt(q) * (rho * x[:, None] + np.sqrt((1 - rho) * (1 + rho)) * x[None, :])
    return float((weight * f(np.sqrt(p) * x)) @ (f(v) @ weight))


def polar(f, degree, rho, p, q):
    """E[f(u) f(v)] for f(x) = f(+-1) |x|^degree, in 30 digits."""
    mp = mpmath.mp.clone()
    mp.dps = 30
    above, below = float(f(np.float64(1.0))), float(f(np.float64(-1.0)))
    theta = mp.acos(mp.mpf(rho))

    def at(angle):
        x = mp.cos(angle)
        return (above if x > 0 else below) * abs(x) ** degree

    cuts = sorted({-mp.pi / 2, mp.pi / 2, theta - mp.pi / 2, theta + mp.pi / 2, 3 * mp.pi / 2})
    total = mp.zero
    for low, high in itertools.pairwise(x for x in cuts if -mp.pi / 2 <= x <= 3 * mp.pi / 2):
        total += mp.quad(
            lambda x: at(x) * at(x - theta), [low, high], method="gauss-legendre", maxdegree=5
        )
    radius = mp.sqrt(mp.mpf(p) * mp.mpf(q)) ** degree * 2**degree * mp.factorial(degree)
    return float(radius * total / (2 * mp.pi))


def slope_of(case):
    """f' as a function of NumPy arrays: given, or SymPy's derivative of f's own formula."""
    if case.oracle.slope is not None:
        return lambda z: case.oracle.slope(z, *case.arguments)
    z = symbol("z")
    derivative = from_sympy(sympy.diff(to_sympy(case.bound.function(z)), sympy_symbol("z")))
    return lambda x: np.broadcast_to(evaluate([derivative], {"z": x})[0], np.shape(x))


def expectation(case, which, rho, p, q):
    f = slope_of(case) if which == "dual_dot" else lambda z: case.oracle.f(z, *case.arguments)
    if isinstance(case.bound.activation, Homogeneous):
        degree = case.bound.forms().normalised.degree - (which == "dual_dot")
        return 0.0 if degree < 0 else polar(f, degree, rho, p, q)
    return trapezoid(f, rho, p, q, 18 if case.name in GROWING else 9)


def inside(case, pairs):
    _, high = case.bound.activation.variances
    if isinstance(case.bound.activation, Homogeneous):
        return pairs[1:2]  # the variances only scale
    return [pair for pair in pairs if max(pair) <= high]


@pytest.mark.parametrize("which", ["dual", "dual_dot"])
def test_forms_are_the_expectations(case, which):
    if case.oracle.f is None:
        assert case.bound.function(symbol("z")) is None
        return
    form = getattr(case.bound.forms(), which)
    for p, q in inside(case, VARIANCES):
        norm = 1.0
        for x in (p, q):
            norm *= abs(expectation(case, which, 1.0, x, x)) ** 0.5
        for rho in RHOS:
            c = rho * float(np.sqrt(p * q))
            bindings = {"c": np.float64(c), "p": np.float64(p), "q": np.float64(q)}
            (value,) = evaluate([form], bindings | case.numbers)
            expected = expectation(case, which, rho, p, q)
            # 1e-13 as in test_forms; angles from a rounded c are off by sqrt(8 eps) at rho = 1.
            kinked = case.bound.forms().normalised is not None
            slack = min(4.3e-8, 9e-16 / max(2 * (1 - abs(rho)), 1e-16) ** 0.5) if kinked else 0
            assert abs(value - expected) <= (1e-13 + slack) * norm, (p, q, rho)


def test_stated_functions_are_the_functions(case):
    """`Activation.function` is f, where IR can say it."""
    z = np.concatenate([np.linspace(-3, 3, 25), [0.0]])
    formula = case.bound.function(symbol("z"))
    if formula is None:
        assert case.name in {"erf", "gelu", "sigmoid_like", "exp_normalized"}
        return
    (values,) = evaluate([formula], {"z": z})
    expected = case.oracle.f(z, *case.arguments)
    # A polynomial's terms cancel in a digit or two.
    np.testing.assert_allclose(values, expected, rtol=1e-13, atol=1e-13)


MP_FUNCTIONS = {
    "gelu": (
        lambda m, z: z * m.ncdf(z),
        lambda m, z: m.ncdf(z) + z * m.npdf(z),
    ),
    "erf": (lambda m, z: m.erf(z), lambda m, z: 2 / m.sqrt(m.pi) * m.exp(-z * z)),
    "gabor": (
        lambda m, z: m.exp(-z * z) * m.sin(z),
        lambda m, z: m.exp(-z * z) * (m.cos(z) - 2 * z * m.sin(z)),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MP_FUNCTIONS))
@pytest.mark.parametrize(("p", "q", "rho"), [(0.5, 1.5, 0.6), (1.0, 1.0, -0.9), (2.0, 0.1, 0.0)])
def test_oracles_agree_with_quadrature_in_30_digits(name, p, q, rho, oracles, exact_context):
    m = mpmath.mp.clone()
    m.dps = 36
    h = m.mpf(1) / 5
    grid = [h * k for k in range(-64, 65)]
    oracle = oracles[name]
    arguments = (1.0, 1.0, 0.0) if name == "erf" else ()
    c = m.mpf(rho) * m.sqrt(m.mpf(p) * q)
    side = m.sqrt(1 - m.mpf(rho) ** 2)
    for f, formula in zip(MP_FUNCTIONS[name], (oracle.dual, oracle.dual_dot), strict=True):
        total = m.zero
        for x in grid:
            left = f(m, m.sqrt(p) * x) * m.npdf(x)
            inner = (f(m, m.sqrt(q) * (rho * x + side * y)) * m.npdf(y) for y in grid)
            total += left * m.fsum(inner)
        exact = formula(*map(exact_context.mpf, (c, p, q)), *arguments)
        assert abs(total * h * h - exact) < m.mpf(10) ** -30
