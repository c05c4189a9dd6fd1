"""Covariances that stay symmetric, variances that stay non-negative, and samples from them."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from .arrays import Array
from .errors import InputError


def symmetric(values: Array) -> Array:
    """The mean of (..., m, m) and its transpose: rounding made the two differ."""
    return np.asarray((values + np.swapaxes(values, -1, -2)) / 2)


def standard_deviation(variance: Array, prior: float, epsilon: float, name: str) -> Array:
    """√variance, with values that rounding made negative set to zero.

    `prior` is the largest prior variance. A variance below −√epsilon·prior is no rounding: then the
    blocks are not of one kernel, and `InputError` says so.
    """
    lowest = float(variance.min()) if variance.size else 0.0
    if lowest < -np.sqrt(epsilon) * prior:
        raise InputError(
            f"{name} has the variance {lowest:.3g}: the kernel matrices are not blocks of one "
            "positive semi-definite kernel"
        )
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def draw(
    mean: Array,
    covariance: Array,
    rng: np.random.Generator,
    count: int,
    prior: float,
    epsilon: float,
) -> Array:
    """`count` samples (count, m, outputs) of outputs that share the covariance (m, m).

    The covariance's root is taken by its eigenvectors, which exists for a singular one too.
    `prior` is the largest prior variance: where data left nothing of it, roundoff of that size is
    all that the covariance has. Raises `InputError` for an eigenvalue below −√epsilon times it, or
    times the largest.
    """
    if len(mean) == 0:
        return np.zeros((count, *mean.shape))
    values, vectors = eigh(covariance, check_finite=False)
    largest = max(prior, float(values[-1]), float(np.finfo(float).tiny))
    if values[0] < -np.sqrt(epsilon) * largest:
        raise InputError(
            f"the covariance has the eigenvalue {values[0]:.3g}: it is not positive semi-definite"
        )
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(mean + root @ rng.standard_normal((count, *mean.shape)))
