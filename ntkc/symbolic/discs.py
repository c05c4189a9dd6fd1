"""Bounds on a formula in `z` in the complex plane, by discs with centres on the real line.

A formula is analytic between the places where an `if`, `abs`, `min` or `max` of it changes sides.
On an interval without such a place it is the same combination of exp, sin, .. throughout, which
goes on into the complex plane: a value is a disc (centre, radius), an entry for each interval,
that contains the node's value for every z of a disc around the interval. Where a side may change,
or a function has a pole or a branch point in the disc, the radius is infinite. What is bounded
like this on an ellipse around an interval has a Gauss-Legendre rule of known error there
(`ntkc.symbolic.proof`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ntkc.ir.node import Node, topological
from ntkc.symbolic.intervals import Array, Bounds, Interval


@dataclass(frozen=True)
class Disc:
    """Centres on the real line, and radii."""

    centre: Array
    radius: Array

    @property
    def size(self) -> Array:
        """The largest absolute value."""
        return np.abs(self.centre) + self.radius


def discs(roots: Iterable[Node], start: Disc, bounds: Bounds) -> dict[Node, Disc]:
    """A disc for every node below the roots, for z in `start`; `bounds` are those of the interval
    on which sides are taken.
    """
    found: dict[Node, Disc] = {}
    with np.errstate(all="ignore"):
        for node in topological(roots):
            if node.op == "const":
                value = np.full(start.centre.shape, float(node.attr("value")))
                found[node] = Disc(value, np.zeros_like(value))
            elif node.op == "symbol":
                found[node] = _known(start)
            else:
                given = [found[a] for a in node.args]
                found[node] = _known(RULES[node.op](node, bounds, *given))
    return found


def _known(x: Disc) -> Disc:
    """With a radius that is infinite rather than not a number, and more than roundings."""
    fine = np.isfinite(x.centre) & np.isfinite(x.radius)
    centre = np.where(fine, x.centre, 0.0)
    return Disc(centre, np.where(fine, x.radius + 1e-14 * np.abs(centre), np.inf))


def _either(first: Any, x: Disc, second: Any, y: Disc) -> Disc:
    """x where the first holds, y where the second does, else anything."""
    centre = np.where(first, x.centre, y.centre)
    radius = np.where(first, x.radius, np.where(second, y.radius, np.inf))
    return Disc(centre, radius)


def _opposite(x: Disc) -> Disc:
    return Disc(-x.centre, x.radius)


def _product(node: Node, bounds: Bounds, x: Disc, y: Disc) -> Disc:
    radius = np.abs(x.centre) * y.radius + np.abs(y.centre) * x.radius + x.radius * y.radius
    return Disc(x.centre * y.centre, radius)


def _quotient(node: Node, bounds: Bounds, x: Disc, y: Disc) -> Disc:
    gap = y.centre * y.centre - y.radius * y.radius
    apart = np.abs(y.centre) > y.radius
    inverse = Disc(y.centre / gap, np.where(apart, y.radius / gap, np.inf))
    return _product(node, bounds, x, _known(inverse))


def _modulus(node: Node, bounds: Bounds, x: Disc) -> Disc:
    side = bounds[node.args[0]]
    return _either(side.low >= 0.0, x, side.high <= 0.0, _opposite(x))


def _choice(node: Node, bounds: Bounds, test: Disc, x: Disc, y: Disc) -> Disc:
    side = bounds[node.args[0]]
    return _either(side.positive, x, side.never_positive, y)


def _smaller(node: Node, bounds: Bounds, x: Disc, y: Disc) -> Disc:
    one, two = (bounds[a] for a in node.args)
    return _either(one.high <= two.low, x, two.high <= one.low, y)


def _larger(node: Node, bounds: Bounds, x: Disc, y: Disc) -> Disc:
    one, two = (bounds[a] for a in node.args)
    return _either(one.low >= two.high, x, two.low >= one.high, y)


def _power(node: Node, bounds: Bounds, x: Disc) -> Disc:
    exponent = node.attr("exponent")
    size = np.abs(x.centre)
    return Disc(x.centre**exponent, (size + x.radius) ** exponent - size**exponent)


def _polynomial(node: Node, bounds: Bounds, x: Disc) -> Disc:
    result = Disc(np.zeros_like(x.centre), np.zeros_like(x.centre))
    for coefficient in reversed(node.attr("coefficients")):
        product = _product(node, bounds, result, x)
        result = Disc(product.centre + coefficient, product.radius)
    return result


def _right_of_zero(
    function: Callable[[Array], Array], below: Callable[[Array, Array], Array], nothing: bool
) -> Callable[..., Disc]:
    """A function with a branch point at 0, farthest from its value in the middle where the disc is
    nearest to 0; what it counts as on what is nowhere above 0 is 0.
    """

    def rule(node: Node, bounds: Bounds, x: Disc) -> Disc:
        inside = x.radius < x.centre
        radius = np.where(inside, below(x.centre, x.radius), np.inf)
        flat = nothing & bounds[node.args[0]].never_positive
        return Disc(np.where(flat, 0.0, function(x.centre)), np.where(flat, 0.0, radius))

    return rule


def _exponential(less: float) -> Callable[..., Disc]:
    def rule(node: Node, bounds: Bounds, x: Disc) -> Disc:
        value = np.exp(x.centre)
        radius = np.where(x.radius < 1.0, value * np.expm1(x.radius), np.exp(x.centre + x.radius))
        return Disc(np.expm1(x.centre) if less else value, radius)

    return rule


def _wave(function: Callable[[Array], Array], other: Callable[[Array], Array]) -> Any:
    """|sin(m + d) - sin m| <= |sin m| (cosh r - 1) + |cos m| sinh r."""

    def rule(node: Node, bounds: Bounds, x: Disc) -> Disc:
        value, slope = function(x.centre), other(x.centre)
        rise = 2.0 * np.sinh(x.radius / 2.0) ** 2
        return Disc(value, np.abs(value) * rise + np.abs(slope) * np.sinh(x.radius))

    return rule


def _bell(name: str, scale: float, height: float) -> Callable[..., Disc]:
    """erf or Phi, whose slope is height exp(-(x scale)^2), and at most that of the smallest real
    part of the square in the disc.
    """

    def rule(node: Node, bounds: Bounds, x: Disc) -> Disc:
        from scipy import special

        size = np.abs(x.centre) * scale
        radius = x.radius * scale
        least = np.where(radius <= size / 2.0, (size - radius) ** 2, size**2 / 2.0 - radius**2)
        value = np.asarray(getattr(special, name)(x.centre))
        return Disc(value, height * x.radius * np.exp(-least))

    return rule


RULES: dict[str, Callable[..., Disc]] = {
    "add": lambda n, b, x, y: Disc(x.centre + y.centre, x.radius + y.radius),
    "sub": lambda n, b, x, y: Disc(x.centre - y.centre, x.radius + y.radius),
    "neg": lambda n, b, x: _opposite(x),
    "mul": _product,
    "div": _quotient,
    "abs": _modulus,
    "min": _smaller,
    "max": _larger,
    "select": _choice,
    "power": _power,
    "polynomial": _polynomial,
    "sqrt": _right_of_zero(np.sqrt, lambda m, r: np.sqrt(m) - np.sqrt(m - r), True),
    "inv_sqrt": _right_of_zero(
        lambda m: 1.0 / np.sqrt(m), lambda m, r: 1.0 / np.sqrt(m - r) - 1.0 / np.sqrt(m), True
    ),
    "log": _right_of_zero(np.log, lambda m, r: -np.log1p(-r / m), False),
    "exp": _exponential(0.0),
    "expm1": _exponential(1.0),
    "sin": _wave(np.sin, np.cos),
    "cos": _wave(np.cos, np.sin),
    "erf": _bell("erf", 1.0, 2.0 / np.sqrt(np.pi)),
    "normal_cdf": _bell("ndtr", np.sqrt(0.5), 1.0 / np.sqrt(2.0 * np.pi)),
}
"""By operation, the same as those of intervals."""


def around(low: Array, high: Array, stretch: float) -> Disc:
    """Discs around intervals, so many times as wide."""
    return Disc(0.5 * low + 0.5 * high, stretch * (0.5 * high - 0.5 * low))


def inside(low: Array, high: Array, share: float) -> Interval:
    """Intervals without so small a part at either end, where a condition may be on its edge."""
    inset = np.maximum(share * (high - low), np.spacing(np.maximum(np.abs(low), np.abs(high))))
    return Interval(np.minimum(low + inset, high), np.maximum(high - inset, low))
