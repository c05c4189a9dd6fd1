"""The forms of an activation whose dual is a sum of products of features."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ntkc.ir.module import Certificate, DualForms
from ntkc.ir.node import Node, const, function, inv_sqrt, make, sqrt, symbol, total

_CHAINS = 4
"""Independent parts of a sum by Horner's rule: one alone would wait for its own last product."""


@dataclass(frozen=True)
class Part:
    """Features of one parity: the degrees m_l, ascending, and the series of D_l in t(p)."""

    degrees: tuple[int, ...]
    series: tuple[tuple[float, ...], ...]

    @property
    def parity(self) -> int:
        """0 for even degrees, 1 for odd ones."""
        return self.degrees[0] % 2


@dataclass(frozen=True)
class Mean:
    """The series of a(p), or of a(p)/p where f(0) = 0; empty where f is odd and a is 0."""

    series: tuple[float, ...] = ()
    scaled: bool = False


@dataclass(frozen=True)
class Features:
    """All that the forms are made of."""

    origin: float
    largest: float
    mean: Mean
    parts: tuple[Part, ...]


def forms(name: str, features: Features, certificate: Certificate) -> DualForms:
    """The forms over c, p, q."""
    c, p, q, eta = map(symbol, ("c", "p", "q", "eta"))
    rho = c * inv_sqrt(p) * inv_sqrt(q)
    one, two = _Side(features, p), _Side(features, q)
    mean, slopes = one.mean * two.mean, []
    dual = mean
    for part, left, right in zip(features.parts, one.parts, two.parts, strict=True):
        products = [x * y for x, y in zip(left, right, strict=True)]
        halves = [m // 2 for m in part.degrees]
        square = function("min", rho * rho, 1.0)
        powers = Powers(square)
        turn: Callable[[Node], Node] = (lambda x: rho * x) if part.parity else (lambda x: x)
        slopes.append(turn(weighted(products, halves, powers, [1.0] * len(halves))))
        inverse = [1.0 / (m + 1) for m in part.degrees]
        dual = dual + c * turn(weighted(products, halves, powers, inverse))
    return DualForms(
        name=name,
        parameters=(),
        dual=dual,
        dual_dot=total(slopes),
        diagonal=one.norm,
        diagonal_dot=one.slope_norm,
        complement=_complement(features, one, two, eta),
        certificate=certificate,
    )


def both_norms(features: Features) -> tuple[Node, Node]:
    """E[f^2] and E[f'^2] over p."""
    side = _Side(features, symbol("p"))
    return side.norm, side.slope_norm


class _Side:
    """The features of one input."""

    def __init__(self, features: Features, variance: Node) -> None:
        self.variance = variance
        top = math.log1p(math.sqrt(features.largest) / features.origin)
        shifted = function("log", 1.0 + sqrt(variance) * (1.0 / features.origin))
        place = shifted * (2.0 / top) - 1.0
        self.mean = const(0.0)
        if features.mean.series:
            value = chebyshev(place, features.mean.series)
            self.mean = variance * value if features.mean.scaled else value
        self.parts = [[chebyshev(place, s) for s in part.series] for part in features.parts]
        self.degrees = [part.degrees for part in features.parts]

    @property
    def slope_norm(self) -> Node:
        """E[f'^2]."""
        return total(x * x for part in self.parts for x in part)

    @property
    def norm(self) -> Node:
        """E[f^2]."""
        squares = total(
            x * x * (1.0 / (m + 1))
            for part, degrees in zip(self.parts, self.degrees, strict=True)
            for x, m in zip(part, degrees, strict=True)
        )
        return self.mean * self.mean + self.variance * squares

    def unit(self) -> tuple[Node, list[list[Node]]]:
        """The features of f itself, scaled to norm 1."""
        scale = inv_sqrt(self.norm)
        root = sqrt(self.variance) * scale
        return self.mean * scale, [
            [x * (root * (1.0 / math.sqrt(m + 1))) for x, m in zip(part, degrees, strict=True)]
            for part, degrees in zip(self.parts, self.degrees, strict=True)
        ]


def chebyshev(place: Node, series: Sequence[float]) -> Node:
    """The sum of series[k] * T_k(place)."""
    return make("chebyshev", place, coefficients=tuple(map(float, series)))


def _floored(power: Node) -> Node:
    """A power, and 1e-18 in the place of a smaller one: nothing beside the series' first terms.

    Its products would soon be at the end of float32, where numbers lose digits, and where a
    processor takes a hundred times as long for each.
    """
    return function("max", power, 1e-18)


class Powers:
    """Powers of a number between 0 and 1 by repeated squaring, and what they lack to 1."""

    def __init__(self, base: Node, lack: Node | None = None) -> None:
        self._squares = [base]
        self._lacks = [lack]

    def _grow(self, bit: int) -> None:
        while len(self._squares) <= bit:
            last, lack = self._squares[-1], self._lacks[-1]
            self._squares.append(_floored(last * last))
            self._lacks.append(None if lack is None else lack * (2.0 - lack))

    def power(self, exponent: int) -> Node | None:
        """The power; None for exponent 0."""
        result: Node | None = None
        for bit in range(exponent.bit_length()):
            if exponent >> bit & 1:
                self._grow(bit)
                factor = self._squares[bit]
                result = factor if result is None else _floored(result * factor)
        return result

    def lack(self, exponent: int) -> Node:
        """1 less the power, by 1 - xy = (1 - x) + x (1 - y): all terms are positive."""
        result: Node | None = None
        for bit in range(exponent.bit_length()):
            if exponent >> bit & 1:
                self._grow(bit)
                lack = self._lacks[bit]
                assert lack is not None
                result = lack if result is None else lack + self._squares[bit] * result
        return const(0.0) if result is None else result


def weighted(
    products: Sequence[Node], exponents: Sequence[int], powers: Powers, weights: Sequence[float]
) -> Node:
    """The sum of weights * products * x^exponents, as `_CHAINS` Horner rules side by side.

    Weights go into the steps from term to term: products are shared with sums of other weights.
    """
    count = len(products)
    length = -(-count // min(_CHAINS, count))
    result: Node | None = None
    for start in range(0, count, length):
        chain = range(start, min(start + length, count))
        value = _horner(products, exponents, powers, weights, chain)
        front = powers.power(exponents[start])
        value = value if weights[start] == 1.0 else weights[start] * value
        value = value if front is None else front * value
        result = value if result is None else result + value
    assert result is not None
    return result


def _horner(
    products: Sequence[Node],
    exponents: Sequence[int],
    powers: Powers,
    weights: Sequence[float],
    chain: range,
) -> Node:
    result = products[chain[-1]]
    for k in reversed(chain[:-1]):
        step = powers.power(exponents[k + 1] - exponents[k])
        assert step is not None
        ratio = weights[k + 1] / weights[k]
        result = products[k] + result * (step if ratio == 1.0 else ratio * step)
    return result


def _complement(features: Features, one: _Side, two: _Side, eta: Node) -> Node:
    """1 - dual / sqrt(diagonal(p) diagonal(q)) from eta = 1 - rho: with unit features u, v,

        |u - v|^2 / 2 + sum over l of u_l v_l (1 - rho^(m_l + 1)),

    and 1 - rho^(2j) from 1 - rho^2 = eta (2 - eta), 1 - rho^(2j+1) = eta + rho (1 - rho^(2j)).
    """
    (mean1, parts1), (mean2, parts2) = one.unit(), two.unit()
    rho = 1.0 - eta
    apart = [(mean1 - mean2) ** 2] if features.mean.series else []
    lacks = []
    for part, left, right in zip(features.parts, parts1, parts2, strict=True):
        apart += [(x - y) ** 2 for x, y in zip(left, right, strict=True)]
        products = [x * y for x, y in zip(left, right, strict=True)]
        exponents = [(m + 1) // 2 for m in part.degrees]
        powers = Powers(rho * rho, eta * (2.0 - eta))
        lack = lacking(products, exponents, powers)
        lacks.append(lack if part.parity else eta * total(products) + rho * lack)
    value = 0.5 * total(apart) + total(lacks)
    present = sqrt(one.norm) * sqrt(two.norm)
    return function("select", present, function("max", value, 0.0), 1.0)


def lacking(products: Sequence[Node], exponents: Sequence[int], powers: Powers) -> Node:
    """The sum of products * (1 - x^exponents): from the last term to the first, what the sum of
    those so far lacks grows by their plain sum times what the next step lacks.
    """
    plain, lack = products[-1], const(0.0)
    steps = [b - a for a, b in zip((0, *exponents), exponents, strict=False)]
    for k in range(len(products) - 1, -1, -1):
        step = powers.power(steps[k])
        if step is not None:
            lack = powers.lack(steps[k]) * plain + step * lack
        if k:
            plain = plain + products[k - 1]
    return lack
