"""One argument's rows, as the tiles read them, and what is known of each row alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import flattened
from .errors import ArrayError
from .numeric import add_squares

_TINY = 1e-280
"""Sums of squares below this have lost digits, or will when inverted: they are taken scaled."""
_SCALE = 2.0**500
BLOCK = 2**15
"""Elements that are converted at a time where squares are summed: they stay in cache."""


class Rows:
    """Rows (n, d) of any real dtype; blocks of them are converted when they are asked for."""

    def __init__(
        self,
        array: NDArray[Any],
        name: str,
        dtype: np.dtype[Any],
        sizes: tuple[int, ...] | None = None,
    ) -> None:
        self.array = array
        self.sizes = array.shape[1:] if sizes is None else sizes
        """Of an input as it was given: (d,), or positions and channels."""
        self.name = name
        self.dtype = dtype
        self.count, self.width = array.shape
        self.direct = _suits_blas(array, dtype)
        """Whether blocks are views of the argument, with no conversion."""
        self._packed: NDArray[Any] | None = None

    def pack(self) -> None:
        """Make room for a converted copy, which `convert` fills."""
        self._packed = np.empty((self.count, self.width), self.dtype)

    def convert(self, start: int, stop: int) -> None:
        """Fill the copy's rows `start` to `stop`."""
        if self._packed is not None:
            self._packed[start:stop] = self.array[start:stop]

    def block(
        self, start: int, stop: int, first: int, last: int, buffer: NDArray[Any]
    ) -> NDArray[Any]:
        """Rows `start` to `stop`, features `first` to `last`, in the dtype of the products.

        A view where there is one, else converted into the flat `buffer`.
        """
        if self.direct:
            return self.array[start:stop, first:last]
        if self._packed is not None:
            return self._packed[start:stop, first:last]
        shape = (stop - start, last - first)
        block = buffer[: shape[0] * shape[1]].reshape(shape)
        block[...] = self.array[start:stop, first:last]
        return block


@contextmanager
def each_alone(name: str, rows: Sequence[int] | NDArray[np.int64]) -> Iterator[None]:
    """While the program computes what depends on each of these rows alone.

    `ArrayError` where a value of one lies beyond what the program was certified for: the program's
    error holds its place among these, and words. NumPy is silent: choices evaluate both of their
    sides, and what is not finite is found afterwards.
    """
    try:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            yield
    except ValueError as error:
        if len(error.args) != 2:
            raise
        place, words = error.args
        raise ArrayError(
            f"{name}: row {rows[place]}: {words}; scale the inputs, or choose smaller weights"
        ) from None


def _suits_blas(array: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Whether `np.matmul` hands blocks of the array to BLAS as they are."""
    if array.dtype != dtype or not array.flags.aligned:
        return False
    item = dtype.itemsize
    for near, far, length in ((1, 0, array.shape[1]), (0, 1, array.shape[0])):
        if (
            array.strides[near] == item
            and array.strides[far] >= item * max(length, 1)
            and array.strides[far] % item == 0
        ):
            return True
    return False


def readable(array: NDArray[Any]) -> bool:
    """Whether the runtime's loops read an array as it is."""
    flags = array.flags
    return flags.c_contiguous and flags.aligned and array.dtype in (np.float32, np.float64)


def sum_squares(
    rows: Rows, start: int, stop: int, buffer: NDArray[np.float64], scale: float = 1.0
) -> NDArray[np.float64]:
    """Sums of squares (stop - start,) of `scale` times the rows, accumulated in float64.

    `buffer` has `BLOCK` elements, into which rows are converted that the loop cannot read.
    """
    total = np.zeros(stop - start)
    array = rows.array[start:stop]
    if readable(array):
        add_squares(array, scale, total)
        return total
    features = max(1, BLOCK // max(1, stop - start))
    for first in range(0, rows.width, features):
        part = array[:, first : first + features]
        block = buffer[: part.size].reshape(part.shape)
        block[...] = part
        add_squares(block, scale, total)
    return total


def reciprocal_norms(rows: Rows, squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """1/|x| for each row (n,), and 0 where the square of |x| vanishes in the rows' dtype."""
    visible = squares.astype(rows.dtype) > 0
    norms = np.ones(rows.count)
    np.sqrt(squares, out=norms, where=visible)
    for i in np.flatnonzero(visible & (squares < _TINY)):
        scaled = sum_squares(rows, int(i), int(i) + 1, np.empty(BLOCK), _SCALE)
        norms[i] = np.sqrt(scaled[0]) / _SCALE
    np.reciprocal(norms, out=norms)
    norms[~visible] = 0.0
    return norms


def batches(inputs: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> list[Rows]:
    """The rows of one or two batches (n, *sizes), as vectors."""
    named = zip(inputs, ("x1", "x2"), strict=False)
    return [Rows(flattened(array), name, dtype, array.shape[1:]) for array, name in named]


def _place(rows: Rows, column: int) -> str:
    """Where a number of an input lies, in the shape that the input was given in."""
    if len(rows.sizes) == 1:
        return f"column {column}"
    return f"at {[int(index) for index in np.unravel_index(column, rows.sizes)]}"


def check_squares(rows: Rows, squares: NDArray[np.float64]) -> None:
    """Raise `ArrayError` where a row is not finite, or its square is beyond the dtype."""
    limit = float(np.finfo(rows.dtype).max)
    if not squares.size or squares.max() <= limit:  # false for NaN
        return
    i = int(np.flatnonzero(~(squares <= limit))[0])
    for first in range(0, rows.width, BLOCK):
        part = rows.array[i, first : first + BLOCK]
        bad = np.flatnonzero(~np.isfinite(part))
        if bad.size:
            raise ArrayError(
                f"{rows.name}: row {i} holds {part[bad[0]]} ({_place(rows, first + bad[0])}); "
                "inputs must be finite"
            )
    raise ArrayError(
        f"{rows.name}: the square of row {i} is beyond the range of {rows.dtype}: scale the inputs"
        + (", or compile the kernel for float64" if rows.dtype == np.float32 else "")
    )


def check_normalized(rows: Rows, mean_squares: NDArray[np.float64]) -> None:
    """Raise `ArrayError` where a row's mean square is not 1, for a program that relies on it."""
    tolerance = 1e-6 if rows.dtype == np.float32 else 1e-9
    bad = np.flatnonzero(~(np.abs(mean_squares - 1.0) <= tolerance))
    if bad.size:
        i = int(bad[0])
        raise ArrayError(
            f"{rows.name}: this kernel's inputs are declared `normalized`, but row {i} has mean "
            f"square {mean_squares[i]:.10g} and not 1 (within {tolerance:g}); divide each row by "
            "its root mean square, in float64: "
            f"{rows.name} / np.sqrt(np.mean({rows.name}**2, axis=1, keepdims=True))"
        )
