"""Gram matrices of networks on positions, on a CUDA device: batches of pairs, a kernel a segment.

Constants and what depends on one input alone come from the program's NumPy functions; values of a
pair, and of an input with itself, from the kernels of the generated module beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MemoryBudgetError
from ..slice_program import Images, Sliced, SliceProgram
from ..slices import Side, make_side
from ..threads import Reporter

_BATCH = 4096  # pairs of a launch, where memory allows: seconds of work, so an interrupt is heard


class Device:
    """A slice program and its kernels, on the current device."""

    def __init__(self, program: SliceProgram, module: ModuleType, memory: int) -> None:
        """`memory` is what workspaces and tables may take of the device, in bytes."""
        from numba import cuda

        self.cuda, self.program, self.memory = cuda, program, memory
        self.kernels: Mapping[str, Any] = module.KERNELS
        self.own: list[str] = list(module.OWN)
        self.dtype = np.dtype(program.dtype)

    def fill(
        self,
        roots: tuple[str, ...],
        constants: NDArray[np.float64],
        inputs: list[NDArray[Any]],
        outputs: list[NDArray[Any]],
        reporter: Reporter,
    ) -> None:
        """Compute every entry of the outputs, whose rows and columns are the inputs'.

        Raises `MemoryBudgetError` where a single pair needs more than the device's budget, and
        `ArrayError` for inputs as `ntkc.runtime.slices.make_side` does.
        """
        sides = [
            self.side(array, name, constants)
            for array, name in zip(inputs, ("x1", "x2"), strict=False)
        ]
        name = self.program.tile_of(roots)
        places = [self.program.roots.index(root) for root in roots]
        symmetric = len(sides) == 1
        first, second = sides[0].count, sides[-1].count
        if symmetric:
            rows, columns = np.triu_indices(first, 1)
        else:
            rows, columns = (axis.ravel() for axis in np.indices((first, second)))
        left = self.upload(self.program.tiles[name], sides[0], constants)
        right = left if symmetric else self.upload(self.program.tiles[name], sides[-1], constants)
        done, step = 0, self._batch(name)
        for start in range(0, len(rows), step):
            at = slice(start, start + step)
            found = self.run(name, left, right, constants, rows[at], columns[at])
            for place, output in zip(places, outputs, strict=True):
                output[rows[at], columns[at]] = found[:, place]
                if symmetric:
                    output[columns[at], rows[at]] = found[:, place]
            done += len(found) * (2 if symmetric else 1)
            reporter.update(done)
        if symmetric:
            for output, root in zip(outputs, roots, strict=True):
                np.fill_diagonal(output, sides[0].diagonals[root])

    def side(self, inputs: NDArray[Any], name: str, constants: NDArray[np.float64]) -> Side:
        """What depends on each input alone; values of one with itself come from the device."""
        return make_side(self.program, inputs, name, constants, 1, self._with_itself)

    def _with_itself(
        self,
        program: SliceProgram,
        sliced: Sliced,
        spaces: tuple[tuple[int, ...], ...],
        inputs: NDArray[Any],
        mean_squares: Images,
        owned: list[Images],
        constants: NDArray[np.float64],
        threads: int,
    ) -> list[Images]:
        name = program.tile_of(program.roots)
        for number, own in enumerate(program.own):
            name = self.own[number] if own is sliced else name
        side = Side(inputs, mean_squares, owned, {})
        arrays = self.upload(sliced, side, constants)
        each, step = np.arange(len(inputs)), self._batch(name)
        values = np.concatenate(
            [
                self.run(name, arrays, arrays, constants, each[i : i + step], each[i : i + step])
                for i in range(0, len(inputs), step)
            ]
        )
        found, first = [], 0
        for space in spaces:
            cells, rank = prod(space), len(program.space)
            shape = space or (1,) * rank
            found.append(values[:, first : first + cells].reshape(len(inputs), *shape))
            first += cells
        return found

    def upload(
        self, sliced: Sliced, side: Side, constants: NDArray[np.float64]
    ) -> tuple[Any, Any, Any]:
        """Inputs, the same divided by their channels, and the table, on the device."""
        channels = max(side.inputs.shape[-1], 1)
        images = np.moveaxis(side.inputs, -1, 1).astype(self.dtype)
        table = sliced.table(side.mean_squares, constants, side.owned).astype(self.dtype)
        flat = [np.append(a.ravel(), a.dtype.type(0)) for a in (images / channels, images, table)]
        left, right, kept = (self.cuda.to_device(a.astype(self.dtype)) for a in flat)
        return left, right, kept

    def _pair_bytes(self, name: str) -> int:
        kernels = self.kernels[name]
        scratch = max(numbers["scratch"] * numbers["blocks"] for _, numbers in kernels["segments"])
        numbers = (kernels["workspace"] + scratch) * self.dtype.itemsize
        return int(numbers + (kernels["partials"] + kernels["results"] + 2) * 8)

    def _batch(self, name: str) -> int:
        """Pairs of a launch."""
        needed = self._pair_bytes(name)
        if needed > self.memory:
            raise MemoryBudgetError(
                f"memory: one pair needs {needed} bytes of the device, and the budget is "
                f"{self.memory}"
            )
        return min(_BATCH, self.memory // needed)

    def run(
        self,
        name: str,
        left: tuple[Any, Any, Any],
        right: tuple[Any, Any, Any],
        constants: NDArray[np.float64],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """The results (pairs, R) of some pairs."""
        cuda, kernels, count = self.cuda, self.kernels[name], len(rows)
        scratch = max(n["scratch"] * n["blocks"] for _, n in kernels["segments"])
        given = cuda.to_device(np.append(constants, 0.0).astype(self.dtype))
        chosen = [cuda.to_device(np.ascontiguousarray(a, np.int64)) for a in (rows, columns)]
        spare = cuda.device_array(max(1, scratch * count), self.dtype)
        stores = cuda.device_array(max(1, kernels["workspace"] * count), self.dtype)
        partials = cuda.device_array(max(1, kernels["partials"] * count), np.float64)
        result = cuda.device_array(max(1, kernels["results"] * count), np.float64)
        for kernel, numbers in kernels["segments"]:
            grid = numbers["blocks"] * count
            kernel[grid, numbers["threads"], 0, numbers["shared"]](
                left[0], right[1], left[2], right[2], given, *chosen, spare, stores, partials,
                result,
            )  # fmt: skip
        if kernels["final"] is not None:
            kernels["final"][count, kernels["final_threads"]](
                left[2], right[2], given, *chosen, partials, result
            )
        values: NDArray[np.float64] = result.copy_to_host()
        return values.reshape(count, -1)
