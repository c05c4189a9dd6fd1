"""Owen's T function, and what an angle has besides it, as helpers that generated modules carry,
whatever compiles them."""

from __future__ import annotations

import math

import numpy as np

_OWEN_T = '''\
{decorator}
def owen_t_{dtype}(h, y, x):
    """Owen's T function of h and the angle of (|x|, y), to a rounding of 1.

    For tangents up to 1 a Gauss-Legendre sum: the integrand is even and analytic, so half of
    the nodes of a rule on [-1, 1] serve. Steeper angles follow by T(h, a) + T(ah, 1/a) =
    [Q(h) + Q(ah)]/2 - Q(h) Q(ah) for h, a >= 0, with Q(h) = Phi(-h) (Owen 1956).
    """
    size, rise, run = abs(h), abs(y), abs(x)
    steep = rise > run
    longer, shorter = (rise, run) if steep else (run, rise)
    tangent = shorter / max(longer, F(LEAST))
    other = min(size * rise / max(run, F(LEAST)), F(37.0)) if steep else size
    fall, square = other * other * F(-0.5), tangent * tangent
    value = F(0.0)
    for place, weight in {rule}:
        value += F(weight) * math.exp(fall * (F(1.0) + square * F(place))) / (
            F(1.0) + square * F(place)
        )
    value *= tangent
    if steep:
        one, two = F(0.5) * math.erfc(size * F(ROOT)), F(0.5) * math.erfc(other * F(ROOT))
        value = F(0.5) * (one + two) - one * two - value
    return value if y > 0 else -value'''
_TRIANGLE = '''\
{decorator}
def triangle_{dtype}(h, y, x):
    """The normal probability of the triangle (0, 0), (h, 0), (h, h y/|x|), negative where y is: the
    angle of (|x|, y) over 2 pi less Owen's T, with all its digits where h is small.

    For tangents up to 1 a Gauss-Legendre sum, as for T. Triangles of h with a and of h a with 1/a
    make up a rectangle: steeper angles follow.
    """
    size, rise, run = abs(h), abs(y), abs(x)
    steep = rise > run
    longer, shorter = (rise, run) if steep else (run, rise)
    tangent = shorter / max(longer, F(LEAST))
    other = min(size * rise / max(run, F(LEAST)), F(37.0)) if steep else size
    fall, square = other * other * F(-0.5), tangent * tangent
    value = F(0.0)
    for place, weight in {rule}:
        secant = F(1.0) + square * F(place)
        value -= F(weight) * math.expm1(fall * secant) / secant
    value *= tangent
    if steep:
        value = F(0.25) * math.erf(size * F(ROOT)) * math.erf(other * F(ROOT)) - value
    return value if y > 0 else -value'''
_NODES = {"float64": 11, "float32": 6}
"""Of half a rule: enough for a rounding of 1."""


def owen_t(dtype: str, decorator: str) -> str:
    """The helper for Owen's T."""
    return _spelled(_OWEN_T, dtype, decorator)


def triangle(dtype: str, decorator: str) -> str:
    """The helper for triangles."""
    return _spelled(_TRIANGLE, dtype, decorator)


def _spelled(template: str, dtype: str, decorator: str) -> str:
    """A helper, with the squared nodes and the weights / 2 pi of half a rule."""
    count = _NODES[dtype]
    nodes, weights = np.polynomial.legendre.leggauss(2 * count)
    rule = tuple(
        (float(x) ** 2, float(w) / (2.0 * math.pi))
        for x, w in zip(nodes[count:], weights[count:], strict=True)
    )
    lines = "".join(f"\n        ({x!r}, {w!r})," for x, w in rule)
    kind = "np.float32" if dtype == "float32" else ""
    text = template.replace("{decorator}", decorator).replace("{dtype}", dtype)
    least = "1e-37" if dtype == "float32" else "1e-300"  # angles may be told by numbers near 1e-30
    text = text.replace("LEAST", least)
    text = text.replace("{rule}", f"({lines}\n    )").replace("ROOT", repr(math.sqrt(0.5)))
    return text.replace("F(", f"{kind}(")
