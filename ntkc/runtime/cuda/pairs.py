"""Batches of pairs through the kernels of a slice program, on a stream of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from .images import Part
from .shared import allow

Pairs = NDArray[np.int64]


def pair_bytes(kernels: Mapping[str, Any], dtype: np.dtype[Any]) -> int:
    """What one pair of a batch takes on a device: slices, sums, results, and its numbers."""
    numbers = (kernels["workspace"] + _scratch(kernels)) * dtype.itemsize
    return int(numbers + (kernels["partials"] + kernels["results"] + 2) * 8)


def _scratch(kernels: Mapping[str, Any]) -> int:
    return max(int(n["scratch"] * n["blocks"]) for _, n in kernels["segments"])


class PairRunner:
    """Buffers for a batch, and its way through all segments. Used with its device current."""

    def __init__(self, kernels: Mapping[str, Any], dtype: np.dtype[Any], batch: int) -> None:
        self._kernels, self._dtype, self.batch = kernels, dtype, batch
        self.stream = cuda.stream()
        self.rows = cuda.device_array(batch, np.int64)
        self.columns = cuda.device_array(batch, np.int64)
        self._scratch = cuda.device_array(max(1, _scratch(kernels) * batch), dtype)
        self._stores = cuda.device_array(max(1, kernels["workspace"] * batch), dtype)
        self._partials = cuda.device_array(max(1, kernels["partials"] * batch), np.float64)
        self.result = cuda.device_array(max(1, kernels["results"] * batch), np.float64)
        self._staging = cuda.pinned_array(self.result.size, np.float64)
        self._allowed: set[int] = set()

    def queue(self, left: Part, right: Part, constants: Any, rows: Pairs, columns: Pairs) -> None:
        """Queue the kernels for some pairs, whose numbers are those of inputs in the parts."""
        kernels, count, stream = self._kernels, len(rows), self.stream
        for kept, chosen in ((self.rows, rows), (self.columns, columns)):
            kept[:count].copy_to_device(np.ascontiguousarray(chosen), stream=stream)
        places = self.rows, self.columns
        arguments = (
            left.divided, right.plain, left.table, right.table, constants, *places,
            self._scratch, self._stores, self._partials, self.result,
        )  # fmt: skip
        for number, (kernel, numbers) in enumerate(kernels["segments"]):
            if number not in self._allowed:
                allow(kernel, arguments, numbers["shared"])
                self._allowed.add(number)
            grid = numbers["blocks"] * count
            kernel[grid, numbers["threads"], stream, numbers["shared"]](*arguments)
        if kernels["final"] is not None:
            kernels["final"][count, kernels["final_threads"], stream](
                left.table, right.table, constants, *places, self._partials, self.result
            )

    def fetched(self, count: int) -> NDArray[np.float64]:
        """The results (count, R) of what was queued; valid until the next batch."""
        size = count * self._kernels["results"]
        staging = self._staging[:size]
        self.result[:size].copy_to_host(staging, stream=self.stream)
        self.stream.synchronize()
        values: NDArray[np.float64] = np.asarray(staging).reshape(count, -1)
        return values
