"""Leave-one-out and k-fold errors in closed form, from one factorisation.

With G = (K + ridge)⁻¹ and α = G y, the model trained without the rows S predicts them with the
residual y_S − f_S = (G_SS)⁻¹ α_S; for one row that is αᵢ/Gᵢᵢ. The ridge is absolute here, also
where it was given relative to the mean diagonal: it is the same number in every fold. Source:
Rasmussen and Williams 2006, section 5.4.2, and the block-inverse identity.

The leave-one-out error E = Σ rᵢ²/N has, with uᵢ = 2rᵢ/(N Gᵢᵢ) and vᵢ = uᵢαᵢ/Gᵢᵢ, the derivative

    ∂E/∂θ = tr W ∂K/∂θ,   W = G diag(v) G − ½(G u αᵀ + α uᵀ G),

summed over outputs: dα = −G dK α and dG = −G dK G (their equation 5.13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve, cholesky

from .arrays import Array, Gram, Targets, choice, finite_result, gram, targets
from .errors import InputError, InputTypeError
from .factor import CholeskyFactor, factorise_definite
from .gradients import along
from .report import OnSingular, RidgeScale, SolveReport, absolute_ridge


@dataclass(frozen=True)
class Holdout:
    """What each training row is predicted to be by the model that did not see it.

    `predictions` and `residuals` = y − predictions have the targets' shape. `mean_squared_error` is
    over rows and outputs (0 without rows).
    """

    predictions: Array
    residuals: Array
    mean_squared_error: float
    report: SolveReport


@dataclass(frozen=True)
class LeaveOneOut(Holdout):
    """Leave-one-out predictions, and how their mean squared error changes.

    `gradient` (p,): its derivatives along the matrices given, None without them; `ridge_gradient`:
    that with respect to the ridge in the kernel's units.
    """

    gradient: Array | None = None
    ridge_gradient: float | None = None


def leave_one_out(
    k_train: ArrayLike,
    y_train: ArrayLike,
    *,
    ridge: float = 0.0,
    ridge_scale: RidgeScale = "absolute",
    k_gradients: Sequence[ArrayLike] | None = None,
    on_singular: OnSingular = "raise",
) -> LeaveOneOut:
    """Leave-one-out predictions of kernel ridge regression.

    `k_train` (n, n), `y_train` (n,) or (n, outputs). With `k_gradients`, p matrices ∂K/∂θ of shape
    (n, n), also the error's gradients; they hold the ridge in the kernel's units fixed. The closed
    form needs a true inverse: `on_singular` is "raise" or "jitter". Raises `InputError`,
    `InputTypeError`, `SingularKernelError`.
    """
    matrix = gram(k_train, "k_train")
    y = targets(y_train, "y_train", matrix.size)
    factor = _factor(matrix, ridge, ridge_scale, on_singular)
    alpha = factor.solve(y.values)
    if k_gradients is None:
        residuals = alpha / factor.inverse_diagonal()[:, None]
        gradient, slope = None, None
    else:
        inverse = factor.inverse()
        diagonal = np.diagonal(inverse)[:, None]
        residuals = alpha / diagonal
        weights = _error_weights(inverse, alpha, residuals / diagonal, y.count)
        gradient, slope = along(weights, k_gradients, "the gradient of the hold-out error")
    error, shaped = _error(residuals, y)
    return LeaveOneOut(
        y.restore(y.values - residuals), shaped, error, factor.report, gradient, slope
    )


def _error_weights(inverse: Array, alpha: Array, scaled: Array, count: int) -> Array:
    """W of the module's formula; `scaled` (n, outputs) is r/Gᵢᵢ."""
    u = 2.0 / count * scaled
    v = (u * alpha / np.diagonal(inverse)[:, None]).sum(axis=1)
    mixed = (inverse @ u) @ alpha.T
    return np.asarray((inverse * v) @ inverse - (mixed + mixed.T) / 2)


def k_fold(
    k_train: ArrayLike,
    y_train: ArrayLike,
    folds: int | ArrayLike,
    *,
    ridge: float = 0.0,
    ridge_scale: RidgeScale = "absolute",
    on_singular: OnSingular = "raise",
) -> Holdout:
    """k-fold predictions of kernel ridge regression.

    `folds`: a number of contiguous folds, between 1 and n (the first n mod k are one row larger),
    or an integer label (n,) for each row; rows of one label are left out together. One fold of all
    rows is predicted by a model that saw nothing: zero. Otherwise as `leave_one_out`.
    """
    matrix = gram(k_train, "k_train")
    y = targets(y_train, "y_train", matrix.size)
    labels = _labels(folds, matrix.size)
    factor = _factor(matrix, ridge, ridge_scale, on_singular)
    alpha = factor.solve(y.values)
    distinct, place = np.unique(labels, return_inverse=True)
    if len(distinct) == matrix.size:
        residuals = alpha / factor.inverse_diagonal()[:, None]
    else:
        inverse = factor.inverse()
        residuals = np.empty_like(alpha)
        for label in range(len(distinct)):
            rows = np.flatnonzero(place == label)
            block = cholesky(inverse[np.ix_(rows, rows)], lower=True, check_finite=False)
            residuals[rows] = cho_solve((block, True), alpha[rows], check_finite=False)
    error, shaped = _error(residuals, y)
    return Holdout(y.restore(y.values - residuals), shaped, error, factor.report)


def _factor(
    matrix: Gram, ridge: float, scale: RidgeScale, on_singular: OnSingular
) -> CholeskyFactor:
    choice(scale, "ridge_scale", ("absolute", "relative"))
    return factorise_definite(matrix, absolute_ridge(ridge, scale, matrix), on_singular, "k_train")


def _error(residuals: Array, y: Targets) -> tuple[float, Array]:
    """The mean squared error, and the residuals in the targets' shape."""
    finite_result(residuals, "the hold-out residuals")
    return float((residuals**2).sum()) / y.count, y.restore(residuals)


def _labels(folds: int | ArrayLike, rows: int) -> NDArray[np.int64]:
    raw = np.asarray(folds)
    if raw.size and raw.dtype.kind not in "iu":
        raise InputTypeError(f"folds must be a whole number or labels, and has type {raw.dtype}")
    if raw.ndim == 0:
        count = int(raw)
        if not 1 <= count <= max(rows, 1):
            raise InputError(f"folds must be between 1 and the {rows} rows, and is {count}")
        sizes = np.full(count, rows // count)
        sizes[: rows % count] += 1
        return np.repeat(np.arange(count), sizes)
    if raw.shape != (rows,):
        raise InputError(f"folds must have a label for each of {rows} rows, and has {raw.shape}")
    return raw.astype(np.int64)
