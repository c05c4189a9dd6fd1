"""Small data and programs for the estimators' tests."""

import numpy as np

PROGRAM = """
param w = 1.3
param b = 0.2
param tilt = 0
network small {
    input vector[?]
    dense(w_std = w, b_std = b) -> erf
    dense(w_std = 1.1, b_std = abs(tilt))
}
"""
RNG = np.random.default_rng(11)
X = RNG.standard_normal((30, 4))
Y = np.sin(X[:, 0]) + 0.5 * X[:, 1]
X_TEST = RNG.standard_normal((6, 4))
