"""Interval arithmetic on a formula in `z`: what holds for every z of an interval, proved.

A value is a pair (low, high) of arrays, one entry an interval of z: for every z of that interval
the node's value lies between the two, wherever it has one. Results are widened by more than the
rounding of each operation (Moore 1966, "Interval Analysis"). What is unbounded is infinite; what is
undefined on a part of an interval (a root, a logarithm) is the range over the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.ir.node import Node, topological

Array = NDArray[np.float64]
_ULPS = 4.0 * np.finfo(float).eps
"""By which results are widened: libraries' exp, log, sin and cos are within one or two."""
_LEAST = 5e-324


@dataclass(frozen=True)
class Interval:
    """Bounds, an entry for each interval of z."""

    low: Array
    high: Array

    @property
    def positive(self) -> Any:
        """Where it is above 0 throughout."""
        return self.low > 0.0

    @property
    def never_positive(self) -> Any:
        """Where it is nowhere above 0."""
        return self.high <= 0.0

    @property
    def size(self) -> Array:
        """The largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


Bounds = dict[Node, Interval]


def enclosed(roots: Iterable[Node], low: Array, high: Array) -> Bounds:
    """What every node below the roots lies between, for z from `low` to `high` (N,)."""
    found: Bounds = {}
    shape = np.broadcast_shapes(low.shape, high.shape)
    with np.errstate(all="ignore"):
        for node in topological(roots):
            if node.op == "const":
                value = np.full(shape, float(node.attr("value")))
                found[node] = Interval(value, value)
            elif node.op == "symbol":
                found[node] = Interval(low, high)
            else:
                found[node] = _widened(RULES[node.op](node, *(found[a] for a in node.args)))
    return found


def reached(root: Node, bounds: Bounds) -> dict[Node, tuple[Any, Any]]:
    """For every node, the intervals in which (some z, every z) makes its value count: branches of
    an `if` that are not taken do not.
    """
    order = list(topological((root,)))
    nowhere = np.zeros(bounds[root].low.shape, dtype=bool)
    found = dict.fromkeys(order, (nowhere, nowhere))
    found[root] = (~nowhere, ~nowhere)

    def add(node: Node, some: Any, every: Any) -> None:
        found[node] = (found[node][0] | some, found[node][1] | every)

    for node in reversed(order):
        some, every = found[node]
        if node.op == "select":
            condition, yes, no = node.args
            test = bounds[condition]
            add(condition, some, every)
            add(yes, some & ~test.never_positive, every & test.positive)
            add(no, some & ~test.positive, every & test.never_positive)
        else:
            for argument in node.args:
                add(argument, some, every)
    return found


def _widened(x: Interval) -> Interval:
    low = np.where(np.isnan(x.low), -np.inf, x.low)
    high = np.where(np.isnan(x.high), np.inf, x.high)
    return Interval(low - _ULPS * np.abs(low), high + _ULPS * np.abs(high))


# --- the operations ----------------------------------------------------------------------


def _sum(node: Node, x: Interval, y: Interval) -> Interval:
    return Interval(x.low + y.low, x.high + y.high)


def _difference(node: Node, x: Interval, y: Interval) -> Interval:
    if node.args[0] is node.args[1]:
        return Interval(0.0 * np.ones_like(x.low), 0.0 * np.ones_like(x.low))
    return Interval(x.low - y.high, x.high - y.low)


def _negative(node: Node, x: Interval) -> Interval:
    return Interval(-x.high, -x.low)


def _product(node: Node, x: Interval, y: Interval) -> Interval:
    if node.args[0] is node.args[1]:
        return _to_the(x, 2)
    return _times(x, y)


def _times(x: Interval, y: Interval) -> Interval:
    """Of an infinite bound and 0 the product is 0: the bound only says that there is none."""
    products = [np.nan_to_num(a * b, nan=0.0, posinf=np.inf, neginf=-np.inf)
                for a in (x.low, x.high) for b in (y.low, y.high)]  # fmt: skip
    return Interval(np.minimum.reduce(products), np.maximum.reduce(products))


def _quotient(node: Node, x: Interval, y: Interval) -> Interval:
    """Unbounded where the divisor may be 0; on one side where it is of one sign."""
    touches = (y.low <= 0.0) & (y.high >= 0.0)
    low = np.where(touches & ((y.low < 0.0) | (y.high == 0.0)), -np.inf, 1.0 / y.high)
    high = np.where(touches & ((y.high > 0.0) | (y.low == 0.0)), np.inf, 1.0 / y.low)
    return _times(x, _widened(Interval(low, high)))


def _modulus(node: Node, x: Interval) -> Interval:
    inside = (x.low < 0.0) & (x.high > 0.0)
    low = np.minimum(np.abs(x.low), np.abs(x.high))
    return Interval(np.where(inside, 0.0, low), x.size)


def _choice(node: Node, test: Interval, x: Interval, y: Interval) -> Interval:
    low = np.where(test.positive, x.low, np.minimum(x.low, y.low))
    high = np.where(test.positive, x.high, np.maximum(x.high, y.high))
    return Interval(
        np.where(test.never_positive, y.low, low), np.where(test.never_positive, y.high, high)
    )


def _rising(function: Callable[[Array], Array]) -> Callable[..., Interval]:
    return lambda node, x: Interval(function(x.low), function(x.high))


def _exponential(node: Node, x: Interval) -> Interval:
    """Above 0, even where floats have nothing left."""
    return Interval(np.exp(x.low), np.maximum(np.exp(x.high), _LEAST))


def _logarithm(node: Node, x: Interval) -> Interval:
    return Interval(np.log(np.maximum(x.low, 0.0)), np.log(np.maximum(x.high, 0.0)))


def _root(node: Node, x: Interval) -> Interval:
    return Interval(np.sqrt(np.maximum(x.low, 0.0)), np.sqrt(np.maximum(x.high, 0.0)))


def _inverse_root(node: Node, x: Interval) -> Interval:
    """1 / sqrt(x), and 0 for x <= 0."""
    low = np.where(x.positive, 1.0 / np.sqrt(x.high), 0.0)
    high = np.where(x.positive, 1.0 / np.sqrt(np.maximum(x.low, 0.0)), np.inf)
    return Interval(low, np.where(x.never_positive, 0.0, high))


def _power(node: Node, x: Interval) -> Interval:
    return _to_the(x, node.attr("exponent"))


def _to_the(x: Interval, exponent: int) -> Interval:
    if exponent % 2:
        return Interval(x.low**exponent, x.high**exponent)
    size = _modulus(None, x)  # type: ignore[arg-type]
    return Interval(size.low**exponent, size.high**exponent)


def _wave(function: Callable[[Array], Array]) -> Callable[..., Interval]:
    """Sine or cosine: what it is in the middle, and no steeper than 1."""

    def bounds(node: Node, x: Interval) -> Interval:
        middle, radius = 0.5 * x.low + 0.5 * x.high, 0.5 * x.high - 0.5 * x.low
        value = np.where(np.isfinite(middle), function(middle), 0.0)
        radius = np.nan_to_num(radius + _ULPS * np.abs(middle), nan=np.inf)
        return Interval(np.maximum(value - radius, -1.0), np.minimum(value + radius, 1.0))

    return bounds


def _polynomial(node: Node, x: Interval) -> Interval:
    result = Interval(np.zeros_like(x.low), np.zeros_like(x.low))
    for coefficient in reversed(node.attr("coefficients")):
        result = _widened(_times(result, x))
        result = _widened(Interval(result.low + coefficient, result.high + coefficient))
    return result


def _special(name: str) -> Callable[[Array], Array]:
    def call(x: Array) -> Array:
        from scipy import special

        return np.asarray(getattr(special, name)(x))

    return call


RULES: dict[str, Callable[..., Interval]] = {
    "add": _sum,
    "sub": _difference,
    "neg": _negative,
    "mul": _product,
    "div": _quotient,
    "abs": _modulus,
    "min": lambda n, x, y: Interval(np.minimum(x.low, y.low), np.minimum(x.high, y.high)),
    "max": lambda n, x, y: Interval(np.maximum(x.low, y.low), np.maximum(x.high, y.high)),
    "select": _choice,
    "sqrt": _root,
    "inv_sqrt": _inverse_root,
    "power": _power,
    "polynomial": _polynomial,
    "exp": _exponential,
    "expm1": _rising(np.expm1),
    "log": _logarithm,
    "sin": _wave(np.sin),
    "cos": _wave(np.cos),
    "erf": _rising(_special("erf")),
    "normal_cdf": _rising(_special("ndtr")),
}
"""By operation: those that formulas of programs, and their derivatives, are made of."""
