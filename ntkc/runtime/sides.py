"""Everything that depends on one input alone, computed once per call: norms and diagonals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArrayError
from .program import Diagonals, Program
from .rows import (
    BLOCK,
    Rows,
    check_normalized,
    check_squares,
    each_alone,
    reciprocal_norms,
    sum_squares,
)
from .threads import run_tasks

FLOORS = {np.dtype(np.float32): 1e-20, np.dtype(np.float64): 1e-100}
"""Mean squares that stand for 0 where slopes are taken: their roots are below roundoff beside any
other number, and their squares and inverses are in range."""

DIAGONAL_ROWS = 4096
"""Rows that `Program.diagonals` sees at a time, so that its temporaries stay small."""
_PARALLEL = 2**22  # elements from which on squares are summed by several threads: about 2 ms


@dataclass
class Side:
    """One argument of a call, with what the tile functions need to know of its rows."""

    rows: Rows
    inverse: NDArray[Any]
    """1/|x| (n,) in the program's dtype, 0 for a row of zeros."""
    inverse64: NDArray[np.float64]
    table: NDArray[Any]
    """(K, n) in the program's dtype."""
    table64: NDArray[np.float64]
    nngp: NDArray[Any]
    """The diagonals (n,) in the program's dtype."""
    ntk: NDArray[Any]
    entries: Mapping[str, int] = field(default_factory=dict)
    """Rows of `table` with the diagonals of further roots."""

    def diagonal(self, root: str) -> NDArray[Any]:
        """The diagonal (n,) of a root."""
        name = f"{root}_diagonal"
        if name in self.entries:
            found: NDArray[Any] = self.table[self.entries[name]]
            return found
        return self.nngp if root == "nngp" else self.ntk


def make_side(
    program: Program,
    rows: Rows,
    constants: NDArray[np.float64],
    threads: int,
    pack: bool,
    floor: float = 0.0,
) -> Side:
    """Check the rows' values and compute what depends on each row alone.

    A mean square of 0 counts as `floor`: the limit of a small row that is orthogonal to all
    others, which is what slopes by a row of zeros are (see `ntkc.runtime.slopes`).

    Raises `ArrayError` for rows that are not finite, too large for the dtype, or, where the
    program relies on it, not normalized.
    """
    if pack:
        rows.pack()
    squares = _squares(rows, threads)
    check_squares(rows, squares)
    if floor:
        squares[squares.astype(rows.dtype) == 0.0] = floor * max(rows.width, 1)
    mean_squares = squares / max(rows.width, 1)
    if program.normalized:
        check_normalized(rows, mean_squares)
    inverse64 = reciprocal_norms(rows, squares) if program.complement else np.empty(0)
    table64, nngp, ntk = _diagonals(program, rows, mean_squares, constants)
    return Side(
        rows,
        inverse64.astype(rows.dtype, copy=False),
        inverse64,
        _rounded(table64, rows, "an intermediate value"),
        table64,
        _rounded(nngp, rows, "the NNGP kernel"),
        _rounded(ntk, rows, "the NTK"),
        program.entries,
    )


def _squares(rows: Rows, threads: int) -> NDArray[np.float64]:
    """Sums of squares (n,) of the rows; the converted copy is filled on the way."""
    squares = np.empty(rows.count)
    at_once = _PARALLEL // 2 if rows.direct else BLOCK
    step = max(1, at_once // max(1, rows.width))
    tasks = [(start, min(start + step, rows.count)) for start in range(0, rows.count, step)]

    def make_worker() -> Any:
        buffer = np.empty(min(BLOCK, squares.size * rows.width))

        def work(task: tuple[int, int]) -> int:
            with np.errstate(over="ignore", invalid="ignore"):  # reported as errors later
                squares[slice(*task)] = sum_squares(rows, *task, buffer)
                rows.convert(*task)
            return 0

        return work

    parallel = rows.count * rows.width >= _PARALLEL
    run_tasks(tasks, make_worker, threads if parallel else 1)
    return squares


def _diagonals(
    program: Program, rows: Rows, mean_squares: NDArray[np.float64], constants: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """`Program.diagonals`, called block by block of rows."""
    count = mean_squares.size
    if count <= DIAGONAL_ROWS:
        found = _diagonals_of(program, rows, mean_squares, constants, 0)
        return np.ascontiguousarray(found.table), found.nngp, found.ntk
    nngp, ntk = np.empty(count), np.empty(count)
    table: NDArray[np.float64] | None = None
    for start in range(0, count, DIAGONAL_ROWS):
        part = slice(start, start + DIAGONAL_ROWS)
        found = _diagonals_of(program, rows, mean_squares[part], constants, start)
        if table is None:
            table = np.empty((found.table.shape[0], count))
        table[:, part], nngp[part], ntk[part] = found
    assert table is not None  # there is at least one block
    return table, nngp, ntk


def _diagonals_of(
    program: Program,
    rows: Rows,
    mean_squares: NDArray[np.float64],
    constants: NDArray[np.float64],
    first: int,
) -> Diagonals:
    """Those of the rows from `first` on."""
    with each_alone(rows.name, range(first, first + mean_squares.size)):
        return program.diagonals(mean_squares, constants)


def _rounded(values: NDArray[np.float64], rows: Rows, what: str) -> NDArray[Any]:
    """Values (n,) or (K, n) in the rows' dtype; `ArrayError` where that cannot hold them."""
    limit = float(np.finfo(rows.dtype).max)
    if values.ndim == 2 and rows.dtype == np.float64:
        return values
    if values.size == 0 or (values.max() <= limit and values.min() >= -limit):
        return values.astype(rows.dtype, copy=False)
    lost = ~(np.abs(values) <= limit)
    if values.ndim == 2:  # a table may hold infinities on purpose
        lost &= np.isfinite(values)
    if lost.any():
        i = int(np.nonzero(lost)[-1].min())
        raise ArrayError(
            f"{rows.name}: {what} of row {i} is beyond the range of {rows.dtype} "
            f"(at most {limit:.3g}): scale the inputs or choose smaller parameters"
            + (", or compile the kernel for float64" if rows.dtype == np.float32 else "")
        )
    return values.astype(rows.dtype, copy=False)
