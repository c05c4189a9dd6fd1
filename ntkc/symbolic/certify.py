"""What a series of few terms loses: the summands of its certificate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ntkc.symbolic.features import Part
from ntkc.symbolic.hermite import Array, Function, Mixture, NotFiniteError, Sampled, Slope
from ntkc.symbolic.interpolation import LARGEST_VARIANCE, variances_at
from ntkc.symbolic.sparse import correlations

SMALLEST = 1e-8
"""Relative to the largest variance: below, errors are relative to the norms there."""
CHECKED = np.array([1.0, 0.62, 0.37, 0.11, 0.043, 0.0071, 4e-4, 1e-6])
"""Shares of the largest variance at which a rule is looked at; it was not made there."""
NEEDLE = "its slope is too steep for a series: it goes between the places where it is looked at"
_DEGREES = tuple(2**k for k in range(5, 16))
_PATIENCE = 6
"""Degrees that are tried before a series may count as hopeless: 32, 64, ... 512 among them."""
_MIXTURE_DEGREE = 2**33


def degree_for(slope: Slope, tolerance: float) -> tuple[int, float]:
    """How far the series goes, and what is missing then, relative to the whole."""
    if isinstance(slope, Mixture):
        return _MIXTURE_DEGREE, 0.0  # its duals are known whole
    variances = LARGEST_VARIANCE * np.array([1e-3, 0.03, 0.3, 1.0])
    norms = slope.norms(variances)
    degree, first, tail, tails = _DEGREES[0], slope.parity, 1.0, [1.0]
    known = np.zeros_like(norms)
    if not (norms > 0.0).all():
        raise NotFiniteError(NEEDLE)
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


def relative(lost: Array, scale: Array) -> Array:
    """The quotient; nothing of nothing is nothing, and anything of nothing is all."""
    known = scale > 0.0
    share: Array = np.where(
        known, lost / np.where(known, scale, 1.0), np.where(lost > 0, np.inf, 0)
    )
    return share


def interpolation_error(slope: Slope, whole: Sequence[Slope], part: Part, roots: Array) -> float:
    """What the Chebyshev series lose, as a share of the features' norm, between their nodes."""
    size = len(part.series[0])
    positions = np.cos(np.pi * np.arange(2 * size + 1) / (2 * size))[1::2][::2]
    checks = np.concatenate([positions, [1.0]])
    variances = variances_at(checks)
    exact = roots * slope.coefficients(variances, np.array(part.degrees, dtype=float))
    found = np.polynomial.chebyshev.chebval(checks, np.array(part.series).T).T
    norms = np.sum([other.norms(variances) for other in whole], axis=0)
    norms = np.maximum(norms, SMALLEST * norms.max())
    lost = np.sqrt(((found - exact) ** 2).sum(axis=1) / norms)
    return 2.0 * float(lost.max())


def rule_error(slope: Slope, degrees: Array, weights: Array, degree: int) -> float:
    """The largest error of both sums for pairs of variances that the rule was not made at."""
    p, q = (x.ravel() for x in np.meshgrid(LARGEST_VARIANCE * CHECKED, LARGEST_VARIANCE * CHECKED))
    taus = 1.37 * correlations(degree)
    sums, means = slope.duals(p, q, taus, degree)
    own = slope.coefficients(p, degrees) * slope.coefficients(q, degrees) * weights
    decays = np.exp(-np.outer(taus, degrees))
    worst = 0.0
    for exact, extra in ((sums, np.ones_like(degrees)), (means, 1.0 / (degrees + 1.0))):
        diagonal = np.diagonal(exact[0].reshape(len(CHECKED), -1))
        scale = np.sqrt(np.outer(diagonal, diagonal)).ravel()
        found = decays @ (own * extra).T
        worst = max(worst, float(relative(np.abs(found - exact), scale).max()))
    return worst


def mixture_error(mixture: Mixture, slope: Function) -> float:
    """How far the bells' sum is from the slope, as a share of its norm; twice, for both factors."""

    def gap(x: Array) -> Array:
        bells = np.exp(-mixture.rates * (x * x)[..., None])
        return np.asarray(slope(x) - bells @ mixture.weights)

    variances = LARGEST_VARIANCE * CHECKED
    lost = relative(Sampled(gap, 0).norms(variances), Sampled(slope, 0).norms(variances))
    return 2.0 * float(np.sqrt(lost.max()))


def quadrature_error(slopes: Sequence[Slope]) -> float:
    """What halving the panels changes in the norms, relatively."""
    variances = LARGEST_VARIANCE * CHECKED
    changes = [0.0]
    for part in slopes:
        if isinstance(part, Sampled):
            finer = Sampled(part.slope, part.parity, part.width / 2).norms(variances)
            changes.append(float(relative(np.abs(part.norms(variances) - finer), finer).max()))
    return sum(changes)
