"""What the scalar operations mean in mpmath, to any number of digits: the oracle.

Formulas name numbers such as pi by the floats nearest to them; here those mean the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from ntkc.ir.arithmetic import Arithmetic, Table
from ntkc.ir.octaves import mpmath_octaves

_DIGITS = 10**60
_PI = Fraction(3141592653589793238462643383279502884197169399375105820974944, _DIGITS)
NAMED_CONSTANTS: Mapping[str, Fraction] = {
    "pi": _PI,
    "1/pi": 1 / _PI,
    "sqrt(2)": Fraction(math.isqrt(2 * _DIGITS**2), _DIGITS),
    "sqrt(pi)": Fraction(math.isqrt(int(_PI * _DIGITS**2)), _DIGITS),
    "sqrt(2/pi)": Fraction(math.isqrt(int(2 / _PI * _DIGITS**2)), _DIGITS),
}


@lru_cache(maxsize=1024)
def recognise(value: float) -> tuple[Fraction, str] | None:
    """(r, name) where the float is the nearest one to r times a named constant, r = n/m with
    m <= 100; None for any other number. Ten thousand candidates among 2^52 mantissas: a
    number that is not meant as one is not taken for one.
    """
    if value == 0 or float(Fraction(value).limit_denominator(10_000)) == value:
        return None
    for name, constant in NAMED_CONSTANTS.items():
        factor = Fraction(value / float(constant)).limit_denominator(100)
        if 0 < abs(factor) <= 100 and float(factor * constant) == value:
            return factor, name
    return None


@lru_cache(maxsize=8)
def mpmath_arithmetic(digits: int = 50) -> Arithmetic:
    """Arithmetic on mpmath numbers of that many digits, in a context of its own.

    A constant that is the float nearest to pi means pi, and so do its simple multiples:
    otherwise no formula would be exact beyond 16 digits.
    """
    import mpmath

    context = mpmath.mp.clone()
    context.dps = digits
    return Arithmetic(
        f"mpmath {digits} digits", lambda value: _exact(context, value), _mpmath_table(context)
    )


def _exact(m: Any, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    known = recognise(value) if isinstance(value, float) and math.isfinite(value) else None
    if known is None:
        return m.convert(value)
    factor, name = known
    unit = NAMED_CONSTANTS[name]
    if m.dps > 55:
        raise ValueError("the named constants are kept to 60 digits")
    return m.mpf((factor * unit).numerator) / (factor * unit).denominator


def _mpmath_table(m: Any) -> Table:
    return {
        **_mpmath_basic(m),
        "sqrt": lambda x: m.sqrt(max(x, m.zero)),
        "inv_sqrt": lambda x: 1 / m.sqrt(x) if x > 0 else m.zero,
        "power": lambda x, exponent: x**exponent,
        "exp": m.exp,
        "expm1": m.expm1,
        "log": lambda x: m.log(x) if x > 0 else (-m.inf if x == 0 else m.nan),
        "coincide": lambda x: max(x, m.zero),
        "round": m.nint,
        "pow2": lambda x: m.ldexp(m.one, int(x)),
        "sin": m.sin,
        "cos": m.cos,
        "asin": lambda x: m.asin(min(max(x, -m.one), m.one)),
        "atan2": m.atan2,
        "erf": m.erf,
        "normal_cdf": m.ncdf,
        "owen_t": lambda h, y, x: _mpmath_owen_t(m, h, y, x),
        "triangle": lambda h, y, x: _mpmath_triangle(m, h, y, x),
        "edge": lambda h, y, x, degree: _mpmath_edge(m, h, y, x, degree),
        "kink": lambda mu, degree: _mpmath_kink(m, mu, degree),
        "polynomial": lambda x, coefficients: m.polyval(
            [m.convert(a) for a in reversed(coefficients)] or [m.zero], x
        ),
        "octaves": lambda x, **table: mpmath_octaves(m, x, **table),
        "chebyshev": lambda x, coefficients: _mpmath_chebyshev(m, x, coefficients),
    }


def _mpmath_basic(m: Any) -> Table:
    return {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y if y != 0 else (m.sign(x) * m.inf if x != 0 else m.nan),
        "neg": lambda x: -x,
        "abs": abs,
        "min": min,
        "max": max,
        "select": lambda c, x, y: x if c > 0 else y,
    }


def _mpmath_owen_t(m: Any, h: Any, y: Any, x: Any) -> Any:
    """By quadrature between 0 and tangent 1; above that by T(h, a) in terms of T(ah, 1/a)."""
    h, size, adjacent = abs(h), abs(y), abs(x)
    if size == 0:
        return m.zero
    if size > adjacent:
        steep = h * size / adjacent if adjacent else (m.inf if h else m.zero)
        q1, q2 = m.ncdf(-h), (m.zero if steep == m.inf else m.ncdf(-steep))
        rest = m.zero if steep == m.inf else _mpmath_owen_t(m, steep, adjacent, size)
        value = (q1 + q2) / 2 - q1 * q2 - rest
    else:
        tangent = size / adjacent
        value = m.quad(
            lambda t: m.exp(-h * h * (1 + t * t) / 2) / (1 + t * t),
            m.linspace(0, tangent, 2 + int(min(h * tangent, 40)) // 4),
            method="gauss-legendre",
        ) / (2 * m.pi)
    return value if y > 0 else -value


def _mpmath_triangle(m: Any, h: Any, y: Any, x: Any) -> Any:
    """With more digits, by Owen's T."""
    if h == 0 or y == 0:
        return m.zero
    lost = -2 * m.mag(h) if abs(h) < 1 else 0
    with m.workprec(m.prec + 30 + int(lost)):
        return m.atan2(y, abs(x)) / (2 * m.pi) - _mpmath_owen_t(m, h, y, x)


def _mpmath_edge(m: Any, h: Any, y: Any, x: Any, degree: int) -> Any:
    """With more digits, by Owen's T and what it leaves of half a line."""
    if h < 0:
        value = _mpmath_edge(m, -h, -y, x, degree)
        return value if degree == 1 else -value
    s = m.zero if y == 0 or h == 0 else h * y / abs(x) if x else m.sign(y) * m.inf
    lost = min(h * h + (s * s if s > 0 else m.zero), m.mpf(2000)) / 4
    with m.workdps(m.dps + 10 + int(lost)):
        value = m.ncdf(-h) / 2 - _mpmath_owen_t(m, h, y, x)
        if degree == 0:
            return value
        first = m.npdf(h) * m.ncdf(-s) - h * value
        if degree == 1:
            return first
        square = h * h + s * s
        turned = h * s / square * m.exp(-square / 2) if m.isfinite(s) and square else m.zero
        return value - h * first + turned / (2 * m.pi)


def _mpmath_kink(m: Any, mu: Any, degree: int) -> Any:
    mu = min(max(mu, m.zero), m.mpf(2))
    scale = m.factorial(degree) ** 2 * m.sqrt(2) / m.rf(m.mpf(3) / 2, degree)
    half = m.mpf(1) / 2
    return scale * mu**degree * m.sqrt(mu) * m.hyp2f1(half, half, degree + 3 * half, mu / 2)


def _mpmath_chebyshev(m: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    now, after = m.zero, m.zero
    for coefficient in reversed(coefficients[1:]):
        now, after = 2 * x * now - after + m.convert(coefficient), now
    return x * now - after + m.convert(coefficients[0])
