"""Whether a formula has a value: at every z, and a bounded one wherever a series looks.

The line is covered by intervals, on which interval arithmetic shows that no root is of a negative
number, no logarithm of what is not positive, no divisor 0. Intervals on which it cannot tell are
halved, again and again, and looked at in the middle. What is found is no guess: a formula is
refused for a z at which it has no value for certain, or for a divisor that comes to 0 as far as
floats can tell. Branches of an `if` that are not taken do not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ntkc.ir.node import Node, topological
from ntkc.symbolic.intervals import Array, Bounds, Interval, enclosed, reached

NEAR = 135.0
"""As far as a series looks: 13.5 standard deviations of the largest variance."""
_FARTHEST = 1e300
_STEP = 0.125
_HALVINGS = 44
_MOST = 512
"""Intervals that are halved at a time: those nearest to 0, where there are more."""
_STEP_ASIDE = 1e-3
_NOTHING = 1e-9
"""A divisor this much smaller than next to it, across an interval of 1e-13, goes through 0; one
that is larger jumps over it."""


class Kind(Enum):
    """What is wrong with a formula at a place."""

    ROOT = "the root of a negative number"
    LOGARITHM_OF_ZERO = "the logarithm of 0"
    LOGARITHM = "the logarithm of a negative number"
    DIVISION = "a division by 0"
    UNBOUNDED = "without a bound"
    OVERFLOW = "too large for a number"


@dataclass(frozen=True)
class Gap:
    """A part of a formula without a value, or without a bound, and where."""

    part: Node
    place: float
    kind: Kind


def gap(body: Node) -> Gap | None:
    """A place at which a formula in `z` has no value, and the part that has none there."""
    watched = [n for n in topological((body,)) if n.op in _PARTIAL]
    if not watched:
        return None
    places = _places(body)
    found = _undefined(body, watched, places)
    low, high = _between(places)
    for _ in range(_HALVINGS):
        if found is not None or not len(low):
            return found
        low, high = _halved(*_nearest(low, high, _doubtful(body, watched, low, high)))
        found = _undefined(body, watched, low)
    return found or _vanishing(body, watched, low, high)


def unbounded(body: Node, slope: Node) -> Gap | None:
    """A place up to `NEAR` at which a formula or its slope is too large for a number, or next to
    which the formula has no bound, and the part that it comes from; for formulas without a `gap`.
    """
    places = _places(body)
    places = places[np.abs(places) <= NEAR]
    low, high = places, places
    roots: tuple[Node, ...] = (body, slope)
    for _ in range(_HALVINGS):
        bounds = enclosed(roots, low, high)
        endless = np.logical_or.reduce([~np.isfinite(bounds[r].size) for r in roots])
        narrow = endless & (high - low <= 1e-12 * np.maximum(1.0, np.abs(low)))
        if narrow.any():
            place = min(low[narrow], key=_simplicity)
            at = np.flatnonzero(narrow & (low == place))[:1]
            return _blamed(roots, low[at], high[at])
        if low is places:
            low, high, roots = *_between(places), (body,)
        else:
            low, high = _halved(*_nearest(low, high, endless))
        if not len(low):
            return None
    return None


def _places(body: Node) -> Array:
    """Where intervals end: near and far, and at the formula's own numbers, ascending."""
    near = np.arange(-NEAR, NEAR + _STEP / 2, _STEP)
    small, far = np.geomspace(1e-9, 0.1, 9), np.geomspace(NEAR, _FARTHEST, 150)
    numbers = [abs(float(n.attr("value"))) for n in topological((body,)) if n.op == "const"]
    beside = [n + k for n in numbers if n < _FARTHEST for k in (0.0, 1.0)]
    positive = np.concatenate([small, far, beside])
    return np.unique(np.concatenate([near, positive, -positive]))


def _between(places: Array) -> tuple[Array, Array]:
    """Intervals without their ends, at which a condition may be on its edge."""
    return np.nextafter(places[:-1], np.inf), np.nextafter(places[1:], -np.inf)


def _halved(low: Array, high: Array) -> tuple[Array, Array]:
    middle = 0.5 * low + 0.5 * high
    return np.concatenate([low, middle]), np.concatenate([middle, high])


def _nearest(low: Array, high: Array, chosen: Any) -> tuple[Array, Array]:
    low, high = low[chosen], high[chosen]
    first = np.argsort(np.abs(low), kind="stable")[:_MOST]
    return low[first], high[first]


# --- values ------------------------------------------------------------------------------


def _undefined(body: Node, watched: Iterable[Node], places: Array) -> Gap | None:
    """The simplest of the places at which a part that counts has no value for certain."""
    bounds = enclosed((body,), places, places)
    counts = reached(body, bounds)
    found: list[tuple[Any, Gap]] = []
    for node in watched:
        bad = counts[node][1] & _has_no_value(node, bounds, np.abs(places) <= NEAR)
        if bad.any():
            place = min(places[bad], key=_simplicity)
            kind = _kind(node, bounds[node.args[-1]], int(np.argmax(places == place)))
            found.append((_simplicity(place), Gap(node, float(place), kind)))
    return min(found, key=lambda item: item[0])[1] if found else None


def _simplicity(place: float) -> tuple[bool, float, bool]:
    """Small whole numbers come first, then what is near 0."""
    whole = abs(place) <= NEAR and place == np.rint(place)
    return not whole, abs(float(place)), place < 0


def _has_no_value(node: Node, bounds: Bounds, near: Any) -> Any:
    """At single places. What is 0 far out may be lost by floats, unless it is a difference."""
    argument = node.args[-1]
    x = bounds[argument]
    zero = (x.low == 0.0) & (x.high == 0.0) & (near | (argument.op in ("add", "sub")))
    if node.op == "div":
        return zero
    return x.high < 0.0 if node.op == "sqrt" else (x.high < 0.0) | zero


def _kind(node: Node, x: Interval, index: int) -> Kind:
    if node.op == "div":
        return Kind.DIVISION
    if node.op == "sqrt":
        return Kind.ROOT
    return Kind.LOGARITHM if x.high[index] < 0.0 else Kind.LOGARITHM_OF_ZERO


def _doubtful(body: Node, watched: Iterable[Node], low: Array, high: Array) -> Any:
    """The intervals on which a part may count and have no value."""
    bounds = enclosed((body,), low, high)
    counts = reached(body, bounds)
    doubtful = np.zeros(low.shape, dtype=bool)
    for node in watched:
        doubtful |= counts[node][0] & _PARTIAL[node.op](bounds[node.args[-1]])
    return doubtful


_PARTIAL = {
    "sqrt": lambda x: x.low < 0.0,
    "log": lambda x: x.low <= 0.0,
    "div": lambda x: (x.low <= 0.0) & (x.high >= 0.0),
}
"""Operations that lack a value somewhere, and where their last argument lets them."""


def _vanishing(body: Node, watched: Iterable[Node], low: Array, high: Array) -> Gap | None:
    """A divisor that is 0 within a narrow interval, as far as floats tell."""
    if not len(low):
        return None
    bounds = enclosed((body,), low, high)
    counts = reached(body, bounds)
    aside = _STEP_ASIDE * np.maximum(1.0, np.abs(low))
    beside = [enclosed((body,), z, z) for z in (low - aside, low, high, high + aside)]
    for node in watched:
        if node.op != "div":
            continue
        divisor = node.args[1]
        sizes = [at[divisor].size for at in beside]
        small = np.minimum(sizes[1], sizes[2]) <= _NOTHING * np.maximum(sizes[0], sizes[3])
        small &= np.isfinite(bounds[divisor].size) & (high - low < 1e-9 * np.maximum(1, abs(low)))
        small &= counts[node][1] & _PARTIAL["div"](bounds[divisor])
        if small.any():
            return Gap(node, float(low[small][0]), Kind.DIVISION)
    return None


# --- bounds ------------------------------------------------------------------------------


def _blamed(roots: tuple[Node, ...], low: Array, high: Array) -> Gap:
    """The part without a bound, of parts that have one, by which a root has none."""
    bounds = enclosed(roots, low, high)
    node = next(r for r in roots if not np.isfinite(bounds[r].size).all())
    counts = reached(node, bounds)
    while True:
        endless = [a for a in node.args if not np.isfinite(bounds[a].size).all()]
        counted = [a for a in endless if counts[a][0].all()]
        if not counted:
            break
        node = counted[0]
    kind = Kind.OVERFLOW if node.op in _GROWING else Kind.UNBOUNDED
    return Gap(node, float(low[0] if abs(low[0]) < abs(high[0]) else high[0]) + 0.0, kind)


_GROWING = ("exp", "expm1", "power", "mul", "polynomial", "add", "sub")
