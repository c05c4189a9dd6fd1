"""The same kernel as scikit-ntk's, whose values `record_scikit_ntk.py` recorded.

Its biases begin at zero: they are trained, so they are in Θ, and have no variance, so they are not
in Σ. Here a layer's Σ is that of a `dense` without bias; a second `dense` without weights adds a
bias of standard deviation ε, of which Σ sees ε² (nothing, beside 1), and whose learning rate β²/ε²
makes β² of it in Θ. Inputs enter as xᵀz instead of xᵀz/d. In all, with d features,

    theirs(depth, bias = β) = Θ(β) / ((depth + 1)(β² + 1)),    first layer w_std = sqrt(d).
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ntkc.sklearn import NeuralTangentKernel

VALUES = np.load(Path(__file__).with_name("scikit_ntk.npz"))
PROGRAM = """
param bias = 0.1
let tiny = 1e-9
def bias_of_zero = dense(w_std = 0, b_std = tiny, learning_rate = bias^2 / tiny^2)
def layer(w) = add(dense(w_std = w), bias_of_zero)
network scikit_ntk {{
    input vector[4]
    layer(2)
    {{ relu -> layer(sqrt(2)) }} * {depth}
}}
"""
COINCIDENT = 3e-8
"""Relative. Their arccos of a rounded cosine loses half of the digits on the diagonal."""
APART = 1e-13
"""Relative to the largest entry, for other pairs."""


@pytest.mark.parametrize("depth", [1, 3, 6])
@pytest.mark.parametrize("bias", [0.0, 0.1, 1.3])
def test_values_and_gradients(depth: int, bias: float) -> None:
    kernel = NeuralTangentKernel(PROGRAM.format(depth=depth), params={"bias": bias})
    scale = 1 / ((depth + 1) * (bias**2 + 1))
    if bias > 0:
        k, slope = kernel(VALUES["x"], eval_gradient=True)
        gradient = scale * (slope[..., 0] - 2 * bias**2 / (bias**2 + 1) * k)
        check(gradient, VALUES[f"gradient_{depth}_{bias}"])
    else:
        k = kernel(VALUES["x"])
        assert np.abs(VALUES[f"gradient_{depth}_{bias}"]).max() == 0
    check(scale * k, VALUES[f"gram_{depth}_{bias}"])
    cross = scale * kernel(VALUES["x"], VALUES["z"])
    np.testing.assert_allclose(cross, VALUES[f"cross_{depth}_{bias}"], rtol=0, atol=APART * 10)


def check(found: Any, wanted: Any) -> None:
    apart = ~np.eye(len(found), dtype=bool)
    largest = np.abs(wanted).max()
    np.testing.assert_allclose(found[apart], wanted[apart], rtol=0, atol=APART * largest)
    np.testing.assert_allclose(np.diag(found), np.diag(wanted), rtol=COINCIDENT)
