"""Classification: `NTKClassifier`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from ntkc.predict.arrays import Array

from .trained import TrainedNetwork


class NTKClassifier(ClassifierMixin, TrainedNetwork):
    """Classification by kernel regression with a network's neural tangent kernel (NTK).

    Targets are one column a class, 1 - 1/K in the rows of that class and -1/K in the others, K the
    number of classes; two classes have one column of -1 and 1. The class with the highest output is
    predicted: with `ridge=0`, what infinitely wide networks trained on the squared loss predict.

    Outputs of a regression are no probabilities, so there is no `predict_proba`; scikit-learn's
    `CalibratedClassifierCV` makes them from `decision_function` and held-out data.

    Parameters
    ----------
    model, network, depth, activation, w_std, b_std, params, dtype : as in `NTKRegressor`
    ridge, ridge_scale, on_singular, solver, residual, max_iterations : as in `NTKRegressor`

    Attributes
    ----------
    classes_ : (K,), the labels in order
    dual_coef_ : (n,) for two classes, else (n, K)
    kernel_, params_, X_fit_, input_shape_, report_ : as in `NTKRegressor`
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Solve for training inputs X (n, d) and labels y (n,) of any kind, of two classes or more.

        Raises `ValueError` where there is one class only.
        """
        self.X_fit_, y = self._fit_inputs(X, y=y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._solve(self._targets(codes))
        return self

    def _targets(self, codes: NDArray[np.intp]) -> Array:
        """What is solved for: (n,) or (n, K)."""
        count = len(self.classes_)
        if count == 1:
            raise ValueError(
                f"NTKClassifier needs at least two classes in y, and there is one class only, "
                f"{self.classes_[0]!r}"
            )
        if count == 2:
            return np.where(codes == 1, 1.0, -1.0)
        return np.asarray(np.eye(count)[codes] - 1.0 / count)

    def decision_function(self, X: Any) -> Array:
        """Outputs for X (m, d): (m, K), or (m,) for two classes, positive for the second."""
        rows = self._test_inputs(X)
        return self._regression(rows, self.dual_coef_)

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of each row of X (m, d): that of the highest output, (m,)."""
        scores = self.decision_function(X)
        chosen = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[chosen])
