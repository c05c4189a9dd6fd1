"""The expected learning curve on a pool of data, without drawing training sets.

Of M rows with labels, n are drawn at random, without replacement, to train kernel regression with
(K + ridge)⁻¹; the others test it. `eigenlearning` on the pool's spectrum would draw with
replacement, count training rows as tests, and take all rows to be alike. Here each row i has its
own error sᵢ and posterior variance vᵢ, when a share α of the other rows is trained on:

    G = (K + D)⁻¹,   Dᵢ = (ridge + (1 − α) vᵢ)/α,   vᵢ = 1/Gᵢᵢ − Dᵢ,
    sᵢ = ((G y)ᵢ/Gᵢᵢ)² + (1/α − 1) Σ_{j≠i} (Gᵢⱼ/Gᵢᵢ)² sⱼ.

The first line is a fixed point, the second a linear system: each row j adds the noise of being
drawn or not, (bⱼ/α − 1) eⱼ with bⱼ ∈ {0, 1}, which others see through G. With equal vᵢ this is the
conservation law of eigenlearning, Σ L = n at ridge 0. At α = 1 it is the exact leave-one-out error.
For a test row α = n/(M − 1); a training row is missed by ridge·eᵢ/(ridge + vᵢ), with
α = (n − 1)/(M − 1).

It is the cavity (adaptive TAP) method for resampling averages of Malzahn and Opper 2003 (Journal of
Machine Learning Research 4, 1151), here for subsets instead of bootstrap samples. What it neglects
are the fluctuations of vᵢ from one training set to the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigvalsh
from scipy.linalg.lapack import dpotrf, dpotri

from ntkc.predict.arrays import Array, Gram, Targets, choice, finite_result, gram, targets
from ntkc.predict.errors import InputError, PredictError, SingularKernelError
from ntkc.predict.regression import regress
from ntkc.predict.report import OnSingular, RidgeScale, absolute_ridge

_TOLERANCE = 1e-7
_MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class PoolForecast:
    """Expected mean squared errors (over rows and outputs) for each number of training rows.

    `ns`, `test_error`, `train_error`: shape (T,). `row_errors` (T, M): the expected squared error
    of each row of the pool where it is a test row.
    """

    ns: tuple[int, ...]
    test_error: Array
    train_error: Array
    row_errors: Array


@dataclass(frozen=True)
class MeasuredCurve:
    """Mean squared errors (over rows and outputs), averaged over training sets.

    `ns`, `test_error`, `train_error`: shape (T,); `test_deviation`, `train_deviation`: the standard
    errors of these averages, from the spread over `draws` training sets.
    """

    ns: tuple[int, ...]
    test_error: Array
    test_deviation: Array
    train_error: Array
    train_deviation: Array
    draws: int


def pool_learning_curve(
    k_pool: ArrayLike,
    y_pool: ArrayLike,
    ns: Iterable[int],
    *,
    ridge: float = 0.0,
    ridge_scale: RidgeScale = "absolute",
) -> PoolForecast:
    """Forecast the learning curve at `ns`, whole numbers from 1 to M − 1.

    `k_pool` (M, M), `y_pool` (M,) or (M, outputs). A relative ridge is a multiple of the mean of
    k_pool's diagonal. Each n costs about a dozen inverses of an (M, M) matrix.

    Raises `InputError`, `InputTypeError`; `SingularKernelError` where the matrix has a rank of n or
    less and the ridge is 0; `PredictError` where the fixed point is not found.
    """
    matrix, y, sizes, shift = _checked(k_pool, y_pool, ns, ridge, ridge_scale)
    others = matrix.size - 1
    if shift == 0:
        _require_rank(matrix, max(sizes, default=0))
    rows = np.empty((len(sizes), matrix.size))
    train = np.zeros(len(sizes))
    for place, n in enumerate(sizes):
        rows[place], _ = _cavity(matrix, y, n / others, shift)
        if shift:
            errors, variances = _cavity(matrix, y, (n - 1) / others, shift)
            train[place] = np.mean((shift / (shift + variances)) ** 2 * errors)
    finite_result(rows, "the expected learning curve")
    return PoolForecast(sizes, rows.mean(axis=1), train, rows)


def measured_learning_curve(
    k_pool: ArrayLike,
    y_pool: ArrayLike,
    ns: Iterable[int],
    *,
    draws: int = 20,
    rng: np.random.Generator,
    ridge: float = 0.0,
    ridge_scale: RidgeScale = "absolute",
    on_singular: OnSingular = "raise",
) -> MeasuredCurve:
    """Measure what `pool_learning_curve` forecasts, on `draws` ≥ 2 random training sets for each n.

    Raises as `ntkc.predict.regress` does.
    """
    matrix, y, sizes, shift = _checked(k_pool, y_pool, ns, ridge, ridge_scale)
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 2:
        raise InputError(f"draws must be a whole number of at least 2, and is {draws!r}")
    found = np.empty((2, len(sizes), draws))
    for place, n in enumerate(sizes):
        for draw in range(draws):
            order = rng.permutation(matrix.size)
            train, test = order[:n], order[n:]
            fit = regress(
                matrix.values[np.ix_(train, train)],
                y.values[train],
                matrix.values[np.ix_(test, train)],
                ridge=shift,
                on_singular=on_singular,
            )
            assert fit.test is not None
            found[0, place, draw] = np.mean((fit.test - y.values[test]) ** 2)
            found[1, place, draw] = np.mean((fit.train - y.values[train]) ** 2)
    means, errors = found.mean(axis=2), found.std(axis=2, ddof=1) / np.sqrt(draws)
    return MeasuredCurve(sizes, means[0], errors[0], means[1], errors[1], int(draws))


def _checked(
    k_pool: ArrayLike, y_pool: ArrayLike, ns: Iterable[int], ridge: float, scale: RidgeScale
) -> tuple[Gram, Targets, tuple[int, ...], float]:
    matrix = gram(k_pool, "k_pool")
    y = targets(y_pool, "y_pool", matrix.size)
    choice(scale, "ridge_scale", ("absolute", "relative"))
    sizes = tuple(ns)
    for n in sizes:
        whole = isinstance(n, int | np.integer) and not isinstance(n, bool)
        if not whole or not 1 <= n < matrix.size:
            raise InputError(
                f"ns must be whole numbers from 1 to {matrix.size - 1}, one less than the pool, "
                f"and has {n!r}"
            )
    return matrix, y, tuple(int(n) for n in sizes), absolute_ridge(ridge, scale, matrix)


def _require_rank(matrix: Gram, most: int) -> None:
    values = np.asarray(eigvalsh(matrix.values, check_finite=False))
    rank = int((values > matrix.noise * abs(values[-1])).sum()) if len(values) else 0
    if rank <= most:
        raise SingularKernelError(
            f"k_pool has the rank {rank}, so that {most} rows cannot be fitted at ridge 0; "
            "a ridge makes it well posed",
            float("inf"),
        )


def _cavity(matrix: Gram, y: Targets, share: float, ridge: float) -> tuple[Array, Array]:
    """Each row's expected squared error and variance, a `share` of the others being trained on."""
    squares = (y.values**2).mean(axis=1)
    variances = np.array(np.diagonal(matrix.values))
    if share == 0:
        return squares, variances
    added = (ridge + (1 - share) * variances) / share
    for _ in range(_MOST_ITERATIONS):
        inverse = _inverse(matrix, added)
        diagonal = np.diagonal(inverse)
        variances = np.maximum(1 / diagonal - added, 0.0)
        before, added = added, (ridge + (1 - share) * variances) / share
        if np.abs(added - before).max() <= _TOLERANCE * before.max():
            break
    else:
        raise PredictError(
            f"the expected variances did not settle within {_MOST_ITERATIONS} iterations at a "
            f"share of {share:.3g} of the pool"
        )
    alone = ((inverse @ y.values / diagonal[:, None]) ** 2).mean(axis=1)
    weights = (inverse / diagonal[:, None]) ** 2
    np.fill_diagonal(weights, 0.0)
    system = np.eye(matrix.size) - (1 / share - 1) * weights
    errors = np.linalg.solve(system, alone)
    if (errors < 0).any():
        raise PredictError(
            f"there is no forecast at a share of {share:.3g} of the pool: the noise that rows pass "
            "on to one another grows without bound; a ridge bounds it"
        )
    return errors, variances


def _inverse(matrix: Gram, added: Array) -> Array:
    """(K + D)⁻¹ by Cholesky's method; LAPACK fills one triangle."""
    factor, failed = dpotrf(matrix.values + np.diag(added), lower=1, overwrite_a=1)
    if not failed:
        half, failed = dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise SingularKernelError(
            "k_pool is singular to working precision; a ridge makes it well posed", float("inf")
        )
    return np.asarray(np.tril(half) + np.tril(half, -1).T)
