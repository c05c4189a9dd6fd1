"""Infinitely wide networks as scikit-learn estimators, and as a kernel of its Gaussian processes.

    from ntkc.sklearn import NTKClassifier
    NTKClassifier("model.ntk").fit(x, y).predict(x_test)

Needs scikit-learn 1.6 or newer: `pip install "ntkc[sklearn]"`. See docs/estimators.md.
"""

from __future__ import annotations

try:
    from sklearn.utils.validation import validate_data as _needed
except ImportError as error:
    raise ImportError(
        "ntkc.sklearn needs scikit-learn 1.6 or newer: pip install 'ntkc[sklearn]'"
    ) from error
del _needed

from .classifier import NTKClassifier  # noqa: E402
from .gaussian_process import NeuralTangentKernel  # noqa: E402
from .regressors import NNGPRegressor, NTKRegressor  # noqa: E402

__all__ = ["NNGPRegressor", "NTKClassifier", "NTKRegressor", "NeuralTangentKernel"]
