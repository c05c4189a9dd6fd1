"""E[f(u) f(v)] of lines with an exponential below 0, to all digits: the radius is known, the angle
is one integral.

In polar coordinates (see `plane`) a sector is an angle x from one of its edges, where u has the
size a r sin(x), and v that of b r sin(w - x), w being the sector's width. Along a radius

    J(m) = integral of r exp(-m r - r^2/2) = 1 - m E(m),    -J'(m) = (1 + m^2) E(m) - m

with E(m) = sqrt(pi/2) exp(m^2/2) erfc(m/sqrt(2)). Differences lose the digits of the variance, of
which the arithmetic has enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def expectation(
    mp: Any, shape: tuple[Any, Any, Any], p: Any, q: Any, theta: Any
) -> tuple[Any, Any]:
    """E[f(u) f(v)] and E[f'(u) f'(v)] at an angle of 0 to pi, for `functions.decay`'s f."""
    scale, alpha, rate = shape
    a, b = mp.sqrt(p), mp.sqrt(q)

    def falling(m: Any) -> tuple[Any, Any]:
        tail = mp.sqrt(mp.pi / 2) * mp.exp(m * m / 2) * mp.erfc(m / mp.sqrt(2))
        return 1 - m * tail, (1 + m * m) * tail - m

    def same(u: Any, v: Any) -> tuple[Any, Any]:
        both, one, two = (falling(rate * m)[0] for m in (u + v, u, v))
        value = 2 * u * v + alpha**2 * (both - one - two + 1)
        return value, 1 + (alpha * rate) ** 2 * both

    def opposite(u: Any, v: Any) -> tuple[Any, Any]:
        (one, first), (two, second) = falling(rate * u), falling(rate * v)
        flat = falling(mp.zero)[1]
        value = alpha * (u * (second - flat) + v * (first - flat))
        return value, alpha * rate * (one + two)

    def over(width: Any, part: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
        def both(x: Any) -> Any:  # the two integrals as one of a complex number
            return mp.mpc(*part(a * mp.sin(x), b * mp.sin(width - x)))

        return mp.quad(both, [0, width])

    found = scale**2 * (over(mp.pi - theta, same) + over(theta, opposite)) / (2 * mp.pi)
    return found.real, found.imag
