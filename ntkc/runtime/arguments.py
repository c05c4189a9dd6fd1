"""From what a caller passes as inputs to arrays of real numbers, with errors that say what came."""

from __future__ import annotations

import numbers
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArrayError, ArrayTypeError

_ON_GPU = (2, 13)  # DLPack's kinds of devices: CUDA, and CUDA's managed memory


def on_device(value: object) -> bool:
    """Whether an array says that it lies on a GPU."""
    if isinstance(value, (np.ndarray, type)):
        return False
    if of_numba(value):
        return True
    told = getattr(value, "__dlpack_device__", None)
    if told is not None:  # to ask some arrays of processors for the interface below is an error
        return int(told()[0]) in _ON_GPU
    return hasattr(value, "__cuda_array_interface__")


def of_numba(value: object) -> bool:
    """Whether it is an array of Numba's own, which under its simulator states no interface."""
    return hasattr(value, "copy_to_host") and hasattr(value, "dtype")


def as_inputs(value: object, name: str, sizes: tuple[int | None, ...]) -> NDArray[Any]:
    """A batch of inputs as an array (n, *sizes) of real numbers; no copy of an array is made.

    Raises `ArrayTypeError` for anything but numbers, `ArrayError` for a wrong shape.
    """
    array = _as_array(value, name)
    wanted = _shape_text(sizes)
    if array.ndim != len(sizes) + 1:
        raise ArrayError(
            f"{name}: expected an array of shape {wanted}, got shape {array.shape}"
            f"{_axis_hint(array, name, sizes)}"
        )
    for axis, size in enumerate(sizes, start=1):
        if size is not None and array.shape[axis] != size:
            raise ArrayError(
                f"{name}: expected an array of shape {wanted}, got shape {array.shape}: "
                f"axis {axis} has {array.shape[axis]} elements and not {size}"
            )
    return array


def _axis_hint(array: NDArray[Any], name: str, sizes: tuple[int | None, ...]) -> str:
    """How to add the axis that is missing: of inputs, or of their only channel."""
    if array.ndim != len(sizes) or array.size == 0:
        return ""
    if sizes[-1] == 1 < len(sizes) and array.shape[-1] != 1:
        return f"; a single channel is an axis too, as {name}[..., None] makes it"
    one = ", ".join(str(size) for size in (1, *array.shape))
    return f"; one input is shape ({one}), as {name}[None] makes it"


def flattened(array: NDArray[Any]) -> NDArray[Any]:
    """A batch (n, *sizes) as rows (n, d): a view where the layout allows it."""
    if array.ndim == 2:
        return array
    return array.reshape(array.shape[0], prod(array.shape[1:]))


def _as_array(value: object, name: str) -> NDArray[Any]:
    if isinstance(value, np.ma.MaskedArray):
        raise ArrayTypeError(
            f"{name}: masked arrays are not supported; fill or drop the masked entries first"
        )
    if value is None or isinstance(value, (str, bytes, dict, set)):
        raise ArrayTypeError(f"{name}: expected an array of numbers, got {type(value).__name__}")
    if hasattr(value, "toarray"):
        raise ArrayTypeError(f"{name}: sparse matrices are not supported; pass {name}.toarray()")
    if on_device(value):
        raise ArrayTypeError(
            f"{name}: lies on a GPU, and this kernel runs on the processor; pass a copy on the "
            "host, or compile with backend='cuda'"
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ArrayError(f"{name}: is no rectangular array of numbers ({error})") from None
    if array.dtype.kind not in "biuf":
        raise ArrayTypeError(
            f"{name}: expected real numbers, got {type(value).__name__} of dtype "
            f"{array.dtype}{_type_hint(array, hasattr(value, 'astype'))}"
        )
    return array


def _type_hint(array: NDArray[Any], converts: bool) -> str:
    """What to do about a dtype that holds no real numbers."""
    if array.dtype.kind == "c":
        return "; take its real part, or stack real and imaginary parts"
    if array.dtype.kind == "O" and array.ndim > 0:
        known = all(isinstance(item, numbers.Real) for item in array.flat)
        if known and not converts:
            return "; its numbers are beyond the range of float64"
        return "; convert it with .astype(float)" if converts else "; not all of it are numbers"
    if array.dtype.kind in "US":
        return "; convert text to numbers with .astype(float)" if converts else "; it holds text"
    return ""


def _shape_text(sizes: tuple[int | None, ...]) -> str:
    """How a shape reads in a message: (n, 784), (n, ?)."""
    return f"({', '.join(['n', *('?' if size is None else str(size) for size in sizes)])})"
