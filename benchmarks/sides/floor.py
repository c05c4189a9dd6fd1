"""Floors: what no implementation of a case can avoid doing, measured on its own.

A case names one of the floors below. They run in the product's environment, with its BLAS.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any, Protocol

from benchmarks.protocol import Job
from benchmarks.sides.data import make_batch
from benchmarks.sides.slices_floor import SliceBody

TILE_HEIGHTS = (256, 384, 512, 768)


class TriangleProduct:
    """The inputs' products for the tiles on or above the diagonal, into memory already touched.

    The tiles of one row are one BLAS call. The tile height is the fastest of a few, tried once:
    a floor has to be low.
    """

    def __init__(self, batch: Any) -> None:
        numpy = import_module("numpy")
        self._numpy = numpy
        self._batch = batch.reshape(len(batch), -1)
        self._output = numpy.zeros((len(batch), len(batch)), batch.dtype)
        self._height = min(TILE_HEIGHTS, key=self._best_seconds)

    def run(self) -> Any:
        """The triangle, with the chosen tiles."""
        return self._multiply(self._height)

    def _best_seconds(self, height: int) -> float:
        return min(self._seconds(height) for _ in range(3))

    def _seconds(self, height: int) -> float:
        start = time.perf_counter()
        self._multiply(height)
        return time.perf_counter() - start

    def _multiply(self, height: int) -> Any:
        for top in range(0, len(self._batch), height):
            rows = slice(top, top + height)
            self._numpy.matmul(self._batch[rows], self._batch[top:].T, out=self._output[rows, top:])
        return self._output


class RunnableFloor(Protocol):
    """A floor with its data in place."""

    def run(self) -> Any:
        """The unavoidable work, once."""


def make_floor(job: Job) -> RunnableFloor:
    """The floor a case names."""
    if job.floor == "slice_body":
        return SliceBody(job)
    if job.floor == "triangle_product":
        return TriangleProduct(make_batch(job))
    raise ValueError(f"there is no floor called {job.floor!r}")


class Floor:
    """The side that runs a job's floor; what it returns is no kernel, so nothing is sampled."""

    def load(self) -> None:
        """Import NumPy."""
        import_module("numpy")

    def versions(self) -> dict[str, str]:
        """Of NumPy, which carries the BLAS."""
        return {"numpy": version("numpy")}

    def prepare(self, job: Job) -> None:
        """Keep the job, which says which floor."""
        self._job = job

    def compile(self) -> None:
        """Lay out memory; choose tiles, or compile loops."""
        self._floor = make_floor(self._job)

    def run(self) -> Any:
        """The floor's work."""
        return self._floor.run()

    def sample(self, result: Any, indices: Sequence[tuple[int, int]]) -> list[float]:
        """No kernel, no entries."""
        return []


def make() -> Floor:
    """The side."""
    return Floor()
