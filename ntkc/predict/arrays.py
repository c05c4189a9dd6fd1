"""Checked arguments: every array is real, finite and of the right shape, or an error names it.

All computation is in float64. float32 matrices are promoted; what is remembered of them is their
unit of roundoff, because it decides which eigenvalues are noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DivergenceError, InputError, InputTypeError

Array: TypeAlias = NDArray[np.float64]

_ASYMMETRY = 64.0
"""Units of roundoff, relative to the largest entry, by which a Gram matrix may be asymmetric: what
a sum of a few dozen terms in another order can do. A transposed block is off by far more."""
_BLOCK = 1024


@dataclass(frozen=True)
class Gram:
    """A symmetric kernel matrix in float64, and the roundoff of the type it came in.

    `values` has shape (n, n); `epsilon` is 2^-52, or 2^-23 for a matrix given in float32.
    """

    values: Array
    epsilon: float

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.values)

    @property
    def mean_diagonal(self) -> float:
        """The mean of the diagonal; 1 for an empty matrix, so that it can always scale."""
        return float(np.mean(np.diagonal(self.values))) if self.size else 1.0

    @property
    def noise(self) -> float:
        """Eigenvalues below this times the largest are not told from zero.

        It is n units of roundoff of float64 (the usual bound of an eigenvalue solver), and at least
        one unit of roundoff of the matrix's own type.
        """
        return max(self.size * 2.0**-52, self.epsilon)


@dataclass(frozen=True)
class Targets:
    """Training targets as a matrix (n, outputs), and whether they came as a vector."""

    values: Array
    flat: bool

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return int(self.values.shape[1])

    @property
    def count(self) -> int:
        """N of the formulas: rows times outputs, at least 1."""
        return max(1, self.values.size)

    def restore(self, values: Array) -> Array:
        """Results (..., rows, outputs) in the targets' shape: without the last axis for 1-D."""
        return values[..., 0] if self.flat else values


def real_array(value: ArrayLike, name: str, ndim: int | tuple[int, ...]) -> Array:
    """`value` as a finite float64 array of `ndim` axes.

    Raises `InputTypeError` for anything but real numbers (booleans are no numbers here, nor are
    masked entries) and `InputError` for another number of axes, NaN or infinity; both name the
    argument.
    """
    if np.ma.is_masked(value):
        raise InputTypeError(f"{name} has masked entries: fill or drop them first")
    raw = np.asarray(value)
    if (raw.size == 0 and raw.dtype == object) or raw.dtype.kind not in "iuf":
        raise InputTypeError(f"{name} must hold real numbers, and has the type {raw.dtype}")
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if raw.ndim not in allowed:
        axes = " or ".join(str(a) for a in allowed)
        raise InputError(f"{name} must have {axes} axes, and has the shape {raw.shape}")
    array = np.asarray(raw, np.float64)
    require_finite(array, name)
    return array


def require_finite(array: Array, name: str) -> None:
    """Raise `InputError` with the place of the first NaN or infinity in an argument."""
    if np.isfinite(array).all():
        return
    bad = ~np.isfinite(array)
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    at = f"at {list(place)}" if place else "as its value"
    raise InputError(f"{name} has {array[place]} {at} ({int(bad.sum())} such entries in all)")


def finite_result(array: Array, source: str) -> Array:
    """`array`, or `DivergenceError` that names the computation which overflowed."""
    if not np.isfinite(array).all():
        raise DivergenceError(f"{source} left the range of floating-point numbers")
    return array


def gram(value: ArrayLike, name: str) -> Gram:
    """A checked symmetric kernel matrix (n, n); n = 0 is allowed.

    Raises as `real_array` does, and `InputError` if it is not square, not symmetric, or has a
    negative diagonal entry.
    """
    values = real_array(value, name, 2)
    if values.shape[0] != values.shape[1]:
        raise InputError(f"{name} must be square, and has the shape {values.shape}")
    single = np.asarray(value).dtype in (np.dtype(np.float32), np.dtype(np.float16))
    epsilon = float(np.finfo(np.asarray(value).dtype).eps) if single else 2.0**-52
    if len(values):
        require_symmetric(values, name, epsilon)
        lowest = int(np.argmin(np.diagonal(values)))
        if values[lowest, lowest] < 0:
            raise InputError(
                f"{name} has {values[lowest, lowest]:.3g} at [{lowest}, {lowest}]: "
                "the diagonal of a kernel matrix is never negative"
            )
    return Gram(values, epsilon)


def require_symmetric(
    values: NDArray[Any], name: str, epsilon: float, largest: float | None = None
) -> None:
    """Raise `InputError` for an asymmetry beyond roundoff; `largest` is the largest |entry|."""
    if largest is None:
        largest = max(float(values.max()), -float(values.min()))
    allowed = _ASYMMETRY * epsilon * largest
    for start in range(0, len(values), _BLOCK):
        stop = start + _BLOCK
        gap = np.abs(values[start:stop] - values[:, start:stop].T)
        if gap.max() > allowed:
            i, j = (int(k) for k in np.unravel_index(np.argmax(gap), gap.shape))
            raise InputError(
                f"{name} is not symmetric: the entries [{start + i}, {j}] and [{j}, {start + i}] "
                f"differ by {gap[i, j]:.3g}, where {allowed:.3g} could be roundoff"
            )


def cross(value: ArrayLike, name: str, columns: int) -> Array:
    """A checked cross-kernel matrix (m, columns): rows are test points, columns train points."""
    values = real_array(value, name, 2)
    if values.shape[1] != columns:
        raise InputError(
            f"{name} must have one column for each of the {columns} training rows, "
            f"and has the shape {values.shape}"
        )
    return values


def targets(value: ArrayLike, name: str, rows: int) -> Targets:
    """Checked targets, (rows,) or (rows, outputs)."""
    values = real_array(value, name, (1, 2))
    if len(values) != rows:
        raise InputError(
            f"{name} must have one row for each of the {rows} training rows, "
            f"and has the shape {values.shape}"
        )
    return Targets(values.reshape(rows, -1) if values.size else _empty(values), values.ndim == 1)


def _empty(values: Array) -> Array:
    return values.reshape(len(values), 1) if values.ndim == 1 else values


def outputs_like(value: ArrayLike | None, name: str, rows: int, like: Targets) -> Array:
    """Initial outputs (rows, outputs), given in the targets' shape; zeros for None."""
    if value is None:
        return np.zeros((rows, like.outputs))
    values = real_array(value, name, 1 if like.flat else 2)
    shape = (rows,) if like.flat else (rows, like.outputs)
    if values.shape != shape:
        raise InputError(f"{name} must have the shape {shape}, and has {values.shape}")
    return values.reshape(rows, like.outputs)


def number(value: object, name: str, allowed: Callable[[float], bool], meaning: str) -> float:
    """A finite real number that is `allowed`; the error says `meaning`, as "positive"."""
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating | np.ndarray
    ):
        raise InputTypeError(f"{name} must be a number, and is {value!r}")
    if isinstance(value, np.ndarray) and value.ndim:
        raise InputError(f"{name} must be one number, and has the shape {value.shape}")
    result = float(value)
    if not np.isfinite(result) or not allowed(result):
        raise InputError(f"{name} must be {meaning}, and is {result}")
    return result


def positive(value: object, name: str) -> float:
    """A finite number above zero."""
    return number(value, name, lambda v: v > 0, "positive")


def non_negative(value: object, name: str) -> float:
    """A finite number not below zero."""
    return number(value, name, lambda v: v >= 0, "zero or positive")


def momentum_factor(value: object) -> float:
    """A momentum in [0, 1)."""
    return number(value, "momentum", lambda v: 0 <= v < 1, "at least 0 and less than 1")


def choice(value: Any, name: str, allowed: tuple[str, ...]) -> None:
    """Raise `InputError` unless `value` is one of the words."""
    if value not in allowed:
        words = ", ".join(repr(word) for word in allowed)
        raise InputError(f"{name} must be one of {words}, and is {value!r}")
