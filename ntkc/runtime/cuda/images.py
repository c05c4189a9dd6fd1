"""Inputs with positions on a device, channel after channel, and the tables of each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from ..rows import each_alone
from ..slice_program import Sliced
from ..slice_sides import Side

THREADS = 256
_BLOCK = 256  # inputs whose tables are computed together


@cuda.jit  # type: ignore[untyped-decorator]
def arrange(given: Any, first: Any, cells: Any, channels: Any, divisor: Any, images: Any) -> None:
    """images[n, c, cell] = given[first + n, cell, c] / divisor, both without their inner axes."""
    for i in range(cuda.grid(1), images.size, cuda.gridsize(1)):
        number, rest = i // (cells * channels), i % (cells * channels)
        images[i] = given[first + number, rest % cells * channels + rest // cells]
        images[i] = images[i] / divisor


@cuda.jit  # type: ignore[untyped-decorator]
def scatter(
    result: Any, place: Any, results: Any, rows: Any, columns: Any, top: Any, left: Any,
    mirrored: Any, out: Any, lost: Any,
) -> None:  # fmt: skip
    """out[top + rows[p], left + columns[p]] = result[p, place], and its mirror image.

    lost[0] becomes 1 where one of them is no finite number of the output's type.
    """
    for p in range(cuda.grid(1), rows.size, cuda.gridsize(1)):
        row, column = top + rows[p], left + columns[p]
        out[row, column] = result[p * results + place]
        if not math.isfinite(out[row, column]):
            lost[0] = 1
        if mirrored:
            out[column, row] = result[p * results + place]


@cuda.jit  # type: ignore[untyped-decorator]
def put_diagonal(values: Any, out: Any) -> None:
    """out[i, i] = values[i]."""
    for i in range(cuda.grid(1), values.size, cuda.gridsize(1)):
        out[i, i] = values[i]


def blocks_for(count: int) -> int:
    """Blocks of `THREADS` threads that go through so many numbers."""
    return max(1, min(-(-count // THREADS), 4096))


@dataclass(frozen=True)
class Part:
    """Some inputs of one argument on a device, flat."""

    divided: Any
    """As x₁: divided by the channels."""
    plain: Any
    """As x₂."""
    table: Any

    def within(self, start: int, stop: int, of: int) -> Part:
        """Inputs `start` to `stop` of the `of` that these are."""

        def cut(array: Any) -> Any:
            each = array.size // of
            return array[start * each : stop * each] if each else array

        return Part(cut(self.divided), cut(self.plain), cut(self.table))


class Inputs:
    """One argument on a device: as a whole, or block by block as tiles ask for them.

    `given` is the caller's array where it lies on that device, and is read there.
    """

    def __init__(
        self,
        sliced: Sliced,
        side: Side,
        given: Any,
        constants: NDArray[np.float64],
        dtype: np.dtype[Any],
        resident: bool,
    ) -> None:
        self._sliced, self._side, self._constants, self._dtype = sliced, side, constants, dtype
        self._given = None if given is None else _flat(given)
        self._whole = self.sent(0, side.count) if resident else None

    def block(self, start: int, stop: int) -> Part:
        """Some inputs; the device is current."""
        if self._whole is None:
            return self.sent(start, stop)
        return self._whole.within(start, stop, self._side.count)

    def sent(self, start: int, stop: int) -> Part:
        """The same, arranged anew."""
        channels = max(self._side.inputs.shape[-1], 1)
        return Part(
            self._arranged(start, stop, channels),
            self._arranged(start, stop, 1),
            self._table(start, stop),
        )

    def _arranged(self, start: int, stop: int, divisor: int) -> Any:
        inputs = self._side.inputs
        scale = self._dtype.type(divisor)
        if self._given is None:
            images = np.moveaxis(inputs[start:stop], -1, 1).astype(self._dtype) / scale
            return cuda.to_device(_filled(images.ravel()))
        channels, cells = inputs.shape[-1], prod(inputs.shape[1:-1])
        out = cuda.device_array((stop - start) * cells * channels, self._dtype)
        arrange[blocks_for(out.size), THREADS](self._given, start, cells, channels, scale, out)
        return out

    def _table(self, start: int, stop: int) -> Any:
        """What depends on each input alone; computed by the processor, a few at a time."""
        side, table = self._side, None
        for first in range(start, stop, _BLOCK):
            at = slice(first, min(first + _BLOCK, stop))
            owned = [image[at] for image in side.owned]
            with each_alone(side.name, range(first, stop)):
                found = self._sliced.table(side.mean_squares[at], self._constants, owned)
            flat = np.ascontiguousarray(found, self._dtype).reshape(-1)
            if table is None:
                table = cuda.device_array(max(1, (stop - start) * found.shape[1]), self._dtype)
            if flat.size:
                begin = (first - start) * found.shape[1]
                table[begin : begin + flat.size].copy_to_device(flat)
        return table


def _flat(given: Any) -> Any:
    """A device array (n, *space, channels) as (n, numbers of an input); None where it has gaps."""
    expected, strides = given.dtype.itemsize, given.strides
    for size, stride in zip(reversed(given.shape), reversed(strides), strict=True):
        if size > 1 and stride != expected:
            return None
        expected *= size
    return given.reshape(given.shape[0], -1) if given.size else None


def _filled(flat: NDArray[Any]) -> NDArray[Any]:
    """A device has no arrays without numbers."""
    return flat if flat.size else np.zeros(1, flat.dtype)


def input_bytes(inputs: NDArray[Any], width: int, dtype: np.dtype[Any]) -> int:
    """What one of the inputs (n, *sizes) takes on a device, with a table of `width` numbers."""
    return int((2 * prod(inputs.shape[1:]) + width) * dtype.itemsize)
