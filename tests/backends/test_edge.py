"""The operations `edge` and `triangle`, as NumPy and as generated loops have them."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from ntkc.backends.edge import edge as text
from ntkc.backends.owen_t import owen_t
from ntkc.backends.owen_t import triangle as triangle_text
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.node import make, symbol
from ntkc.runtime.edge import edge
from ntkc.runtime.triangle import triangle

mp = mpmath.mp.clone()
mp.dps = 30
HEIGHTS = (0.02, 0.9, 2.49, 2.51, 8.0, 30.0)
DISTANCES = (0.0, 0.3, 2.4, 2.6, 6.0, 15.0)


def integral(h: Any, s: Any, degree: int) -> Any:
    """By Gauss-Legendre on panels, relative to the integrand at s, which may underflow."""
    h, s = mp.mpf(h), mp.mpf(s)

    def weight(t: Any) -> Any:
        square = h * h + t * t
        return (h / square, t * t / square, 2 * h * t * t / square**2)[degree]

    end = mp.sqrt(s * s + 160)
    panels = [s, *(x for k in range(-3, 8) if s < (x := s + h * 2**k) < end)]
    panels = sorted({*panels, *mp.linspace(s, end, 12)})
    total = mp.quad(
        lambda t: weight(t) * mp.exp(-(t * t - s * s) / 2), panels, method="gauss-legendre"
    )
    return total * mp.exp(-(h * h + s * s) / 2) / (2 * mp.pi)


def helper(dtype: str) -> Any:
    """The generated function, in plain Python."""
    space: dict[str, Any] = {"math": math, "np": np}
    exec(owen_t(dtype, "").lstrip() + "\n\n" + text(dtype, "").lstrip(), space)
    return space[f"edge_{dtype}"]


@pytest.mark.parametrize("degree", range(3))
def test_edge_is_its_integral(degree: int) -> None:
    """Relative to itself, or near 0 to the value at the distance 0, by 100 roundings at most."""
    scalar, single = helper("float64"), helper("float32")
    arguments = [symbol(name) for name in "hyx"]
    node = make("edge", *arguments, degree=degree)
    for h in HEIGHTS:
        whole = integral(h, 0.0, degree)
        for s in DISTANCES:
            exact = integral(h, mp.mpf(h) * mp.mpf(s / h), degree)
            size = whole if max(h, s) < 2.5 else exact
            at = (h, s / h, 1.0)
            for value in (scalar(*at, degree), float(edge(*at, degree))):
                assert abs(value - exact) <= 1e-13 * size, (h, s)
                assert (
                    abs(abs(scalar(-h, s / h, 1.0, degree)) - (2 * whole - exact)) <= 1e-13 * whole
                )
            (many,) = evaluate([node], dict(zip("hyx", at, strict=True)), mpmath_arithmetic(40))
            assert abs(many - exact) <= mp.mpf(10) ** -20 * exact, (h, s)
            if h * h + s * s < 150:  # within float32's range
                value = single(*map(np.float32, at), degree)
                assert abs(float(value) - exact) <= 6e-5 * size, (h, s)


def test_signs_and_limits() -> None:
    for made in (edge, helper("float64")):
        for degree, sign in ((0, -1), (1, 1), (2, -1)):
            value = made(0.7, 0.4, 1.3, degree)
            assert made(-0.7, -0.4, 1.3, degree) == sign * value
            assert made(0.7, 0.4, -1.3, degree) == value
            # At an angle of 0 half of a truncated moment is left, at a right one nothing.
            assert made(0.7, 0.0, 0.0, degree) == made(0.7, 0.0, 1.0, degree)
            assert made(0.7, 1.0, 0.0, degree) == 0.0


@pytest.mark.parametrize("degree", range(3))
def test_edge_at_right_angles(degree: int) -> None:
    """x = 0: the way along the edge is infinite, to the side that the sign of y says."""
    node = make("edge", *(symbol(name) for name in "hyx"), degree=degree)
    for y in (1.0, -1.0):
        (exact,) = evaluate([node], {"h": 0.9, "y": y, "x": 0.0}, mpmath_arithmetic(30))
        limit = 0.0 if y > 0 else 2 * integral(0.9, 0.0, degree)
        assert abs(exact - limit) < 1e-25
        assert abs(float(edge(0.9, y, 0.0, degree)) - limit) < 1e-15


@pytest.mark.parametrize("steepness", [0.0, 1e-8, 0.3, 1.0, 4.0, 1e9])
def test_triangle_is_its_integral(steepness: float) -> None:
    """Relative to itself: by Gauss-Legendre over the angle, of what the triangle has of it."""
    space: dict[str, Any] = {"math": math, "np": np}
    for dtype in ("float64", "float32"):
        exec(triangle_text(dtype, "").lstrip(), space)
    node = make("triangle", *(symbol(name) for name in "hyx"))
    for h in (1e-6, 0.02, 0.9, 6.0, 30.0):
        top, scale = mp.atan(steepness), mp.mpf(min(h, 1.0)) ** 2  # quad's errors are absolute
        panels = [*(1 - mp.mpf(2) ** -k for k in range(44)), mp.one]
        exact = mp.quad(
            lambda t, h=h, top=top, scale=scale: (
                -mp.expm1(-((h / mp.cos(top * t)) ** 2) / 2) / scale
            ),
            panels,
            method="gauss-legendre",
        ) * (top * scale / (2 * mp.pi))
        many = evaluate([node], {"h": h, "y": steepness, "x": 1.0}, mpmath_arithmetic(40))[0]
        assert abs(many - exact) <= mp.mpf(10) ** -18 * exact, h
        for sign in (1, -1):
            at = (-h, sign * steepness, -1.0)
            for value in (space["triangle_float64"](*at), float(triangle(*at))):
                assert abs(sign * value - exact) <= 4e-15 * exact, (h, sign)
            single = space["triangle_float32"](*map(np.float32, at))
            assert abs(sign * float(single) - exact) <= 2e-6 * exact, (h, sign)
