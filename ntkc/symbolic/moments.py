"""Gaussian moments with up to two half-line conditions, in closed form.

For Gaussian (U, V) with means (m, n), covariance matrix ((p, c), (c, q)) and determinant d, and
conditions X = slope U - noise W > a, Y likewise of V, the moments E[U^i V^j [X > a] [Y > b]]
follow from E[U F] = m E[F] + p E[dF/dU] + c E[dF/dV] (Stein's identity). The derivative of
a condition is the density of X at a, times the same kind of moment of what is left given
X = a, which is Gaussian again. What ends the recursion is

    P(X > a, Y > b) = [Q(h) + Q(k)]/2 - T(h, ...) - T(k, ...) - [h and k on two sides of 0]/2

with Q(x) = Phi(-x) and Owen's T (Owen 1956). T's angles are written by the cross products
x (b - EY) - z (a - EX) and the determinant of (X, Y), which a branch-free atan2 takes as they are:
at coincident inputs, at correlation -1 and at variance 0 nothing is 0/0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ntkc.ir.node import Node, function, is_const, make, topological
from ntkc.symbolic.algebra import (
    HALF,
    ONE,
    ZERO,
    Complex,
    folded,
    inverse_root,
    minus,
    negated,
    over,
    plus,
    quotient,
    raised,
    root,
    summed,
    times,
)
from ntkc.symbolic.halflines import (
    TINY,
    Pair,
    conditional_height,
    crossing,
    density_at,
    deviation_of,
    joint_determinant,
    lead,
    sign_of,
    standard,
    upper_tail,
    variance_of,
)
from ntkc.symbolic.terms import Condition, NoRuleError

MAX_STEPS = 8_000


@dataclass
class Budget:
    """Steps of one derivation that are left: counted, so that the answer is always the same."""

    left: int = MAX_STEPS
    moments: dict[object, Node] = field(default_factory=dict)

    def spend(self, steps: int = 1) -> None:
        """One step, or more for long formulas. Raises `NoRuleError` past the last."""
        self.left -= steps
        if self.left < 0:
            raise NoRuleError(f"its closed form takes more than {MAX_STEPS:,} steps to derive")


def moment(
    pair: Pair, i: int, j: int, x: Condition | None, y: Condition | None, budget: Budget
) -> Node:
    """E[U^i V^j x y], with the conditions as factors (1 for None)."""
    if i < 0 or j < 0:
        return ZERO
    key = (pair, i, j, x, y)
    found = budget.moments.get(key)
    if found is None:
        budget.spend()
        found = budget.moments[key] = _moment(pair, i, j, x, y, budget)
    return found


def _moment(
    pair: Pair, i: int, j: int, x: Condition | None, y: Condition | None, budget: Budget
) -> Node:
    if i == 0 and j == 0:
        return _probability(pair, x, y, budget)
    if i == 0:
        return moment(pair.swapped(), j, 0, y, x, budget)
    parts = [times(pair.m, moment(pair, i - 1, j, x, y, budget))]
    if i > 1:
        parts.append(times(float(i - 1), pair.p, moment(pair, i - 2, j, x, y, budget)))
    if j > 0:
        parts.append(times(float(j), pair.c, moment(pair, i - 1, j - 1, x, y, budget)))
    if x is not None:
        parts.append(_boundary(pair, i - 1, j, x, y, True, budget))
    if y is not None:
        parts.append(_boundary(pair.swapped(), j, i - 1, y, x, False, budget))
    return summed(parts)


# --- one condition at its boundary -----------------------------------------------------


def _boundary(
    pair: Pair, i: int, j: int, x: Condition, y: Condition | None, own: bool, budget: Budget
) -> Node:
    """cov(U, X) (or cov(V, X) unless `own`) times E[U^i V^j y d(X - a)]."""
    variance = variance_of(pair, x)
    covariance = times(x.slope, pair.p if own else pair.c)
    pull = times(covariance, inverse_root(variance)) if not is_const(covariance, 0.0) else ZERO
    density = times(density_at(standard(x, pair)), pull)
    if is_const(density, 0.0):
        return ZERO
    return times(density, _given(pair, i, j, x, y, budget))


def _given(pair: Pair, i: int, j: int, x: Condition, y: Condition | None, budget: Budget) -> Node:
    """E[U^i V^j y | X = a]."""
    rest = _conditional(pair, x)
    if y is None:
        return moment(rest, i, j, None, None, budget)
    height = conditional_height(pair, x, y)
    return _one_sided(rest, i, j, y, height, pair, x, budget)


def _conditional(pair: Pair, x: Condition) -> Pair:
    """(U, V) given X = a."""
    variance = variance_of(pair, x)
    shift = minus(x.threshold, times(x.slope, pair.m))
    leftover = plus(
        times(raised(x.slope, 2), pair.determinant), pair.q if x.noise else ZERO
    )  # V's variance times X's
    q = quotient(leftover, variance)
    n = plus(pair.n, times(x.slope, quotient(times(pair.c, shift), variance)))
    if not x.noise:
        return Pair(ZERO, q, ZERO, ZERO, ZERO, q, x.place, n)
    p, c = over(pair.p, variance), over(pair.c, variance)
    m = plus(pair.m, over(times(x.slope, pair.p, shift), variance))
    determinant = over(pair.determinant, variance)
    return Pair(p, q, c, determinant, minus(p, c), minus(q, c), m, n)


def _one_sided(
    rest: Pair, i: int, j: int, y: Condition, height: Node, pair: Pair, x: Condition, budget: Budget
) -> Node:
    """E[U^i V^j y] of the conditional pair, where (b - EY)/sd(Y) is known as `height`."""
    if i < 0 or j < 0:
        return ZERO
    budget.spend()
    if i == 0 and j == 0:
        tail = upper_tail(height)
        return minus(tail, HALF) if y.centred else tail
    swap = j > 0
    one, other = (rest.swapped(), (j, i)) if swap else (rest, (i, j))
    a, b = other

    def lower(da: int, db: int) -> Node:
        left, right = a - da, b - db
        where = (right, left) if swap else (left, right)
        return _one_sided(rest, *where, y, height, pair, x, budget)

    parts = [times(one.m, lower(1, 0))]
    if a > 1 and not is_const(one.p, 0.0):
        parts.append(times(float(a - 1), one.p, lower(2, 0)))
    if b > 0 and not is_const(one.c, 0.0):
        parts.append(times(float(b), one.c, lower(1, 1)))
    covariance = times(y.slope, rest.q if swap else rest.c)
    if not is_const(covariance, 0.0):
        scale = inverse_root(variance_of(rest.swapped(), y))
        density = times(density_at(height), covariance, scale)
        u, v = _both_given(pair, rest, x, y)
        left, right = (i, j - 1) if swap else (i - 1, j)
        last = _last(u, v, rest, y)
        parts.append(times(density, moment(last, left, right, None, None, budget)))
    return summed(parts)


def _both_given(pair: Pair, rest: Pair, x: Condition, y: Condition) -> tuple[Node, Node]:
    """The means of U and V given X = a and Y = b."""
    variance = variance_of(rest.swapped(), y)
    shift = minus(y.threshold, times(y.slope, rest.n))
    v = y.place if not y.noise else plus(rest.n, over(times(y.slope, rest.q, shift), variance))
    if is_const(rest.c, 0.0):
        return rest.m, v
    return plus(rest.m, quotient(times(y.slope, rest.c, shift), variance)), v


def _last(u: Node, v: Node, rest: Pair, y: Condition) -> Pair:
    """(U, V) with those means, given both conditions' boundaries."""
    variance = variance_of(rest.swapped(), y)
    leftover = plus(times(raised(y.slope, 2), rest.determinant), rest.p if y.noise else ZERO)
    p = ZERO if is_const(rest.p, 0.0) else quotient(leftover, variance)
    q = quotient(rest.q, variance) if y.noise else ZERO
    c = quotient(rest.c, variance) if y.noise else ZERO
    return Pair(p, q, c, ZERO, minus(p, c), minus(q, c), u, v)


# --- probabilities ---------------------------------------------------------------------


def _probability(pair: Pair, x: Condition | None, y: Condition | None, budget: Budget) -> Node:
    if x is None and y is None:
        return ONE
    if x is None:
        return _probability(pair.swapped(), y, x, budget)
    h = standard(x, pair)
    if y is None:
        return minus(upper_tail(h), HALF) if x.centred else upper_tail(h)
    k = standard(y, pair.swapped())
    if is_const(h, 0.0) or is_const(k, 0.0):
        return _from_the_middle(pair, x, y, h, k)
    budget.spend(6)
    joint = _joint_tail(pair, x, y, h, k)
    if x.centred:
        joint = minus(joint, times(0.5, upper_tail(k)))
    if y.centred:
        joint = minus(joint, times(0.5, upper_tail(h)))
    return plus(joint, 0.25) if x.centred and y.centred else joint


def _from_the_middle(pair: Pair, x: Condition, y: Condition, h: Node, k: Node) -> Node:
    """The same where one of the boundaries is at the mean: Q(k)/2 + T(k, cot), and 1/4 plus an
    angle where both are. What a centred condition takes away is left out, not cancelled.
    """
    z = times(x.slope, y.slope, pair.c)
    side = root(joint_determinant(pair, x, y))
    if is_const(h, 0.0) and is_const(k, 0.0):
        angle = times(1.0 / (2.0 * math.pi), make("atan2", z, side))
        return angle if x.centred or y.centred else plus(0.25, angle)
    far, middle, height = (y, x, k) if is_const(h, 0.0) else (x, y, h)
    joint = make("owen_t", height, z, side)
    if middle.centred:
        return joint
    joint = plus(times(0.5, upper_tail(height)), joint)
    return minus(joint, 0.25) if far.centred else joint


def _joint_tail(pair: Pair, x: Condition, y: Condition, h: Node, k: Node) -> Node:
    """P(X > a, Y > b)."""
    side = root(joint_determinant(pair, x, y))
    along_x, along_y = sign_of(h), sign_of(k)
    first = _angle_part(pair, x, y, h, side)
    second = _angle_part(pair.swapped(), y, x, k, side)
    value = minus(minus(times(0.5, plus(upper_tail(h), upper_tail(k))), first), second)
    apart = folded(function("max", negated(times(along_x, along_y)), 0.0))
    value = minus(value, times(0.5, apart))
    if not (is_const(pair.m, 0.0) and is_const(pair.n, 0.0)):
        return value
    return function("select", _within(h, k), value, ZERO)


_NOWHERE = 9.0
"""Standard deviations beyond which lies 1e-19: less than the roundings of a joint probability,
which would count where the other input's variance is large and this one's kernel small.
"""


def _within(h: Node, k: Node) -> Node:
    """Above 0 where both of a joint probability's places can be reached."""
    return minus(_NOWHERE, function("max", h, k))


def is_within(node: Node) -> bool:
    """Whether it is a choice of a joint probability, or 0 beyond what can be reached."""
    if node.op != "select" or not is_const(node.args[2], 0.0):
        return False
    reach = topological((node.args[0],))
    return any(x.op == "max" and node.args[0] is _within(*x.args) for x in reach)


def _angle_part(pair: Pair, x: Condition, y: Condition, h: Node, side: Node) -> Node:
    """T of h and its angle, with both thresholds moved by next to nothing: where a threshold
    that parameters or means make is at the mean exactly, the angle is still defined.
    """
    cross, deviation = crossing(pair, x, y), deviation_of(x, pair)
    if not is_const(deviation):
        cross = plus(cross, times(TINY, lead(pair, x, y)))
        deviation = plus(deviation, TINY)
    return make("owen_t", h, times(sign_of(h), cross), times(deviation, side))


# --- complex means ---------------------------------------------------------------------


def complex_moment(pair: Pair, m: Complex, n: Complex, i: int, j: int, budget: Budget) -> Complex:
    """E[U^i V^j] for complex means: Stein's identity once more."""
    found = {(0, 0): Complex(ONE)}
    for a in range(i + 1):
        for b in range(j + 1):
            if a or b:
                budget.spend()
                found[a, b] = _complex_step(pair, m, n, a, b, found)
    return found[i, j]


def _complex_step(
    pair: Pair, m: Complex, n: Complex, a: int, b: int, found: dict[tuple[int, int], Complex]
) -> Complex:
    if a == 0:
        value = n * found[0, b - 1]
        return value if b < 2 else value + found[0, b - 2].scaled(times(float(b - 1), pair.q))
    value = m * found[a - 1, b]
    if a > 1:
        value = value + found[a - 2, b].scaled(times(float(a - 1), pair.p))
    if b > 0:
        value = value + found[a - 1, b - 1].scaled(times(float(b), pair.c))
    return value
