"""What one edge of a quadrant adds to a moment of a standard normal pair, for values of one input.

In generated loops the same is `ntkc.backends.edge`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

NEAR = 2.5
"""Where height and distance are both below it, differences of Owen's T lose two digits at most."""
FAR = 40.0
NODES = 28
"""Of a Gauss-Legendre rule from the distance to where the integrand is below e^-37 of its value
there: good to 1e-14 where either is above `NEAR`."""
REACH, REST = 74.0, 8.6


def edge(h: Any, y: Any, x: Any, degree: int) -> Any:
    """The integral from s = h y/|x| of w(t) exp(-(h^2 + t^2)/2) dt / (2 pi), over arrays.

    w is h/(h^2 + t^2), t^2/(h^2 + t^2), 2 h t^2/(h^2 + t^2)^2 for the degrees 0, 1, 2; s is 0 where
    y is. For s >= 0 it has all its digits, or those of the value at s = 0 where |h| and s are below
    `NEAR`; for s < 0 it is of the size of the value at 0.
    """
    h, y, x = np.broadcast_arrays(*(np.asarray(v, float) for v in (h, y, x)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        tangent = np.where(y == 0.0, 0.0, np.abs(y) / np.abs(x))
        size = np.abs(h)
        s = np.minimum(np.where(size > 0.0, size * tangent, 0.0), FAR)
        value = _beyond(size, s, degree)
        whole = 2.0 * _beyond(size, 0.0 * s, degree)
        value = np.where((y < 0.0) != (h < 0.0), whole - value, value)
    return np.where(h < 0.0, -value, value) if degree != 1 else value


def _beyond(h: Any, s: Any, degree: int) -> Any:
    """The integral for h, s >= 0."""
    return np.where(np.maximum(h, s) < NEAR, _by_owen(h, s, degree), _by_rule(h, s, degree))


def _by_rule(h: Any, s: Any, degree: int) -> Any:
    places, weights = np.polynomial.legendre.leggauss(NODES)
    length = REACH / (np.maximum(s, REST) + s)
    total = np.zeros_like(s)
    for place, weight in zip((places + 1.0) / 2.0, weights / (4.0 * np.pi), strict=True):
        step = length * place
        t = s + step
        square = h * h + t * t
        share = (h if degree == 0 else t * t) / square
        if degree == 2:
            share = 2.0 * h * share / square
        total = total + weight * share * np.exp(-step * (s + 0.5 * step))
    return total * length * np.exp(-0.5 * (h * h + s * s))


def _by_owen(h: Any, s: Any, degree: int) -> Any:
    from scipy import special

    tangent = np.where(s > 0.0, s / h, 0.0)
    value = 0.5 * special.ndtr(-h) - special.owens_t(h, tangent)
    if degree == 0:
        return value
    density = np.exp(-0.5 * h * h) / np.sqrt(2.0 * np.pi)
    first = density * special.ndtr(-s) - h * value
    if degree == 1:
        return first
    square = h * h + s * s
    turned = np.where(square > 0.0, h * s / square, 0.0)
    return value - h * first + turned * np.exp(-0.5 * square) / (2.0 * np.pi)
