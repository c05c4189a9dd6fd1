"""A Gram matrix that is given tile by tile, and products with it.

Only tiles on and above the diagonal are ever asked for: tile (i, j) serves the rows i and,
mirrored, the rows j. Products are accumulated in float64 whatever the tiles' type is, so the
operator is exactly symmetric, as conjugate gradients need it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Array, require_symmetric
from ..blocks import Kernel
from ..errors import InputError, InputTypeError

Progress: TypeAlias = Callable[[int, int], object]
"""Called as `progress(done, total)`, in entries of the matrix; what it raises ends the work."""

BLOCK = 1024
"""Rows of a slab: a tile of 1024 x 1024 numbers in float64 takes 8 MiB."""
_SMALL = 64
"""Rows of a Gram matrix that is computed for the sake of its diagonal."""
_PIECE = 2**16
"""Numbers of a tile that are in float64 at once: 512 KiB."""
_WIDE = 4
"""Blocks that a tile beside the diagonal is long, for fewer and larger calls of a kernel."""


class Tiles(ABC):
    """A symmetric kernel matrix (size, size) by tiles.

    A subclass gives `tile`; `block` is the number of rows of a slab and `epsilon` the unit of
    roundoff of the entries: 2^-52, or 2^-23 for float32.
    """

    def __init__(self, size: int, block: int, epsilon: float) -> None:
        if isinstance(block, bool) or not isinstance(block, int | np.integer) or block < 1:
            raise InputError(f"block must be a positive whole number, and is {block!r}")
        self.size, self.block, self.epsilon = size, int(block), epsilon

    @abstractmethod
    def tile(self, rows: slice, columns: slice) -> NDArray[Any]:
        """K[rows, columns], where both slices are the same, or columns begin where rows end."""

    @property
    def slabs(self) -> list[slice]:
        """The rows, cut into slabs of `block`."""
        starts = range(0, self.size, self.block)
        return [slice(start, min(start + self.block, self.size)) for start in starts]

    def slab(self, rows: slice) -> Iterator[tuple[slice, NDArray[Any]]]:
        """The tiles of some rows from the diagonal on, with the columns that each covers."""
        yield rows, self.tile(rows, rows)
        step = _WIDE * self.block
        for start in range(rows.stop, self.size, step):
            columns = slice(start, min(start + step, self.size))
            yield columns, self.tile(rows, columns)

    def diagonal(self) -> Array:
        """The diagonal (size,)."""
        parts = [np.diagonal(self.tile(rows, rows)) for rows in self.slabs]
        return np.concatenate([np.zeros(0), *parts]).astype(np.float64)

    def columns(self, indices: NDArray[np.intp]) -> Array:
        """K[:, indices], shape (size, k)."""
        result = np.empty((self.size, len(indices)))
        slabs = self.slabs
        for own in slabs:
            wanted = np.flatnonzero((indices >= own.start) & (indices < own.stop))
            if not wanted.size:
                continue
            local = indices[wanted] - own.start
            for rows in slabs:
                if rows.start <= own.start:
                    result[rows, wanted] = self.tile(rows, own)[:, local]
                else:
                    result[rows, wanted] = self.tile(own, rows)[local].T
        return result

    def multiply(self, right: Array, progress: Progress | None = None) -> Array:
        """K right for right (size, k), in one pass over the tiles.

        Raises `InputError` that names the tile where the matrix holds NaN or infinity.
        """
        result = np.zeros_like(right)
        done, total = 0, self.size * self.size
        for rows in self.slabs:
            for columns, tile in self.slab(rows):
                self._accumulate(result, right, rows, columns, tile)
                done += tile.size * (1 if columns == rows else 2)
            if progress is not None:
                progress(done, total)
        return result

    def _accumulate(
        self, result: Array, right: Array, rows: slice, columns: slice, tile: NDArray[Any]
    ) -> None:
        for own, other in _pieces(rows, columns, self.block):
            piece = tile[
                own.start - rows.start : own.stop - rows.start,
                other.start - columns.start : other.stop - columns.start,
            ]
            values = np.asarray(piece, np.float64)
            forward = values @ right[other]
            if not np.isfinite(forward).all():
                raise InputError(_not_finite(values, own.start, other.start))
            result[own] += forward
            if columns != rows:
                result[other] += values.T @ right[own]


def _pieces(rows: slice, columns: slice, block: int) -> Iterator[tuple[slice, slice]]:
    """A tile cut so small that a piece stays in cache: in float64, and read twice."""
    for left in range(columns.start, columns.stop, block):
        other = slice(left, min(left + block, columns.stop))
        step = max(1, _PIECE // (other.stop - other.start))
        for top in range(rows.start, rows.stop, step):
            yield slice(top, min(top + step, rows.stop)), other


class ArrayTiles(Tiles):
    """The tiles of an array (n, n), in memory or memory-mapped, which is read and never copied.

    One pass over it checks that it is symmetric and finite, unless `check` is false. Raises
    `InputTypeError` and `InputError`, which call it `name`.
    """

    def __init__(
        self,
        matrix: ArrayLike,
        *,
        block: int = BLOCK,
        check: bool = True,
        name: str = "k_train",
    ) -> None:
        array = np.asanyarray(matrix)
        if array.dtype.kind in "iu":
            array = array.astype(np.float64)
        if array.dtype.kind != "f":
            raise InputTypeError(f"{name} must hold real numbers, and has the type {array.dtype}")
        if array.ndim != 2 or array.shape[0] != array.shape[1]:
            raise InputError(f"{name} must be a square matrix, and has the shape {array.shape}")
        super().__init__(len(array), block, max(float(np.finfo(array.dtype).eps), 2.0**-52))
        self._array = array
        if check:
            self._check(name)

    def tile(self, rows: slice, columns: slice) -> NDArray[Any]:
        """A view of the array."""
        return np.asarray(self._array[rows, columns])

    def diagonal(self) -> Array:
        """The diagonal (size,)."""
        return np.array(np.diagonal(self._array), np.float64)

    def columns(self, indices: NDArray[np.intp]) -> Array:
        """Rows in place of columns: they lie together in a file."""
        return np.asarray(self._array[indices].T, np.float64)

    def _check(self, name: str) -> None:
        largest = 0.0
        for rows in self.slabs:
            slab = np.asarray(self._array[rows])
            if not np.isfinite(slab).all():
                raise InputError(f"{name}: {_not_finite(slab, rows.start, 0)}")
            largest = max(largest, float(np.abs(slab).max()))
        require_symmetric(self._array, name, self.epsilon, largest)


class KernelTiles(Tiles):
    """The tiles of a kernel on inputs x (n, …), computed again whenever they are asked for.

    `kernel` is called as a compiled kernel is: `kernel(x[rows], get=get)` on the diagonal, so that
    each input is known as itself there, and `kernel(x[rows], x[columns], get=get)` beside it, with
    `options` (parameters, threads, memory). Raises what the kernel raises.
    """

    def __init__(
        self,
        kernel: Kernel,
        x: NDArray[Any],
        *,
        get: str = "ntk",
        block: int = BLOCK,
        **options: Any,
    ) -> None:
        dtype = getattr(kernel, "dtype", None)
        single = dtype is not None and np.dtype(dtype) == np.float32
        super().__init__(len(x), block, 2.0**-23 if single else 2.0**-52)
        self._kernel, self._x, self._options = kernel, x, {"get": get, **options}

    def tile(self, rows: slice, columns: slice) -> NDArray[Any]:
        """The kernel's answer."""
        if rows == columns:
            return np.asarray(self._kernel(self._x[rows], **self._options))
        return np.asarray(self._kernel(self._x[rows], self._x[columns], **self._options))

    def diagonal(self) -> Array:
        """The diagonal (size,), by `kernel.diag` where there is one."""
        return self._itself(self._x)

    def columns(self, indices: NDArray[np.intp]) -> Array:
        """K[:, indices] by cross-Gram matrices; an input's kernel with itself from the diagonal."""
        chosen = self._x[indices]
        result = np.empty((self.size, len(indices)))
        for rows in self.slabs:
            result[rows] = self._kernel(self._x[rows], chosen, **self._options)
        result[indices, np.arange(len(indices))] = self._itself(chosen)
        return result

    def _itself(self, x: NDArray[Any]) -> Array:
        """The kernel of each input with itself, shape (len(x),)."""
        diag = getattr(self._kernel, "diag", None)
        if diag is None:
            blocks = [x[start : start + _SMALL] for start in range(0, len(x), _SMALL)]
            parts = [np.diagonal(self._kernel(block, **self._options)) for block in blocks]
            return np.concatenate([np.zeros(0), *parts]).astype(np.float64)
        options = {key: value for key, value in self._options.items() if key != "memory"}
        return np.asarray(diag(x, **options), np.float64)


def _not_finite(values: NDArray[Any], top: int, left: int) -> str:
    """Where a tile is not finite, in the matrix's own indices."""
    bad = np.argwhere(~np.isfinite(values))
    if not len(bad):
        return f"the product with the rows from {top} on overflows"
    i, j = (int(k) for k in bad[0])
    return f"the kernel matrix has {values[i, j]} at [{top + i}, {left + j}]"
