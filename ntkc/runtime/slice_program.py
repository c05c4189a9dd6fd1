"""The contract between a generated module for a network on positions and the runtime.

Such a program works on LANES pairs of inputs at a time, one displacement slice after another. All
its arrays are flat and interleaved by lanes: number i of lane l stands at `i * lanes + l`. The
runtime decides which pairs, on which threads, in how much memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float64]


class SliceFunction(Protocol):
    """Computes some jobs (`first_job` to `last_job`) of a group of pairs.

    `x1` and `x2` are the inputs, channel after channel, those of x2 divided by the channels
    where pairs begin with products;
    `row_table` and `column_table` what depends on one input alone. `stores` must be zeros before
    the first job and are zeros after the last; `totals` are sums in float64, zero before the first
    job. After the last job `result` holds the values, lane by lane.
    """

    def __call__(
        self,
        x1: NDArray[Any],
        x2: NDArray[Any],
        row_table: NDArray[Any],
        column_table: NDArray[Any],
        constants: NDArray[Any],
        scratch: NDArray[Any],
        stores: NDArray[Any],
        totals: NDArray[np.float64],
        result: NDArray[np.float64],
        first_job: int,
        last_job: int,
        /,
    ) -> None:
        """Run the jobs."""


class SharedSliceFunction(Protocol):
    """Computes some jobs of a group of pairs for each x1 chosen, which all lanes share.

    `images` (n, C * cells) and `tables` (m, K) hold a number for all lanes; row i of `chosen`
    (rows, 2) says which image and which table are the i-th x1's, and row i of `results` takes its
    values. Everything else is as for a `SliceFunction`, but that `totals` need not be zero. Of
    several x1 all jobs are run.
    """

    def __call__(
        self,
        images: NDArray[Any],
        x2: NDArray[Any],
        tables: NDArray[Any],
        column_table: NDArray[Any],
        constants: NDArray[Any],
        scratch: NDArray[Any],
        stores: NDArray[Any],
        totals: NDArray[np.float64],
        results: NDArray[np.float64],
        first_job: int,
        last_job: int,
        chosen: NDArray[np.int64],
        /,
    ) -> None:
        """Run the jobs."""


@dataclass(frozen=True)
class Sliced:
    """One generated function, with what it needs."""

    run: SliceFunction
    table: Callable[[Images, NDArray[np.float64], list[Images]], Images]
    """(mean squares (n, *space), constants, values owned) -> (n, K)."""
    scratch: int
    stores: int
    totals: int
    results: int
    jobs: int
    entries: int
    """Entries of a pair that are computed: what a group costs."""
    width: int
    """K, numbers of an input's table."""
    columns: NDArray[np.int64] | None
    """The places of x₁'s table that make x₂'s; None for the same."""
    shared: SharedSliceFunction | None
    """`run` for pairs of one x₁ after the other; None where there is none."""


@dataclass(frozen=True)
class SliceProgram:
    """A generated module for a network on positions, loaded."""

    name: str
    dtype: str
    input_kind: str
    input_sizes: tuple[int | None, ...]
    normalized: bool
    parameters: Mapping[str, float]
    lanes: int
    space: tuple[int, ...]
    """The input's axes, two at least."""
    owned: tuple[tuple[tuple[int, ...], ...], ...]
    """The spaces of what each function of `own` computes."""
    repeated: bool
    """Whether x₂'s arrays hold every axis twice, for axes that wrap around."""
    constants: Callable[[Mapping[str, float], int], NDArray[np.float64]]
    roots: tuple[str, ...]
    """What the diagonals are of: both kernels, or a kernel and its derivatives."""
    diagonals: Callable[[Images, NDArray[np.float64], list[Images]], Images] | None
    """(mean squares, constants, values owned) -> each root of each input with itself (R, n); None
    where the tile functions tell as well, an input being paired with itself."""
    own: tuple[Sliced, ...]
    tiles: Mapping[str, Sliced]
    differences: bool = False
    """Whether pairs begin with differences of their inputs, not with products."""
    near: Callable[[], SliceProgram] | None = None
    """What loads the program, in float64, that inputs go through which nearly coincide."""

    def tile_of(self, roots: tuple[str, ...]) -> str:
        """The tile function that makes some roots: their own, or the one that makes all."""
        own = "+".join(roots)
        return own if own in self.tiles else "+".join(self.roots)
