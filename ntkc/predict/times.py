"""Times and steps: numbers or vectors, zero or more, infinity where it has a meaning."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array
from .errors import InputError, InputTypeError

_MOST_STEPS = 2.0**53
"""Beyond, whole numbers are not distinct in float64."""


def check_times(value: ArrayLike, name: str = "times", infinite: bool = True) -> Array:
    """Times ≥ 0 as float64, () or (T,).

    Raises `InputTypeError` for what is no number and `InputError` for NaN, negative times, more
    than one axis, and infinity unless `infinite`.
    """
    raw = np.asarray(value)
    if raw.dtype.kind not in "iuf":
        raise InputTypeError(f"{name} must hold real numbers, and has the type {raw.dtype}")
    if raw.ndim > 1:
        raise InputError(f"{name} must be a number or a vector, and has the shape {raw.shape}")
    times = np.asarray(raw, np.float64)
    if np.isnan(times).any() or (times < 0).any():
        raise InputError(f"{name} must be zero or positive, and holds {np.atleast_1d(times).min()}")
    if not infinite and np.isinf(times).any():
        raise InputError(f"{name} must be finite for this loss, which need not have a limit")
    return times


def check_steps(value: ArrayLike, name: str = "steps") -> Array:
    """Whole numbers of steps, or ∞, as float64, () or (T,). Raises as `check_times` does."""
    steps = check_times(value, name)
    finite = steps[np.isfinite(steps)]
    if (finite != np.floor(finite)).any() or (finite > _MOST_STEPS).any():
        raise InputError(f"{name} must be whole numbers up to 2^53, or infinity")
    return steps
