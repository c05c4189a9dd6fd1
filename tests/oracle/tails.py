"""Piecewise polynomials, exactly up to one integral over a line.

f is a number plus a sum of weight * max(sign z - kink, 0)^n. For a pair of such tails, with m the
smaller of the degrees, the derivative of order m + 1 of E[(u - a)_+^i (v - b)_+^j] in the
covariance is a density times a moment of a normal variable on a half line (Price 1958), so

    E = sum over l <= m of c^l / l! E[F^(l)(u)] E[G^(l)(v)]
        + the integral from 0 to c of (c - t)^m / m! D(t) dt,

taken over t = sqrt(pq) cos(beta), by Gauss-Legendre rules on panels that halve towards beta = 0.
Nothing here knows of Owen's T function or of truncated moments of a pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Tail:
    """weight * max(sign z - kink, 0)^degree; a step for degree 0."""

    weight: Any
    sign: int
    kink: Any
    degree: int

    def slope(self) -> Tail:
        """The derivative's."""
        return Tail(self.weight * self.degree * self.sign, self.sign, self.kink, self.degree - 1)


def expectation(
    mp: Any, number: Any, tails: Sequence[Tail], p: Any, q: Any, c: Any, theta: Any
) -> Any:
    """E[f(u) f(v)], where theta is the angle with cosine |c|/sqrt(pq)."""
    total = number * number
    for tail in tails:
        ends = _moment(mp, tail.degree, -tail.kink, p) + _moment(mp, tail.degree, -tail.kink, q)
        total += number * tail.weight * ends
    for x in tails:
        for y in tails:
            turned = c * x.sign * y.sign
            total += x.weight * y.weight * _pair(mp, x, y, p, q, turned, theta)
    return total


def _moment(mp: Any, n: int, mean: Any, variance: Any) -> Any:
    """E[max(mean + sd z, 0)^n]."""
    sd = mp.sqrt(variance)
    if sd == 0:
        return mp.mpf(mean > 0) if n == 0 else max(mean, 0) ** n
    h = mean / sd
    tail, density = mp.ncdf(h), mp.npdf(h)
    values = [tail, mean * tail + sd * density]
    for k in range(2, n + 1):
        values.append(mean * values[k - 1] + (k - 1) * variance * values[k - 2])
    return values[n]


def _pair(mp: Any, x: Tail, y: Tail, p: Any, q: Any, c: Any, theta: Any) -> Any:
    if x.degree > y.degree:
        x, y, p, q = y, x, q, p
    m, n = x.degree, y.degree
    total = mp.zero
    for k in range(m + 1):
        falling = mp.ff(m, k) * mp.ff(n, k) * c**k / mp.factorial(k)
        total += falling * _moment(mp, m - k, -x.kink, p) * _moment(mp, n - k, -y.kink, q)
    if c == 0:
        return total
    size, sign = mp.sqrt(p * q), 1 if c > 0 else -1
    h, k = x.kink / mp.sqrt(p), y.kink / mp.sqrt(q)
    found = []
    for beta, weight in _panels(mp, theta, h, sign * k):
        lag = 2 * size * sign * mp.sin((theta + beta) / 2) * mp.sin((beta - theta) / 2)
        density = _density(mp, p, q, x.kink, y.kink, n - m, sign, beta)
        found.append(weight * sign * lag**m * density)
    return total + mp.ff(n, m) * mp.fsum(found)


def _density(mp: Any, p: Any, q: Any, a: Any, b: Any, lack: int, sign: int, beta: Any) -> Any:
    """E[delta(u - a) (v - b)_+^(lack - 1)] lack! (or of two deltas) times dt/d beta."""
    h, k = a / mp.sqrt(p), b / mp.sqrt(q)
    cosine, sine = sign * mp.cos(beta), mp.sin(beta)
    if lack == 0:
        exponent = (h - cosine * k) ** 2 / (2 * sine * sine) + k * k / 2
        return mp.exp(-exponent) / (2 * mp.pi)
    mean, variance = mp.sqrt(q) * (cosine * h - k), q * sine * sine
    rest = _moment(mp, lack - 1, mean, variance) * mp.factorial(lack) / mp.factorial(lack - 1)
    return mp.npdf(h) * rest * mp.sqrt(q) * sine


def _panels(mp: Any, theta: Any, h: Any, k: Any) -> Iterator[tuple[Any, Any]]:
    """Nodes from theta to pi/2, on panels that halve until nothing turns within the last."""
    least = 0.05 / max(abs(float(h)), abs(float(k)), 1.0)
    if h != k:
        least = min(least, abs(float(h - k)) / 20)
    points = _rule(mp)
    high = mp.pi / 2
    while high > theta:
        low = high / 2 if high / 2 > max(theta, least) else theta
        for node, weight in points:
            yield low + (high - low) * node, (high - low) * weight
        high = low


@cache
def _rule(mp: Any) -> list[tuple[Any, Any]]:
    """Gauss-Legendre with 48 points on [0, 1], by Newton's method."""
    n, found = 48, []
    for k in range(n):
        x = mp.cos(mp.pi * (k + mp.mpf(3) / 4) / (n + mp.mpf(1) / 2))
        for _ in range(8):
            value = mp.legendre(n, x)
            rate = n * (x * value - mp.legendre(n - 1, x)) / (x * x - 1)
            x -= value / rate
        rate = n * mp.legendre(n - 1, x) / (1 - x * x)
        found.append(((1 + x) / 2, 1 / ((1 - x * x) * rate**2)))
    return found
