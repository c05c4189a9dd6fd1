"""What generated code looks like from outside: the contract between backends and runtime.

A *program* is a generated module. It computes nothing by itself but

- `constants`: numbers that depend on parameters alone,
- `diagonals`: everything that depends on one input alone (the ROW values, once per input),
- tile functions: everything that depends on a pair, for one tile of the Gram matrix,

and the runtime decides which tiles, on which threads, in how much memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

ABI = 1
"""Raised whenever this contract changes; a loader refuses a program of another number."""

SLICES_ABI = 5
"""The same for programs of networks on positions."""

DEVICE_ABI = 1
"""The same for modules of CUDA kernels, which stand beside a program (see `ntkc.runtime.cuda`)."""


class Diagonals(NamedTuple):
    """Values of single inputs: `table` (K, n) for the tile functions, and both diagonals (n,)."""

    table: NDArray[np.float64]
    nngp: NDArray[np.float64]
    ntk: NDArray[np.float64]


class TileFunction(Protocol):
    """Takes one tile from inner products (or complements) to kernel values, in place.

    `values` is a flat buffer; entry (i, j) of the tile stands at `i * leading + j`. On entry it
    holds, where the program's `complement` is true, the complements 1 - cos(angle) of the
    pairs, otherwise their inner products; less 2 for nearly opposite pairs, in float64 and where
    `opposites` is true. On exit it holds the first root asked for,
    and `second` the others: entry (i, j) of the k-th of n others, from 0, stands at
    `(i * n + k) * leading + j` (any one-element array where one root is asked for).
    Tables are flat: value k of row i stands at `k * row_stride + first_row + i`.
    With `triangular`, only entries with j > i are computed; the others are left undefined.
    `scratch` has `slots * width` elements, and everything has the function's dtype.
    """

    def __call__(
        self,
        values: NDArray[Any],
        second: NDArray[Any],
        leading: int,
        rows: int,
        columns: int,
        row_table: NDArray[Any],
        row_stride: int,
        first_row: int,
        column_table: NDArray[Any],
        column_stride: int,
        first_column: int,
        constants: NDArray[Any],
        scratch: NDArray[Any],
        triangular: bool,
        /,
    ) -> None:
        """Evaluate one tile in place."""


@dataclass(frozen=True)
class Program:
    """A generated module, loaded."""

    name: str
    dtype: str
    """`float32` or `float64`: what kernel values are computed in and returned as."""
    input_kind: str
    input_sizes: tuple[int | None, ...]
    normalized: bool
    """The program may assume that every row has mean square 1; the runtime checks it."""
    parameters: Mapping[str, float]
    """The run-time parameters and their defaults."""
    complement: bool
    """Whether tiles start from complements (accurate near coincidence) or inner products."""
    width: int
    slots: int
    constants: Callable[[Mapping[str, float], int], NDArray[np.float64]]
    """(parameters, input size) -> (C,). Raises `ValueError` for values outside a range."""
    diagonals: Callable[[NDArray[np.float64], NDArray[np.float64]], Diagonals]
    """(mean squares of the inputs (n,), constants (C,)) -> `Diagonals`. Raises `ValueError` of
    (position, words) for an input whose variance somewhere is beyond what is certified."""
    tiles: Mapping[tuple[str, str], TileFunction]
    """By (roots, dtype); roots is `ntk`, `nngp` or `nngp+ntk`, or names a kernel and derivatives.
    A float32 program with `complement` has float64 tiles too: rows with nearly coincident pairs
    go through those."""
    entries: Mapping[str, int] = field(default_factory=dict)
    """Table rows that hold the diagonals of further roots, by the root's name."""
    opposites: bool = False
    """Whether float64 tiles take η − 2 for a complement η of nearly opposite inputs."""

    @property
    def slopes(self) -> bool:
        """Whether this is a program of slopes by inputs."""
        return any(name.startswith("slope_") for name in self.entries)
