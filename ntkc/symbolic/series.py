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
from itertools import pairwise

import numpy as np

from ntkc.diagnostics import NtkError
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import Certificate, DualForms
from ntkc.ir.node import Node
from ntkc.runtime.blas import single_threaded_blas
from ntkc.symbolic.features import Features, Mean, Part, forms, norm
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
from ntkc.symbolic.sparse import correlations, rule

LARGEST_VARIANCE = 100.0
"""Up to which the series of an activation is made and certified."""
ORIGIN = 0.3
"""B of t(p), in standard deviations: below it t is linear in sqrt(p), above in log p."""
_SMALLEST = 1e-8
"""Relative to the largest variance: below, errors are relative to the norms there."""
_ATTAINABLE = 1e-12
_DEGREES = tuple(2**k for k in range(5, 16))
_PATIENCE = 6
"""Degrees that are tried before a series may count as hopeless: 32, 64, ... 512 among them."""
_MIXTURE_DEGREE = 2**33
_SIZES = (24, 32, 48, 64, 96)


class NotCertifiedError(NtkError, ValueError):
    """No series of this activation meets the tolerance: says which would be met."""


@dataclass(frozen=True)
class Formula:
    """An activation to be expanded: f and f' over the symbol `z`.

    `bells` gives f' as a mixture of Gaussian bells (rates, weights), for slopes with a kink.
    """

    name: str
    function: Node
    slope: Node
    bells: Callable[[], tuple[tuple[float, ...], tuple[float, ...]] | None] = lambda: None


@lru_cache(maxsize=64)
def series_forms(formula: Formula, tolerance: float) -> DualForms:
    """Every form of an activation by its series.

    Raises `NotCertifiedError` where no series is within the tolerance for every variance up to
    `LARGEST_VARIANCE`.
    """
    if tolerance < _ATTAINABLE:
        raise NotCertifiedError(
            f"`{formula.name}` has no closed form, and its series cannot be certified to "
            f"{tolerance:g}: at best to {_ATTAINABLE:g}"
        )
    features, error = _certified(formula, tolerance)
    terms = sum(len(part.degrees) for part in features.parts)
    certificate = Certificate("series", error, LARGEST_VARIANCE, terms)
    return forms(formula.name, features, certificate)


def _certified(formula: Formula, tolerance: float) -> tuple[Features, float]:
    """The features within the tolerance, and their error. Raises `NotCertifiedError`."""
    value, slope = map(remembered, functions(formula))
    error = math.inf
    try:
        with single_threaded_blas:  # products of some thousand numbers: threads would only wait
            for aim in (tolerance, tolerance / 8):
                features, error = _features(formula, value, slope, aim)
                if error <= tolerance:
                    _confirm(formula.name, value, features, tolerance)
                    return features, error
    except NotFiniteError as problem:
        raise NotCertifiedError(f"`{formula.name}` has no closed form, and {problem}") from None
    finally:
        forget()
    raise NotCertifiedError(
        f"`{formula.name}` has no closed form, and its series is certified to {error:.1e}, "
        f"not to {tolerance:g}"
    )


def functions(formula: Formula) -> tuple[Function, Function]:
    """f and f' as functions of arrays."""

    def run(node: Node, x: Array) -> Array:
        (values,) = evaluate([node], {"z": x})
        return np.broadcast_to(np.asarray(values, dtype=float), x.shape)

    return lambda x: run(formula.function, x), lambda x: run(formula.slope, x)


def _features(
    formula: Formula, value: Function, slope: Function, tolerance: float
) -> tuple[Features, float]:
    """The features that the pairs' sums are made of, and the error that is certified."""
    slopes: Sequence[Slope]
    made, error = [], 0.0
    bells = formula.bells()
    if bells is None:
        slopes = list(parts(slope, LARGEST_VARIANCE))
    else:
        mixture = Mixture(np.array(bells[0]), np.array(bells[1]))
        slopes, error = [mixture], _mixture_error(mixture, slope)
    for part in slopes:
        found, lost = _part(formula.name, part, slopes, tolerance / len(slopes))
        made.append(found)
        error += lost
    mean, lost = _mean(value)
    features = Features(ORIGIN, LARGEST_VARIANCE, mean, tuple(made))
    return features, error + lost + _quadrature_error(slopes)


_NEEDLE = "its slope is too steep for a series: it goes between the places where it is looked at"


def _confirm(name: str, value: Function, features: Features, tolerance: float) -> None:
    """See that the series, which knows the slope alone, has E[f^2]: a slope that is a needle goes
    between the nodes of every quadrature, what it rises by does not.
    """
    variances = LARGEST_VARIANCE * _CHECKED
    exact = Sampled(value, 0).norms(variances) + Sampled(value, 1).norms(variances)
    (found,) = evaluate([norm(features)], {"p": variances})
    lost = float((np.abs(found - exact) / np.maximum(exact, _SMALLEST * exact.max())).max())
    if not lost <= tolerance:
        raise NotCertifiedError(f"`{name}` has no closed form, and {_NEEDLE}")


def _part(name: str, slope: Slope, whole: Sequence[Slope], tolerance: float) -> tuple[Part, float]:
    """The features of one parity, and their error."""
    degree, tail = _degree(slope, tolerance / 8)
    if tail > tolerance / 4:
        raise NotCertifiedError(
            f"`{name}` has no closed form, and its series converges too slowly for {tolerance:g} "
            f"(after {degree} terms {tail:.1e} is missing); a kink or a jump does that"
        )
    try:
        degrees, weights = rule(slope, LARGEST_VARIANCE, degree, tolerance / 8)
    except ValueError as error:
        raise NotCertifiedError(f"`{name}` has no closed form: {error}") from None
    roots = np.sqrt(weights)
    size = _SIZES[0]
    for size in _SIZES:
        series = chebyshev(lambda p: roots * slope.coefficients(p, degrees), size)
        part = Part(tuple(int(m) for m in degrees), tuple(map(tuple, series.T)))
        lost = _interpolation_error(slope, whole, part, roots)
        if lost <= tolerance / 8:
            break
    return part, tail + lost + _rule_error(slope, degrees, weights, degree)


def _degree(slope: Slope, tolerance: float) -> tuple[int, float]:
    """How far the series goes, and what is missing then, relative to the whole."""
    if isinstance(slope, Mixture):
        return _MIXTURE_DEGREE, 0.0  # its duals are known whole
    variances = LARGEST_VARIANCE * np.array([1e-3, 0.03, 0.3, 1.0])
    norms = slope.norms(variances)
    degree, first, tail, tails = _DEGREES[0], slope.parity, 1.0, [1.0]
    known = np.zeros_like(norms)
    if not (norms > 0.0).all():
        raise NotFiniteError(_NEEDLE)
    for degree in _DEGREES:
        found = slope.coefficients(variances, np.arange(first, degree + 1, 2.0))
        known += (found**2).sum(axis=1)
        first = degree + 1 + (degree + 1 - slope.parity) % 2
        tail = float((1.0 - known / norms).max())
        tails.append(max(tail, 1e-300))
        if tail <= tolerance or _hopeless(tails, len(_DEGREES) + 1 - len(tails), tolerance):
            break
    return degree, max(tail, 0.0)


def _hopeless(tails: Sequence[float], left: int, tolerance: float) -> bool:
    """Whether what is missing falls as a power of the degree, as a kink makes it, and will not be
    within the tolerance after as many doublings as are left. A smooth function's falls faster
    with each doubling: the logarithm of exp(-c sqrt(m)) by 1.41 times as much.
    """
    if len(tails) < _PATIENCE:
        return False
    falls = [math.log(tails[k] / tails[k - 1]) for k in (-3, -2, -1)]
    steady = all(0.8 < after / min(before, -1e-9) < 1.2 for before, after in pairwise(falls))
    return steady and tails[-1] * math.exp(falls[-1] * left) > tolerance


def position(variances: Array, largest: float = LARGEST_VARIANCE) -> Array:
    """t(p) in [-1, 1]."""
    top = math.log1p(math.sqrt(largest) / ORIGIN)
    return np.log1p(np.sqrt(variances) / ORIGIN) * (2.0 / top) - 1.0


def variances_at(positions: Array, largest: float = LARGEST_VARIANCE) -> Array:
    """p of t(p)."""
    top = math.log1p(math.sqrt(largest) / ORIGIN)
    roots = ORIGIN * np.expm1((positions + 1.0) * (top / 2.0))
    squares: Array = np.maximum(roots, 0.0) ** 2
    return squares


def chebyshev(function: Function, size: int, largest: float = LARGEST_VARIANCE) -> Array:
    """Coefficients (size, ...) of the interpolant at the Chebyshev nodes in t."""
    angles = np.pi * (np.arange(size) + 0.5) / size
    values = function(variances_at(np.cos(angles), largest))
    series = np.cos(np.outer(np.arange(size), angles)) @ values * (2.0 / size)
    series[0] /= 2.0
    return np.asarray(series)


def _interpolation_error(slope: Slope, whole: Sequence[Slope], part: Part, roots: Array) -> float:
    """What the Chebyshev series lose, as a share of the features' norm, between their nodes."""
    size = len(part.series[0])
    positions = np.cos(np.pi * np.arange(2 * size + 1) / (2 * size))[1::2][::2]
    checks = np.concatenate([positions, [1.0]])
    variances = variances_at(checks)
    exact = roots * slope.coefficients(variances, np.array(part.degrees, dtype=float))
    found = np.polynomial.chebyshev.chebval(checks, np.array(part.series).T).T
    norms = np.sum([other.norms(variances) for other in whole], axis=0)
    norms = np.maximum(norms, _SMALLEST * norms.max())
    lost = np.sqrt(((found - exact) ** 2).sum(axis=1) / norms)
    return 2.0 * float(lost.max())


_CHECKED = np.array([1.0, 0.62, 0.37, 0.11, 0.043, 0.0071, 4e-4, 1e-6])


def _rule_error(slope: Slope, degrees: Array, weights: Array, degree: int) -> float:
    """The largest error of both sums for pairs of variances that the rule was not made at."""
    p, q = (
        x.ravel() for x in np.meshgrid(LARGEST_VARIANCE * _CHECKED, LARGEST_VARIANCE * _CHECKED)
    )
    taus = 1.37 * correlations(degree)
    sums, means = slope.duals(p, q, taus, degree)
    own = slope.coefficients(p, degrees) * slope.coefficients(q, degrees) * weights
    decays = np.exp(-np.outer(taus, degrees))
    worst = 0.0
    for exact, extra in ((sums, np.ones_like(degrees)), (means, 1.0 / (degrees + 1.0))):
        diagonal = np.diagonal(exact[0].reshape(len(_CHECKED), -1))
        scale = np.sqrt(np.outer(diagonal, diagonal)).ravel()
        found = decays @ (own * extra).T
        worst = max(worst, float((np.abs(found - exact) / scale).max()))
    return worst


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
    scale = np.sqrt(np.maximum(norms, (_SMALLEST * variances[-1]) ** 2))
    for size in _SIZES:
        series = chebyshev(mean, size)
        lost = np.abs(np.polynomial.chebyshev.chebval(position(variances), series) - exact)
        worst = 2.0 * float((lost * (variances if scaled else 1.0) / scale).max())
        if worst < _ATTAINABLE / 4:
            break
    return Mean(tuple(map(float, series)), scaled), worst


def _mixture_error(mixture: Mixture, slope: Function) -> float:
    """How far the bells' sum is from the slope, as a share of its norm; twice, for both factors."""

    def gap(x: Array) -> Array:
        bells = np.exp(-mixture.rates * (x * x)[..., None])
        return np.asarray(slope(x) - bells @ mixture.weights)

    variances = LARGEST_VARIANCE * _CHECKED
    lost = Sampled(gap, 0).norms(variances) / Sampled(slope, 0).norms(variances)
    return 2.0 * float(np.sqrt(lost.max()))


def _quadrature_error(slopes: Sequence[Slope]) -> float:
    """What halving the panels changes in the norms, relatively."""
    variances = LARGEST_VARIANCE * _CHECKED
    changes = [0.0]
    for part in slopes:
        if isinstance(part, Sampled):
            finer = Sampled(part.slope, part.parity, part.width / 2).norms(variances)
            changes.append(float((np.abs(part.norms(variances) - finer) / finer).max()))
    return sum(changes)
