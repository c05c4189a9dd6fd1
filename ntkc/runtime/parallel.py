"""`ParallelKernel`: the tiles of a Gram matrix on Numba's own threads.

A slab of rows is one BLAS product, written where the result will stand; then one generated,
parallel function takes all its tiles to kernel values in place. `Kernel` does the same work on
Python threads, with a product for each tile while that is in cache; it keeps a memory budget,
writes to outputs of any layout, and survives a fork. It is the default, being as fast or faster.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .evaluate import Call, TileWorker, check_finite
from .kernel import Kernel
from .near import near_limits
from .program import Program
from .rows import Rows
from .sides import make_side
from .slice_program import SliceProgram
from .threads import Reporter, run_tasks
from .tiles import Tile, make_tiles

Loop = Callable[..., None]
_NOTHING: NDArray[Any] = np.empty(0)
_MOST_THREADS = int(getattr(numba.config, "NUMBA_NUM_THREADS", 1))


class _Region:
    """Lets one thread at a time into parallel code: some of Numba's threading layers need it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new lock: a forked child has none of the threads that may have held the old one."""
        self.lock = threading.Lock()


_region = _Region()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_region.reset)


class ParallelKernel(Kernel):
    """A kernel whose calls run on Numba's threads, where the output's layout and memory allow."""

    def __init__(self, program: Program, loops: Mapping[str, Loop]) -> None:
        super().__init__(program)
        self._loops = loops

    def _fill(
        self,
        roots: tuple[str, ...],
        constants: NDArray[np.float64],
        inputs: list[NDArray[Any]],
        outputs: list[NDArray[Any]],
        threads: int,
        budget: int,
        reporter: Reporter,
    ) -> None:
        if isinstance(self._program, SliceProgram):
            super()._fill(roots, constants, inputs, outputs, threads, budget, reporter)
            return
        program = self._vectors
        batches = [
            Rows(array, name, self.dtype) for array, name in zip(inputs, ("x1", "x2"), strict=False)
        ]
        plan = self._plan(batches, len(roots), constants, threads, budget)
        readable = plan.packed or all(rows.direct for rows in batches)
        if not readable or not all(o.flags.c_contiguous and o.flags.aligned for o in outputs):
            super()._fill(roots, constants, inputs, outputs, threads, budget, reporter)
            return
        sides = [make_side(program, rows, constants, threads, not rows.direct) for rows in batches]
        call = Call(program, roots, constants, sides[0], sides[-1], outputs, plan)
        slabs: dict[int, list[Tile]] = {}
        for tile in make_tiles([rows.count for rows in batches], (plan.rows, plan.columns)):
            slabs.setdefault(tile.top, []).append(tile)
        evaluate = _Slab(call, self._loops["+".join(roots)])
        done = 0
        for _, slab in sorted(slabs.items()):
            evaluate(slab, threads)
            top, first = slab[0].top, min(tile.left for tile in slab)
            for output in outputs:
                check_finite(output[top : slab[0].bottom, first:], (top, first), self.dtype)
            done += sum(tile.entries for tile in slab)
            reporter.update(done)


class _Slab:
    """Evaluates the tiles of one slab of rows."""

    def __init__(self, call: Call, loop: Loop) -> None:
        program, dtype = call.program, np.dtype(call.program.dtype)
        self._call = call
        self._loop = loop
        self._values = call.outputs[0].reshape(-1)
        self._second = call.outputs[1].reshape(-1) if len(call.outputs) == 2 else np.empty(1, dtype)
        self._diagonals = [call.left.diagonal(root) for root in call.roots]
        self._constants = call.constants.astype(dtype)
        self._limits = near_limits(dtype)
        self._tables = call.left.table.reshape(-1), call.right.table.reshape(-1)
        self._slots = max(1, program.slots * program.width)

    def __call__(self, slab: list[Tile], threads: int) -> None:
        call = self._call
        left, right = call.left, call.right
        top, bottom = slab[0].top, slab[0].bottom
        first = min(tile.left for tile in slab)
        width = left.rows.width
        x = left.rows.block(top, bottom, 0, width, _NOTHING)
        z = right.rows.block(first, right.rows.count, 0, width, _NOTHING)
        np.matmul(x, z.T, out=call.outputs[0][top:bottom, first:])
        near = np.zeros(len(slab), np.int64)
        with _region.lock:
            before = numba.get_num_threads()
            numba.set_num_threads(min(threads, _MOST_THREADS))
            try:
                self._loop(
                    self._values,
                    self._second,
                    right.rows.count,
                    np.array(slab, dtype=np.int64),
                    left.inverse,
                    right.inverse,
                    self._tables[0],
                    left.rows.count,
                    self._tables[1],
                    right.rows.count,
                    self._constants,
                    self._limits,
                    self._slots,
                    self._diagonals[0],
                    self._diagonals[-1],
                    near,
                )
            finally:
                numba.set_num_threads(before)
        refused = [tile for tile, count in zip(slab, near, strict=True) if count]
        if refused:  # tiles with nearly coincident pairs, whose complements are computed anew
            run_tasks(refused, lambda: TileWorker(call), threads)
