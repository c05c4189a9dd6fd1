"""E[f(u) f(v)] of an f that is 0 around 0 and straight lines beyond: soft_shrink, max(z - 1, 0).

For small variances such an expectation is as small as e^(-threshold^2/variance), and formulas by
moments (`moments`) would be differences of much larger terms. Here f is a sum of weights times
(X - a)_+^n, n = 0 or 1, of variables X = +-z. Seen from the means, a ray enters the quadrant
X > a, Y > b through one of its two edges, and each edge adds a part of its own. For standard X, Y
at an angle of cosine r and sine w, edges at the heights h = a, k = b from the means, and the corner
at s, t along them, s w = k - r h and t w = h - r k, with the operation `edge` V_n(h, s):

    P(X > h, Y > k)          = V_0(h, s) + V_0(k, t)
    E[(X - h)_+ [Y > k]]     = V_1(h, s) + r V_1(k, t) - (t w) V_0(k, t)
    E[(X - h)_+ (Y - k)_+]   = A(h, s) + A(k, t),
    A(h, s) = r V_2(h, s) - (s w) V_1(h, s) + w phi(h) phi(s) s^2 / (h^2 + s^2),

and, where h and k both are below 0, the moment without conditions besides. (From the closed forms
in Phi_2 by Owen's (1956) V functions, integrated by parts until no term is larger than the sum for
large h = k. Each is good to some roundings of what it is at coincidence, sqrt(E(h, h) E(k, k)).)
"""

from __future__ import annotations

from dataclasses import dataclass

from ntkc.ir.node import Node, function, is_const, make
from ntkc.symbolic.algebra import (
    ONE,
    ZERO,
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
from ntkc.symbolic.expectation import PAIR
from ntkc.symbolic.halflines import (
    TINY,
    Pair,
    bounded,
    crossing,
    density_at,
    joint_determinant,
    lead,
    sign_of,
)
from ntkc.symbolic.moments import Budget
from ntkc.symbolic.terms import Condition, Term, Terms, known_number

_ROUNDING = 1e-15


@dataclass(frozen=True)
class Tail:
    """weight (X - threshold)_+^degree of the condition's X; a step for degree 0."""

    weight: Node
    degree: int
    condition: Condition


Tails = tuple[Tail, ...]


def tails(terms: Terms) -> Tails | None:
    """The sum as tails, or None where it is not 0 around 0 with straight lines beyond."""
    if not terms or not all(map(_beyond, terms)):
        return None
    by_condition: dict[Condition, dict[int, Node]] = {}
    for term in terms:
        assert term.condition is not None
        by_condition.setdefault(term.condition, {})[term.power] = term.coefficient
    found: list[Tail] = []
    for condition, line in by_condition.items():
        level, slope = line.get(0, ZERO), line.get(1, ZERO)
        jump = plus(level, times(slope, condition.place))
        if is_const(jump) and is_const(level) and _is_rounding(jump, level):
            jump = ZERO
        found += [Tail(jump, 0, condition), Tail(over(slope, condition.slope), 1, condition)]
    return tuple(tail for tail in found if not is_const(tail.weight, 0.0))


def _is_rounding(jump: Node, level: Node) -> bool:
    return bool(abs(jump.attr("value")) <= _ROUNDING * abs(level.attr("value")))


def _beyond(term: Term) -> bool:
    """Whether it is a number or z on a half line that does not begin at 0."""
    condition = term.condition
    if condition is None or condition.noise or condition.centred:
        return False
    flat = is_const(term.square, 0.0) and is_const(term.rate, 0.0) and not term.waves
    threshold, slope = map(known_number, (condition.threshold, condition.slope))
    apart = threshold is None or threshold > 0.0
    return flat and term.power <= 1 and apart and slope is not None


def expectation(f: Tails, budget: Budget) -> Node:
    """E[f(u) f(v)] over `c`, `p`, `q`, their determinant, gaps and sums."""
    return summed(times(x.weight, y.weight, _moment(PAIR, x, y, budget)) for x in f for y in f)


def slopes(f: Tails) -> Tails:
    """The derivative, where f does not jump."""
    return tuple(Tail(times(t.weight, t.condition.slope), 0, t.condition) for t in f if t.degree)


def _moment(pair: Pair, x: Tail, y: Tail, budget: Budget) -> Node:
    if x.degree < y.degree:
        x, y, pair = y, x, pair.swapped()
    budget.spend(6)
    first = _Edge(pair, x.condition, y.condition)
    second = _Edge(pair.swapped(), y.condition, x.condition)
    covariance = times(x.condition.slope, y.condition.slope, pair.c)
    if x.degree == 0:
        value, whole = plus(first.part(0), second.part(0)), ONE
    elif y.degree == 0:
        pull = times(covariance, second.inverse, second.part(1))
        turned = times(quotient(second.cross, second.variance), second.part(0))
        value = minus(plus(times(root(first.variance), first.part(1)), pull), turned)
        whole = negated(first.deviation)
    else:
        value = times(covariance, plus(first.part(2), second.part(2)))
        value = summed((value, first.rest(), second.rest()))
        whole = plus(covariance, times(first.deviation, second.deviation))
    below = times(first.below, second.below)
    return value if is_const(below, 0.0) else plus(value, times(below, whole))


class _Edge:
    """The edge X = a of the quadrant X > a, Y > b."""

    def __init__(self, pair: Pair, x: Condition, y: Condition) -> None:
        self.variance = times(raised(x.slope, 2), pair.p)
        self.inverse = inverse_root(self.variance)
        self.deviation = x.threshold
        self.cross = crossing(pair, x, y)
        self.side = root(joint_determinant(pair, x, y))
        cross, deviation = self.cross, x.threshold
        if not is_const(deviation):  # it may be 0, and then the angle is still defined
            cross = plus(cross, times(TINY, lead(pair, x, y)))
            deviation = plus(deviation, TINY)
        self.height = bounded(deviation, root(self.variance))
        self.distance = bounded(cross, times(root(self.variance), self.side))
        sign = sign_of(self.height) if not is_const(deviation) else ONE
        self._angle = times(sign, cross), times(deviation, self.side)
        self.below = ZERO if is_const(deviation) else times(0.5, minus(ONE, sign_of(self.height)))

    def part(self, degree: int) -> Node:
        """V_degree."""
        return make("edge", self.height, *self._angle, degree=degree)

    def rest(self) -> Node:
        """sqrt(var X var Y) times what A has besides V_2."""
        h, s = self.height, self.distance
        bells = times(density_at(h), density_at(s))
        larger = function("max", function("abs", h), function("abs", s))  # squares may underflow
        square = raised(quotient(s, larger), 2)
        corner = times(self.side, bells, quotient(square, plus(raised(over(h, larger), 2), square)))
        return minus(corner, times(self.cross, self.inverse, self.part(1)))
