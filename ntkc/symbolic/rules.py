"""From an activation's expression to a sum of terms, operation by operation.

Every rule either gives an exact identity or raises `NoRuleError` with the reason and the part
it is about. The work is bounded by counts: terms, powers, pieces, operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from ntkc.ir.node import Node, const, is_const, make, topological
from ntkc.symbolic.algebra import ONE, ZERO, exponential, folded, negated, over, plus, times
from ntkc.symbolic.pieces import Piece, joined, pieces
from ntkc.symbolic.terms import (
    VARIABLE,
    Condition,
    NoRuleError,
    Term,
    Terms,
    added,
    constant,
    gathered,
    half_line,
    known_number,
    multiplied,
    opposite,
    scaled,
)

MAX_OPERATIONS = 2_000
MAX_ROOTS_DEGREE = 8


def terms_of(expression: Node) -> Terms:
    """The expression in `z` as a sum of terms, anchored at 0. Raises `NoRuleError`."""
    order = list(topological((expression,)))
    if len(order) > MAX_OPERATIONS:
        raise NoRuleError(f"it has more than {MAX_OPERATIONS:,} operations")
    depends: set[Node] = set()
    for node in order:
        if node is VARIABLE or not depends.isdisjoint(node.args):
            depends.add(node)
    done: dict[Node, Terms] = {}
    for node in order:
        if node not in depends:
            done[node] = constant(folded(node))
            continue
        try:
            done[node] = _rule(node, [done[a] for a in node.args])
        except NoRuleError as error:
            raise NoRuleError(error.reason, error.part or node) from None
    return anchored(done[expression])


def anchored(terms: Terms) -> Terms:
    """The same sum, with tails away from 0 wherever its kinks are at known places."""
    if all(t.condition is None or t.condition.noise for t in terms):
        return terms
    if _odd_at_zero(terms):
        return terms
    try:
        return joined(pieces(terms))
    except NoRuleError:
        return terms


def _odd_at_zero(terms: Terms) -> bool:
    """Whether kinks at 0 alone are told by signs, as in |z|: nothing there cancels."""
    conditions = [t.condition for t in terms if t.condition is not None]
    return all(c.centred and is_const(c.threshold, 0.0) for c in conditions) and all(
        t.condition is not None for t in terms
    )


def _rule(node: Node, args: list[Terms]) -> Terms:
    if node is VARIABLE:
        return (Term(power=1),)
    rule = _RULES.get(node.op)
    if rule is None:
        raise NoRuleError(_unknown(node.op))
    return rule(node, args)


def _unknown(op: str) -> str:
    names = {"log": "a logarithm", "sqrt": "a square root", "inv_sqrt": "a square root"}
    return f"{names.get(op, op)} of what depends on z has no closed form"


# --- the rules ---------------------------------------------------------------------------


def _quotient(node: Node, args: list[Terms]) -> Terms:
    top, bottom = args
    if len(bottom) == 1:
        (term,) = bottom
        if term.power == 0 and term.condition is None and not term.waves:
            inverse = Term(over(ONE, term.coefficient), 0, negated(term.square), negated(term.rate))
            return multiplied(top, (inverse,))
    raise NoRuleError("a division by what depends on z, other than an exponential")


def _power(node: Node, args: list[Terms]) -> Terms:
    exponent: int = node.attr("exponent")
    return power_of(args[0], exponent)


def power_of(base: Terms, exponent: int) -> Terms:
    """A whole power >= 0, by repeated squaring."""
    result, square = constant(ONE), base
    while exponent:
        if exponent % 2:
            result = multiplied(result, square)
        exponent //= 2
        if exponent:
            square = multiplied(square, square)
    return result


def _polynomial(node: Node, args: list[Terms]) -> Terms:
    result: Terms = ()
    for coefficient in reversed(node.attr("coefficients")):
        result = added(multiplied(result, args[0]), constant(const(coefficient)))
    return result


def _exponential(node: Node, args: list[Terms]) -> Terms:
    return by_piece(args[0], _exponential_of_piece)


def _exponential_of_piece(exponent: Terms) -> Terms:
    by_power = _coefficients(exponent, "an exponential of what is not a polynomial in z")
    if len(by_power) > 3:
        raise NoRuleError("an exponential of a power of z above 2 has no closed form")
    zeroth, first, second = (*by_power, ZERO, ZERO, ZERO)[:3]
    return (Term(exponential(zeroth), 0, second, first),)


def _exponential_less_one(node: Node, args: list[Terms]) -> Terms:
    return added(_exponential(node, args), constant(const(-1.0)))


def _wave(phase: float) -> Callable[[Node, list[Terms]], Terms]:
    def of_piece(argument: Terms) -> Terms:
        zeroth, first = _linear(argument, "a wave of what is not linear in z has no closed form")
        if is_const(first, 0.0):
            return constant(folded(make("cos", plus(zeroth, phase))))
        return (Term(frequency=first, phase=plus(zeroth, phase)),)

    return lambda node, args: by_piece(args[0], of_piece)


def _normal(argument: Terms) -> Terms:
    zeroth, first = _linear(argument, "erf or Phi of what is not linear in z has no closed form")
    if is_const(first, 0.0):
        return constant(folded(make("normal_cdf", zeroth)))
    return (Term(condition=Condition(first, negated(zeroth), noise=True)),)


def _normal_cdf(node: Node, args: list[Terms]) -> Terms:
    return by_piece(args[0], _normal)


def _erf(node: Node, args: list[Terms]) -> Terms:
    """erf(x) = 2 [Phi(x sqrt 2) - 1/2]."""
    argument = scaled(args[0], const(math.sqrt(2.0)))

    def of_piece(argument: Terms) -> Terms:
        (term,) = _normal(argument) or (Term(ZERO),)
        if term.condition is None:
            return gathered([Term(plus(times(2.0, term.coefficient), -1.0))])
        slope, threshold = term.condition.slope, term.condition.threshold
        return (Term(const(2.0), condition=Condition(slope, threshold, True, True)),)

    return by_piece(argument, of_piece)


def _larger(node: Node, args: list[Terms]) -> Terms:
    """max(x, y) = y + (x - y) [x > y], y being 0 where either is: then nothing cancels."""
    x, y = args if args[0] else args[::-1]
    gap = added(x, opposite(y))
    return added(y, times_where(gap, gap))


def _smaller(node: Node, args: list[Terms]) -> Terms:
    """min(x, y) = -max(-x, -y)."""
    return opposite(_larger(node, [opposite(x) for x in args]))


def _modulus(node: Node, args: list[Terms]) -> Terms:
    """|x| = x (2 [x > 0] - 1), by a sign where that is all there is to it."""
    x = args[0]
    try:
        zeroth, first = _linear(x, "")
    except NoRuleError:
        return added(scaled(times_where(x, x), const(2.0)), opposite(x))
    if is_const(first, 0.0):
        return constant(folded(make("abs", zeroth)))
    line = half_line(first, negated(zeroth))
    sign = (Term(const(2.0), condition=Condition(line.slope, line.threshold, centred=True)),)
    return multiplied(x, sign)


def _select(node: Node, args: list[Terms]) -> Terms:
    """The second where the first is > 0, else the third."""
    test, yes, no = args
    if all(t.polynomial and t.power == 0 for t in test):
        value = test[0].coefficient if test else ZERO
        size = known_number(value)
        if size is not None:
            return yes if size > 0 else no
        raise NoRuleError("a choice that a parameter makes")
    return added(no, times_where(added(yes, opposite(no)), test))


_RULES: dict[str, Callable[[Node, list[Terms]], Terms]] = {
    "add": lambda n, a: added(*a),
    "sub": lambda n, a: added(a[0], opposite(a[1])),
    "neg": lambda n, a: opposite(a[0]),
    "mul": lambda n, a: multiplied(*a),
    "div": _quotient,
    "power": _power,
    "polynomial": _polynomial,
    "exp": _exponential,
    "expm1": _exponential_less_one,
    "cos": _wave(0.0),
    "sin": _wave(-math.pi / 2),
    "erf": _erf,
    "normal_cdf": _normal_cdf,
    "max": _larger,
    "min": _smaller,
    "abs": _modulus,
    "select": _select,
}


# --- by pieces ---------------------------------------------------------------------------


def by_piece(argument: Terms, rule: Callable[[Terms], Terms]) -> Terms:
    """A rule for functions without kinks, applied between the argument's kinks."""
    if all(t.condition is None for t in argument):
        return rule(argument)
    return joined([Piece(p.low, p.high, rule(p.terms)) for p in pieces(argument)])


def times_where(value: Terms, test: Terms) -> Terms:
    """value [test > 0]."""
    if not test:
        return ()
    if all(t.condition is None for t in test):
        try:
            zeroth, first = _linear(test, "")
        except NoRuleError:
            pass
        else:
            return _where_linear(value, zeroth, first)
    found = []
    for part in pieces(test):
        for low, high, positive in _signs(part):
            found.append(Piece(low, high, constant(ONE) if positive else ()))
    return multiplied(value, joined(found))


def _where_linear(value: Terms, zeroth: Node, first: Node) -> Terms:
    if is_const(first, 0.0):
        size = known_number(zeroth)
        if size is None:
            raise NoRuleError("a choice that a parameter makes")
        return value if size > 0 else ()
    return multiplied(value, (Term(condition=half_line(first, negated(zeroth))),))


def _signs(part: Piece) -> list[tuple[float, float, bool]]:
    """Where a piece's polynomial is positive, and where not."""
    reason = "where its kinks are cannot be told"
    numbers = [known_number(c) for c in _coefficients(part.terms, reason)]
    if None in numbers or len(numbers) > MAX_ROOTS_DEGREE + 1:
        raise NoRuleError(reason)
    polynomial = np.polynomial.Polynomial([float(x) for x in numbers if x is not None] or [0.0])
    roots = polynomial.roots() if len(numbers) > 1 else np.zeros(0)
    size = 1e-7 * np.maximum(1.0, np.abs(roots))
    real = sorted({float(r.real) for r, s in zip(roots, size, strict=True) if abs(r.imag) <= s})
    cuts = [part.low, *(r for r in real if part.low < r < part.high), part.high]
    return [(a, b, bool(polynomial(_between(a, b)) > 0.0)) for a, b in pairwise(cuts)]


def _between(low: float, high: float) -> float:
    if math.isinf(low) and math.isinf(high):
        return 0.0
    if math.isinf(low):
        return high - 1.0
    return low + 1.0 if math.isinf(high) else (low + high) / 2


def _coefficients(terms: Terms, reason: str) -> list[Node]:
    """A polynomial's coefficients, lowest first. Raises `NoRuleError` for anything else."""
    if not all(t.polynomial for t in terms):
        raise NoRuleError(reason)
    by_power = {t.power: t.coefficient for t in terms}
    return [by_power.get(k, ZERO) for k in range(max(by_power, default=-1) + 1)]


def _linear(terms: Terms, reason: str) -> tuple[Node, Node]:
    """(a, b) of a + b z. Raises `NoRuleError` for anything else."""
    coefficients = _coefficients(terms, reason)
    if len(coefficients) > 2:
        raise NoRuleError(reason)
    zeroth, first = (*coefficients, ZERO, ZERO)[:2]
    return zeroth, first
