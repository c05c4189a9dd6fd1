"""Gram matrices of networks on vectors, on devices: tiles of a product and a recursion."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..program import Program
from ..rows import batches
from ..sides import make_side
from ..threads import Reporter
from ..tiles import make_tiles
from .evaluate import Call, DeviceWorker, Resident
from .placement import Placement
from .plan import make_plan


def fill(
    program: Program,
    module: ModuleType,
    roots: tuple[str, ...],
    constants: NDArray[np.float64],
    inputs: Sequence[NDArray[Any]],
    place: Placement,
    threads: int,
    reporter: Reporter,
) -> None:
    """Compute every entry of the outputs, whose rows and columns are the inputs'.

    Raises `MemoryBudgetError` where the budget holds no tile, and `ArrayError` for inputs as
    `ntkc.runtime.sides.make_side` does.
    """
    dtype = np.dtype(program.dtype)
    rows = batches(inputs, dtype)
    sides = [make_side(program, found, constants, threads, False) for found in rows]
    counts = [found.count for found in rows]
    item, tables = dtype.itemsize, sides[0].table.shape[0] + 4
    plan = make_plan(
        counts,
        rows[0].width,
        (item, max(found.array.itemsize for found in rows)),
        len(roots),
        program.complement,
        sum(counts) * tables * (item + 8),
        place.budget,
        len(place.devices) * place.streams,
    )
    call = Call(program, module, roots, constants, sides[0], sides[-1], place, plan)

    def make_worker(number: int, resident: Resident) -> DeviceWorker:
        return DeviceWorker(call, number, resident)

    tiles = make_tiles(counts, (plan.rows, plan.columns))
    place.run(tiles, lambda: Resident(call), make_worker, place.streams, reporter)
