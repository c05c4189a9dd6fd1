"""Long sums with few terms: positive weights on few degrees in place of all of them.

The terms d_m(p) d_m(q) rho^m of a Hermite series vary slowly with m where m is large, as the
terms of a sum that is nearly an integral do. So a quadrature rule in the *degree* serves: nodes
m_l and weights w_l > 0, independent of p, q and rho, with

    sum over m of d_m(p) d_m(q) rho^m  =  sum over l of w_l d_{m_l}(p) d_{m_l}(q) rho^{m_l}

to within the tolerance. Positive weights keep the kernel positive semi-definite. They come from
non-negative least squares (Lawson & Hanson 1974), whose solutions are sparse, over degrees whose
distances grow with the degree; a sum of 5000 terms becomes one of some 40.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ntkc.symbolic.hermite import Array, Slope

_SAMPLES = np.array([1.0, 0.3, 0.1, 0.03, 0.01, 1e-3])
"""Of the variances at which the rule is made, relative to the largest."""
_TAUS = 72
_DENSITY = 16
_NOISE = 1e-22
"""Squares of coefficients below this, relative to their sum, are rounding."""


def correlations(degree: int, count: int = _TAUS) -> Array:
    """-log rho for rho from 1 to e^-10, dense where degrees up to `degree` tell them apart."""
    low = -np.log10(max(degree, 100)) - 1.5
    return np.concatenate([[0.0], np.logspace(low, 1.0, count)])


@dataclass(frozen=True)
class Rule:
    """A sum over few degrees, whose features are Chebyshev series of so many terms."""

    degrees: tuple[int, ...]
    weights: tuple[float, ...]
    size: int


def rule(
    slope: Slope, largest: float, degree: int, tolerance: float, count: int = _TAUS
) -> tuple[Array, Array]:
    """(degrees (L,), weights (L,)): the sparsest rule that was found within the tolerance,
    relative to the sums at rho = 1, at `count` correlations.

    Raises `ValueError` where there is none.
    """
    variances, taus = largest * _SAMPLES, correlations(degree, count)
    sums, means = slope.duals(variances, variances, taus, degree)
    degrees = _candidates(slope.parity, degree)
    squares = slope.coefficients(variances, degrees) ** 2
    visible = (squares > _NOISE * sums[0][:, None]).any(axis=0)
    degrees, squares = degrees[visible], squares[:, visible]
    weights, error = _fit(squares, degrees, taus, sums, means, tolerance)
    if error > tolerance:
        raise ValueError(f"no sum of few terms is within {tolerance:g}, one is within {error:.1g}")
    kept = weights > 0.0
    return degrees[kept], weights[kept]


def _candidates(parity: int, last: int) -> Array:
    """All degrees of the parity up to some, then `_DENSITY` in each octave, at whole steps of
    powers of two (so that powers of rho between them cost few products)."""
    found, half = [], 0
    while 2 * half + parity <= last:
        found.append(2 * half + parity)
        half += max(1, (1 << max(half, 1).bit_length() - 1) // _DENSITY)
    return np.array(found, dtype=float)


def _fit(
    squares: Array, degrees: Array, taus: Array, sums: Array, means: Array, tolerance: float
) -> tuple[Array, float]:
    """The weights, and the largest error of Σ and Σ̇ relative to their values at rho = 1."""
    decays = np.exp(-degrees * taus[:, None])
    blocks, wanted = [], []
    for j in range(squares.shape[0]):
        for target, extra in ((sums, 1.0), (means, 1.0 / (degrees + 1.0))):
            scale = target[0, j]
            blocks.append(decays * (squares[j] * extra) / scale)
            wanted.append(target[:, j] / scale)
    return _non_negative(np.vstack(blocks), np.concatenate(wanted), tolerance)


def _non_negative(matrix: Array, values: Array, tolerance: float) -> tuple[Array, float]:
    """Few weights >= 0 with |matrix @ weights - values| within the tolerance, and that error.

    The solution of least squares is sparse, and more exact than is asked for; columns go one
    after the other, those first that matter least, as long as the others can stand in for them.
    """
    kept = np.arange(matrix.shape[1])
    weights, error = _least_squares(matrix, values)
    kept, weights = kept[weights > 0.0], weights[weights > 0.0]
    spared: set[int] = set()
    while error <= tolerance and len(kept) > 1:
        shares = (matrix[:, kept] * weights).max(axis=0)
        order = [int(k) for k in np.argsort(shares) if int(kept[k]) not in spared]
        if not order:
            break
        fewer = np.delete(kept, order[0])
        found, larger = _least_squares(matrix[:, fewer], values)
        if larger <= tolerance:
            kept, weights, error = fewer[found > 0.0], found[found > 0.0], larger
        else:
            spared.add(int(kept[order[0]]))
    result = np.zeros(matrix.shape[1])
    result[kept] = weights
    return result, error


def _least_squares(matrix: Array, values: Array) -> tuple[Array, float]:
    """Non-negative weights, and the largest error."""
    from scipy.optimize import nnls

    try:
        weights, _ = nnls(np.ascontiguousarray(matrix), values, maxiter=100 * matrix.shape[1])
    except RuntimeError:  # it went round in circles
        return np.zeros(matrix.shape[1]), np.inf
    return weights, float(np.abs(matrix @ weights - values).max())
