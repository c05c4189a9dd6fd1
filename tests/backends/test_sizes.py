"""Inputs of different sizes, large ones, and opposite ones, against the recursion in 40 digits."""

from __future__ import annotations

import numpy as np
import pytest

import ntkc
from tests.backends.kernels import ROOTS, at_angles, kernel, worst

BASE = np.random.default_rng(3).standard_normal(5)
TURNED = at_angles(BASE, [1e-6, 0.3, 1.2, 2.5, np.pi])
TOLERANCES = {"float64": 2e-14, "float32": 5e-6}
"""Of two layers' roundings, 1e-16 and 6e-8 each; the complement magnifies them a few times."""


def program(body: str, sizes: int = 5) -> str:
    return f"network net {{\n    input vector[{sizes}]\n    {body} -> dense\n}}\n"


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("activation", ["gelu", "erf", "gaussian", "sigmoid_like", "gabor"])
def test_sizes_far_apart(activation: str, dtype: str) -> None:
    """The complement that a kinked layer needs, from variances that differ by up to 1e6."""
    text = program(f"dense -> {activation} -> dense -> relu")
    made = kernel(text, dtype)
    for size in (1.5, 3.0, 30.0, 1e3):
        x1, x2 = (x.astype(dtype) for x in (BASE[None], size * TURNED))
        assert worst(made, text, x1, x2) <= TOLERANCES[dtype], size


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    "body",
    [
        "dense -> exp_normalized -> dense -> relu",
        "dense -> exp_normalized -> dense -> exp_normalized",
        "{ dense -> exp_normalized } * 5",
        "dense -> exp_normalized(0.5) -> dense -> abs",
        "dense -> abs -> dense -> exp_normalized",
    ],
)
def test_opposite_inputs(body: str, dtype: str) -> None:
    text = program(body)
    x1, x2 = (x.astype(dtype) for x in (BASE[None], TURNED))
    assert worst(kernel(text, dtype), text, x1, x2) <= TOLERANCES[dtype]


@pytest.mark.parametrize(
    "body", ["dense -> erf", "dense -> gelu", "{ dense -> erf } * 3", "{ dense -> gelu } * 3"]
)
def test_float32_of_large_inputs_that_are_alike(body: str) -> None:
    """As rows of a table whose columns were not scaled are: mean squares of 1e5, small angles."""
    rng = np.random.default_rng(4)
    columns = 10.0 ** rng.uniform(0.0, 3.0, 13)
    x = (columns * (1.0 + 0.2 * rng.standard_normal((40, 13)))).astype(np.float32)
    narrow, wide = (ntkc.compile(source=program(body, 13), dtype=t) for t in ("float32", "float64"))
    for root in ROOTS:
        exact = wide(x.astype(np.float64), get=root)
        scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
        assert (np.abs(narrow(x, get=root) - exact) / scale).max() <= 5e-6
