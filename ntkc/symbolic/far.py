"""E[f(u) f(v)] of piecewise polynomials where both variances are far above the kinks' squares.

There most of hard_tanh is two steps, and formulas by truncated moments (`moments`) would be
differences of terms of the size of the variances. With X = [z > a] - 1/2 for the kinks a, f is a
polynomial plus a sum of polynomials times such X, whatever is anchored where. Stein's identity
gives E[u^i v^j X Y] as a sum of products of few *parts*:

    E[X Y] = asin(rho)/(2 pi) + C(h, s) + C(k, t)        C: the operation `triangle`
    phi(h) phi(s) = (1 + (exp(-(h^2 + s^2)/2) - 1))/(2 pi)
    E[X] = -erf(h/sqrt 2)/2, phi(h), and phi(h) E[Y | u = a] = -phi(h) erf(s/sqrt 2)/2

with h = a/sqrt p, k = b/sqrt q and the crossings s, t of `halflines`. All but asin(rho), the 1 and
phi(h) are as small as h is. So like parts are added up before anything is a number: what the kinks
have together of asin(rho), say, is 0 for a function that levels off, and is not there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ntkc.ir.node import Node, function, is_const, make, topological
from ntkc.symbolic.algebra import (
    ZERO,
    inverse_root,
    minus,
    plus,
    raised,
    root,
    summed,
    times,
)
from ntkc.symbolic.expectation import PAIR
from ntkc.symbolic.halflines import (
    TINY,
    Pair,
    conditional_height,
    crossing,
    density_at,
    deviation_of,
    lead,
    sign_of,
    standard,
)
from ntkc.symbolic.moments import Budget
from ntkc.symbolic.terms import Condition, Term, Terms, known_number

Monomial = tuple[tuple[Node, int], ...]
"""Parts and their powers, which may be negative for roots of variances."""
_ROUNDING = 1e-14


class Sum:
    """A sum of monomials in parts, each with a number: like ones are one."""

    def __init__(self, found: Mapping[Monomial, tuple[float, float]] | None = None) -> None:
        self.found = dict(found or {})  # the number, and the sizes that went into it

    @staticmethod
    def of(part: Node | float, power: int = 1) -> Sum:
        """A number, or a part's power."""
        if not isinstance(part, Node):
            return Sum({(): (part, abs(part))} if part else {})
        return _spelled(part) if power == 1 else Sum({((part, power),): (1.0, 1.0)})

    def __add__(self, other: Sum) -> Sum:
        result = dict(self.found)
        for key, (number, size) in other.found.items():
            before, sizes = result.get(key, (0.0, 0.0))
            result[key] = before + number, sizes + size
        return Sum(result)

    def __mul__(self, other: Sum | float) -> Sum:
        if not isinstance(other, Sum):
            return self * Sum.of(other)
        result = Sum()
        for one, (x, size) in self.found.items():
            moved = {_joined(one, two): (x * y, size * s) for two, (y, s) in other.found.items()}
            result = result + Sum(moved)
        return result

    def node(self, meaning: Mapping[Node, Node]) -> Node:
        """The formula; `meaning` of a part is what it stands for. What is nothing beside what it
        was added up from is left out."""
        by_part: dict[Monomial, list[Node]] = {}
        for key, (number, size) in self.found.items():
            if abs(number) <= _ROUNDING * size:
                continue
            outer = tuple((part, n) for part, n in key if part not in meaning)
            inner = tuple((part, n) for part, n in key if part in meaning)
            by_part.setdefault(inner, []).append(times(number, *map(_power, outer)))
        return summed(
            times(summed(factors), *(raised(meaning[part], n) for part, n in inner))
            for inner, factors in by_part.items()
        )


def _joined(one: Monomial, two: Monomial) -> Monomial:
    powers = dict(one)
    for part, n in two:
        powers[part] = powers.get(part, 0) + n
    return tuple(sorted(((p, n) for p, n in powers.items() if n), key=lambda x: hash(x[0])))


def _power(factor: tuple[Node, int]) -> Node:
    part, n = factor
    return raised(part, n) if n > 0 else raised(inverse_root(part.args[0]), -n)


def _spelled(node: Node) -> Sum:
    """A formula of parameters, multiplied out as far as it is sums and products."""
    if is_const(node):
        return Sum.of(float(node.attr("value")))
    match node.op:
        case "add":
            return _spelled(node.args[0]) + _spelled(node.args[1])
        case "sub":
            return _spelled(node.args[0]) + _spelled(node.args[1]) * -1.0
        case "neg":
            return _spelled(node.args[0]) * -1.0
        case "mul":
            return _spelled(node.args[0]) * _spelled(node.args[1])
    return Sum({((node, 1),): (1.0, 1.0)})


_ROOT_P, _ROOT_Q = root(PAIR.p), root(PAIR.q)
_SIDE = root(PAIR.determinant)


def expectation(terms: Terms, budget: Budget) -> Node:
    """E[f(u) f(v)] of a piecewise polynomial, over `c`, `p`, `q`, their determinant, gaps and sums.
    Raises `NoRuleError` past the budget.
    """
    moments = _Moments(budget)
    total = Sum()
    for s in _split(terms):
        for t in _split(terms):
            value = moments.of(s.power, t.power, s.condition, t.condition)
            total = total + _spelled(s.coefficient) * _spelled(t.coefficient) * value
    return total.node(moments.meaning)


def kinks(terms: Terms) -> list[Node] | None:
    """Where its kinks are, or None where it is no piecewise polynomial or has no kink but 0."""
    found: dict[Node, None] = {}
    for term in terms:
        flat = is_const(term.square, 0.0) and is_const(term.rate, 0.0) and not term.waves
        condition = term.condition
        if not flat or (condition is not None and condition.noise):
            return None
        if condition is None:
            continue
        if known_number(condition.slope) not in (1.0, -1.0):
            return None
        found[condition.threshold] = None
    places = [place for place in found if not is_const(place, 0.0)]
    return places or None


def chosen(far: Node, near: Node, places: Iterable[Node]) -> Node:
    """`far` where both variances are above the largest square of a kink, else `near`."""
    reach: Node = ZERO
    for place in places:
        square = times(place, place)
        both = is_const(square) and is_const(reach)
        reach = (
            max(square, reach, key=lambda x: x.attr("value"))
            if both
            else function("max", square, reach)
        )
    least = function("min", PAIR.p, PAIR.q)
    return function("select", minus(least, reach), far, near)


def is_far(node: Node) -> bool:
    """Whether it is such a choice."""
    return node.op == "select" and any(x.op == "triangle" for x in topological((node.args[1],)))


def _split(terms: Terms) -> list[Term]:
    """The terms with X in the place of [z > a]: 1/2 of them are everywhere."""
    result: list[Term] = []
    for term in terms:
        condition = term.condition
        if condition is None:
            result.append(term)
            continue
        if not condition.centred:
            result.append(Term(times(0.5, term.coefficient), term.power))
            condition = Condition(condition.slope, condition.threshold, centred=True)
        result.append(Term(term.coefficient, term.power, condition=condition))
    return result


class _Moments:
    """E[u^i v^j X Y] as sums of parts, and what the parts mean."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._done: dict[object, Sum] = {}
        self.meaning: dict[Node, Node] = {}

    def of(self, i: int, j: int, x: Condition | None, y: Condition | None) -> Sum:
        """One of them."""
        if i < 0 or j < 0:
            return Sum()
        key = (i, j, x, y)
        if key not in self._done:
            self._budget.spend()
            self._done[key] = self._mean(x, y) if i == j == 0 else self._by_parts(*key)
        return self._done[key]

    def _by_parts(self, i: int, j: int, x: Condition | None, y: Condition | None) -> Sum:
        """E[u F] = p E[dF/du] + c E[dF/dv], of u if there is one."""
        c, first = Sum.of(PAIR.c), i > 0
        a, b = (i - 1, j) if first else (i, j - 1)
        own = Sum.of(_ROOT_P if first else _ROOT_Q, 2)
        same = self.of(a - 1, b, x, y) * float(a) if first else self.of(a, b - 1, x, y) * float(b)
        other = self.of(a, b - 1, x, y) * float(b) if first else self.of(a - 1, b, x, y) * float(a)
        result = own * same + c * other
        if x is not None:
            result = result + (own if first else c) * self._at(a, b, x, y, PAIR)
        if y is not None:
            result = result + (c if first else own) * self._at(b, a, y, x, PAIR.swapped())
        return result

    def _mean(self, x: Condition | None, y: Condition | None) -> Sum:
        if x is None and y is None:
            return Sum.of(1.0)
        if x is None or y is None:
            only, pair = (x, PAIR) if y is None else (y, PAIR.swapped())
            assert only is not None
            return self._half_erf(standard(only, pair)) * -1.0
        turns = times(x.slope, y.slope, 0.5 / math.pi)
        angle = self._part("angle", make("atan2", PAIR.c, _SIDE)) * Sum.of(turns)
        return angle + self._triangle(PAIR, x, y) + self._triangle(PAIR.swapped(), y, x)

    def _at(self, i: int, j: int, x: Condition, y: Condition | None, pair: Pair) -> Sum:
        """E[u^i v^j Y d(u - a)] times the sign of X, for u and v of the pair."""
        h, own = standard(x, pair), root(pair.p)
        density = self._density(h) if y is None else Sum.of(1.0)
        front = Sum.of(times(x.slope, *[x.place] * i)) * Sum.of(own, -1) * density
        return front * self._given(j, x, y, pair, h)

    def _given(self, j: int, x: Condition, y: Condition | None, pair: Pair, h: Node) -> Sum:
        """E[v^j Y | u = a], and times phi(h) where there is a Y."""
        inverse = Sum.of(root(pair.p), -2)
        mean = Sum.of(x.place) * Sum.of(pair.c) * inverse
        spread = Sum({((_SIDE, 2),): (1.0, 1.0)}) * inverse
        if y is None:
            values = [Sum.of(1.0)]
        else:
            erf = self._half_erf(conditional_height(pair, x, y))
            values = [self._part("phi", density_at(h)) * erf * -1.0]
        for n in range(1, j + 1):
            value = mean * values[n - 1]
            if n > 1:
                value = value + spread * values[n - 2] * float(n - 1)
            if y is not None:  # spread phi(s) / sqrt(spread)
                edge = Sum.of(_SIDE) * Sum.of(root(pair.p), -1) * self._both(pair, x, y)
                value = value + edge * Sum.of(times(y.slope, *[y.place] * (n - 1)))
            values.append(value)
        return values[j]

    # --- parts -----------------------------------------------------------------------

    def _part(self, name: str, meaning: Node) -> Sum:
        """A part that stands for a formula."""
        if is_const(meaning):
            return Sum.of(float(meaning.attr("value")))
        self.meaning[meaning] = meaning
        return Sum({((meaning, 1),): (1.0, 1.0)})

    def _half_erf(self, h: Node) -> Sum:
        """Phi(h) - 1/2."""
        if is_const(h, 0.0):
            return Sum()
        return self._part("erf", function("erf", times(math.sqrt(0.5), h))) * 0.5

    def _density(self, h: Node) -> Sum:
        """phi(h) as phi(0) and the rest."""
        fall = self._fall(raised(h, 2))
        return (Sum.of(1.0) + fall) * (1.0 / math.sqrt(2.0 * math.pi))

    def _fall(self, square: Node) -> Sum:
        """exp(-square/2) - 1."""
        if is_const(square, 0.0):
            return Sum()
        return self._part("fall", function("expm1", times(-0.5, square)))

    def _both(self, pair: Pair, x: Condition, y: Condition) -> Sum:
        """phi(h) phi(s), which is the same from the other side: one formula serves both."""
        if pair is not PAIR:
            pair, x, y = PAIR, y, x
        h, s = standard(x, pair), conditional_height(pair, x, y)
        return (Sum.of(1.0) + self._fall(plus(raised(h, 2), raised(s, 2)))) * (0.5 / math.pi)

    def _triangle(self, pair: Pair, x: Condition, y: Condition) -> Sum:
        """C(h, s): the edge of X from below the mean to the crossing with that of Y."""
        h = standard(x, pair)
        if is_const(h, 0.0):
            return Sum()
        cross, deviation = crossing(pair, x, y), deviation_of(x, pair)
        if not is_const(deviation):
            cross = plus(cross, times(TINY, lead(pair, x, y)))
            deviation = plus(deviation, TINY)
        made = make("triangle", h, times(sign_of(h), cross), times(deviation, _SIDE))
        return self._part("triangle", made)
