"""One thread's work on tiles: product, complements, tile function, and the way to the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .near import NearPairs, near_limits
from .numeric import complements, complete_square, gather, scatter
from .plan import PADDING, Plan
from .program import Program
from .sides import Side
from .tiles import Tile


@dataclass(frozen=True)
class Call:
    """What all threads of one call share."""

    program: Program
    roots: tuple[str, ...]
    constants: NDArray[np.float64]
    left: Side
    right: Side
    outputs: list[NDArray[Any]]
    plan: Plan


class TileWorker:
    """Evaluates tiles into the call's outputs, in buffers of its own."""

    def __init__(self, call: Call) -> None:
        program, plan = call.program, call.plan
        self._call = call
        self._dtype = np.dtype(program.dtype)
        self._leading = plan.columns + PADDING // self._dtype.itemsize
        size = plan.rows * self._leading
        self._tiles = [np.empty(size, self._dtype) for _ in call.roots]
        width = call.left.rows.width
        self._partial = np.empty(size if plan.features < width else 0, self._dtype)
        self._blocks = [
            np.empty(0 if side.rows.direct or plan.packed else count * plan.features, self._dtype)
            for side, count in ((call.left, plan.rows), (call.right, plan.columns))
        ]
        self._evaluate = _Evaluator(call, self._dtype)
        if program.complement:
            self._limits = near_limits(self._dtype)
            self._near_counts = np.empty(plan.rows, np.int32)
        self._refiner: _Refiner | None = None

    def __call__(self, tile: Tile) -> int:
        """Settle a tile and return how many entries that are."""
        self._multiply(tile)
        rows = tile.bottom - tile.top
        if self._call.program.complement and self._complement(tile):
            step = self._call.plan.band
            for first in range(0, rows, step):
                band = first, min(first + step, rows)
                if self._near_counts[band[0] : band[1]].any():
                    self._refine(tile, band)
                else:
                    self._evaluate(self._tiles, self._leading, tile, band)
        else:
            self._evaluate(self._tiles, self._leading, tile, (0, rows))
        self._store(tile)
        return tile.entries

    def _view(self, flat: NDArray[Any], tile: Tile) -> NDArray[Any]:
        """A flat buffer as the tile (rows, columns)."""
        rows, columns = tile.bottom - tile.top, tile.right - tile.left
        return flat[: rows * self._leading].reshape(rows, self._leading)[:, :columns]

    def _multiply(self, tile: Tile) -> None:
        """Inner products of the tile's rows into the first buffer."""
        left, right = self._call.left.rows, self._call.right.rows
        target = self._view(self._tiles[0], tile)
        step = self._call.plan.features
        for first in range(0, max(left.width, 1), step):
            last = min(first + step, left.width)
            x = left.block(tile.top, tile.bottom, first, last, self._blocks[0])
            if tile.triangular:
                z = x
            else:
                z = right.block(tile.left, tile.right, first, last, self._blocks[1])
            if first == 0:
                np.matmul(x, z.T, out=target)
            else:
                partial = self._view(self._partial, tile)
                np.matmul(x, z.T, out=partial)
                target += partial

    def _complement(self, tile: Tile) -> int:
        """Turn products into complements; how many of them lie near coincidence."""
        return complements(
            self._tiles[0],
            self._leading,
            tile.bottom - tile.top,
            tile.right - tile.left,
            self._call.left.inverse[tile.top : tile.bottom],
            self._call.right.inverse[tile.left : tile.right],
            self._limits,
            tile.triangular,
            self._near_counts,
        )

    def _refine(self, tile: Tile, band: tuple[int, int]) -> None:
        """Evaluate a band that holds nearly coincident pairs."""
        if self._refiner is None:
            self._refiner = _Refiner(self._call, self._dtype)
        self._refiner(self._tiles, self._leading, tile, band, self._limits, self._evaluate)

    def _store(self, tile: Tile) -> None:
        """Copy the tile, and its mirror image where due, into the outputs."""
        for flat, output, root in zip(
            self._tiles, self._call.outputs, self._call.roots, strict=True
        ):
            values = self._view(flat, tile)
            if tile.triangular:
                diagonal = getattr(self._call.left, root)[tile.top : tile.bottom]
                complete_square(flat, self._leading, diagonal)
            output[tile.top : tile.bottom, tile.left : tile.right] = values
            if tile.mirrored:
                output[tile.left : tile.right, tile.top : tile.bottom] = values.T


class _Evaluator:
    """Calls the program's tile function in one dtype."""

    def __init__(self, call: Call, dtype: np.dtype[Any]) -> None:
        program = call.program
        self._function = program.tiles["+".join(call.roots), dtype.name]
        own = dtype == np.dtype(program.dtype)
        self._left = (call.left.table if own else call.left.table64).reshape(-1)
        self._right = (call.right.table if own else call.right.table64).reshape(-1)
        self._strides = call.left.rows.count, call.right.rows.count
        self._constants = call.constants.astype(dtype)
        self._scratch = np.empty(max(1, program.slots * program.width), dtype)
        self._unused = np.empty(1, dtype)

    def __call__(
        self, tiles: list[NDArray[Any]], leading: int, tile: Tile, band: tuple[int, int]
    ) -> None:
        """Evaluate rows `band` of a tile held by flat buffers, one for each root."""
        first, last = band
        skip = first if tile.triangular else 0  # columns left of a band's own diagonal
        offset = first * leading + skip
        self._function(
            tiles[0][offset:],
            tiles[1][offset:] if len(tiles) == 2 else self._unused,
            leading,
            last - first,
            tile.right - tile.left - skip,
            self._left,
            self._strides[0],
            tile.top + first,
            self._right,
            self._strides[1],
            tile.left + skip,
            self._constants,
            self._scratch,
            tile.triangular,
        )


class _Refiner:
    """Evaluates bands with nearly coincident pairs: those pairs from accurate complements.

    In a float32 program those pairs are evaluated in float64, so that not only their values
    but the distances k11 + k22 - 2 k12 come out right to the last bits of float32.
    """

    def __init__(self, call: Call, dtype: np.dtype[Any]) -> None:
        plan = call.plan
        self._pairs = NearPairs(call.left, call.right, plan)
        self._leading = plan.columns
        self._wide: list[NDArray[np.float64]] = []
        if dtype == np.float32:
            self._wide = [np.empty(plan.band * plan.columns) for _ in call.roots]
            self._refined = [np.empty(plan.band * plan.columns) for _ in call.roots]
            self._evaluate_wide = _Evaluator(call, np.dtype(np.float64))

    def __call__(
        self,
        tiles: list[NDArray[Any]],
        leading: int,
        tile: Tile,
        band: tuple[int, int],
        limits: NDArray[Any],
        evaluate: _Evaluator,
    ) -> None:
        """Evaluate rows `band` of a tile of complements."""
        pairs = self._pairs
        first, last = band
        columns = tile.right - tile.left
        origin = tile.top, tile.left
        pairs.find(tiles[0], leading, band, columns, limits, tile.triangular, origin)
        listed = pairs.row_of, pairs.column_of, pairs.count
        if not self._wide:
            scatter(tiles[0], leading, first, *listed, pairs.complements)
            evaluate(tiles, leading, tile, band)
            return
        self._wide[0].fill(1.0)
        scatter(self._wide[0], self._leading, 0, *listed, pairs.complements)
        rows = tile.top + first, tile.top + last
        self._evaluate_wide(
            self._wide,
            self._leading,
            Tile(*rows, tile.left, tile.right, triangular=False, mirrored=False),
            (0, last - first),
        )
        for wide, refined in zip(self._wide, self._refined, strict=True):
            gather(wide, self._leading, 0, *listed, refined)
        evaluate(tiles, leading, tile, band)
        for values, refined in zip(tiles, self._refined, strict=True):
            scatter(values, leading, first, *listed, refined)
