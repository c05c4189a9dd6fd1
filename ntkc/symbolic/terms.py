"""What the rules of derivation work on: sums of terms with a known Gaussian integral.

A term is coefficient z^power exp(square z^2 + rate z) cos(frequency z + phase) [condition],
where the condition is a half line, z > a, or a probability Phi(slope z + shift): both are
"slope z - noise W > threshold" with W an independent standard normal (noise 0 or 1), which is
what makes one rule serve steps, ReLUs, erf and GELU.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ntkc.ir.node import Node, const, is_const, make, symbol
from ntkc.symbolic.algebra import (
    HALF,
    ONE,
    ZERO,
    exponential,
    folded,
    minus,
    negated,
    over,
    plus,
    raised,
    times,
)

VARIABLE = symbol("z")
MAX_TERMS = 64
MAX_POWER = 40


class NoRuleError(Exception):
    """No rule applies: why, and to which part of the expression."""

    def __init__(self, reason: str, part: Node | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.part = part


@dataclass(frozen=True)
class Condition:
    """[slope z - noise W > threshold]; minus 1/2 where `centred`, which makes odd ones odd."""

    slope: Node
    threshold: Node
    noise: bool = False
    centred: bool = False

    @property
    def place(self) -> Node:
        """Where on the line a half line ends."""
        return over(self.threshold, self.slope)


@dataclass(frozen=True)
class Term:
    """One term; see above."""

    coefficient: Node = ONE
    power: int = 0
    square: Node = ZERO
    rate: Node = ZERO
    frequency: Node = ZERO
    phase: Node = ZERO
    condition: Condition | None = None

    @property
    def waves(self) -> bool:
        """Whether it has a cosine."""
        return not (is_const(self.frequency, 0.0) and is_const(self.phase, 0.0))

    @property
    def key(self) -> tuple[object, ...]:
        """All but the coefficient."""
        return (
            self.power, self.square, self.rate, self.frequency, self.phase, self.condition,
        )  # fmt: skip

    @property
    def polynomial(self) -> bool:
        """Whether it is a number times a power of z, on all of the line."""
        flat = is_const(self.square, 0.0) and is_const(self.rate, 0.0)
        return flat and not self.waves and self.condition is None

    def scaled(self, factor: Node) -> Term:
        """The term times a number."""
        return replace(self, coefficient=times(self.coefficient, factor))


Terms = tuple[Term, ...]


def gathered(terms: Iterable[Term]) -> Terms:
    """Like terms added up, zeros left out. Raises `NoRuleError` past the limit."""
    found: dict[tuple[object, ...], Term] = {}
    for term in terms:
        if is_const(term.coefficient, 0.0):
            continue
        same = found.get(term.key)
        if same is None:
            found[term.key] = term
        else:
            found[term.key] = replace(same, coefficient=plus(same.coefficient, term.coefficient))
        if len(found) > MAX_TERMS:
            raise NoRuleError(f"it has more than {MAX_TERMS} terms when it is multiplied out")
    return tuple(term for term in found.values() if not is_const(term.coefficient, 0.0))


def constant(value: Node) -> Terms:
    """A number as a sum of terms."""
    return gathered([Term(value)])


def added(x: Terms, y: Terms) -> Terms:
    """The sum."""
    return gathered((*x, *y))


def scaled(x: Terms, factor: Node) -> Terms:
    """The product with a number."""
    return gathered(term.scaled(factor) for term in x)


def multiplied(x: Terms, y: Terms) -> Terms:
    """The product, multiplied out. Raises `NoRuleError`."""
    return gathered(part for s in x for t in y for part in _product(s, t))


def _product(s: Term, t: Term) -> Iterable[Term]:
    power = s.power + t.power
    if power > MAX_POWER:
        raise NoRuleError(f"it has a power of z above {MAX_POWER}")
    base = Term(
        times(s.coefficient, t.coefficient), power, plus(s.square, t.square), plus(s.rate, t.rate)
    )
    for factor, condition in joint(s.condition, t.condition):
        both = replace(base.scaled(factor), condition=condition)
        if s.waves and t.waves:
            yield from _two_waves(both.scaled(HALF), s, t)
        else:
            one = s if s.waves else t
            yield replace(both, frequency=one.frequency, phase=one.phase)


def _two_waves(term: Term, s: Term, t: Term) -> Iterable[Term]:
    """cos A cos B = [cos(A + B) + cos(A - B)] / 2."""
    for combine in (plus, minus):
        frequency = combine(s.frequency, t.frequency)
        phase = combine(s.phase, t.phase)
        if is_const(frequency, 0.0):
            cosine = folded(make("cos", phase))
            yield term.scaled(cosine)
        else:
            yield replace(term, frequency=frequency, phase=phase)


def joint(s: Condition | None, t: Condition | None) -> Iterable[tuple[Node, Condition | None]]:
    """Both conditions as a weighted sum of single ones."""
    if s is None or t is None:
        yield ONE, t if s is None else s
        return
    if s.centred:
        yield from joint(replace(s, centred=False), t)
        yield const(-0.5), t
        return
    if t.centred:
        yield from joint(s, replace(t, centred=False))
        yield const(-0.5), s
        return
    if s == t and not s.noise:
        yield ONE, s
        return
    if s.noise or t.noise:
        raise NoRuleError(
            "a product of erf or Phi with another one, or with a step, has no closed form"
        )
    yield from _interval(s, t)


def _interval(s: Condition, t: Condition) -> Iterable[tuple[Node, Condition | None]]:
    """[z > a] [z > b], [z > a] [z < b] with places in a known order."""
    ends = [known_number(x.place) for x in (s, t)]
    slopes = [known_number(x.slope) for x in (s, t)]
    (a, b), (m, n) = ends, slopes
    if a is None or b is None or m is None or n is None:
        if plus(s.slope, t.slope) is ZERO and plus(s.threshold, t.threshold) is ZERO:
            return
        raise NoRuleError("the order of its kinks depends on a parameter")
    if m * n > 0:
        yield ONE, s if (a >= b) == (m > 0) else t
        return
    low, high, above = (a, b, s) if m > 0 else (b, a, t)
    if low < high:
        yield ONE, above
        yield const(-1.0), half_line(const(1.0), const(high))


def known_number(node: Node) -> float | None:
    """The value, where it is a number."""
    return float(node.attr("value")) if is_const(node) else None


def half_line(slope: Node, threshold: Node) -> Condition:
    """[slope z > threshold]; slope 1 or -1 where its size is known."""
    size = known_number(slope)
    if size is not None and size != 0.0:
        slope, threshold = const(math.copysign(1.0, size)), times(threshold, 1.0 / abs(size))
    return Condition(slope, threshold)


# --- derivatives -------------------------------------------------------------------------


def derivative(terms: Terms) -> tuple[Terms, list[tuple[Node, Node]]]:
    """The derivative's terms, and its point masses as (place, mass), as yet not added up."""
    found: list[Term] = []
    masses: list[tuple[Node, Node]] = []
    for term in terms:
        found += _smooth_derivative(term)
        condition = term.condition
        if condition is None:
            continue
        if condition.noise:
            found.append(_density(term, condition))
        else:
            place = condition.place
            masses.append((place, times(_value(term, place), _sign(condition.slope))))
    return gathered(found), masses


def _smooth_derivative(term: Term) -> Iterable[Term]:
    if term.power:
        yield replace(term, power=term.power - 1).scaled(const(float(term.power)))
    if not is_const(term.rate, 0.0):
        yield term.scaled(term.rate)
    if not is_const(term.square, 0.0):
        yield replace(term, power=term.power + 1).scaled(times(2.0, term.square))
    if not is_const(term.frequency, 0.0):
        quarter = plus(term.phase, const(math.pi / 2))
        yield replace(term, phase=quarter).scaled(term.frequency)


def _density(term: Term, condition: Condition) -> Term:
    """d/dz Phi(m z - a) = m exp(-(m z - a)^2 / 2) / sqrt(2 pi)."""
    m, a = condition.slope, condition.threshold
    factor = times(m, 1.0 / math.sqrt(2.0 * math.pi), exponential(times(-0.5, raised(a, 2))))
    return replace(
        term,
        condition=None,
        square=plus(term.square, times(-0.5, raised(m, 2))),
        rate=plus(term.rate, times(m, a)),
    ).scaled(factor)


def _value(term: Term, place: Node) -> Node:
    """The term without its condition at a place."""
    exponent = plus(times(term.square, raised(place, 2)), times(term.rate, place))
    wave = folded(make("cos", plus(times(term.frequency, place), term.phase)))
    return times(term.coefficient, raised(place, term.power), exponential(exponent), wave)


def _sign(slope: Node) -> Node:
    size = known_number(slope)
    if size is not None:
        return const(math.copysign(1.0, size))
    return make("select", slope, ONE, const(-1.0))


def opposite(terms: Terms) -> Terms:
    """Minus the sum."""
    return gathered(replace(t, coefficient=negated(t.coefficient)) for t in terms)
