"""A caller's arrays that lie on a device, adopted without a copy, and results that stay there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import of_numba, on_device
from ..errors import ArrayError, ArrayTypeError
from .devices import require

_CPU, _CUDA = 1, 2  # kinds of devices in DLPack


class Fetched(np.ndarray[Any, Any]):
    """The host's copy of an array on a device; `original` is that array."""

    original: Any = None

    def __array_finalize__(self, obj: Any) -> None:
        self.original = None


def adopt(value: object, name: str) -> Any:
    """A Numba device array over the same memory. Raises `ArrayTypeError` or `ArrayError`."""
    from numba import cuda

    from .product import cupy

    if of_numba(value):
        array: Any = value
        return _checked(array, name)
    _check_device(value, name)
    try:
        if not hasattr(value, "__cuda_array_interface__"):  # DLPack alone
            library = cupy()
            if library is None:
                raise ArrayTypeError(
                    f"{name}: {type(value).__name__} lies on a GPU and offers DLPack alone, which "
                    "is read by CuPy, and CuPy is not installed"
                )
            value = library.from_dlpack(value)
        array = cuda.as_cuda_array(value)
    except (RuntimeError, BufferError, NotImplementedError) as error:  # PyTorch's, of a variable
        raise ArrayTypeError(f"{name}: {type(value).__name__} is not to be read: {error}") from None
    return _checked(array, name)


def _check_device(value: object, name: str) -> None:
    """Whether it lies on the device that works where arrays lie on one, if it says where."""
    told = getattr(value, "__dlpack_device__", None)
    if told is None:
        return
    kind, number = map(int, told())
    first = require()[0].number
    if kind == _CUDA and number != first:
        raise ArrayError(
            f"{name}: lies on GPU {number}, and arrays that lie on one are worked on by GPU "
            f"{first}: move it there, or to the host"
        )


def _checked(array: Any, name: str) -> Any:
    """The array, if it holds numbers that can be fetched."""
    if array.dtype.kind not in "biuf":
        raise ArrayTypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
    if any(stride < 0 for stride in array.strides):
        raise ArrayError(f"{name}: runs backwards along an axis; pass a copy of it")
    return array


def fetch(value: object, name: str) -> NDArray[Any]:
    """The host's copy of a device array, which remembers the array."""
    array = adopt(value, name)
    found = np.asarray(array.copy_to_host()).view(Fetched)
    found.original = array
    return found


def from_dlpack(value: object) -> object:
    """A NumPy array over the memory of an array that offers DLPack alone; others as they are."""
    kind = getattr(value, "__dlpack_device__", None)
    if kind is None or isinstance(value, np.ndarray) or hasattr(value, "__array__"):
        return value
    offering: Any = value
    return np.from_dlpack(offering) if int(kind()[0]) == _CPU else value


def looked_at(value: object, name: str) -> object:
    """What tells an array's shape: an array on a device is not fetched for it."""
    if not on_device(value):
        return from_dlpack(value)
    return np.broadcast_to(np.float64(0.0), adopt(value, name).shape)
