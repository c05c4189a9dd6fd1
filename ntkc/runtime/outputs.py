"""The arrays that results are written to: made here, or brought by the caller and checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import ArgumentError, ArgumentTypeError


class Kernels(NamedTuple):
    """Both kernels of one batch: values of `get=("nngp", "ntk")`."""

    nngp: NDArray[Any]
    ntk: NDArray[Any]


class NtkAndNngp(NamedTuple):
    """Values of `get=("ntk", "nngp")`."""

    ntk: NDArray[Any]
    nngp: NDArray[Any]


class NngpOnly(NamedTuple):
    """Values of `get=("nngp",)`."""

    nngp: NDArray[Any]


class NtkOnly(NamedTuple):
    """Values of `get=("ntk",)`."""

    ntk: NDArray[Any]


_OVERLAP_WORK: Any = 10_000  # steps, which settle all but contrived layouts
Result = NDArray[Any] | Kernels | NtkAndNngp | NngpOnly | NtkOnly
_BUNDLES: Any = {found._fields: found for found in (Kernels, NtkAndNngp, NngpOnly, NtkOnly)}


def bundle(arrays: Sequence[NDArray[Any]], roots: tuple[str, ...], several: bool) -> Result:
    """The result as it was asked for: an array, or a named tuple with the roots as fields."""
    result: Result = _BUNDLES[roots](*arrays) if several else arrays[0]
    return result


def brought(out: object, roots: tuple[str, ...]) -> list[Any]:
    """The arrays of `out`, one for each root, in their order: by name from a named tuple."""
    if set(roots) == set(getattr(out, "_fields", ())):
        return [getattr(out, root) for root in roots]
    return list(out) if isinstance(out, (tuple, list)) else [out]


def make_outputs(
    out: object,
    roots: tuple[str, ...],
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    inputs: Sequence[NDArray[Any]],
) -> list[NDArray[Any]]:
    """One array of `shape` for each root: new ones, or those of `out` once they are checked.

    Raises `ArgumentTypeError` or `ArgumentError` where `out` cannot take the result.
    """
    if out is None:
        return [np.empty(shape, dtype) for _ in roots]
    arrays = brought(out, roots)
    if len(arrays) != len(roots):
        raise ArgumentError(
            f"out: expected {len(roots)} array(s), for {' and '.join(roots)}, got {len(arrays)}"
        )
    labels = ["out"] if len(arrays) == 1 else [f"out[{k}]" for k in range(len(arrays))]
    for k, array in enumerate(arrays):
        if not isinstance(array, np.ndarray):
            raise ArgumentTypeError(
                f"{labels[k]}: expected a NumPy array, got {type(array).__name__}"
            )
        _check_output(array, labels[k], shape, dtype)
        for other in [*inputs, *arrays[:k]]:
            if _overlap(array, other):
                raise ArgumentError(f"{labels[k]}: shares memory with an input or another output")
    return arrays


def _overlap(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether two arrays share an element, or might where that is hard to tell."""
    try:
        return np.shares_memory(first, second, max_work=_OVERLAP_WORK)
    except np.exceptions.TooHardError:
        return True


def _check_output(
    array: NDArray[Any], label: str, shape: tuple[int, int], dtype: np.dtype[Any]
) -> None:
    """Raise `ArgumentError` where an array cannot take a result of this shape and dtype."""
    if array.shape != shape:
        raise ArgumentError(f"{label}: expected shape {shape}, got {array.shape}")
    if array.dtype != dtype:
        raise ArgumentError(f"{label}: expected dtype {dtype}, got {array.dtype}")
    if not array.flags.writeable:
        raise ArgumentError(f"{label}: is read-only")
    extent = array.itemsize
    for stride, size in sorted((abs(t), n) for t, n in zip(array.strides, shape, strict=True)):
        if size > 1 and stride < extent:
            raise ArgumentError(f"{label}: several of its elements share memory")
        extent += stride * max(size - 1, 0)
