"""What the estimators share: their network, and kernel matrices of validated inputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgWarning
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ntkc import predict
from ntkc.artefact.open_kernel import OpenKernel
from ntkc.predict.arrays import Array

from .program import B_STD, W_STD, Model, load, values
from .rows import as_inputs, as_table, input_shape, refuse_masked

Report = TypeVar("Report", predict.SolveReport, predict.IterativeReport)

BLOCK_ENTRIES = 2**23
"""Entries of the cross-kernel that a prediction holds at once: 64 MiB."""
ILL_CONDITIONED = 1e12
"""Beyond this condition number, roundoff may reach the fourth digit of predictions."""


class NetworkEstimator(BaseEstimator):
    """An estimator around a network's kernel; `kind` says which of its two kernels predicts."""

    kind: Literal["ntk", "nngp"]

    def __init__(
        self,
        model: Model = None,
        *,
        network: str | None = None,
        depth: int = 3,
        activation: str = "relu",
        w_std: float = W_STD,
        b_std: float = B_STD,
        params: Mapping[str, float] | None = None,
        dtype: str = "float64",
    ) -> None:
        self.model = model
        self.network = network
        self.depth = depth
        self.activation = activation
        self.w_std = w_std
        self.b_std = b_std
        self.params = params
        self.dtype = dtype

    def _fit_inputs(self, X: Any, **validation: Any) -> Any:
        """Load the network and check training data; what `validate_data` returns.

        Sets `kernel_`, `params_`, `input_shape_` and scikit-learn's own attributes.
        """
        self.kernel_ = load(self)
        if isinstance(self.kernel_, OpenKernel):
            self.kernel_ = self.kernel_.fitting(np.shape(X)[1:])
        self.params_ = values(self, self.kernel_)
        refuse_masked(validation.get("y"), "y")
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

    def _reported(self, report: Report) -> Report:
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
        return predict.stream_predictions(
            self.kernel_,
            as_inputs(X, self.input_shape_),
            as_inputs(trained, self.input_shape_),
            dual,
            get=self.kind,
            tile_bytes=8 * BLOCK_ENTRIES,
            **self.params_,
        )
