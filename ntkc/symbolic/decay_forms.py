"""The forms of an activation with exponentials that fall away from a kink at 0 (see `decays`).

With E_l and X_l the features of the even and the odd part of the slope, of degrees m and m + 1,
s the jump's half and s_l its coefficients,

    E[f'(u) f'(v)] = sum of E_l E_l' rho^m + (X_l X_l' + s s_l (X_l + X_l')) rho^(m + 1)
                     + s^2 (2/pi) asin(rho),

and E[f(u) f(v)] is the product of the means and the integral of that over c (Price's theorem).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import Certificate, DualForms
from ntkc.ir.node import (
    Node,
    const,
    function,
    inv_sqrt,
    is_const,
    sqrt,
    symbol,
    topological,
    total,
)
from ntkc.symbolic.algebra import inverse_root, over, plus, raised, root, simplified, summed, times
from ntkc.symbolic.decays import Series, Slopes, largest_argument, series
from ntkc.symbolic.features import Powers, chebyshev, lacking, weighted
from ntkc.symbolic.series import LARGEST_VARIANCE, ORIGIN, NotCertifiedError

_C, _P, _Q, _ETA = map(symbol, ("c", "p", "q", "eta"))
_TWO_OVER_PI = 2.0 / math.pi


@lru_cache(maxsize=64)
def decay_forms(
    name: str,
    parameters: tuple[str, ...],
    slopes: Slopes,
    tolerance: float,
    samples: tuple[tuple[str, float], ...] = (),
) -> DualForms:
    """Every form, within the tolerance for every variance up to `LARGEST_VARIANCE`; where numbers
    are run-time parameters, at their `samples`.

    Raises `NotCertifiedError` where none is.
    """
    try:
        made = series(tolerance, largest_argument(slopes, LARGEST_VARIANCE))
    except ValueError as problem:
        raise NotCertifiedError(f"`{name}` has no closed form: {problem}") from None
    error = made.error * _magnified(slopes, dict(samples))
    if error > tolerance:
        raise NotCertifiedError(
            f"`{name}` has no closed form, and its series is certified to {error:.1e}, not to "
            f"{tolerance:g}"
        )
    sums = _Sums(slopes, made)
    near = near_dot = None
    if not is_const(slopes.jump, 0.0):
        rho = 1.0 - _ETA
        near, near_dot = sums.dual(root(_P) * root(_Q) * rho, rho), sums.dual_dot(rho)
    rho = _correlation()
    return DualForms(
        name=name,
        parameters=parameters,
        dual=sums.dual(_C, rho),
        dual_dot=sums.dual_dot(rho),
        diagonal=sums.one.norm,
        diagonal_dot=sums.one.slope_norm,
        complement=sums.complement(),
        certificate=Certificate("decays", error, LARGEST_VARIANCE, len(made.degrees)),
        near=near,
        near_dot=near_dot,
    )


def _correlation() -> Node:
    rho = _C * (inv_sqrt(_P) * inv_sqrt(_Q))
    return function("max", function("min", rho, 1.0), -1.0)


def _magnified(slopes: Slopes, samples: dict[str, float]) -> float:
    """By what the errors of the parts exceed one of the slope's norm, at worst.

    A part's error is relative to its own norm; where parts cancel, the whole is less than they.
    """
    parts = [slopes.even, slopes.jump, *(x for d in slopes.decays for x in (d.even, d.odd, d.rate))]
    names = {n.attr("name") for n in topological(parts) if n.op in ("symbol", "param")}
    values = [float(x) for x in evaluate(parts, {n: samples.get(n, 1.0) for n in names})]
    even, jump, *rest = values
    decays = list(zip(rest[::3], rest[1::3], rest[2::3], strict=True))
    nodes, weights = np.polynomial.legendre.leggauss(400)
    z = 6.0 * (nodes + 1.0)
    weights = 6.0 * weights * np.exp(-z * z / 2.0) * math.sqrt(_TWO_OVER_PI)
    worst = 1.0
    for variance in LARGEST_VARIANCE * np.logspace(0.0, -8.0, 25):
        x = math.sqrt(variance) * z
        falls = [np.exp(-rate * x) for _, _, rate in decays]
        whole = even + sum(e * f for (e, _, _), f in zip(decays, falls, strict=True))
        odd = jump - sum(o * (1 - f) for (_, o, _), f in zip(decays, falls, strict=True))
        norms = [(math.sqrt(weights @ f**2), math.sqrt(weights @ (1 - f) ** 2)) for f in falls]
        one = sum(abs(e) * n for (e, _, _), (n, _) in zip(decays, norms, strict=True))
        two = sum(abs(o) * n for (_, o, _), (_, n) in zip(decays, norms, strict=True))
        lost = one * one + two * two + 2.0 * abs(jump) * two
        worst = max(worst, lost / float(weights @ (whole**2 + odd**2)))
    return worst


class _Side:
    """The features of one input, and what belongs to them, over its variance."""

    def __init__(self, slopes: Slopes, made: Series, variance: Node) -> None:
        self.variance = variance
        self.jump = slopes.jump
        self.signs = made.signs
        self.degrees = made.degrees
        top = math.log1p(math.sqrt(made.largest) / ORIGIN)
        even: list[list[Node]] = [[] for _ in made.degrees]
        odd: list[list[Node]] = [[] for _ in made.degrees]
        even[0].append(slopes.even)
        means = [slopes.origin]
        if not is_const(slopes.jump, 0.0):
            means.append(times(math.sqrt(_TWO_OVER_PI), slopes.jump, root(variance)))
        for decay in slopes.decays:
            scaled = times(raised(decay.rate, 2), variance)
            deviation = root(scaled)
            shifted = function("log", 1.0 + deviation * (1.0 / ORIGIN))
            place = shifted * (2.0 / top) - 1.0
            mean = times(chebyshev(place, made.mean), scaled)
            means.append(times(-1.0, decay.odd, over(mean, decay.rate)))
            for k, row in enumerate(made.series):
                feature = chebyshev(place, row)
                even[k].append(times(decay.even, feature))
                share = -1.0 / math.sqrt(made.degrees[k] + 1.0)
                odd[k].append(times(share, decay.odd, deviation, feature))
        self.mean = summed(means)
        self.even = [summed(parts) for parts in even]
        self.odd = [summed(parts) for parts in odd]

    @property
    def slope_norm(self) -> Node:
        """E[f'^2]."""
        return self._norm([1.0] * len(self.degrees), [1.0] * len(self.degrees), 1.0)

    @property
    def norm(self) -> Node:
        """E[f^2]."""
        even = [1.0 / (m + 1) for m in self.degrees]
        odd = [1.0 / (m + 2) for m in self.degrees]
        slopes = self._norm(even, odd, 1.0 - _TWO_OVER_PI)
        return plus(raised(self.mean, 2), times(self.variance, slopes))

    def _norm(self, even: list[float], odd: list[float], jump: float) -> Node:
        parts = [times(w, raised(x, 2)) for w, x in zip(even, self.even, strict=True)]
        for w, x, s in zip(odd, self.odd, self.signs, strict=True):
            crossed = times(2.0 * s, self.jump, x)
            parts.append(times(w, plus(raised(x, 2), crossed)))
        return plus(summed(parts), times(jump, raised(self.jump, 2)))


class _Sums:
    """The sums over the features of two inputs."""

    def __init__(self, slopes: Slopes, made: Series) -> None:
        self.jump, self.signs, self.degrees = slopes.jump, made.signs, made.degrees
        self.halves = [m // 2 for m in made.degrees]
        self.one, self.two = (_Side(slopes, made, v) for v in (_P, _Q))
        self.even = [times(x, y) for x, y in zip(self.one.even, self.two.even, strict=True)]
        self.odd = self._crossed(self.one.odd, self.two.odd, [const(1.0)] * 2, self.signs)

    def _crossed(
        self, left: list[Node], right: list[Node], sizes: list[Node], signs: tuple[float, ...]
    ) -> list[Node]:
        """X X' + s s_l (r' X + r X'): all products of the odd part but that of the jumps."""
        found = []
        for x, y, sign in zip(left, right, signs, strict=True):
            crossed = plus(times(sizes[1], x), times(sizes[0], y))
            found.append(plus(times(x, y), times(sign, self.jump, crossed)))
        return found

    def dual_dot(self, rho: Node) -> Node:
        """E[f'(u) f'(v)]."""
        ones = [1.0] * len(self.halves)
        powers = Powers(rho * rho)
        found = weighted(self.even, self.halves, powers, ones)
        found = found + rho * weighted(self.odd, self.halves, powers, ones)
        return plus(found, times(raised(self.jump, 2), _sign_kernel(rho)))

    def dual(self, c: Node, rho: Node) -> Node:
        """E[f(u) f(v)]."""
        powers = Powers(rho * rho)
        even = weighted(self.even, self.halves, powers, [1.0 / (m + 1) for m in self.degrees])
        odd = weighted(self.odd, self.halves, powers, [1.0 / (m + 2) for m in self.degrees])
        found = self.one.mean * self.two.mean + c * (even + rho * odd)
        size = times(raised(self.jump, 2), root(_P), root(_Q))
        return plus(found, times(size, _modulus_kernel(rho) - _TWO_OVER_PI))

    def complement(self) -> Node:
        """1 - dual / sqrt(diagonal(p) diagonal(q)) over eta: with u and v the features of f at norm
        1, half of |u - v|^2 and the products' own complements.
        """
        rho = 1.0 - _ETA
        scales = [inverse_root(side.norm) for side in (self.one, self.two)]
        sides = list(zip((self.one, self.two), scales, strict=True))
        sizes = [times(root(side.variance), scale) for side, scale in sides]
        means = [times(side.mean, scale) for side, scale in sides]

        def unit(features: Callable[[_Side], list[Node]], step: int) -> list[list[Node]]:
            shares = [1.0 / math.sqrt(m + step) for m in self.degrees]
            return [
                [times(w, size, x) for w, x in zip(shares, features(side), strict=True)]
                for (side, _), size in zip(sides, sizes, strict=True)
            ]

        even, odd = unit(lambda side: side.even, 1), unit(lambda side: side.odd, 2)
        signs = tuple(s / math.sqrt(m + 2.0) for s, m in zip(self.signs, self.degrees, strict=True))
        apart = [raised(means[0] - means[1], 2)]
        apart += [raised(x - y, 2) for x, y in zip(*even, strict=True)]
        jumps = times(self.jump, sizes[0] - sizes[1])
        for x, y, sign in zip(*odd, signs, strict=True):
            apart.append((x - y) * plus(x - y, times(2.0 * sign, jumps)))
        apart.append(times(1.0 - _TWO_OVER_PI, raised(jumps, 2)))
        powers = Powers(rho * rho, _ETA * (2.0 - _ETA))
        products = [times(x, y) for x, y in zip(*even, strict=True)]
        crossed = self._crossed(odd[0], odd[1], sizes, signs)
        lacks = [
            _ETA * total(products) + rho * lacking(products, self.halves, powers),
            lacking(crossed, [h + 1 for h in self.halves], powers),
            times(raised(self.jump, 2), sizes[0], sizes[1], _modulus_lack()),
        ]
        value = function("max", plus(times(0.5, total(apart)), summed(lacks)), 0.0)
        present = sqrt(self.one.norm) * sqrt(self.two.norm)
        return simplified(function("select", present, value, 1.0))


def _turned(rho: Node) -> Node:
    """1 - |rho|."""
    if rho.op == "sub":
        return function("max", function("min", _ETA, 2.0 - _ETA), 0.0)
    return 1.0 - function("abs", rho)


def _sign_kernel(rho: Node) -> Node:
    """(2/pi) asin(rho)."""
    positive = 1.0 - _TWO_OVER_PI * function("kink", _turned(rho), degree=0)
    return function("select", rho, positive, -positive)


def _modulus_kernel(rho: Node) -> Node:
    """E[|u||v|] at unit variances."""
    kink = function("kink", _turned(rho), degree=1)
    return function("abs", rho) + _TWO_OVER_PI * kink


def _modulus_lack() -> Node:
    """1 - E[|u||v|] at unit variances."""
    turned = _turned(1.0 - _ETA)
    return turned - _TWO_OVER_PI * function("kink", turned, degree=1)
