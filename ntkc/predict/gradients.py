"""Derivatives of a number by a kernel's hyperparameters, through the kernel matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, finite_result, real_array
from .errors import InputError


def along(weights: Array, k_gradients: Sequence[ArrayLike], source: str) -> tuple[Array, float]:
    """tr W ∂K/∂θ for p matrices `k_gradients` (n, n), and tr W: along the identity, the ridge.

    `weights` W is symmetric (n, n). Raises `InputError`, `InputTypeError`, and `DivergenceError`
    that names `source`.
    """
    found = []
    for index, value in enumerate(k_gradients):
        derivative = real_array(value, f"k_gradients[{index}]", 2)
        if derivative.shape != weights.shape:
            raise InputError(
                f"k_gradients[{index}] must have the shape {weights.shape}, "
                f"and has {derivative.shape}"
            )
        found.append(float(np.vdot(weights, derivative)))
    return finite_result(np.array(found), source), float(np.trace(weights))
