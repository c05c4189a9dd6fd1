"""Which way an activation's dual is found: in closed form by rules, or not, and then why not.

`closed_form` is a decision procedure: it ends in the forms or in the reason why there are none,
within a count of steps, and never in an approximation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import ENDLESS, DualForms
from ntkc.ir.node import Node, const, function, is_const, sqrt, substitute, topological
from ntkc.symbolic import expectation as expected
from ntkc.symbolic import far, powers, tails
from ntkc.symbolic.algebra import ZERO, simplified, summed
from ntkc.symbolic.decay_forms import decay_forms
from ntkc.symbolic.decays import Slopes, decaying
from ntkc.symbolic.difference import complement
from ntkc.symbolic.expectation import P, Q, expectation
from ntkc.symbolic.moments import Budget
from ntkc.symbolic.pieces import pieces
from ntkc.symbolic.powers import one_power, power_forms
from ntkc.symbolic.rules import terms_of
from ntkc.symbolic.terms import NoRuleError, Term, Terms, derivative, known_number


@dataclass(frozen=True)
class Expression:
    """An activation as a formula in the symbol `z` and its parameters' symbols.

    `samples` are values of the parameters (their defaults, say), at which identities between
    them are tested that no rule decides.
    """

    name: str
    body: Node
    parameters: tuple[str, ...] = ()
    samples: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Dual:
    """A closed form: the forms that the compiler uses, and what they came from."""

    forms: DualForms
    terms: Terms
    route: str
    """How it was found, in words."""
    jumps: bool
    """Whether f itself jumps: then f' has point masses, and dual_dot is 0 by convention."""


@dataclass(frozen=True)
class NoClosedForm:
    """No rule applies: why, and the part of the expression that this is about."""

    reason: str
    part: Node | None = None
    in_range: bool = True
    """Whether its numbers are such that arithmetic, and so a series, has a chance."""


def closed_form(expression: Expression) -> Dual | NoClosedForm:
    """The dual activation by rules (see `terms`, `rules`, `moments`), or why there is none.

    Where numbers in place of the parameters would not help, the reason is the one with numbers.
    """
    found = _attempt(expression)
    if isinstance(found, NoClosedForm) and expression.parameters:
        numbers = {name: const(value) for name, value in expression.samples.items()}
        fixed = _attempt(replace(expression, body=substitute(expression.body, numbers)))
        return fixed if isinstance(fixed, NoClosedForm) else found
    return found


def _attempt(expression: Expression) -> Dual | NoClosedForm:
    try:
        return _derived(expression)
    except NoRuleError as error:
        return NoClosedForm(error.reason, error.part)
    except OverflowError:
        return NoClosedForm("its numbers lead beyond the range of floats", in_range=False)


@lru_cache(maxsize=64)
def decays(body: Node) -> Slopes | None:
    """The slope of an activation of straight lines and exponentials that fall away from a kink at
    0, which has a series of its own; None for one of another kind, or with a jump.
    """
    try:
        terms = terms_of(body)
        found = decaying(terms)
        if found is None or _has_masses(derivative(terms)[1], {}, terms):
            return None
    except (NoRuleError, OverflowError):
        return None
    return found


def decays_forms(expression: Expression, tolerance: float) -> DualForms | None:
    """The forms of such an activation, within the tolerance. Raises `NotCertifiedError`."""
    slopes = decays(expression.body)
    if slopes is None:
        return None
    samples = tuple(sorted(expression.samples.items()))
    return decay_forms(expression.name, expression.parameters, slopes, tolerance, samples)


def _derived(expression: Expression) -> Dual:
    terms = terms_of(expression.body)
    _refuse_cut_decay(terms)
    slopes, masses = derivative(terms)
    jumps = _has_masses(masses, expression.samples, terms)
    power = one_power(terms)
    if power is not None:
        forms = power_forms(expression.name, expression.parameters, power, jumps)
        return Dual(forms, terms, _power_route(power), jumps)
    budget = Budget()
    beyond = tails.tails(terms)
    if beyond is None:
        dual = expectation(terms, terms, budget)
        dual_dot = ZERO if jumps else expectation(slopes, slopes, budget)
    else:
        dual = tails.expectation(beyond, budget)
        dual_dot = ZERO if jumps else tails.expectation(tails.slopes(beyond), budget)
    places = far.kinks(terms)
    if places is not None:
        dual = far.chosen(far.expectation(terms, budget), dual, places)
        if not jumps:
            dual_dot = far.chosen(far.expectation(slopes, budget), dual_dot, places)
    kinked = any(t.condition is not None and not t.condition.noise for t in terms)
    forms = replace(_forms(expression, dual, dual_dot, kinked), end=_end(terms))
    return Dual(forms, terms, _route(terms), jumps)


def _end(terms: Terms) -> Node | None:
    """The variance from which on E[f^2] is infinite: 1/(4s) of the fastest exp(s z^2)."""
    squares = [known_number(term.square) for term in terms]
    fastest = max((s for s in squares if s is not None), default=0.0)
    return const(0.25 / fastest) if fastest > 1.0 / ENDLESS else None


def _refuse_cut_decay(terms: Terms) -> None:
    """Refuse exponentials that a kink cuts off where they grow.

    Their moments are differences of terms as large as e^(variance): exact, and of no use.
    """
    alone = [t for t in terms if _is_exponential(t)]
    for term in alone:
        if term.condition is None:
            continue
        rate, slope = map(known_number, (term.rate, term.condition.slope))
        if rate is None or slope is None or rate * slope < 0:
            raise NoRuleError(_FALLS)
    try:
        parts = pieces(terms)
    except NoRuleError:  # a parameter is the place of a kink
        everywhere = {t.rate for t in alone if t.condition is None}
        if any(t.condition is not None and t.rate in everywhere for t in alone):
            raise NoRuleError(_FALLS) from None
        return
    for sign, end in ((1.0, parts[-1]), (-1.0, parts[0])):
        fastest = max(_rates(end.terms, sign), default=0.0)
        if any(rate > fastest for part in parts for rate in _rates(part.terms, sign)):
            raise NoRuleError(_FALLS)


_FALLS = "an exponential that falls away from a kink"


def _is_exponential(term: Term) -> bool:
    """Whether it has an exponential that no Gaussian bell holds down."""
    if is_const(term.rate, 0.0) or (term.condition is not None and term.condition.noise):
        return False
    square = known_number(term.square)
    return square is None or square >= 0


def _rates(terms: Terms, sign: float) -> list[float]:
    """The known rates of exponentials that grow to that side."""
    rates = [known_number(t.rate) for t in terms if _is_exponential(t)]
    return [sign * rate for rate in rates if rate is not None and sign * rate > 0]


def _has_masses(
    masses: list[tuple[Node, Node]], samples: Mapping[str, float], terms: Terms
) -> bool:
    """Whether the point masses of f' do not cancel at every place. What is nothing beside f's own
    coefficients is no jump, as that of exp(-2z^2) cut off at 4, by 1e-14.
    """
    by_place: dict[Node, list[Node]] = {}
    for place, mass in masses:
        by_place.setdefault(place, []).append(mass)
    size = max((abs(known_number(t.coefficient) or 0.0) for t in terms), default=0.0)
    return any(not _vanishes(parts, samples, size) for parts in by_place.values())


def _vanishes(parts: list[Node], samples: Mapping[str, float], size: float) -> bool:
    """Whether a sum is 0 for all parameters: at the samples and beside them."""
    total = summed(parts)
    if is_const(total):
        sizes = [known_number(part) for part in parts]
        scale = max((abs(s) for s in sizes if s is not None), default=0.0)
        return abs(float(total.attr("value"))) <= 1e-12 * max(scale, size)
    names = {n.attr("name") for n in topological((total,)) if n.op in ("symbol", "param")}
    for k in range(3):
        at = {
            name: samples.get(name, 1.0) * (1.0 + 0.3 * k) + 0.1 * k * math.sin(1.0 + i)
            for i, name in enumerate(sorted(names))
        }
        value, *found = evaluate([total, *parts], at)
        if abs(value) > 1e-11 * max(1.0, *(abs(x) for x in found)):
            return False
    return True


def _forms(expression: Expression, dual: Node, dual_dot: Node, kinked: bool) -> DualForms:
    diagonal = expected.on_diagonal(dual)
    pair = simplified(expected.from_covariance(dual, kinked=kinked))
    near = near_dot = None
    if kinked:
        near, near_dot = map(expected.from_complement, (dual, dual_dot))
        rest = _complement(near, diagonal)
    else:
        rest = complement(pair, diagonal)
    return DualForms(
        name=expression.name,
        parameters=expression.parameters,
        dual=pair,
        dual_dot=simplified(expected.from_covariance(dual_dot, kinked=kinked)),
        diagonal=diagonal,
        diagonal_dot=expected.on_diagonal(dual_dot),
        complement=rest,
        near=near,
        near_dot=near_dot,
    )


def _complement(near: Node, diagonal: Node) -> Node:
    """1 - dual / sqrt(diagonal(p) diagonal(q)), and 0 at eta = 0 and p = q; 1 where either is 0.

    Absolutely accurate: the closed form's terms are of the size of the diagonal.
    """
    other = substitute(diagonal, {"p": Q})
    size = sqrt(diagonal) * sqrt(other)
    value = function("max", 1.0 - near / size, 0.0)
    apart = expected.ETA + function("abs", P - Q)
    return function("select", size, function("select", apart, value, 0.0), 1.0)


def _route(terms: Terms) -> str:
    parts = ["bilinearity over its terms"]
    if any(not (is_const(t.square, 0.0) and is_const(t.rate, 0.0)) for t in terms):
        parts.append("tilting by the exponentials")
    if any(t.waves for t in terms):
        parts.append("waves as imaginary rates")
    conditions = [t.condition for t in terms if t.condition is not None]
    if any(c.noise for c in conditions):
        parts.append("erf and Phi as probabilities")
    if any(not c.noise for c in conditions):
        parts.append("truncated moments between its kinks")
    if conditions:
        parts.append("Owen's T function and the arcsine law")
    elif len(parts) == 1:
        parts.append("moments of a Gaussian pair")
    return ", ".join(parts)


def _power_route(found: powers.Slopes) -> str:
    return f"homogeneous of degree {found.degree}: the arc-cosine kernels, a function of the angle"
