"""Activations without closed form: their dual as a certified sum of few terms.

With d_m(p) the Hermite coefficients of the slope (`ntkc.symbolic.hermite`),

    E[f(u) f(v)]   = a(p) a(q) + c * sum over l of D_l(p) D_l(q) rho^(m_l) / (m_l + 1)
    E[f'(u) f'(v)] =                 sum over l of D_l(p) D_l(q) rho^(m_l)

with a(p) = E[f(sqrt(p) z)] and D_l = sqrt(w_l) d_{m_l}, over the few degrees m_l and weights w_l
that `ntkc.symbolic.sparse` finds. a and D_l depend on one input: each is a Chebyshev series in
t(p) = A log(1 + sqrt(p)/B) + C, on which they are smooth from variance 0 up to the largest.

What a network computes is then a sum of products of features, so it is positive semi-definite,
Σ̇ is the exact derivative of Σ, and the complement 1 - Σ12/sqrt(Σ11 Σ22) is one of positive terms.

Errors are relative to what Cauchy and Schwarz allow: |Σ error| <= E sqrt(Σ11 Σ22), |Σ̇ error| <=
E sqrt(Σ̇11 Σ̇22). The certificate E is what is left out of the series (Parseval), plus what the
rule, the Chebyshev series and the quadrature are found to differ by on grids of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import Certificate, DualForms
from ntkc.ir.node import Node
from ntkc.runtime.blas import single_threaded_blas
from ntkc.symbolic.certify import (
    SMALLEST,
    degree_for,
    interpolation_error,
    mixture_error,
    quadrature_error,
    rule_error,
)
from ntkc.symbolic.confirm import confirm
from ntkc.symbolic.features import Features, Mean, Part, forms
from ntkc.symbolic.hermite import (
    Array,
    Function,
    Mixture,
    NotFiniteError,
    Sampled,
    Slope,
    forget,
    parts,
    remembered,
)
from ntkc.symbolic.interpolation import (
    LARGEST_VARIANCE,
    ORIGIN,
    chebyshev,
    position,
    variances_at,
)
from ntkc.symbolic.kept_rules import Rules, kept_rules
from ntkc.symbolic.sparse import Rule, rule
from ntkc.symbolic.uncertified import NotCertifiedError

_ATTAINABLE = 1e-12
_SIZES = (24, 32, 48, 64, 96)


@dataclass(frozen=True)
class Formula:
    """An activation to be expanded: f and f' over the symbol `z`.

    `bells` gives f' as a mixture of Gaussian bells (rates, weights), for slopes with a kink. What
    was `written` in a program may hide anything between the places where it is looked at.
    """

    name: str
    function: Node
    slope: Node
    bells: Callable[[], tuple[tuple[float, ...], tuple[float, ...]] | None] = lambda: None
    written: bool = False


@lru_cache(maxsize=64)
def series_forms(formula: Formula, tolerance: float) -> DualForms:
    """Every form of an activation by its series.

    Raises `NotCertifiedError` where no series is within the tolerance for every variance up to
    `LARGEST_VARIANCE`.
    """
    if tolerance < _ATTAINABLE:
        raise NotCertifiedError(
            formula.name,
            f"series are certified to {_ATTAINABLE:g} at best, not to {tolerance:g}",
            1e-10,
        )
    value, slope = map(remembered, functions(formula))
    try:
        with single_threaded_blas:  # products of some thousand numbers: threads would only wait
            rules = kept_rules(formula, tolerance) or _rules(formula, value, slope, tolerance)
            features = _features(rules, slopes(formula, slope), value)[0]
    finally:
        forget()
    terms = sum(len(part.degrees) for part in features.parts)
    certificate = Certificate("series", rules.error, LARGEST_VARIANCE, terms)
    return forms(formula.name, features, certificate)


def derived_rules(formula: Formula, tolerance: float) -> Rules:
    """The rules within the tolerance, found now. Raises `NotCertifiedError`."""
    value, slope = map(remembered, functions(formula))
    try:
        with single_threaded_blas:
            return _rules(formula, value, slope, tolerance)
    finally:
        forget()


def _rules(formula: Formula, value: Function, slope: Function, tolerance: float) -> Rules:
    """The rules within the tolerance, and their error. Raises `NotCertifiedError`."""
    error = math.inf
    try:
        for aim in (tolerance, tolerance / 8):
            rules = _found(formula, value, slope, aim)
            error = rules.error
            if error <= tolerance:
                break
        if formula.written and error < math.inf:
            features, _ = _features(rules, slopes(formula, slope), value)
            confirm(formula, value, slope, features, max(error, tolerance))
    except NotFiniteError as problem:
        raise NotCertifiedError(formula.name, str(problem)) from None
    if error <= tolerance:
        return rules
    raise NotCertifiedError(
        formula.name, f"its series is certified to {error:.1e}, not to {tolerance:g}", 2.0 * error
    )


def functions(formula: Formula) -> tuple[Function, Function]:
    """f and f' as functions of arrays."""

    def run(node: Node, x: Array) -> Array:
        (values,) = evaluate([node], {"z": x})
        return np.broadcast_to(np.asarray(values, dtype=float), x.shape)

    return lambda x: run(formula.function, x), lambda x: run(formula.slope, x)


def slopes(formula: Formula, slope: Function) -> Sequence[Slope]:
    """The parts of the slope whose series there are."""
    bells = formula.bells()
    if bells is None:
        return list(parts(slope, LARGEST_VARIANCE))
    return [Mixture(np.array(bells[0]), np.array(bells[1]))]


def _found(formula: Formula, value: Function, slope: Function, tolerance: float) -> Rules:
    """Rules of which each part aims at the tolerance, and what all of them lose."""
    whole = slopes(formula, slope)
    error = sum(mixture_error(part, slope) for part in whole if isinstance(part, Mixture))
    made = []
    for part in whole:
        found, lost = _rule(formula.name, part, whole, tolerance / len(whole))
        made.append(found)
        error += lost
    _, lost = _mean(value)
    return Rules(tuple(made), error + lost + quadrature_error(whole))


def _features(rules: Rules, whole: Sequence[Slope], value: Function) -> tuple[Features, float]:
    """What the pairs' sums are made of, and the error of the means."""
    mean, lost = _mean(value)
    made = tuple(part_of(slope, rule) for slope, rule in zip(whole, rules.rules, strict=True))
    return Features(ORIGIN, LARGEST_VARIANCE, mean, made), lost


def part_of(slope: Slope, rule: Rule) -> Part:
    """The features of one parity."""
    degrees, roots = np.array(rule.degrees, dtype=float), np.sqrt(rule.weights)
    series = chebyshev(lambda p: roots * slope.coefficients(p, degrees), rule.size)
    return Part(rule.degrees, tuple(map(tuple, series.T)))


def _rule(name: str, slope: Slope, whole: Sequence[Slope], tolerance: float) -> tuple[Rule, float]:
    """The rule of one parity, and its error."""
    degree, tail = degree_for(slope, tolerance / 8)
    if tail > tolerance / 4:
        raise NotCertifiedError(
            name,
            f"its series converges too slowly: after {degree} terms {tail:.1e} of it is missing; a "
            "kink, a jump or a steep slope does that",
        )
    try:
        degrees, weights = rule(slope, LARGEST_VARIANCE, degree, tolerance / 8)
    except ValueError as error:
        raise NotCertifiedError(name, str(error)) from None
    for size in _SIZES:
        found = Rule(tuple(map(int, degrees)), tuple(map(float, weights)), size)
        lost = interpolation_error(slope, whole, part_of(slope, found), np.sqrt(weights))
        if lost <= tolerance / 8:
            break
    return found, tail + lost + rule_error(slope, degrees, weights, degree)


def _mean(value: Function) -> tuple[Mean, float]:
    """a(p) = E[f(sqrt(p) z)] as a Chebyshev series, and its error."""
    even = Sampled(value, 0)
    if not (even.norms(np.array([0.01, 1.0, 30.0])) > 1e-28).any():
        return Mean(), 0.0
    scaled = float(value(np.zeros(1))[0]) == 0.0

    def mean(variances: Array) -> Array:
        found = even.coefficients(variances, np.zeros(1))[:, 0]
        return found / variances if scaled else found

    variances = variances_at(np.linspace(-0.999, 1.0, 37))
    exact = mean(variances)
    norms = even.norms(variances) + Sampled(value, 1).norms(variances)
    scale = np.sqrt(np.maximum(norms, (SMALLEST * variances[-1]) ** 2))
    for size in _SIZES:
        series = chebyshev(mean, size)
        lost = np.abs(np.polynomial.chebyshev.chebval(position(variances), series) - exact)
        worst = 2.0 * float((lost * (variances if scaled else 1.0) / scale).max())
        if worst < _ATTAINABLE / 4:
            break
    return Mean(tuple(map(float, series)), scaled), worst
