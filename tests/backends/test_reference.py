"""Every reference case on vectors, through the generated code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ntkc.runtime import Kernel
from tests.backends.kernels import ROOTS, kernel, uncompiled
from tests.network.programs import REFERENCE, VECTOR_CASES

COMPILED = ("fc3_relu", "fc3_erf", "fc1_gelu", "fc1_gaussian", "residual_relu", "layer_norm_relu")
RELATIVE = 1e-10
"""The reference is computed in float64 too: this leaves room for its own rounding."""
COINCIDENT = 1e-7
"""The reference clips rho before arccos, so that it is good to sqrt(eps) = 1.5e-8 there."""
FLOAT32 = 1e-5
"""Relative to sqrt(k(x, x) k(z, z)): inputs are rounded to float32 (6e-8 of their length), which
moves entries near zero by that much of their terms, and every layer adds a few roundings."""


def _load(name: str) -> tuple[str, dict[str, Any]]:
    text = (REFERENCE / f"{name}.ntk").read_text()
    with np.load(REFERENCE / f"{name}.npz") as stored:
        return text, dict(stored)


def _check(made: Kernel, case: dict[str, Any]) -> None:
    x1, x2 = case["x1"], case["x2"]
    single = [made.diag(x, get=ROOTS) for x in (x1, x2)]
    for root in ROOTS:
        first, second = (getattr(diagonal, root) for diagonal in single)
        same = (x1[:, None, :] == x2[None, :, :]).all(axis=2)
        scale = np.sqrt(np.outer(first, second))
        _compare(made, made(x1, x2, get=root), case[root], same, scale)
        if f"{root}_self" in case:
            scale = np.sqrt(np.outer(first, first))
            same = np.eye(len(x1), dtype=bool)
            _compare(made, made(x1, get=root), case[f"{root}_self"], same, scale)


def _compare(made: Kernel, found: Any, expected: Any, same: Any, scale: Any) -> None:
    if made.dtype == np.float32:
        limit = FLOAT32 * scale
    else:
        limit = np.where(same, COINCIDENT, RELATIVE) * np.abs(expected)
    assert (np.abs(found - expected) <= limit).all()


@pytest.mark.parametrize("name", VECTOR_CASES)
def test_generated_source(name: str) -> None:
    text, case = _load(name)
    _check(uncompiled(text), case)


@pytest.mark.parametrize("name", VECTOR_CASES)
def test_generated_source_in_float32(name: str) -> None:
    text, case = _load(name)
    _check(uncompiled(text, "float32"), case)


@pytest.mark.parametrize("name", COMPILED)
def test_compiled(name: str) -> None:
    text, case = _load(name)
    _check(kernel(text), case)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", VECTOR_CASES)
def test_all_compiled(name: str, dtype: str) -> None:
    text, case = _load(name)
    _check(kernel(text, dtype), case)
