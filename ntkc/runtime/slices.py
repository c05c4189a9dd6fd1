"""Gram matrices of networks on positions: groups of pairs, on threads, within a memory budget."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arguments import flattened
from .errors import ArrayError, MemoryBudgetError
from .lanes import aligned, interleave, spread_row
from .rows import Rows, check_normalized, check_squares, each_alone
from .slice_program import Images, Sliced, SliceProgram
from .threads import Reporter, run_tasks

_ENTRY_SECONDS = 1e-9  # rough cost of an entry of a slice, a lane
_TASK_SECONDS = 0.01
_PACK_SECONDS = 3e-9  # rough cost of bringing one number of an input to its lane
_CALL_SECONDS = 0.1  # of jobs in one call: an interrupt waits no longer
_BLOCK = 256  # inputs whose tables are computed together
_SLACK = 160 * 2**10


class StoppedError(Exception):
    """Another thread of the call has failed, or was interrupted."""


class Group(NamedTuple):
    """Some work of one thread: each of `rows` with all of `columns`, or pairs one by one."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    paired: bool
    mirrored: bool
    square: bool = False
    """Whether the rows are the columns, all but the last."""

    @property
    def entries(self) -> int:
        """Entries of the matrix that this settles."""
        count = len(self.rows) if self.paired else len(self.rows) * len(self.columns)
        return count * (2 if self.mirrored and not self.square else 1)


@dataclass(frozen=True)
class Side:
    """One argument of a call: its inputs, and what depends on each of them alone."""

    inputs: NDArray[Any]
    """(n, *space, channels), of any real dtype."""
    mean_squares: Images
    owned: list[Images]
    diagonals: Mapping[str, NDArray[Any]]
    """Each root of each input with itself (n,), by the root's name."""
    name: str = "x1"
    """The argument's, for messages."""

    @property
    def count(self) -> int:
        """The number of inputs."""
        return len(self.inputs)


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
    # Where an input with itself costs as much as a pair, only a Gram matrix is worth it.
    diagonals = len(inputs) == 1 or program.diagonals is not None
    sides = [
        make_side(program, array, name, constants, threads, diagonals=diagonals)
        for array, name in zip(inputs, ("x1", "x2"), strict=False)
    ]
    sliced = program.tiles[program.tile_of(roots)]
    counts = [side.count for side in sides]
    groups = list(_groups(counts, program, sliced, sides[0].inputs.shape[-1]))
    run_groups(program, roots, constants, sides, outputs, groups, threads, budget, reporter)
    if len(sides) == 1:
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
    tables = [_Table(program, sliced, side, constants) for side in sides]
    if sum(table.bytes for table in tables) <= kept:
        for table in tables:
            table.keep()
    stop = threading.Event()

    def make_worker() -> _Worker:
        worker = _Worker(program, sliced, constants, tables[0], tables[-1], stop)
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
    with_itself: Callable[..., list[Images]] | None = None,
    diagonals: bool = True,
) -> Side:
    """Check inputs and compute what depends on each of them alone.

    `with_itself` pairs inputs with themselves, as `_own` does, where something else than this
    processor is to do it. Without `diagonals` the side has none.

    Raises `ArrayError` for inputs that are not finite, too large, or not normalized where the
    program relies on it.
    """
    count, channels = len(inputs), inputs.shape[-1]
    rows = Rows(flattened(inputs), name, np.dtype(program.dtype), inputs.shape[1:])
    inputs = inputs.reshape(count, *program.space, channels)
    mean_squares = np.empty((count, *program.space))
    with np.errstate(over="ignore", invalid="ignore"):  # reported as errors below
        for start in range(0, count, _BLOCK):
            part = inputs[start : start + _BLOCK].astype(np.float64)
            mean_squares[start : start + _BLOCK] = (part * part).sum(axis=-1) / max(channels, 1)
        squares = mean_squares.reshape(count, -1).sum(axis=1) * max(channels, 1)
    check_squares(rows, squares)
    if program.normalized:
        check_normalized(rows, squares / max(rows.width, 1))
    own_values = _own if with_itself is None else with_itself
    owned: list[Images] = []
    for spaces, sliced in zip(program.owned, program.own, strict=True):
        owned += own_values(
            program, sliced, spaces, inputs, mean_squares, owned, constants, threads, name
        )
    if not diagonals:
        return Side(inputs, mean_squares, owned, {}, name)
    found = np.empty((len(program.roots), count))
    if program.diagonals is None:  # an input with itself is a pair like any other
        tile, none = program.tiles[program.tile_of(program.roots)], ((),) * len(program.roots)
        own = own_values(program, tile, none, inputs, mean_squares, owned, constants, threads, name)
        found[:] = [image.reshape(-1) for image in own]
    else:
        for start in range(0, count, _BLOCK):
            at = slice(start, start + _BLOCK)
            images = [image[at] for image in owned]
            with each_alone(name, range(start, count)):
                found[:, at] = program.diagonals(mean_squares[at], constants, images)
    rounded = (_rounded(values, rows, np.dtype(program.dtype)) for values in found)
    return Side(inputs, mean_squares, owned, dict(zip(program.roots, rounded, strict=True)), name)


def _own(
    program: SliceProgram,
    sliced: Sliced,
    spaces: tuple[tuple[int, ...], ...],
    inputs: NDArray[Any],
    mean_squares: Images,
    owned: list[Images],
    constants: NDArray[np.float64],
    threads: int,
    name: str,
) -> list[Images]:
    """The values of each input with itself that one function computes."""
    count = len(inputs)
    rank = len(program.space)
    found = [np.empty((count, *(space or (1,) * rank))) for space in spaces]
    side = Side(inputs, mean_squares, owned, {}, name)
    table = _Table(program, sliced, side, constants)
    stop = threading.Event()
    tasks = [
        np.arange(start, min(start + program.lanes, count))
        for start in range(0, count, program.lanes)
    ]

    def make_worker() -> Callable[[NDArray[np.int64]], int]:
        worker = _Worker(program, sliced, constants, table, table, stop)

        def work(chosen: NDArray[np.int64]) -> int:
            values = worker.pairs(chosen, chosen)
            first = 0
            for image, space in zip(found, spaces, strict=True):
                cells = prod(space)
                image[chosen] = values[first : first + cells, : len(chosen)].T.reshape(
                    len(chosen), *image.shape[1:]
                )
                first += cells
            return 0

        return work

    run_tasks(tasks, make_worker, threads, None, stop)
    return found


def _rounded(values: Images, rows: Rows, dtype: np.dtype[Any]) -> NDArray[Any]:
    limit = float(np.finfo(dtype).max)
    lost = ~(np.abs(values) <= limit)
    if lost.any():
        raise ArrayError(
            f"{rows.name}: the kernel of row {int(np.flatnonzero(lost)[0])} with itself is beyond "
            f"the range of {dtype} (at most {limit:.3g}): scale the inputs or choose smaller "
            "parameters"
        )
    return values.astype(dtype)


class _Table:
    """What a function reads of single inputs: computed for those asked for, or kept for all."""

    def __init__(
        self, program: SliceProgram, sliced: Sliced, side: Side, constants: NDArray[np.float64]
    ) -> None:
        self._program, self._sliced, self._side = program, sliced, side
        self._constants = constants
        self._kept: NDArray[Any] | None = None
        self.side = side
        self.width = sliced.width

    @property
    def bytes(self) -> int:
        """What keeping it takes."""
        return int(self._side.count * self.width * np.dtype(self._program.dtype).itemsize)

    def keep(self) -> None:
        """Compute it for all inputs."""
        count = self._side.count
        self._kept = np.empty((count, self.width), self._program.dtype)
        for start in range(0, count, _BLOCK):
            self._kept[start : start + _BLOCK] = self._computed(
                np.arange(start, min(start + _BLOCK, count))
            )

    def of(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """A table, and the rows of it that are those of the inputs chosen."""
        if self._kept is not None:
            return self._kept, chosen
        unique, places = np.unique(chosen, return_inverse=True)
        return self._computed(unique), places

    def _computed(self, chosen: NDArray[np.int64]) -> NDArray[Any]:
        side = self._side
        owned = [image[chosen] for image in side.owned]
        with each_alone(side.name, chosen):
            table = self._sliced.table(side.mean_squares[chosen], self._constants, owned)
        return table.astype(self._program.dtype)


class _Worker:
    """One thread's buffers, and what it does with a group of pairs."""

    def __init__(
        self,
        program: SliceProgram,
        sliced: Sliced,
        constants: NDArray[np.float64],
        left: _Table,
        right: _Table,
        stop: threading.Event,
    ) -> None:
        dtype, lanes = np.dtype(program.dtype), program.lanes
        self._program, self._sliced, self._stop = program, sliced, stop
        self.outputs: list[tuple[int, NDArray[Any]]] = []
        """(number among the results, array to write it to)."""
        self._left, self._right = left, right
        self._constants = constants.astype(dtype)
        self._limit = float(np.finfo(dtype).max)
        cells = prod(program.space) * left.side.inputs.shape[-1]
        self._x1 = aligned(cells * lanes, dtype)
        self._x2 = aligned(cells * lanes * self._repeats, dtype)
        self._row_table = aligned(max(1, left.width) * lanes, dtype)
        columns = sliced.columns
        self._column_width = right.width if columns is None else columns.size
        self._column_table = aligned(max(1, self._column_width) * lanes, dtype)
        self._scratch = aligned(sliced.scratch, dtype)
        self._stores = aligned(sliced.stores, dtype)
        self._totals = np.zeros(sliced.totals * lanes)
        self._result = np.empty(max(1, sliced.results) * lanes)
        seconds = max(sliced.entries * lanes * _ENTRY_SECONDS, 1e-9)
        self._step = max(1, int(sliced.jobs * _CALL_SECONDS / seconds))

    @property
    def _repeats(self) -> int:
        return 2 ** len(self._program.space) if self._program.repeated else 1

    def __call__(self, group: Group) -> int:
        """Settle a group and return how many entries that are."""
        lanes = self._program.lanes
        if group.paired:
            for start in range(0, len(group.rows), lanes):
                chosen = group.rows[start : start + lanes], group.columns[start : start + lanes]
                self._write(chosen, self.pairs(*chosen), group.mirrored)
            return group.entries
        self._take_columns(np.resize(group.columns, lanes))
        for start in range(0, len(group.rows), lanes):
            rows = group.rows[start : start + lanes]
            table, places = self._left.of(rows)
            for row, place, image in zip(rows, places, self._images(rows), strict=True):
                spread_row(table[place], lanes, self._row_table)
                spread_row(image, lanes, self._x1)
                values = self._run()
                chosen = np.full(len(group.columns), row), group.columns
                self._write(chosen, values, group.mirrored)
        return group.entries

    def pairs(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Images:
        """The results (R, lanes) of pairs, at most a lane each."""
        lanes = self._program.lanes
        full = [np.resize(chosen, lanes) for chosen in (rows, columns)]
        table, places = self._left.of(full[0])
        interleave(table, places, self._row_table)
        interleave(self._images(full[0]), np.arange(lanes), self._x1)
        self._take_columns(full[1])
        return self._run()

    def _images(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Inputs of the first argument, channel after channel; divided by the channels, so that
        products are means.
        """
        images = self._left.side.inputs[rows]
        scaled = np.ascontiguousarray(np.moveaxis(images, -1, 1), self._x1.dtype)
        if not self._program.differences:
            scaled = scaled / scaled.dtype.type(max(images.shape[-1], 1))
        return scaled.reshape(len(rows), -1)

    def _take_columns(self, chosen: NDArray[np.int64]) -> None:
        table, places = self._right.of(chosen)
        if self._sliced.columns is not None:
            table = table[places][:, self._sliced.columns]
            places = np.arange(len(chosen))
        interleave(table, places, self._column_table)
        images = np.moveaxis(self._right.side.inputs[chosen], -1, 1)
        if self._program.repeated:
            images = np.tile(images, (1, 1, *(2,) * len(self._program.space)))
        flat = np.ascontiguousarray(images, self._x2.dtype).reshape(len(chosen), -1)
        interleave(flat, np.arange(len(chosen)), self._x2)

    def _run(self) -> Images:
        sliced = self._sliced
        self._totals.fill(0.0)
        for first in range(0, max(sliced.jobs, 1), self._step):
            if self._stop.is_set():
                raise StoppedError
            sliced.run(
                self._x1,
                self._x2,
                self._row_table,
                self._column_table,
                self._constants,
                self._scratch,
                self._stores,
                self._totals,
                self._result,
                first,
                min(first + self._step, sliced.jobs),
            )
        return self._result.reshape(-1, self._program.lanes)

    def _write(
        self, chosen: tuple[NDArray[np.int64], NDArray[np.int64]], values: Images, mirrored: bool
    ) -> None:
        rows, columns = chosen
        for place, output in self.outputs:
            found = values[place, : len(rows)]
            lost = ~(np.abs(found) <= self._limit)
            if lost.any():
                lane = int(np.flatnonzero(lost)[0])
                raise ArrayError(
                    f"the kernel of row {rows[lane]} of {self._left.side.name} and row "
                    f"{columns[lane]} of {self._right.side.name} is beyond the range of "
                    f"{self._program.dtype}: scale the inputs or choose smaller parameters"
                )
            output[rows, columns] = found
            if mirrored:
                output[columns, rows] = found


def _groups(
    counts: list[int], program: SliceProgram, sliced: Sliced, channels: int
) -> Iterator[Group]:
    """Groups of pairs: full columns of lanes row by row; the rest as pairs, or as rows of which
    some lanes are lost, whichever is thought to take less time.
    """
    lanes = program.lanes
    seconds = max(sliced.entries * lanes * _ENTRY_SECONDS, 1e-9)
    packing = 2 * lanes * (prod(program.space) * channels + sliced.width) * _PACK_SECONDS
    rows = int(min(max(_TASK_SECONDS / seconds, 1), 64))
    symmetric = len(counts) == 1
    for first in range(0, counts[-1], lanes):
        columns = np.arange(first, min(first + lanes, counts[-1]))
        above = np.arange(first if symmetric else counts[0])
        paired = len(columns) / lanes * (seconds + packing) < seconds
        if paired:
            left, right = (axis.ravel() for axis in np.meshgrid(above, columns, indexing="ij"))
            yield from _paired(left, right, rows * lanes, symmetric)
        else:
            for start in range(0, len(above), rows):
                yield Group(above[start : start + rows], columns, False, symmetric)
        if symmetric:
            i, j = np.triu_indices(len(columns), 1)
            if len(i) / lanes * (seconds + packing) < (len(columns) - 1) * seconds:
                yield from _paired(first + i, first + j, rows * lanes, symmetric)
            else:
                yield Group(columns[:-1], columns, False, symmetric, True)


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
    return numbers * item + computed + (sliced.totals + sliced.results) * lanes * 8
