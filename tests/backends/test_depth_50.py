"""Depth 50 on the diagonal: the tangent kernel of an input with itself keeps its digits.

Against the recursion in 40 digits; for `tanh`, whose recursion has no closed form, against one
integral a layer by the trapezoidal rule, exact to rounding for analytic functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.backends.kernels import BASE, exact, network, uncompiled

LAYERS = {
    "relu": "dense(w_std = sqrt(2)) -> relu",
    "relu, bias": "dense(w_std = sqrt(2), b_std = 0.1) -> relu",
    "erf": "dense(w_std = 1.4, b_std = 0.1) -> erf",
    "gelu": "dense(w_std = 1.4, b_std = 0.1) -> gelu",
    "tanh": "dense(w_std = 1.4, b_std = 0.1) -> tanh",
}
LIMITS = {"float64": 1e-13, "float32": 1e-6}


def of_tanh(variances: Any, depth: int = 50) -> tuple[Any, Any]:
    """The kernels of single inputs, w_std = 1.4 and b_std = 0.1, and a layer that adds nothing."""
    x = np.arange(-9.5, 9.5, 0.02)
    weights = 0.02 * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    nngp, ntk = variances, np.zeros_like(variances)
    for _ in range(depth):
        nngp = 1.96 * nngp + 0.01
        ntk = 1.96 * ntk + nngp
        values = np.tanh(np.sqrt(nngp)[:, None] * x)
        nngp, slopes = values**2 @ weights, (1 - values**2) ** 2 @ weights
        ntk = ntk * slopes
    return nngp, nngp + ntk


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n == "tanh" else []) for n in LAYERS]
)
def test_diagonals(name: str, dtype: str) -> None:
    text = network(f"{{ {LAYERS[name]} }} * 50", "dense")
    x = np.stack([BASE, 0.3 * BASE, 2 * BASE]).astype(dtype)
    if name == "tanh":
        truth = dict(zip(("nngp", "ntk"), of_tanh((x.astype(float) ** 2).mean(1)), strict=True))
    else:
        found = exact(text, x, x)
        truth = {root: found[f"{root}_second"] for root in ("nngp", "ntk")}
    made = uncompiled(text, dtype)
    # A layer of a series is certified to 1e-10, and contracts the errors of those before it.
    limit = 1e-10 if name == "tanh" and dtype == "float64" else LIMITS[dtype]
    for root, expected in truth.items():
        np.testing.assert_allclose(made.diag(x, get=root), expected, rtol=limit)
        np.testing.assert_allclose(np.diag(made(x, get=root)), expected, rtol=limit)
