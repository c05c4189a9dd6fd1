"""What the estimators share: their network, and kernel matrices of validated inputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgWarning
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ntkc.predict.arrays import Array
from ntkc.predict.report import SolveReport

from .program import Model, load, values
from .rows import as_inputs, as_table, input_shape

BLOCK_ENTRIES = 2**23
"""Entries of the cross-kernel that a prediction holds at once: 64 MiB."""
ILL_CONDITIONED = 1e12
"""Beyond this condition number, roundoff may reach the fourth digit of predictions."""


class NetworkEstimator(BaseEstimator):
    """An estimator around a network's kernel; `kind` says which of its two kernels predicts."""

    kind: Literal["ntk", "nngp"]
    model: Model
    network: str | None
    depth: int
    activation: str
    w_std: float
    b_std: float
    params: Mapping[str, float] | None
    dtype: str

    def _fit_inputs(self, X: Any, **validation: Any) -> Any:
        """Load the network and check training data; what `validate_data` returns.

        Sets `kernel_`, `params_`, `input_shape_` and scikit-learn's own attributes.
        """
        self.kernel_ = load(self)
        self.params_ = values(self, self.kernel_)
        found = validate_data(
            self, as_table(X, self.kernel_), dtype=(np.float64, np.float32), copy=True, **validation
        )
        self.input_shape_ = input_shape(self.kernel_, self.n_features_in_)
        return found

    def _test_inputs(self, X: Any) -> NDArray[Any]:
        """Checked rows to predict for."""
        check_is_fitted(self)
        X = validate_data(
            self, as_table(X, self.kernel_), dtype=(np.float64, np.float32), reset=False
        )
        return np.asarray(X)

    def _gram(self, X: NDArray[Any], Z: NDArray[Any] | None = None) -> NDArray[Any]:
        """The kernel matrix of rows, (n, n) or (n, m)."""
        x = as_inputs(X, self.input_shape_)
        z = None if Z is None else as_inputs(Z, self.input_shape_)
        return np.asarray(self.kernel_(x, z, get=self.kind, **self.params_))

    def _diagonal(self, X: NDArray[Any]) -> NDArray[Any]:
        """k(x, x) of each row, (n,)."""
        inputs = as_inputs(X, self.input_shape_)
        return np.asarray(self.kernel_.diag(inputs, get=self.kind, **self.params_))

    def _reported(self, report: SolveReport) -> SolveReport:
        """`report`, with a warning where digits were lost."""
        if report.condition > ILL_CONDITIONED:
            warnings.warn(
                f"the kernel matrix of {type(self).__name__} has the condition number "
                f"{report.condition:.0e}, and predictions lose as many digits: scale the features "
                "(StandardScaler), or solve with some ridge or noise",
                LinAlgWarning,
                stacklevel=3,
            )
        return report

    def _blocks(self, X: NDArray[Any], trained: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Rows of X, so many at a time that their cross-kernel stays small."""
        step = max(1, BLOCK_ENTRIES // max(1, len(trained)))
        for start in range(0, len(X), step):
            yield X[start : start + step]

    def _regression(self, X: NDArray[Any], dual: Array) -> Array:
        """k(X, X_fit_) · dual, shape (m,) or (m, outputs)."""
        trained = self.X_fit_
        parts = [self._gram(rows, trained) @ dual for rows in self._blocks(X, trained)]
        return np.concatenate(parts)
