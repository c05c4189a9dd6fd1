"""Chebyshev series in t(p) = A log(1 + sqrt(p)/B) + C.

On it the coefficients of activations' series are smooth from variance 0 up to the largest.
"""

from __future__ import annotations

import math

import numpy as np

from ntkc.symbolic.hermite import Array, Function

LARGEST_VARIANCE = 100.0
"""Up to which the series of an activation is made and certified."""
ORIGIN = 0.3
"""B of t(p), in standard deviations: below it t is linear in sqrt(p), above in log p."""


def position(variances: Array, largest: float = LARGEST_VARIANCE) -> Array:
    """t(p) in [-1, 1]."""
    top = math.log1p(math.sqrt(largest) / ORIGIN)
    return np.log1p(np.sqrt(variances) / ORIGIN) * (2.0 / top) - 1.0


def variances_at(positions: Array, largest: float = LARGEST_VARIANCE) -> Array:
    """p of t(p)."""
    top = math.log1p(math.sqrt(largest) / ORIGIN)
    roots = ORIGIN * np.expm1((positions + 1.0) * (top / 2.0))
    squares: Array = np.maximum(roots, 0.0) ** 2
    return squares


def chebyshev(function: Function, size: int, largest: float = LARGEST_VARIANCE) -> Array:
    """Coefficients (size, ...) of the interpolant at the Chebyshev nodes in t."""
    angles = np.pi * (np.arange(size) + 0.5) / size
    values = function(variances_at(np.cos(angles), largest))
    series = np.cos(np.outer(np.arange(size), angles)) @ values * (2.0 / size)
    series[0] /= 2.0
    return np.asarray(series)
