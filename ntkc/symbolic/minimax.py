"""Polynomials and their quotients for generated code, fitted when a program is compiled, with
certified errors.

A truncated Chebyshev series is within a factor of a few of the best polynomial of its
degree for functions that are analytic well beyond the interval, as all of these are; its
coefficients cost one pass over a few dozen values in 30 digits (Trefethen, "Approximation
theory and approximation practice", ch. 16). The degree is the least one that meets the
tolerance, the certificate the largest error found on an independent grid for the very
floats that are returned. With eight grid points an oscillation of the error, what lies
between them is at most 1/cos(pi/16) = 1.02 times larger, which the certificate includes.

The ready cores, for arguments to be reduced by the caller:

    asin(w)  = w asin_core(w^2)                 |w| <= 1/2
    theta    = sin(theta) angle_core(mu)        mu = 1 - cos(theta) in [0, 1]
    theta    = sin(theta) angle_quotient(rho)   rho = cos(theta) in [0, 1]
    atan(w)  = w atan_core(w^2)                 |w| <= limit
    exp(x)   = exp_core(x)                      |x| <= log(2)/2
    expm1(x) = x expm1_core(x)                  |x| <= log(2)/2
    Phi(-x)  = exp(-x^2/2) normal_tail_core(t) / (1 + x), t = (x - 5)/(x + 5), 0 <= x <= 40
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import mpmath
import numpy as np

FloatType = Literal["float32", "float64"]

_m = mpmath.mp.clone()
_m.dps = 30
_NODES = 48
_TOLERANCE = {"float32": 1e-8, "float64": 6e-17}
_ROUNDING = {"float32": 3e-8, "float64": 2.2e-16}


@dataclass(frozen=True)
class Fit:
    """A polynomial, lowest coefficient first, on [low, high].

    `certified_error` is that of the rounded coefficients evaluated without rounding,
    relative or absolute. Horner's rule in the float type adds a rounding or two.
    """

    coefficients: tuple[float, ...]
    low: float
    high: float
    certified_error: float
    relative: bool

    @property
    def degree(self) -> int:
        """The polynomial's degree."""
        return len(self.coefficients) - 1


def fit(
    function: Callable[[Any], Any],
    low: float,
    high: float,
    *,
    tolerance: float | None = None,
    relative: bool = True,
    dtype: FloatType = "float64",
) -> Fit:
    """The shortest polynomial within `tolerance` of a function of mpmath numbers.

    Without `tolerance`, about half a rounding of `dtype`. Raises `ValueError` where 47
    degrees do not suffice: the caller's interval is too wide.
    """
    wanted = _TOLERANCE[dtype] if tolerance is None else tolerance
    series = _chebyshev_series(function, _m.mpf(low), _m.mpf(high))
    degree = _sufficient_degree(series, function, low, high, wanted, relative)
    exact = _monomials(series[: degree + 1], _m.mpf(low), _m.mpf(high))
    rounded = tuple(float(np.dtype(dtype).type(float(a))) for a in exact)
    error = _largest_error(rounded, function, low, high, relative)
    return Fit(rounded, float(low), float(high), 1.02 * error, relative)


@dataclass(frozen=True)
class Quotient:
    """A quotient of two polynomials, lowest coefficients first, on [low, high].

    `certified_error` is the relative error of the rounded coefficients evaluated without rounding.
    """

    numerator: tuple[float, ...]
    denominator: tuple[float, ...]
    low: float
    high: float
    certified_error: float


def fit_quotient(function: Callable[[Any], Any], low: float, high: float, degree: int) -> Quotient:
    """The quotient of two polynomials of one degree that interpolates a function in float64.

    The points are Chebyshev nodes, for which the error is within a factor of a few of the least
    one where the function is analytic well beyond the interval. The denominator's constant is 1.
    """
    nodes = [_m.cos(_m.pi * (2 * k + 1) / (4 * degree + 2)) for k in range(2 * degree + 1)]
    points = [(_m.mpf(high) + low) / 2 + (_m.mpf(high) - low) / 2 * node for node in nodes]
    values = [function(x) for x in points]
    rows = [
        [x**k for k in range(degree + 1)] + [-y * x**k for k in range(1, degree + 1)]
        for x, y in zip(points, values, strict=True)
    ]
    found = list(_m.lu_solve(_m.matrix(rows), _m.matrix(values)))
    numerator = tuple(float(a) for a in found[: degree + 1])
    denominator = (1.0, *(float(a) for a in found[degree + 1 :]))

    def quotient(x: Any) -> Any:
        above, below = (
            _m.polyval([_m.mpf(a) for a in reversed(part)], x) for part in (numerator, denominator)
        )
        return above / below

    error = _worst(quotient, function, low, high, 8 * (2 * degree + 2) + 1, True)
    return Quotient(numerator, denominator, float(low), float(high), 1.02 * error)


def _chebyshev_series(function: Callable[[Any], Any], low: Any, high: Any) -> list[Any]:
    """Coefficients of the interpolant at the Chebyshev nodes, T_0's halved already."""
    count = _NODES
    cosines = [_m.cos(_m.pi * k / (2 * count)) for k in range(4 * count)]
    middle, radius = (high + low) / 2, (high - low) / 2
    values = [function(middle + radius * cosines[2 * j + 1]) for j in range(count)]
    series = []
    for k in range(count):
        terms = (values[j] * cosines[k * (2 * j + 1) % (4 * count)] for j in range(count))
        series.append(_m.fsum(terms) * 2 / count)
    series[0] /= 2
    return series


def _sufficient_degree(
    series: list[Any],
    function: Callable[[Any], Any],
    low: float,
    high: float,
    tolerance: float,
    relative: bool,
) -> int:
    """Where the tail's sum, which bounds the truncation error, falls below the tolerance."""
    scale = 1.0
    if relative:
        scale = min(abs(float(function(x))) for x in _grid(low, high, 16))
    tail, degree = 0.0, len(series) - 1
    while degree >= 0 and tail + abs(float(series[degree])) <= tolerance * scale:
        tail += abs(float(series[degree]))
        degree -= 1
    if degree >= len(series) - 2:
        raise ValueError(f"no polynomial of degree {degree} is within {tolerance:g}")
    return max(degree, 0)


def _monomials(series: list[Any], low: Any, high: Any) -> list[Any]:
    """The Chebyshev series as powers of x, by Clenshaw's recurrence on polynomials in x."""
    scale, shift = 2 / (high - low), -(high + low) / (high - low)
    now, after = [_m.zero], [_m.zero]
    for a in reversed(series[1:]):
        now, after = _clenshaw_step(now, after, a, 2 * scale, 2 * shift), now
    return _clenshaw_step(now, after, series[0], scale, shift)[: len(series)]


def _clenshaw_step(now: list[Any], after: list[Any], a: Any, scale: Any, shift: Any) -> list[Any]:
    """(scale x + shift) now - after + a."""
    result = [_m.zero] * (len(now) + 1)
    for k, b in enumerate(now):
        result[k] += shift * b
        result[k + 1] += scale * b
    for k, b in enumerate(after):
        result[k] -= b
    result[0] += a
    return result


def _grid(low: float, high: float, count: int) -> list[Any]:
    """Points that are dense at the ends, as the extrema of the error are; not the nodes."""
    middle, radius = (_m.mpf(high) + low) / 2, (_m.mpf(high) - low) / 2
    return [middle - radius * _m.cos(_m.pi * k / count) for k in range(count + 1)]


def _largest_error(
    coefficients: tuple[float, ...],
    function: Callable[[Any], Any],
    low: float,
    high: float,
    relative: bool,
) -> float:
    highest_first = [_m.mpf(a) for a in reversed(coefficients)]
    count = 8 * (len(coefficients) + 1) + 1
    return _worst(lambda x: _m.polyval(highest_first, x), function, low, high, count, relative)


def _worst(
    approximation: Callable[[Any], Any],
    function: Callable[[Any], Any],
    low: float,
    high: float,
    count: int,
    relative: bool,
) -> float:
    """The largest error found on a grid."""
    worst = 0.0
    for x in _grid(low, high, count):
        exact = function(x)
        error = abs(approximation(x) - exact)
        worst = max(worst, float(error / abs(exact) if relative else error))
    return worst


# --- the cores -------------------------------------------------------------------------


@cache
def asin_core(dtype: FloatType = "float64") -> Fit:
    """asin(w)/w in w^2 on [0, 1/4]."""
    return fit(lambda t: _over_root(_m.asin, t), 0.0, 0.25, dtype=dtype)


@cache
def angle_core(dtype: FloatType = "float64") -> Fit:
    """arccos(1 - mu) / sqrt(mu (2 - mu)) in mu on [0, 1].

    To one rounding, which the tail of the series bounds; the error found is smaller.
    """
    return fit(_angle, 0.0, 1.0, tolerance=_ROUNDING[dtype], dtype=dtype)


@cache
def angle_quotient() -> Quotient:
    """arccos(rho) / sqrt(1 - rho^2) in rho on [0, 1].

    All coefficients are positive, so that nothing cancels. The function has its branch point at
    rho = -1: 12 multiplications and a division do what takes a polynomial 20 multiplications, and
    the processor divides while it multiplies.
    """
    return fit_quotient(lambda rho: _angle(1 - rho), 0.0, 1.0, 6)


def _angle(mu: Any) -> Any:
    return _m.acos(1 - mu) / _m.sqrt(mu * (2 - mu)) if mu else _m.one


@cache
def atan_core(dtype: FloatType = "float64", limit: float = math.sqrt(2) - 1) -> Fit:
    """atan(w)/w in w^2 on [0, limit^2]; tan(pi/8) by default."""
    return fit(lambda t: _over_root(_m.atan, t), 0.0, limit * limit, dtype=dtype)


@cache
def exp_core(dtype: FloatType = "float64") -> Fit:
    """exp(x) on |x| <= log(2)/2."""
    return fit(_m.exp, -_HALF_LOG, _HALF_LOG, dtype=dtype)


@cache
def expm1_core(dtype: FloatType = "float64") -> Fit:
    """(exp(x) - 1)/x on |x| <= log(2)/2."""
    return fit(lambda x: _m.expm1(x) / x if x else _m.one, -_HALF_LOG, _HALF_LOG, dtype=dtype)


@cache
def normal_tail_core(dtype: FloatType = "float64") -> Fit:
    """(1 + x) exp(x^2/2) Phi(-x) in t = (x - 5)/(x + 5), for x from 0 to 40."""
    top = (40 - TAIL_CENTRE) / (40 + TAIL_CENTRE)
    return fit(_normal_tail, -1.0, top, dtype=dtype)


TAIL_CENTRE = 5.0
_HALF_LOG = math.log(2) / 2


def _normal_tail(t: Any) -> Any:
    x = TAIL_CENTRE * (1 + t) / (1 - t)
    return (1 + x) * _m.exp(x * x / 2) * _m.erfc(x / _m.sqrt(2)) / 2


def _over_root(function: Callable[[Any], Any], t: Any) -> Any:
    """function(w)/w at w = sqrt(t), for an odd function with slope 1 at 0."""
    root = _m.sqrt(t) if t > 0 else _m.zero
    return function(root) / root if root else _m.one
