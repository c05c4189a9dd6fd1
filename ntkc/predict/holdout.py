"""Leave-one-out and k-fold errors in closed form, from one factorisation.

With G = (K + ridge)⁻¹ and α = G y, the model trained without the rows S predicts them with the
residual y_S − f_S = (G_SS)⁻¹ α_S; for one row that is αᵢ/Gᵢᵢ. The ridge is absolute here, also
where it was given relative to the mean diagonal: it is the same number in every fold. Source:
Rasmussen and Williams 2006, section 5.4.2, and the block-inverse identity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve, cholesky

from .arrays import Array, choice, finite_result, gram, targets
from .errors import InputError, InputTypeError
from .factor import factorise_definite
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


def leave_one_out(
    k_train: ArrayLike,
    y_train: ArrayLike,
    *,
    ridge: float = 0.0,
    ridge_scale: RidgeScale = "absolute",
    on_singular: OnSingular = "raise",
) -> Holdout:
    """Leave-one-out predictions of kernel ridge regression.

    `k_train` (n, n), `y_train` (n,) or (n, outputs). The closed form needs a true inverse:
    `on_singular` is "raise" or "jitter". Raises `InputError`, `InputTypeError`,
    `SingularKernelError`.
    """
    return k_fold(
        k_train,
        y_train,
        np.arange(len(np.atleast_1d(np.asarray(y_train)))),
        ridge=ridge,
        ridge_scale=ridge_scale,
        on_singular=on_singular,
    )


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
    choice(ridge_scale, "ridge_scale", ("absolute", "relative"))
    labels = _labels(folds, matrix.size)
    factor = factorise_definite(
        matrix, absolute_ridge(ridge, ridge_scale, matrix), on_singular, "k_train"
    )
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
    finite_result(residuals, "the hold-out residuals")
    error = float((residuals**2).sum()) / y.count
    return Holdout(y.restore(y.values - residuals), y.restore(residuals), error, factor.report)


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
