"""From rows of numbers to what a network's input declares, and their standardisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError

Array = NDArray[np.float64]
Sizes = tuple[int | None, ...]


def as_numbers(x: object, name: str = "x") -> NDArray[Any]:
    """A batch (n, …) of finite real numbers, float32 or float64. Raises `DataError`."""
    require_unmasked(x, name)
    if hasattr(x, "toarray"):
        raise DataError(f"{name} must not be sparse: pass {name}.toarray()")
    try:
        array = np.asarray(x)
        if array.dtype == object:
            array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must hold real numbers") from None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold real numbers, and has the type {array.dtype}")
    if array.ndim < 2:
        raise DataError(f"{name} must have one row for each input, and has the shape {array.shape}")
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    require_finite(array, name)
    return array


def require_unmasked(values: object, name: str) -> None:
    """Raise `DataError` for a masked array with masked entries: they have no numbers."""
    if np.ma.is_masked(values):
        raise DataError(f"{name} has masked entries: fill or drop them first")


def require_finite(array: NDArray[Any], name: str) -> None:
    """Raise `DataError` with the place of the first number that is missing or infinite."""
    finite = np.isfinite(array)
    if not finite.all():
        place = [int(i) for i in np.argwhere(~finite)[0]]
        rows = int((~finite).reshape(len(array), -1).any(axis=1).sum())
        raise DataError(
            f"{name} has {array[tuple(place)]} at {place}, and {rows} rows with such entries in all"
        )


def shaped(rows: NDArray[Any], sizes: Sizes, declared: str, name: str = "x") -> NDArray[Any]:
    """Rows in the shape (n, *sizes) of the network's input; None is a size that is free.

    Images and sequences may come as flat rows, and rows for a `vector` as images. Raises
    `DataError` where the numbers of a row do not make up one input.
    """
    if rows.ndim == len(sizes) + 1:
        fits = all(size in (None, found) for size, found in zip(sizes, rows.shape[1:], strict=True))
        if fits:
            return rows
    features, known = prod(rows.shape[1:]), prod(size for size in sizes if size is not None)
    free = sum(size is None for size in sizes)
    if free == 0 and features == known:
        return rows.reshape(len(rows), *(size or 0 for size in sizes))
    if free == 1 and known and features % known == 0:
        rest = features // known
        return rows.reshape(len(rows), *(rest if size is None else size for size in sizes))
    more = "" if rows.ndim == 2 else f", of the shape {rows.shape[1:]}"
    raise DataError(
        f"{name} has {features} numbers in a row{more}, which do not make up the network's input "
        f"{declared}"
    )


@dataclass(frozen=True)
class Standardiser:
    """(x − mean)/scale for each of d features; `scale` is 1 where a feature is constant."""

    mean: Array
    scale: Array

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Standardised rows, in float64, of the shape that they came in."""
        flat = np.asarray(x, np.float64).reshape(len(x), len(self.mean))
        with np.errstate(over="ignore", invalid="ignore"):
            result = (flat - self.mean) / self.scale
        if not np.isfinite(result).all():
            i, j = (int(k) for k in np.argwhere(~np.isfinite(result))[0])
            raise DataError(f"feature {j} of row {i} is too large to be standardised: {flat[i, j]}")
        return result.reshape(x.shape)


def standardiser(x: NDArray[Any]) -> Standardiser:
    """The means and standard deviations of a batch's features; of one row nothing changes."""
    flat = np.asarray(x, np.float64).reshape(len(x), -1)
    if len(flat) < 2:
        return Standardiser(np.zeros(flat.shape[1]), np.ones(flat.shape[1]))
    return Standardiser(*mean_and_scale(flat))


def mean_and_scale(values: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (population) of columns; a constant column has the scale 1.

    Columns are divided by their largest magnitude first: squares of large numbers overflow.
    """
    unit = np.abs(values).max(axis=0)
    unit[unit == 0] = 1.0
    inner = values / unit
    mean = inner.mean(axis=0)
    deviation = inner.std(axis=0)
    rounding = 8 * np.finfo(np.float64).eps * np.sqrt(len(values))
    constant = (inner.max(axis=0) == inner.min(axis=0)) | (deviation <= rounding * np.abs(mean))
    mean = np.where(constant, inner[0], mean)
    return mean * unit, np.where(constant, 1.0, deviation * unit)


def column_names(x: object) -> tuple[str, ...] | None:
    """The names of a data frame's columns; None where x has none, or they are not texts."""
    columns = getattr(x, "columns", None)
    names = () if columns is None else tuple(columns)
    return names if names and all(isinstance(name, str) for name in names) else None


def by_name(x: Any, names: tuple[str, ...] | None) -> object:
    """The named columns of a data frame, whatever their order; anything else as it is."""
    found = column_names(x)
    if names is None or found is None:
        return x
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"x has no column {missing[0]!r}, which the model was fitted to")
    return x[list(names)]


def names_of(names: Sequence[str] | None, count: int) -> tuple[str, ...] | None:
    """Checked names of `count` features."""
    if names is None:
        return None
    if len(names) != count or len(set(names)) != count:
        raise DataError(f"expected {count} different names of features, got {list(names)}")
    return tuple(str(name) for name in names)
