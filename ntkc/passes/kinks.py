"""Spell the functions of the angle between two inputs, for `ntkc.passes.functions`.

    K_n(μ) = A(ρ) sin θ + B(ρ) θ with ρ = 1 − μ = cos θ, sin θ = √(μ (2 − μ)), θ = sin θ P(μ)

One root and one quotient or polynomial serve the kinks of all degrees, and a kernel with its slope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ntkc.ir.arithmetic import kink_polynomials
from ntkc.ir.module import Module
from ntkc.ir.node import (
    Node,
    Varies,
    const,
    function,
    inv_sqrt,
    is_const,
    make,
    sqrt,
    topological,
    total,
)
from ntkc.symbolic import minimax

_COINCIDENT = {"float64": 2.0**-49, "float32": 2.0**-21}
"""Eight roundings of 1 (four in float32, where more would be angles that inputs have): what a
correlation of two equal vectors may miss it by, their covariance and their variances being rounded
apart from each other, in windows that go around a ring several times too."""


@dataclass(frozen=True)
class _Kink:
    """A positive factor times K_n(μ)."""

    degree: int
    mu: Node
    factor: float


class Kinks:
    """The rules for `kink` and what it meets; they are called on rewritten arguments."""

    def __init__(self, dtype: str, polynomial: Callable[[minimax.Fit, Node], Node]) -> None:
        self._dtype, self._polynomial = dtype, polynomial
        self.shared: dict[Node, float] = {}
        """The factor below the root that all kinks of one μ share: see `shared_factors`."""
        self._kinks: dict[Node, _Kink] = {}
        """What became of each kink, and which it was."""
        self._correlations: dict[Node, Node] = {}
        """ρ, by what became of 1 − |ρ| on positions."""
        self._sums: dict[Node, tuple[Node, Node, Node]] = {}
        """(s, ρ, β) by s + ρ β."""

    def kink(self, node: Node) -> Node:
        """K_n(μ)."""
        return self._scaled(node.attr("degree"), node.args[0], 1.0)

    def _scaled(self, degree: int, mu: Node, factor: float) -> Node:
        """A positive factor times K_n(μ): the factor's place is below the root, unless another
        degree shares the root, and the angle with it.

        What the root multiplies cancels for small μ, where K_n is added to terms of the order of
        μ: the angle that the next layer sees moves by no more than a rounding.
        """
        shared = self.shared.get(mu)
        rho = self._size(mu)
        sine, over = self._sine(mu, factor if shared is None else shared), self._over_sine(mu, rho)
        if shared is None:
            spelled = sine * _combined(degree, rho, const(1.0), over)
        else:
            spelled = _combined(degree, rho, sine, sine * over)
            spelled = spelled if factor == shared else (factor / shared) * spelled
        self._kinks[spelled] = _Kink(degree, mu, factor)
        return spelled

    def _sine(self, mu: Node, factor: float) -> Node:
        """A positive factor times √(μ (2 − μ))."""
        square = factor**2
        return sqrt(mu * (const(2.0 * square) - (mu if square == 1.0 else square * mu)))

    def _size(self, mu: Node) -> Node:
        """1 − μ. Where μ is 0 for a |ρ| that misses 1 by roundings, |ρ| serves as well: what it
        is multiplied by is 0.
        """
        rho = self._correlations.get(mu)
        return 1.0 - mu if rho is None else function("abs", rho)

    def _over_sine(self, mu: Node, rho: Node) -> Node:
        """θ / sin θ."""
        if self._dtype == "float32":
            return self._polynomial(minimax.angle_core(self._dtype), mu)
        found = minimax.angle_quotient()
        above, below = (
            make("polynomial", rho, coefficients=part)
            for part in (found.numerator, found.denominator)
        )
        return above / below

    def mul(self, node: Node) -> Node:
        """A constant times a kink is one multiplication less with the constant below the root, and
        √p √q (s + ρ β) one less as √p √q s + c β, with ρ = c / (√p √q). Where p or q is 0, c is.
        """
        for factor, other in (node.args, node.args[::-1]):
            if other in self._sums:
                sine, rho, slope = self._sums[other]
                covariance = _without(factor, rho)
                if covariance is not None:
                    return factor * sine + covariance * slope
            kink = self._kinks.get(other)
            if kink is not None and factor.op == "const" and factor.attr("value") > 0:
                return self._scaled(kink.degree, kink.mu, kink.factor * factor.attr("value"))
        return node

    def add(self, node: Node) -> Node:
        """ρ β + f K₁(1 − |ρ|) = f sin θ + ρ (β ∓ f θ), where β is a number for ρ > 0 and another
        one below, and the upper sign for ρ > 0. The bracket is the slope's dual, which the
        tangent kernel reads.
        """
        for found, other in (node.args, node.args[::-1]):
            kink = self._kinks.get(found)
            rho = None if kink is None else self._correlations.get(kink.mu)
            branches = None if rho is None else _branches(other, rho)
            if kink is None or rho is None or branches is None or kink.degree != 1:
                continue
            if kink.mu in self.shared:
                factor = self.shared[kink.mu]
                sine = self._sine(kink.mu, factor)
                sine = sine if factor == kink.factor else (kink.factor / factor) * sine
            else:
                sine = self._sine(kink.mu, kink.factor)
            angle = self._scaled(0, kink.mu, kink.factor)
            above, below = branches
            below = angle if is_const(below, 0.0) else below + angle
            slope = function("select", rho, above - angle, below)
            self._sums[sine + rho * slope] = sine, rho, slope
            return sine + rho * slope
        return node

    def coincide(self, node: Node) -> Node:
        """A complement, and 0 for one that roundings may have left of 0."""
        x = node.args[0]
        found = function("select", x - _COINCIDENT[self._dtype], x, 0.0)
        if x.op == "sub" and is_const(x.args[0], 1.0) and x.args[1].op == "abs":
            self._correlations[found] = x.args[1].args[0]
        return found


def shared_factors(module: Module) -> dict[Node, float]:
    """By μ, where constants multiply its kinks of several degrees: that of the lowest degree."""
    found: dict[Node, dict[int, float]] = {}
    for node in topological(module.roots.values()):
        for factor, kink in (node.args, node.args[::-1]) if node.op == "mul" else ():
            if kink.op == "kink" and factor.op == "const" and factor.attr("value") > 0:
                by_degree = found.setdefault(kink.args[0], {})
                by_degree.setdefault(kink.attr("degree"), factor.attr("value"))
    return {mu: by[min(by)] for mu, by in found.items() if len(by) > 1}


def _branches(node: Node, rho: Node) -> tuple[Node, Node] | None:
    """(β₊, β₋) of a value that is β₊ ρ for ρ > 0 and β₋ ρ below."""
    if node.op != "mul":
        return None
    for factor, other in (node.args, node.args[::-1]):
        if other.op == "max" and other.args[0] is rho and is_const(other.args[1], 0.0):
            return (factor, const(0.0)) if factor.varies is Varies.CONST else None
        if factor is rho and other.op == "select" and other.args[0] is rho:
            return other.args[1], other.args[2]
    return None


def _without(norm: Node, rho: Node) -> Node | None:
    """c, for a norm √p √q and ρ = p^(−1/2) q^(−1/2) c."""
    if norm.op != "mul" or rho.op != "mul":
        return None
    inverse, covariance = rho.args
    if inverse.op != "mul" or any(root.op != "sqrt" for root in norm.args):
        return None
    inverses = tuple(inv_sqrt(root.args[0]) for root in norm.args)
    return covariance if set(inverse.args) == set(inverses) else None


def _combined(degree: int, rho: Node, sine: Node, angle: Node) -> Node:
    """A(ρ) sine + B(ρ) angle. The signs of A alternate with the degree, against those of B."""
    if degree == 0:
        return angle
    a, b = kink_polynomials(degree)
    if degree % 2:
        return _expanded(a, 1, rho) * sine - _expanded(b, -1, rho) * angle
    return _expanded(b, 1, rho) * angle - _expanded(a, -1, rho) * sine


def _expanded(coefficients: Sequence[Fraction], sign: int, x: Node) -> Node:
    """`sign` times the polynomial, as a sum of the powers that it has."""
    return total(
        const(float(sign * c)) if k == 0 else float(sign * c) * power(x, k)
        for k, c in enumerate(coefficients)
        if c
    )


def power(x: Node, exponent: int) -> Node:
    """xⁿ by repeated squaring."""
    if exponent == 0:
        return const(1.0)
    half = power(x, exponent // 2) if exponent > 1 else None
    if half is None:
        return x
    square = half * half
    return square * x if exponent % 2 else square
