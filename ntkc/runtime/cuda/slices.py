"""Gram matrices of networks on positions, on devices: tiles of pairs, in batches.

Constants and what depends on one input alone come from the program's NumPy functions; values of a
pair, and of an input with itself, from the kernels of the generated module beside it. A pair's
value depends on the pair alone: neither tiles, batches, streams nor devices change a bit of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from ..errors import MemoryBudgetError
from ..slice_program import Sliced, SliceProgram
from ..slice_sides import Side
from ..slice_worker import check_pairs
from ..slices import make_side
from ..threads import Reporter
from ..tiles import Tile, make_tiles
from .images import THREADS, Inputs, blocks_for, input_bytes, put_diagonal, scatter
from .pairs import PairRunner, Pairs, pair_bytes
from .placement import Placement
from .plan import SlicePlan, make_slice_plan


@dataclass(frozen=True)
class SliceCall:
    """What all devices and workers of one call share."""

    program: SliceProgram
    module: ModuleType
    roots: tuple[str, ...]
    constants: NDArray[np.float64]
    sides: Sequence[Side]
    place: Placement
    plan: SlicePlan

    @property
    def kernels(self) -> Mapping[str, Any]:
        """The kernels for the roots, and what they need."""
        found: Mapping[str, Any] = self.module.KERNELS[self.program.tile_of(self.roots)]
        return found


def fill(
    program: SliceProgram,
    module: ModuleType,
    roots: tuple[str, ...],
    constants: NDArray[np.float64],
    inputs: Sequence[NDArray[Any]],
    place: Placement,
    reporter: Reporter,
) -> None:
    """Compute every entry of the outputs, whose rows and columns are the inputs'.

    Raises `MemoryBudgetError` where a single pair needs more than the budget, and `ArrayError` for
    inputs as `ntkc.runtime.slices.make_side` does.
    """
    name, dtype = program.tile_of(roots), np.dtype(program.dtype)
    _check_budget(program, module, name, inputs[0], place.budget)
    alone = _Alone(program, module, place.devices[0], place.budget)
    sides = [
        make_side(program, array, name, constants, 1, alone)
        for array, name in zip(inputs, ("x1", "x2"), strict=False)
    ]
    sliced, counts = program.tiles[name], [side.count for side in sides]
    plan = make_slice_plan(
        counts,
        pair_bytes(module.KERNELS[name], dtype),
        input_bytes(inputs[0], sliced.width, dtype),
        sliced.entries,
        place.budget,
        place.streams,
        len(place.devices),
    )
    call = SliceCall(program, module, roots, constants, sides, place, plan)

    def make_worker(number: int, resident: _Resident) -> _Worker:
        return _Worker(call, number, resident)

    tiles = make_tiles(counts, (plan.edge, plan.edge))
    place.run(tiles, lambda: _Resident(call), make_worker, plan.workers, reporter)
    if len(sides) == 1:
        _fill_diagonals(call, place.devices[0])


def _check_budget(
    program: SliceProgram, module: ModuleType, name: str, inputs: NDArray[Any], budget: int
) -> None:
    """Whether one pair, and one input with itself, can be computed at all."""
    both, dtype = program.tile_of(program.roots), np.dtype(program.dtype)
    functions = {key: program.tiles[key] for key in (name, both)}
    functions |= dict(zip(module.OWN, program.own, strict=True))
    least = max(
        pair_bytes(module.KERNELS[key], dtype) + 2 * input_bytes(inputs, sliced.width, dtype)
        for key, sliced in functions.items()
    )
    if least > budget:
        raise MemoryBudgetError(
            f"memory: one pair needs {least} bytes of the device, and the budget is {budget}"
        )


def _fill_diagonals(call: SliceCall, number: int) -> None:
    for output, root in zip(call.place.outputs, call.roots, strict=True):
        values = call.sides[0].diagonals[root]
        if call.place.staged:
            np.fill_diagonal(output, values)
            continue
        with cuda.gpus[number]:
            put_diagonal[blocks_for(values.size), THREADS](cuda.to_device(values), output)
            cuda.synchronize()


class _Resident:
    """What one device holds for a call. Made, and used, with the device current."""

    def __init__(self, call: SliceCall) -> None:
        program, dtype = call.program, np.dtype(call.program.dtype)
        sliced = program.tiles[program.tile_of(call.roots)]
        found = [
            Inputs(sliced, side, given, call.constants, dtype, call.plan.resident)
            for side, given in zip(call.sides, call.place.given, strict=True)
        ]
        self.left, self.right = found[0], found[-1]
        self.constants = _sent_constants(call.constants, dtype)


def _sent_constants(constants: NDArray[np.float64], dtype: np.dtype[Any]) -> Any:
    return cuda.to_device(np.append(constants, 0.0).astype(dtype))


class _Worker:
    """Settles tiles on one device, on a stream of its own, so that its results travel while
    another's kernels run."""

    def __init__(self, call: SliceCall, number: int, resident: _Resident) -> None:
        self._call, self._number, self._on = call, number, resident
        self._places = [call.program.roots.index(root) for root in call.roots]
        self._results = int(call.kernels["results"])
        with cuda.gpus[number]:
            dtype = np.dtype(call.program.dtype)
            self._runner = PairRunner(call.kernels, dtype, call.plan.batch)
            self._lost = cuda.to_device(np.zeros(1, np.int32))

    def __call__(self, tile: Tile) -> int:
        """Settle a tile and return how many entries that are."""
        rows, columns = _pairs(tile)
        mirrored = tile.mirrored or tile.triangular
        with cuda.gpus[self._number]:
            left = self._on.left.block(tile.top, tile.bottom)
            right = self._on.right.block(tile.left, tile.right)
            for start in range(0, len(rows), self._runner.batch):
                at = slice(start, start + self._runner.batch)
                chosen = rows[at], columns[at]
                self._runner.queue(left, right, self._on.constants, *chosen)
                self._settle(tile, *chosen, mirrored)
        return tile.entries

    def _settle(self, tile: Tile, rows: Pairs, columns: Pairs, mirrored: bool) -> None:
        """To the places in the outputs."""
        call, runner = self._call, self._runner
        if call.place.staged:
            values = runner.fetched(len(rows))
            rows, columns = tile.top + rows, tile.left + columns
            self._check(values, rows, columns)
            for place, output in zip(self._places, call.place.outputs, strict=True):
                output[rows, columns] = values[:, place]
                if mirrored:
                    output[columns, rows] = values[:, place]
            return
        count = len(rows)
        for place, output in zip(self._places, call.place.outputs, strict=True):
            scatter[blocks_for(count), THREADS, runner.stream](
                runner.result, place, self._results, runner.rows[:count],
                runner.columns[:count], tile.top, tile.left, mirrored, output, self._lost,
            )  # fmt: skip
        runner.stream.synchronize()
        if self._lost.copy_to_host(stream=runner.stream)[0]:
            self._check(runner.fetched(count), tile.top + rows, tile.left + columns)

    def _check(self, values: NDArray[np.float64], rows: Pairs, columns: Pairs) -> None:
        """Raise `ArrayError` for the first of these pairs (R, results) without a finite kernel."""
        sides, dtype = self._call.sides, self._call.program.dtype
        names = sides[0].name, sides[-1].name
        for place in self._places:
            check_pairs(values[:, place], rows, columns, names, dtype)


def _pairs(tile: Tile) -> tuple[Pairs, Pairs]:
    """The pairs of a tile by their places in it; of a triangular one those above the diagonal."""
    shape = tile.bottom - tile.top, tile.right - tile.left
    if tile.triangular:
        rows, columns = np.triu_indices(shape[0], 1)
    else:
        rows, columns = (axis.ravel() for axis in np.indices(shape))
    return rows.astype(np.int64), columns.astype(np.int64)


class _Alone:
    """Pairs each input with itself, on one device, for `ntkc.runtime.slices.make_side`."""

    def __init__(self, program: SliceProgram, module: ModuleType, number: int, budget: int) -> None:
        self._module, self._number, self._budget = module, number, budget
        self._names = {id(own): module.OWN[k] for k, own in enumerate(program.own)}

    def __call__(
        self,
        program: SliceProgram,
        sliced: Sliced,
        side: Side,
        constants: NDArray[np.float64],
        threads: int,
    ) -> NDArray[np.float64]:
        """All results (n, R) of one function."""
        name = self._names.get(id(sliced), program.tile_of(program.roots))
        dtype, kernels = np.dtype(program.dtype), self._module.KERNELS[name]
        each = pair_bytes(kernels, dtype) + input_bytes(side.inputs, sliced.width, dtype)
        plan = make_slice_plan([side.count, 1], each, 0, sliced.entries, self._budget, 1, 1)
        values = np.empty((side.count, kernels["results"]))
        with cuda.gpus[self._number]:
            runner = PairRunner(kernels, dtype, plan.batch)
            arrays = Inputs(sliced, side, None, constants, dtype, False)
            sent = _sent_constants(constants, dtype)
            for start in range(0, side.count, plan.batch):
                stop = min(start + plan.batch, side.count)
                part, chosen = arrays.block(start, stop), np.arange(stop - start)
                runner.queue(part, part, sent, chosen, chosen)
                values[start:stop] = runner.fetched(stop - start)
        return values
