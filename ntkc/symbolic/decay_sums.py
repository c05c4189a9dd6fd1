"""The sums behind an activation with exponentials that fall away from a kink at 0 (see `decays`).

With G_l and Z_l the features of the decays' even parts and of sign(z) times the odd parts'
integrals, of degrees m and m + 1, e0 the constant, s half the jump and s_l its coefficients,

    E[f'(u) f'(v)] = e0^2 + e0 (G_0 + G_0') + sum of G_l G_l' rho^m
                     + rho * sum of (Z_l Z_l'/(m + 1) - s t_l (Z_l + Z_l')) rho^m
                     + s^2 (2/pi) asin(rho),                        t_l = s_l/sqrt(m + 1)

and E[f(u) f(v)] is the product of the means and the integral of that over c (Price's theorem).
Where the decays are of one rate, G_l and Z_l are multiples of the same features: one table of them
serves every sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ntkc.ir.node import (
    Node,
    function,
    is_const,
    sqrt,
    symbol,
    total,
)
from ntkc.symbolic.algebra import (
    ONE,
    inverse_root,
    minus,
    over,
    plus,
    raised,
    root,
    simplified,
    summed,
    times,
)
from ntkc.symbolic.decays import Series, Slopes
from ntkc.symbolic.features import Powers, chebyshev, lacking, weighted
from ntkc.symbolic.interpolation import ORIGIN

_C, _P, _Q, _ETA = map(symbol, ("c", "p", "q", "eta"))
_TWO_OVER_PI = 2.0 / math.pi


@dataclass(frozen=True)
class _Features:
    """Of one input: `scale` times each of `values`."""

    scale: Node
    values: list[Node]

    def unit(self, size: Node, shares: list[float]) -> list[Node]:
        """The features of f itself: times the variance's root, the scale to norm 1 and a share."""
        return [times(w, size, self.scale, x) for w, x in zip(shares, self.values, strict=True)]


class _Side:
    """The features of one input, and what belongs to them, over its variance."""

    def __init__(self, slopes: Slopes, made: Series, variance: Node) -> None:
        self.variance = variance
        self.slopes, self.made = slopes, made
        means = [slopes.origin]
        if not is_const(slopes.jump, 0.0):
            means.append(times(math.sqrt(_TWO_OVER_PI), slopes.jump, root(variance)))
        top = math.log1p(math.sqrt(made.largest) / ORIGIN)
        even, odd = [], []
        for decay in slopes.decays:
            scaled = times(raised(decay.rate, 2), variance)
            deviation = root(scaled)
            place = function("log", 1.0 + deviation * (1.0 / ORIGIN)) * (2.0 / top) - 1.0
            mean = times(chebyshev(place, made.mean), scaled)
            means.append(times(-1.0, decay.odd, over(mean, decay.rate)))
            features = [chebyshev(place, row) for row in made.series]
            even.append(_Features(decay.even, features))
            odd.append(_Features(times(decay.odd, deviation), features))
        self.mean = summed(means)
        self.even, self.odd = _together(even), _together(odd)
        self.first = times(self.even.scale, self.even.values[0])

    @property
    def slope_norm(self) -> Node:
        """E[f'^2]."""
        return self._norm(0, 1.0)

    @property
    def norm(self) -> Node:
        """E[f^2]."""
        integral = self._norm(1, 1.0 - _TWO_OVER_PI)
        return plus(raised(self.mean, 2), times(self.variance, integral))

    def _norm(self, step: int, jump: float) -> Node:
        """The sums at rho = 1: of the slope for step 0, of its integral over c by p for step 1."""
        constant, s = self.slopes.even, self.slopes.jump
        even, odd, crossed = self.made.weights(step)
        squares = [raised(x, 2) for x in self.even.values]
        parts = [raised(constant, 2), times(2.0, constant, self.first)]
        parts.append(times(raised(self.even.scale, 2), _dot(even, squares)))
        squares = [raised(x, 2) for x in self.odd.values]
        parts.append(times(raised(self.odd.scale, 2), _dot(odd, squares)))
        parts.append(times(-2.0, s, self.odd.scale, _dot(crossed, self.odd.values)))
        return plus(summed(parts), times(jump, raised(s, 2)))


def _together(found: list[_Features]) -> _Features:
    """Features of several rates as those of one part."""
    if len(found) == 1:
        return found[0]
    rows = zip(*(one.unit(ONE, [1.0] * len(one.values)) for one in found), strict=True)
    return _Features(ONE, [summed(row) for row in rows])


def _dot(weights: list[float], values: list[Node]) -> Node:
    return summed(times(w, x) for w, x in zip(weights, values, strict=True))


class Sums:
    """The sums over the features of two inputs."""

    def __init__(self, slopes: Slopes, made: Series) -> None:
        self.slopes, self.made = slopes, made
        self.halves = [m // 2 for m in made.degrees]
        self.one, self.two = (_Side(slopes, made, v) for v in (_P, _Q))

    def dual_dot(self, rho: Node) -> Node:
        """E[f'(u) f'(v)]."""
        found = self._series(rho, 0)
        return plus(found, times(raised(self.slopes.jump, 2), _sign_kernel(rho)))

    def dual(self, c: Node, rho: Node) -> Node:
        """E[f(u) f(v)]."""
        found = self.one.mean * self.two.mean + c * self._series(rho, 1)
        size = times(raised(self.slopes.jump, 2), root(_P), root(_Q))
        return plus(found, times(size, _modulus_kernel(rho) - _TWO_OVER_PI))

    def _series(self, rho: Node, step: int) -> Node:
        """All of Σ̇ but the product of the jumps (step 0), or its integral over c by c (step 1)."""
        one, two, constant = self.one, self.two, self.slopes.even
        powers = Powers(_square(rho))
        even, odd, crossed = self.made.weights(step)

        def joint(left: _Features, right: _Features, weights: list[float]) -> Node:
            products = [x * y for x, y in zip(left.values, right.values, strict=True)]
            summed_ = weighted(products, self.halves, powers, weights)
            return times(left.scale, right.scale, summed_)

        parts = [joint(one.even, two.even, even)]
        parts.append(times(constant, plus(one.first, two.first)))
        turned = [joint(one.odd, two.odd, odd)]
        if not is_const(self.slopes.jump, 0.0):
            for side in (one.odd, two.odd):
                alone = times(side.scale, weighted(side.values, self.halves, powers, crossed))
                turned.append(times(-1.0, self.slopes.jump, alone))
        return plus(plus(raised(constant, 2), summed(parts)), times(rho, summed(turned)))

    def complement(self) -> Node:
        """1 - dual / sqrt(diagonal(p) diagonal(q)) over eta: with u and v the features of f at norm
        1, half of |u - v|^2 and the products' own complements.
        """
        rho = 1.0 - _ETA
        sides = (self.one, self.two)
        scales = [inverse_root(side.norm) for side in sides]
        sizes = [times(root(side.variance), n) for side, n in zip(sides, scales, strict=True)]
        means = [times(side.mean, n) for side, n in zip(sides, scales, strict=True)]
        shares = [[math.sqrt(w) for w in weights] for weights in self.made.weights(1)[:2]]
        even = [s.even.unit(n, shares[0]) for s, n in zip(sides, sizes, strict=True)]
        odd = [s.odd.unit(n, shares[1]) for s, n in zip(sides, sizes, strict=True)]
        for features, size in zip(even, sizes, strict=True):
            features[0] = plus(features[0], times(size, self.slopes.even))
        apart = [raised(means[0] - means[1], 2)]
        apart += [raised(x - y, 2) for x, y in zip(*even, strict=True)]
        jumps = times(self.slopes.jump, sizes[0] - sizes[1])
        signs = list(self.made.signs / np.sqrt(np.add(self.made.degrees, 2.0)))
        for x, y, sign in zip(*odd, signs, strict=True):
            apart.append((x - y) * minus(x - y, times(2.0 * sign, jumps)))
        apart.append(times(1.0 - _TWO_OVER_PI, raised(jumps, 2)))
        powers = Powers(_square(rho), function("max", _ETA * (2.0 - _ETA), 0.0))
        products = [times(x, y) for x, y in zip(*even, strict=True)]
        lacks = [
            _ETA * total(products) + rho * lacking(products, self.halves, powers),
            lacking(self._crossed(odd, sizes, signs), [h + 1 for h in self.halves], powers),
            times(raised(self.slopes.jump, 2), sizes[0], sizes[1], _modulus_lack()),
        ]
        value = function("max", plus(times(0.5, total(apart)), summed(lacks)), 0.0)
        present = sqrt(self.one.norm) * sqrt(self.two.norm)
        return simplified(function("select", present, value, 1.0))

    def _crossed(self, odd: list[list[Node]], sizes: list[Node], signs: list[float]) -> list[Node]:
        """Z Z' - s s_l (r' Z + r Z'): all products of the odd part but that of the jumps."""
        found = []
        for x, y, sign in zip(*odd, signs, strict=True):
            crossed = plus(times(sizes[1], x), times(sizes[0], y))
            found.append(minus(times(x, y), times(sign, self.slopes.jump, crossed)))
        return found


def _square(rho: Node) -> Node:
    """rho^2, at most 1: a rounding above would grow with degrees of 10^9."""
    return function("min", rho * rho, 1.0)


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
