"""Half lines of a Gaussian pair, seen from its means: heights, crossings and densities.

A condition is X = slope U - noise W > a. What stands here is the geometry of one and of two of
them, written so that nothing is 0/0 at coincident inputs, at correlation -1 and at variance 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ntkc.ir.node import Node, function, is_const, make
from ntkc.ir.rates import GUARD
from ntkc.symbolic.algebra import (
    ONE,
    ZERO,
    exponential,
    folded,
    minus,
    negated,
    plus,
    raised,
    root,
    summed,
    times,
)
from ntkc.symbolic.terms import Condition

FAR = 37.5
TINY = GUARD
"""What divisors are kept above, and heights within: beyond FAR a normal probability is 0."""


@dataclass(frozen=True)
class Pair:
    """A Gaussian pair; `gap_p` is p - c and `gap_q` is q - c, known without cancellation."""

    p: Node
    q: Node
    c: Node
    determinant: Node
    gap_p: Node
    gap_q: Node
    m: Node = ZERO
    n: Node = ZERO
    # The means m and n are p tilt_u + c tilt_v and c tilt_u + q tilt_v.
    tilt_u: Node = ZERO
    tilt_v: Node = ZERO
    sum_p: Node = ZERO
    sum_q: Node = ZERO
    """p + c and q + c, known as the gaps are, and of the first pair alone."""

    def swapped(self) -> Pair:
        """(V, U)."""
        return Pair(
            self.q, self.p, self.c, self.determinant, self.gap_q, self.gap_p,
            self.n, self.m, self.tilt_v, self.tilt_u, self.sum_q, self.sum_p,
        )  # fmt: skip


def lead(pair: Pair, x: Condition, y: Condition) -> Node:
    """var(X) - cov(X, Y), exactly 0 where X and Y coincide."""
    if parallel(x, y):
        return times(raised(x.slope, 2), pair.gap_p if x.slope is y.slope else pair.sum_p)
    return minus(variance_of(pair, x), times(x.slope, y.slope, pair.c))


def sign_of(h: Node) -> Node:
    """1 for h >= 0, else -1."""
    return folded(function("select", negated(h), -1.0, 1.0))


def crossing(pair: Pair, x: Condition, y: Condition) -> Node:
    """var(X) (b - EY) - cov(X, Y) (a - EX), without cancellation where X and Y nearly coincide
    or nearly are opposite.
    """
    if not parallel(x, y):
        z = times(x.slope, y.slope, pair.c)
        right = times(variance_of(pair, x), deviation_of(y, pair.swapped()))
        return minus(right, times(z, deviation_of(x, pair)))
    a = x.threshold if x.slope is y.slope else negated(x.threshold)
    b = y.threshold
    apart = plus(times(a, pair.gap_p), times(pair.p, minus(b, a)))
    if is_const(plus(a, b), 0.0) or b is negated(a):
        level = times(b, pair.sum_p)
    elif is_const(a) and is_const(b):
        close = abs(b.attr("value") - a.attr("value")) <= abs(b.attr("value"))
        level = apart if close else minus(times(pair.p, b), times(pair.c, a))
    else:  # parameters may make them opposite, and then c = -p must cancel exactly
        opposite = minus(times(pair.p, plus(a, b)), times(a, pair.sum_p))
        level = make("select", pair.c, apart, opposite)
    tilted = times(y.slope, pair.tilt_v, pair.determinant)
    return times(raised(x.slope, 2), minus(level, tilted))


def parallel(x: Condition, y: Condition) -> bool:
    """Whether X and Y are U and V times the same number, up to its sign."""
    return not (x.noise or y.noise) and (x.slope is y.slope or y.slope is negated(x.slope))


def conditional_height(pair: Pair, x: Condition, y: Condition) -> Node:
    """(b - E[Y | X = a]) / sd(Y | X = a)."""
    cross = crossing(pair, x, y)
    spread = times(root(variance_of(pair, x)), root(joint_determinant(pair, x, y)))
    return bounded(cross, spread)


def joint_determinant(pair: Pair, x: Condition, y: Condition) -> Node:
    """var(X) var(Y) - cov(X, Y)^2, as a sum of positive terms."""
    m, n = raised(x.slope, 2), raised(y.slope, 2)
    parts = [times(m, n, pair.determinant)]
    if y.noise:
        parts.append(times(m, pair.p))
    if x.noise:
        parts.append(times(n, pair.q))
    if x.noise and y.noise:
        parts.append(ONE)
    return summed(reversed(parts))


def variance_of(pair: Pair, x: Condition) -> Node:
    """var X."""
    return plus(1.0 if x.noise else 0.0, times(raised(x.slope, 2), pair.p))


def deviation_of(x: Condition, pair: Pair) -> Node:
    """a - EX."""
    return minus(x.threshold, times(x.slope, pair.m))


def standard(x: Condition, pair: Pair) -> Node:
    """(a - EX)/sd(X), within the range in which a normal probability is not 0."""
    return bounded(deviation_of(x, pair), root(variance_of(pair, x)))


def bounded(distance: Node, spread: Node) -> Node:
    """Their quotient, for 0 <= spread, within FAR; 0 where the distance is."""
    if is_const(distance, 0.0):
        return ZERO
    height = make("div", distance, function("max", spread, TINY))
    return function("max", function("min", height, FAR), -FAR)


def upper_tail(h: Node) -> Node:
    """The normal probability beyond h."""
    return folded(make("normal_cdf", negated(h)))


def density_at(h: Node) -> Node:
    """The normal density."""
    return times(1.0 / math.sqrt(2.0 * math.pi), exponential(times(-0.5, raised(h, 2))))
