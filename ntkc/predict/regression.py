"""Kernel regression, ridgeless and with a ridge.

    f(x) = f_test + k(x, X) (K + ridge·I)⁻¹ (y − f_train)

minimises Σ (f(xᵢ) − yᵢ)² + ridge·‖f − f_0‖²_k. With `ridge = 0` and the NTK it is the network of
infinite width after infinite training time on the squared loss, from the initial outputs
`f_train`, `f_test`. Outputs are independent (K ⊗ I); each may have a ridge of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, Gram, choice, cross, finite_result, gram, outputs_like, targets
from .errors import InputError
from .factor import factorise
from .report import OnSingular, RidgeScale, SolveReport, absolute_ridge


@dataclass(frozen=True)
class Regression:
    """Predictions of kernel regression.

    `train`, `test`: predictions in the targets' shape, (n,) or (n, outputs) and (m,) or
    (m, outputs); `test` is None where no cross-kernel was given. `dual`: (K + ridge)⁻¹(y − f_0), of
    the targets' shape. `reports`: one for all outputs, or one each where each has its own ridge.
    """

    train: Array
    test: Array | None
    dual: Array
    reports: tuple[SolveReport, ...]

    @property
    def report(self) -> SolveReport:
        """The only report, or that of the output whose matrix was conditioned worst."""
        return max(self.reports, key=lambda report: report.condition)

    def predict(self, k_cross: ArrayLike) -> Array:
        """k_cross · dual for more test points (m, n): predictions without initial outputs."""
        return np.asarray(cross(k_cross, "k_cross", len(self.dual)) @ self.dual)


def regress(
    k_train: ArrayLike,
    y_train: ArrayLike,
    k_cross: ArrayLike | None = None,
    *,
    ridge: ArrayLike = 0.0,
    ridge_scale: RidgeScale = "absolute",
    f_train: ArrayLike | None = None,
    f_test: ArrayLike | None = None,
    on_singular: OnSingular = "raise",
) -> Regression:
    """Kernel (ridge) regression.

    `k_train` (n, n), `y_train` (n,) or (n, outputs), `k_cross` (m, n). `ridge` is one number, or
    one for each output; with `ridge_scale="relative"` it is a multiple of the mean of k_train's
    diagonal. `f_train`, `f_test` are initial outputs (default zero).

    Raises `InputError`, `InputTypeError`, and `SingularKernelError` as `on_singular` says.
    """
    matrix = gram(k_train, "k_train")
    y = targets(y_train, "y_train", matrix.size)
    choice(ridge_scale, "ridge_scale", ("absolute", "relative"))
    residual = y.values - outputs_like(f_train, "f_train", matrix.size, y)
    groups = _ridges(ridge, ridge_scale, matrix, y.outputs)
    dual = np.empty_like(residual)
    reports: dict[int, SolveReport] = {}
    for value, columns in groups:
        factor = factorise(matrix, value, on_singular)
        dual[:, columns] = factor.solve(residual[:, columns])
        reports.update(dict.fromkeys(columns, factor.report))
    finite_result(dual, "the solution of kernel regression")
    train = y.values - residual + matrix.values @ dual
    test = None
    if k_cross is not None:
        block = cross(k_cross, "k_cross", matrix.size)
        test = y.restore(outputs_like(f_test, "f_test", len(block), y) + block @ dual)
    elif f_test is not None:
        raise InputError("f_test is given without k_cross")
    every = tuple(reports[column] for column in sorted(reports))
    found = every if len(groups) > 1 else (factor.report,)
    return Regression(y.restore(train), test, y.restore(dual), found)


def _ridges(
    ridge: ArrayLike, scale: RidgeScale, matrix: Gram, outputs: int
) -> list[tuple[float, list[int]]]:
    """Each distinct ridge, in the kernel's units, with the outputs that have it."""
    raw = np.asarray(ridge)
    if raw.ndim == 0:
        return [(absolute_ridge(raw.item(), scale, matrix), list(range(outputs)))]
    if raw.shape != (outputs,):
        raise InputError(
            f"ridge must be one number or one for each of {outputs} outputs, "
            f"and has the shape {raw.shape}"
        )
    found: dict[float, list[int]] = {}
    for column, value in enumerate(raw.tolist()):
        found.setdefault(absolute_ridge(value, scale, matrix), []).append(column)
    return list(found.items()) or [(0.0, [])]
