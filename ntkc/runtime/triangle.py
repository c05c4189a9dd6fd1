"""The normal probability of a right triangle with a corner at the mean, for values of one input.

In generated loops the same is `ntkc.backends.owen_t`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FAR = 37.0
"""A leg that is longer is as long as this."""
NODES = 11
"""Of half a Gauss-Legendre rule on [-1, 1]: enough for a rounding."""


def triangle(h: Any, y: Any, x: Any) -> Any:
    """That of the corners (0, 0), (h, 0), (h, h y/|x|), negative where y is: the angle of (|x|, y)
    over 2 pi less Owen's T, with all its digits where h is small.

    Triangles of h with a and of h a with 1/a, a = y/x, make up a rectangle: the rule goes over the
    smaller angle.
    """
    h, y, x = np.broadcast_arrays(*(np.asarray(v, float) for v in (h, y, x)))
    size, rise, run = np.abs(h), np.abs(y), np.abs(x)
    steep = rise > run
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        tangent = np.where(rise == 0.0, 0.0, np.where(steep, run / rise, rise / run))
        other = np.where(steep & (size > 0.0), np.minimum(size * (rise / run), FAR), size)
    places, weights = np.polynomial.legendre.leggauss(2 * NODES)
    value = np.zeros_like(size)
    for place, weight in zip(places[NODES:], weights[NODES:] / (2.0 * np.pi), strict=True):
        secant = 1.0 + (tangent * place) ** 2
        value = value - weight * np.expm1(-0.5 * other * other * secant) / secant
    value = value * tangent
    value = np.where(steep, _half_erf(size) * _half_erf(other) - value, value)
    return np.copysign(value, y)


def _half_erf(x: Any) -> Any:
    from scipy import special

    return 0.5 * special.erf(x * np.sqrt(0.5))
