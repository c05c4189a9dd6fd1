"""E[f(u) f(v)] to 23 digits and more, from f alone, whatever the variances and the correlation.

In polar coordinates u = sqrt(p) r cos(t), v = sqrt(q) r cos(t - theta). The lines u = 0 and v = 0
cut the plane into sectors, in each of which an f with no kink but at 0 is analytic. Both
integrals are trapezoidal sums after a substitution that ends double-exponentially: r = exp(x -
exp(-x)), and tanh-sinh in the sector (Takahasi & Mori 1974). In the logarithms of r and of the
distance from a sector's edge a singularity of f on the imaginary axis, as tanh has them, or on
the other half of the real axis, as 1/(1 + z) has it, is half a circle or more away, whatever
the variance is.

`Halves` of an activation are (f(z), f(-z), f'(z), f'(-z)) for z > 0: one exponential serves all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Halves = Callable[[Any], tuple[Any, Any, Any, Any]]
DIGITS = 32  # of the sums; the arithmetic has more


def radii(mp: Any) -> Iterator[tuple[Any, Any]]:
    """(r, weight) for integrals from 0 to infinity of functions that fall as exp(-r^2/2) r."""
    step = mp.mpf("0.05")
    for k in range(-76, 56):
        x = k * step
        fall = mp.exp(-x)
        r = mp.exp(x - fall)
        yield r, step * r * (1 + fall)


def sector(mp: Any, width: Any, reach: float) -> list[tuple[Any, Any, Any]]:
    """(sine of the angle from one edge, from the other, weight); f is singular beyond 1/reach."""
    depth = max(float(mp.log(max(reach, 1.0))), 1.0)
    strip = 1.0 / float(mp.cosh(mp.asinh(2 * depth / mp.pi)))
    step = mp.mpf(2) ** -5 * max(1, int(32 * 2 * 3.14159 * strip / (2.3026 * DIGITS)))
    found = []
    for k in range(-int(4.0 / step), int(4.0 / step) + 1):
        grade = mp.exp(mp.pi * mp.sinh(k * step))
        near, far = grade / (1 + grade), 1 / (1 + grade)
        weight = step * width * mp.pi * mp.cosh(k * step) * near * far
        if weight > mp.mpf(10) ** -DIGITS * width:
            found.append((mp.sin(width * near), mp.sin(width * far), weight))
    return found


def plane(mp: Any, f: Halves, p: Any, q: Any, theta: Any) -> tuple[Any, Any, Any, Any]:
    """E[f(u) f(v)] and E[f(u) f(-v)], and the same of f', for an angle within (0, pi/2]."""
    totals = [mp.zero] * 4
    a, b = mp.sqrt(p), mp.sqrt(q)
    reach = 14.0 * float(max(a, b))
    parts = [(sector(mp, mp.pi - theta, reach), False), (sector(mp, theta, reach), True)]
    for r, weight in radii(mp):
        outer = weight * r * mp.exp(-r * r / 2) / (2 * mp.pi)
        if outer < mp.mpf(10) ** -(DIGITS + 4):
            continue
        for nodes, opposite in parts:
            first = [f(a * r * s) for s, _, _ in nodes]
            second = first[::-1] if p == q else [f(b * r * t) for _, t, _ in nodes]
            sums = _sums(mp, first, second, [w for _, _, w in nodes])
            if opposite:
                sums = sums[1], sums[0], sums[3], sums[2]
            totals = [x + outer * y for x, y in zip(totals, sums, strict=True)]
    return tuple(totals)  # type: ignore[return-value]


def _sums(mp: Any, first: Any, second: Any, weights: Any) -> tuple[Any, Any, Any, Any]:
    """Sums of f(u) f(v) + f(-u) f(-v) and f(u) f(-v) + f(-u) f(v), and of f' alike."""
    triples = list(zip(weights, first, second, strict=True))
    same = mp.fdot((w, x[0] * y[0] + x[1] * y[1]) for w, x, y in triples)
    other = mp.fdot((w, x[0] * y[1] + x[1] * y[0]) for w, x, y in triples)
    slopes = mp.fdot((w, x[2] * y[2] + x[3] * y[3]) for w, x, y in triples)
    turned = mp.fdot((w, x[2] * y[3] + x[3] * y[2]) for w, x, y in triples)
    return same, other, slopes, turned


def line(mp: Any, f: Halves, p: Any, q: Any) -> tuple[Any, Any, Any, Any]:
    """The same four at angle 0: E[f(sqrt(p) z) f(+-sqrt(q) z)]."""
    a, b = mp.sqrt(p), mp.sqrt(q)
    totals = [mp.zero] * 4
    for r, weight in radii(mp):
        outer = weight * mp.exp(-r * r / 2) / mp.sqrt(2 * mp.pi)
        if outer < mp.mpf(10) ** -(DIGITS + 4):
            continue
        sums = _sums(mp, [f(a * r)], [f(b * r)], [mp.one])
        totals = [x + outer * y for x, y in zip(totals, sums, strict=True)]
    return tuple(totals)  # type: ignore[return-value]


def means(mp: Any, f: Halves, p: Any) -> tuple[Any, Any]:
    """E[f(sqrt(p) z)] and E[f'(sqrt(p) z)]."""
    total, slope = mp.zero, mp.zero
    for r, weight in radii(mp):
        outer = weight * mp.exp(-r * r / 2) / mp.sqrt(2 * mp.pi)
        above, below, up, down = f(mp.sqrt(p) * r)
        total += outer * (above + below)
        slope += outer * (up + down)
    return total, slope
