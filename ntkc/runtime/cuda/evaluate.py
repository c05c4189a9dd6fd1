"""Tiles on devices: product, recursion, accurate near pairs, and the way to the result.

Every device has its own copy of the tables; each of its workers has a stream and buffers, so that
one computes while the other's tile travels to the host. A pair's value depends on the pair alone,
so it does not matter which tile, worker or device it was computed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from ..evaluate import check_finite
from ..near import near_limits
from ..numeric import complete_square
from ..program import Program
from ..sides import Side
from ..tiles import Tile
from .place import SIDE, place, place_mirrored
from .placement import Placement
from .plan import Plan
from .product import multiply

_BLOCK = (32, 8)  # threads: a warp along a row, so that loads and stores are coalesced
_NEAR_THREADS, _NEAR_BLOCKS = 64, 1024


@dataclass(frozen=True)
class Call:
    """What all devices and workers of one call share."""

    program: Program
    module: ModuleType
    roots: tuple[str, ...]
    constants: NDArray[np.float64]
    left: Side
    right: Side
    place: Placement
    plan: Plan


class _Batch:
    """One argument's rows on a device: as a whole, or block by block as tiles ask for them."""

    def __init__(self, side: Side, given: Any, resident: bool, differences: bool) -> None:
        self._array, self._dtype = side.rows.array, side.rows.dtype
        self._differences = differences
        self._whole: tuple[Any, Any] | None = None
        if given is not None and given.dtype == self._dtype:
            self._whole = given, given
        elif resident:
            self._whole = self._sent(0, side.rows.count)

    def _sent(self, start: int, stop: int) -> tuple[Any, Any]:
        rows = self._array[start:stop]
        exact = rows.dtype if rows.dtype in (np.float32, np.float64) else np.dtype(np.float64)
        own = cuda.to_device(np.ascontiguousarray(rows, self._dtype))
        if not self._differences or exact == self._dtype:
            return own, own
        return own, cuda.to_device(np.ascontiguousarray(rows, exact))

    def block(self, start: int, stop: int) -> tuple[Any, Any]:
        """Rows in the products' dtype, and as they were given, for differences."""
        if self._whole is None:
            return self._sent(start, stop)
        return self._whole[0][start:stop], self._whole[1][start:stop]


class Resident:
    """What one device holds for a call. Made, and used, with the device current."""

    def __init__(self, call: Call) -> None:
        program, dtype = call.program, np.dtype(call.program.dtype)
        sides = [call.left] if call.right is call.left else [call.left, call.right]
        near = program.complement
        batches = [
            _Batch(side, given, call.plan.resident, near)
            for side, given in zip(sides, call.place.given, strict=False)
        ]
        self.left, self.right = batches[0], batches[-1]
        own = [(side.table, side.inverse) for side in sides]
        self.tables = _sent_tables(own, call.constants.astype(dtype))
        self.tables64 = self.tables
        if near and dtype != np.float64:
            wide = [(side.table64, side.inverse64) for side in sides]
            self.tables64 = _sent_tables(wide, call.constants)
        self.diagonals = [cuda.to_device(np.ascontiguousarray(call.left.diagonal(r)))
                          for r in call.roots]  # fmt: skip


def _sent_tables(
    sides: Sequence[tuple[NDArray[Any], NDArray[Any]]], constants: NDArray[Any]
) -> Mapping[str, Any]:
    """Tables, constants and reciprocal norms on the device; none is empty."""

    def sent(values: NDArray[Any]) -> Any:
        flat = np.ascontiguousarray(values).reshape(-1)
        return cuda.to_device(flat if flat.size else np.zeros(1, flat.dtype))

    made = [(sent(table), sent(scale)) for table, scale in sides]
    return {
        "row_table": made[0][0],
        "row_scale": made[0][1],
        "column_table": made[-1][0],
        "column_scale": made[-1][1],
        "constants": sent(constants),
    }


class DeviceWorker:
    """Evaluates tiles on one device, on a stream of its own."""

    def __init__(self, call: Call, number: int, resident: Resident) -> None:
        self._call, self._number, self._on = call, number, resident
        self._dtype = np.dtype(call.program.dtype)
        key = "+".join(call.roots)
        self._tile, self._near = call.module.TILES[key], call.module.NEAR.get(key)
        size = call.plan.rows * call.plan.columns
        with cuda.gpus[number]:
            self._stream = cuda.stream()
            self._values = [cuda.device_array(size, self._dtype) for _ in call.roots]
            self._pairs = cuda.device_array(size if self._near is not None else 1, np.int32)
            self._count = cuda.device_array(1, np.int32)
            self._lost = cuda.to_device(np.zeros(1, np.int32))
            self._staging = cuda.pinned_array(size, self._dtype) if call.place.staged else None

    def __call__(self, tile: Tile) -> int:
        """Settle a tile and return how many entries that are."""
        with cuda.gpus[self._number]:
            self._evaluate(tile)
            if self._staging is not None:
                self._fetch(tile)
            else:
                self._place(tile)
            self._stream.synchronize()
            if self._staging is None and self._lost.copy_to_host(stream=self._stream)[0]:
                self._tell_lost(tile)
        return tile.entries

    def _evaluate(self, tile: Tile) -> None:
        on, stream = self._on, self._stream
        x, x_given = on.left.block(tile.top, tile.bottom)
        z, z_given = on.right.block(tile.left, tile.right)
        rows, columns = tile.bottom - tile.top, tile.right - tile.left
        multiply(x, z, self._values[0], stream)
        self._count.copy_to_device(np.zeros(1, np.int32), stream=stream)
        bound = near_limits(self._dtype)[3]
        size, lists = (columns, rows, columns), (bound, self._pairs, self._count)
        grid = -(-columns // _BLOCK[0]), -(-rows // _BLOCK[1])
        buffers, place = (self._values[0], self._values[-1]), self._places(tile)
        self._tile[grid, _BLOCK, stream](
            *buffers, *size, *place(on.tables), *lists, tile.triangular
        )
        if self._near is None:
            return
        blocks = min(_NEAR_BLOCKS, -(-rows * columns // _NEAR_THREADS))
        self._near[blocks, _NEAR_THREADS, stream](
            *buffers, columns, columns, *place(on.tables64), x_given, z_given, *lists[1:]
        )

    def _places(self, tile: Tile) -> Any:
        """The arguments that say where the tile's rows stand in some tables."""
        counts = self._call.left.rows.count, self._call.right.rows.count

        def arguments(tables: Mapping[str, Any]) -> tuple[Any, ...]:
            return (
                *(tables["row_table"], counts[0], tile.top),
                *(tables["column_table"], counts[1], tile.left),
                *(tables["constants"], tables["row_scale"], tables["column_scale"]),
            )

        return arguments

    def _fetch(self, tile: Tile) -> None:
        """To the host, and from pinned memory to the places in the outputs."""
        rows, columns = tile.bottom - tile.top, tile.right - tile.left
        call, size = self._call, rows * columns
        assert self._staging is not None
        for values, output, root in zip(self._values, call.place.outputs, call.roots, strict=True):
            staging = self._staging[:size]
            values[:size].copy_to_host(staging, stream=self._stream)
            self._stream.synchronize()
            if tile.triangular:
                complete_square(staging, columns, call.left.diagonal(root)[tile.top : tile.bottom])
            square = staging.reshape(rows, columns)
            check_finite(square, (tile.top, tile.left), self._dtype)
            output[tile.top : tile.bottom, tile.left : tile.right] = square
            if tile.mirrored:
                output[tile.left : tile.right, tile.top : tile.bottom] = square.T

    def _place(self, tile: Tile) -> None:
        """To results that stay on the device."""
        rows, columns = tile.bottom - tile.top, tile.right - tile.left
        grid, stream = (-(-columns // SIDE), -(-rows // SIDE)), self._stream
        where = tile.top, tile.left, rows, columns
        for values, out, diagonal in zip(
            self._values, self._call.place.outputs, self._on.diagonals, strict=True
        ):
            place[grid, (SIDE, SIDE), stream](
                values, columns, 0, diagonal, out, *where, tile.triangular, self._lost
            )
            if tile.mirrored:
                place_mirrored[grid, (SIDE, SIDE), stream](values, columns, 0, out, *where)

    def _tell_lost(self, tile: Tile) -> None:
        """Raise `ArrayError` for the first value of a tile that is no finite number."""
        rows, columns = tile.bottom - tile.top, tile.right - tile.left
        for values, root in zip(self._values, self._call.roots, strict=True):
            found = values[: rows * columns].copy_to_host(stream=self._stream)
            self._stream.synchronize()
            if tile.triangular:
                complete_square(
                    found, columns, self._call.left.diagonal(root)[tile.top : tile.bottom]
                )
            check_finite(found.reshape(rows, columns), (tile.top, tile.left), self._dtype)
