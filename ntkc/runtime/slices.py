"""Gram matrices of networks on positions: groups of pairs, on threads, within a memory budget."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import flattened
from .errors import ArrayError, MemoryBudgetError
from .numeric import position_squares
from .rows import Rows, check_normalized, check_squares, each_alone, readable
from .slice_program import Images, Sliced, SliceProgram
from .slice_sides import InputImages, Side, Table, Work, in_parts
from .slice_worker import Group, Worker, entry_seconds, pair_with_itself
from .threads import Reporter, run_tasks

_TASK_SECONDS = 0.01
_PACK_SECONDS = 3e-9  # rough cost of bringing one number of an input to its lane
_SLACK = 160 * 2**10

WithItself = Callable[[SliceProgram, Sliced, Side, NDArray[np.float64], int], NDArray[np.float64]]
"""(program, one of its functions, a side, constants, threads) -> all results of each input with
itself (n, R): `pair_with_itself`, or what does that elsewhere."""


def fill(
    program: SliceProgram,
    roots: tuple[str, ...],
    constants: NDArray[np.float64],
    inputs: list[NDArray[Any]],
    outputs: list[NDArray[Any]],
    threads: int,
    budget: int,
    reporter: Reporter,
) -> None:
    """Compute every entry of the outputs."""
    alone = program.diagonals is not None  # else an input with itself is a pair like any other
    sides = [
        make_side(program, array, name, constants, threads, diagonals=alone)
        for array, name in zip(inputs, ("x1", "x2"), strict=False)
    ]
    sliced = program.tiles[program.tile_of(roots)]
    counts = [side.count for side in sides]
    groups = list(_groups(counts, program, sliced, sides[0].inputs.shape[-1]))
    if len(sides) == 1 and not alone:
        itself = (
            np.arange(k, min(k + program.lanes, counts[0]))
            for k in range(0, counts[0], program.lanes)
        )
        groups += [Group(part, part, True, False) for part in itself]
    run_groups(program, roots, constants, sides, outputs, groups, threads, budget, reporter)
    if len(sides) == 1 and alone:
        for output, root in zip(outputs, roots, strict=True):
            np.fill_diagonal(output, sides[0].diagonals[root])


def run_groups(
    program: SliceProgram,
    roots: tuple[str, ...],
    constants: NDArray[np.float64],
    sides: Sequence[Side],
    outputs: Sequence[NDArray[Any]],
    groups: Sequence[Group],
    threads: int,
    budget: int,
    reporter: Reporter | None = None,
) -> None:
    """Write some entries of the outputs, one for each root; of one side with itself or of two."""
    sliced = program.tiles[program.tile_of(roots)]
    places = [program.roots.index(root) for root in roots]
    needed = _worker_bytes(program, sliced)
    threads = _affordable(min(threads, len(groups)) or 1, needed, budget)
    kept = budget - threads * needed - _SLACK
    tables = [Table(program, sliced, side, constants) for side in sides]
    images = [InputImages(program, side) for side in sides]
    works: list[Work] = []
    for parts in (tables, images):
        size = sum(part.bytes for part in parts)
        if size <= kept:
            kept -= size
            works += [part.keep() for part in parts]
    in_parts(program, works, threads)
    stop = threading.Event()

    def make_worker() -> Worker:
        ends = (images[0], images[-1]), (tables[0], tables[-1])
        worker = Worker(program, sliced, constants, *ends, stop, program.lanes)
        worker.outputs = list(zip(places, outputs, strict=True))
        return worker

    run_tasks(groups, make_worker, threads, reporter, stop)


def _affordable(threads: int, needed: int, budget: int) -> int:
    """As many threads as the memory that each needs allows. Raises `MemoryBudgetError` for none."""
    while threads > 1 and threads * needed + _SLACK > budget:
        threads -= 1
    if threads * needed + _SLACK > budget:
        raise MemoryBudgetError(
            f"memory: this call needs at least {needed + _SLACK} bytes beyond its inputs and its "
            f"result, and the budget is {budget}"
        )
    return threads


def make_side(
    program: SliceProgram,
    inputs: NDArray[Any],
    name: str,
    constants: NDArray[np.float64],
    threads: int,
    with_itself: WithItself = pair_with_itself,
    diagonals: bool = True,
) -> Side:
    """Check inputs and compute what depends on each of them alone.

    `with_itself` pairs inputs with themselves. Without `diagonals` the side has none.

    Raises `ArrayError` for inputs that are not finite, too large, or not normalized where the
    program relies on it.
    """
    count, channels = len(inputs), inputs.shape[-1]
    rows = Rows(flattened(inputs), name, np.dtype(program.dtype), inputs.shape[1:])
    inputs = inputs.reshape(count, *program.space, channels)
    mean_squares = np.empty((count, *program.space))

    def square(part: slice) -> None:
        images = inputs[part].reshape(part.stop - part.start, -1, channels)
        if not readable(images):
            images = np.ascontiguousarray(images, np.float64)
        squares = mean_squares[part].reshape(len(images), -1)
        position_squares(images, 1.0 / max(channels, 1), squares)

    in_parts(program, [(count, square)], threads)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = mean_squares.reshape(count, -1).sum(axis=1) * max(channels, 1)
    check_squares(rows, squares)
    if program.normalized:
        check_normalized(rows, squares / max(rows.width, 1))
    owned: list[Images] = []
    side = Side(inputs, mean_squares, owned, {}, name)
    for spaces, sliced in zip(program.owned, program.own, strict=True):
        values = with_itself(program, sliced, side, constants, threads)
        owned += _images(values, spaces, len(program.space))
    if not diagonals:
        return side
    found = np.empty((len(program.roots), count))
    if program.diagonals is None:  # an input with itself is a pair like any other
        tile = program.tiles[program.tile_of(program.roots)]
        found[:] = with_itself(program, tile, side, constants, threads).T
    else:
        formula = program.diagonals

        def pair(part: slice) -> None:
            images = [image[part] for image in owned]
            with each_alone(name, range(part.start, part.stop)):
                found[:, part] = formula(mean_squares[part], constants, images)

        in_parts(program, [(count, pair)], threads)
    rounded = (_rounded(values, rows, np.dtype(program.dtype)) for values in found)
    return replace(side, diagonals=dict(zip(program.roots, rounded, strict=True)))


def _images(values: Images, spaces: Sequence[tuple[int, ...]], rank: int) -> list[Images]:
    """Results (n, R) laid out: one image (n, *space) for each of the spaces."""
    cells = [prod(space) for space in spaces]
    parts = np.split(values, np.cumsum(cells)[:-1], axis=1)
    shapes = ((len(values), *(space or (1,) * rank)) for space in spaces)
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _rounded(values: Images, rows: Rows, dtype: np.dtype[Any]) -> NDArray[Any]:
    limits = np.finfo(dtype)
    size = np.abs(values)
    beyond = ~(size <= float(limits.max))
    below = (size > 0) & (size < float(limits.tiny))  # correlations of such numbers have no digits
    lost = beyond | below
    if lost.any():
        row = int(np.flatnonzero(lost)[0])
        how = f"beyond the range of {dtype} (at most {float(limits.max):.3g})"
        if below[row]:
            how = f"below the range of {dtype} (at least {float(limits.tiny):.3g})"
        raise ArrayError(
            f"{rows.name}: the kernel of row {row} with itself is {how}: scale the inputs or "
            f"choose {'larger' if below[row] else 'smaller'} parameters"
        )
    return values.astype(dtype)


def _groups(
    counts: list[int], program: SliceProgram, sliced: Sliced, channels: int
) -> Iterator[Group]:
    """Groups of pairs: full columns of lanes row by row; the rest as pairs, or as rows of which
    some lanes are lost, whichever is thought to take less time.

    On the diagonal of a symmetric matrix a block of lanes has half of its pairs to settle. Two
    such blocks share the lanes of both, and settle their block off the diagonal meanwhile.
    """
    lanes = program.lanes
    seconds = entry_seconds(program, sliced)
    packing = 2 * lanes * (prod(program.space) * channels + sliced.width) * _PACK_SECONDS
    rows = int(min(max(_TASK_SECONDS / seconds, 1), 64))
    symmetric = len(counts) == 1
    shared = counts[0] // lanes // 2 if symmetric else 0  # pairs of full blocks
    for first in range(0, counts[-1], lanes):
        columns = np.arange(first, min(first + lanes, counts[-1]))
        partner = _partner(first // lanes, shared)
        above = np.arange(first if symmetric else counts[0])
        if partner is not None:
            above = above[above // lanes != partner]
            yield Group(columns, columns, False, True, others=columns + (partner * lanes - first))
        paired = len(columns) / lanes * (seconds + packing) < seconds
        if paired:
            left, right = (axis.ravel() for axis in np.meshgrid(above, columns, indexing="ij"))
            yield from _paired(left, right, rows * lanes, symmetric)
        else:
            for start in range(0, len(above), rows):
                yield Group(above[start : start + rows], columns, False, symmetric)
        if symmetric and partner is None:
            i, j = np.triu_indices(len(columns), 1)
            if len(i) / lanes * (seconds + packing) < (len(columns) - 1) * seconds:
                yield from _paired(first + i, first + j, rows * lanes, symmetric)
            else:
                yield Group(columns[:-1], columns, False, symmetric, True)


def _partner(block: int, pairs: int) -> int | None:
    """The block whose diagonal one block's lanes share: that half of all further on, or back."""
    if block >= 2 * pairs:
        return None
    return block + pairs if block < pairs else block - pairs


def _paired(
    left: NDArray[np.int64], right: NDArray[np.int64], step: int, mirrored: bool
) -> Iterator[Group]:
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        yield Group(left[part], right[part], True, mirrored)


def _worker_bytes(program: SliceProgram, sliced: Sliced) -> int:
    """What one thread allocates."""
    item, lanes = np.dtype(program.dtype).itemsize, program.lanes
    repeats = 2 ** len(program.space) if program.repeated else 1
    width = sliced.width
    inputs = prod(program.space) * (program.input_sizes[-1] or 1)
    numbers = sliced.scratch + sliced.stores + (width + inputs) * lanes * (1 + repeats)
    computed = (width + inputs) * (lanes + 1) * 8 * 4  # tables of a few inputs, and temporaries
    results = sliced.totals + sliced.results * lanes
    return numbers * item + computed + results * lanes * 8
