"""One thread's work on tiles: product, complements, tile function, and the way to the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArrayError
from .near import NearPairs, near_limits
from .numeric import complements, complete_square, gather, scatter
from .plan import PADDING, Plan
from .planes import Planes
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
        leading = plan.columns + PADDING // self._dtype.itemsize
        self._planes = Planes(len(call.roots), plan.rows, leading, self._dtype)
        size = plan.rows * plan.columns if plan.features < call.left.rows.width else 0
        self._partial = np.empty(size, self._dtype)
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
                    self._evaluate(self._planes, tile, band)
        else:
            self._evaluate(self._planes, tile, (0, rows))
        self._store(tile)
        return tile.entries

    def _multiply(self, tile: Tile) -> None:
        """Inner products of the tile's rows into the first buffer."""
        left, right = self._call.left.rows, self._call.right.rows
        rows, columns = tile.bottom - tile.top, tile.right - tile.left
        target = self._planes.view(0, rows, columns)
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
                partial = self._partial[: rows * columns].reshape(rows, columns)
                np.matmul(x, z.T, out=partial)
                target += partial

    def _complement(self, tile: Tile) -> int:
        """Turn products into complements; how many of them lie near coincidence."""
        values, leading = self._planes.flat(0)
        return complements(
            values,
            leading,
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
        self._refiner(self._planes, tile, band, self._limits, self._evaluate)

    def _store(self, tile: Tile) -> None:
        """Copy the tile, and its mirror image where due, into the outputs."""
        rows, columns = tile.bottom - tile.top, tile.right - tile.left
        for plane, (output, root) in enumerate(
            zip(self._call.outputs, self._call.roots, strict=True)
        ):
            values = self._planes.view(plane, rows, columns)
            if tile.triangular:
                diagonal = self._call.left.diagonal(root)[tile.top : tile.bottom]
                flat, leading = self._planes.flat(plane)
                complete_square(flat, leading, diagonal)
            check_finite(values, (tile.top, tile.left), self._dtype)
            output[tile.top : tile.bottom, tile.left : tile.right] = values
            if tile.mirrored:
                output[tile.left : tile.right, tile.top : tile.bottom] = values.T


def check_finite(values: NDArray[Any], first: tuple[int, int], dtype: np.dtype[Any]) -> None:
    """Raise `ArrayError` for a kernel value that is infinite or no number; `first` is the entry of
    the whole matrix that `values` begin with.

    Diagonals are checked before any pair. What is left are sums of huge terms, as p q - c^2 of
    variances whose squares no longer hold a 1.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):  # costs a hundredth of a layer; finite numbers may overflow
            return
    lost = np.argwhere(~np.isfinite(values))
    if len(lost):
        row, column = lost[0] + first
        raise ArrayError(
            f"the kernel of row {row} of x1 and row {column} of the other argument is lost to "
            f"rounding in {dtype}: scale the inputs or choose smaller parameters"
        )


class _Evaluator:
    """Calls the program's tile function in one dtype."""

    def __init__(self, call: Call, dtype: np.dtype[Any]) -> None:
        program = call.program
        self._function = program.tiles["+".join(call.roots), dtype.name]
        own = dtype == np.dtype(program.dtype)
        self._left = (call.left.table if own else call.left.table64).reshape(-1)
        self._right = (call.right.table if own else call.right.table64).reshape(-1)
        self._strides = call.left.rows.count, call.right.rows.count
        with np.errstate(over="ignore"):  # a value that is lost with it is told where it is met
            self._constants = call.constants.astype(dtype)
        self._scratch = np.empty(max(1, program.slots * program.width), dtype)

    def __call__(self, planes: Planes, tile: Tile, band: tuple[int, int]) -> None:
        """Evaluate rows `band` of a tile."""
        first, last = band
        skip = first if tile.triangular else 0  # columns left of a band's own diagonal
        values, others = planes.from_row(first, skip)
        self._function(
            values,
            others,
            planes.leading,
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
        self._pairs = NearPairs(call.left, call.right, plan, call.program.opposites)
        self._wide: Planes | None = None
        if dtype == np.float32:
            double = np.dtype(np.float64)
            self._wide = Planes(len(call.roots), plan.band, plan.columns, double)
            self._refined = [np.empty(plan.band * plan.columns) for _ in call.roots]
            self._evaluate_wide = _Evaluator(call, double)

    def __call__(
        self,
        planes: Planes,
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
        values, leading = planes.flat(0)
        pairs.find(values, leading, band, columns, limits, tile.triangular, origin)
        listed = pairs.row_of, pairs.column_of, pairs.count
        wide = self._wide
        if wide is None:
            scatter(values, leading, first, *listed, pairs.complements)
            evaluate(planes, tile, band)
            return
        wide.values.fill(1.0)
        scatter(wide.values, wide.leading, 0, *listed, pairs.complements)
        rows = tile.top + first, tile.top + last
        self._evaluate_wide(
            wide,
            Tile(*rows, tile.left, tile.right, triangular=False, mirrored=False),
            (0, last - first),
        )
        for plane, refined in enumerate(self._refined):
            values, leading = wide.flat(plane)
            gather(values, leading, 0, *listed, refined)
        evaluate(planes, tile, band)
        for plane, refined in enumerate(self._refined):
            values, leading = planes.flat(plane)
            scatter(values, leading, first, *listed, refined)
