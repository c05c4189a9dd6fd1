"""One thread's work on pairs of inputs on positions: buffers, and what is done with a group."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import ArrayError
from .lanes import aligned, interleave, put_lane, spread_row
from .slice_program import Images, SharedSliceFunction, Sliced, SliceProgram
from .slice_sides import InputImages, Side, Table
from .threads import run_tasks

_ENTRY_SECONDS = 1e-9  # rough cost of an entry of a slice, a lane
_CALL_SECONDS = 0.1  # of jobs in one call: an interrupt waits no longer


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
    others: NDArray[np.int64] | None = None
    """As many columns as rows, of which one more with every row takes the place of its number among
    `columns`, which are the rows: row i has the columns after it, and the others up to its own
    number; that one too where they come later in the matrix."""

    @property
    def entries(self) -> int:
        """Entries of the matrix that this settles; of `others` half, as in a group of theirs, where
        inputs with themselves are counted.
        """
        if self.rows is self.columns and self.paired:
            return 0
        if self.others is not None:
            return 2 * len(self.rows) * len(self.columns)
        count = len(self.rows) if self.paired else len(self.rows) * len(self.columns)
        return count * (2 if self.mirrored and not self.square else 1)


class Worker:
    """One thread's buffers, and what it does with a group of pairs."""

    def __init__(
        self,
        program: SliceProgram,
        sliced: Sliced,
        constants: NDArray[np.float64],
        images: tuple[InputImages, InputImages],
        tables: tuple[Table, Table],
        stop: threading.Event,
        rows: int = 1,
    ) -> None:
        """With room for the results of `rows` of a group together."""
        dtype, lanes = np.dtype(program.dtype), program.lanes
        self._program, self._sliced, self._stop = program, sliced, stop
        self.outputs: list[tuple[int, NDArray[Any]]] = []
        """(number among the results, array to write it to)."""
        self._images, self._tables = images, tables
        self._constants = constants.astype(dtype)
        self._names = tables[0].name, tables[1].name
        cells = images[0].width
        scale = 1.0 if program.differences else 1.0 / max(images[0].channels, 1)
        self._scale = dtype.type(scale)
        self._one = dtype.type(1.0)
        repeats = 2 ** len(program.space) if program.repeated else 1
        self._x1 = aligned(cells * lanes, dtype)
        self._x2 = aligned(cells * lanes * repeats, dtype)
        self._row_table = aligned(max(1, sliced.width) * lanes, dtype)
        width = sliced.width if sliced.columns is None else sliced.columns.size
        self._column_table = aligned(max(1, width) * lanes, dtype)
        self._scratch = aligned(sliced.scratch, dtype)
        self._stores = aligned(sliced.stores, dtype)
        self._totals = np.zeros(sliced.totals * lanes)
        self._results = np.empty((rows, max(1, sliced.results), lanes))
        seconds = entry_seconds(program, sliced)
        self._step = max(1, int(sliced.jobs * _CALL_SECONDS / seconds))

    def __call__(self, group: Group) -> int:
        """Settle a group and return how many entries that are."""
        if group.paired:
            self._settle_pairs(group)
        elif group.others is not None:
            self._settle_with_others(group, group.others)
        else:
            self._settle_rows(group)
        return group.entries

    def _settle_pairs(self, group: Group) -> None:
        lanes = self._program.lanes
        for start in range(0, len(group.rows), lanes):
            rows, columns = (side[start : start + lanes] for side in (group.rows, group.columns))
            values = self.pairs(rows, columns)[:, : len(rows)]
            self._write(values, rows, columns, group)

    def _settle_rows(self, group: Group) -> None:
        columns = group.columns
        self._take_columns(np.resize(columns, self._program.lanes))
        for part in self._in_parts(group.rows):
            values = self._run_rows(part)
            self._write(values[:, :, : len(columns)], part[:, None], columns, group)

    def _settle_with_others(self, group: Group, others: NDArray[np.int64]) -> None:
        rows, columns = group.rows, group.columns.copy()
        self._take_columns(columns)
        earlier = bool(others[0] < columns[0])  # then the pair of two rows of one number is theirs
        met = np.empty((len(rows), len(columns)), np.int64)

        def change(lane: int) -> None:
            changed = lane - earlier
            if changed >= 0:
                columns[changed] = others[changed]
                self._take_columns(others[changed : changed + 1], changed)
            met[lane] = columns

        values = self._run_rows(rows, change)
        self._write(values, rows[:, None], met, group)

    def _in_parts(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Rows, as many together as there is room for their results."""
        step = len(self._results)
        for start in range(0, len(rows), step):
            yield rows[start : start + step]

    def _write(
        self, values: Images, rows: NDArray[np.int64], columns: NDArray[np.int64], group: Group
    ) -> None:
        """Put results (R, ...), each with the shape of `rows` and `columns`, where they belong.

        Of a batch with itself, inputs with themselves are left out here unless they are what is
        asked for, and of a square one of its two results for each pair.
        """
        if group.mirrored and not group.paired:
            kept = rows < columns if group.square else rows != columns
            if not kept.all():
                sides = (np.broadcast_to(side, kept.shape)[kept] for side in (rows, columns))
                (rows, columns), values = sides, values[:, kept]
        for place, output in self.outputs:
            found = values[place]
            check_pairs(found, rows, columns, self._names, self._program.dtype)
            output[rows, columns] = found
            if group.mirrored:
                output[columns, rows] = found

    def pairs(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Images:
        """The results (R, lanes) of pairs, at most a lane each."""
        full = [np.resize(rows, self._program.lanes)]
        full.append(full[0] if columns is rows else np.resize(columns, self._program.lanes))
        interleave(*self._tables[0].of(full[0]), self._one, self._row_table)
        interleave(*self._images[0].of(full[0]), self._one, self._x1)
        self._take_columns(full[1])
        self._run(self._results[0])
        values: Images = self._results[0]
        return values

    def _run_rows(
        self, rows: NDArray[np.int64], before: Callable[[int], None] | None = None
    ) -> Images:
        """The results (R, rows, lanes) of some x1 with the columns taken; `before` is called with
        each row's number.
        """
        images, image_of = self._images[0].of(rows)
        tables, table_of = self._tables[0].of(rows)
        shared = self._sliced.shared
        chosen = np.stack([image_of, table_of], axis=1)
        together = 1 if before is not None else max(1, self._step // max(self._sliced.jobs, 1))
        for first in range(0, len(rows), together):
            if before is not None:
                before(first)
            part = slice(first, first + together)
            if shared is not None:
                self._run_shared(shared, images, tables, chosen[part], self._results[part])
                continue
            for number, (image, table) in enumerate(chosen[part], first):
                spread_row(images[image], self._program.lanes, self._x1)
                spread_row(tables[table], self._program.lanes, self._row_table)
                self._run(self._results[number])
        return self._results[: len(rows)].transpose(1, 0, 2)

    def _take_columns(self, chosen: NDArray[np.int64], lane: int | None = None) -> None:
        """Bring inputs of x2 to the lanes; a single one to the lane given."""
        table, places = self._tables[1].of(chosen)
        if self._sliced.columns is not None:
            table, places = table[places][:, self._sliced.columns], np.arange(len(chosen))
        self._bring(table, places, lane, self._one, self._column_table)
        images, places = self._images[1].of(chosen)
        if self._program.repeated:
            space = self._program.space
            apart = images[places].reshape(len(chosen), -1, *space)
            images = np.tile(apart, (1, 1, *(2,) * len(space))).reshape(len(chosen), -1)
            places = np.arange(len(chosen))
        self._bring(images, places, lane, self._scale, self._x2)

    def _bring(
        self,
        rows: NDArray[Any],
        places: NDArray[np.int64],
        lane: int | None,
        scale: Any,
        out: NDArray[Any],
    ) -> None:
        if lane is None:
            interleave(rows, places, scale, out)
        else:
            put_lane(rows[places[0]], lane, self._program.lanes, scale, out)

    def _jobs(self) -> Iterator[tuple[int, int]]:
        """All jobs, as many together as an interrupt may wait for."""
        for first in range(0, max(self._sliced.jobs, 1), self._step):
            if self._stop.is_set():
                raise StoppedError
            yield first, min(first + self._step, self._sliced.jobs)

    def _run(self, result: Images) -> None:
        """Pairs whose x1 and tables have been brought to the lanes."""
        given = self._x2, self._row_table, self._column_table, self._constants
        self._totals.fill(0.0)
        for first, last in self._jobs():
            self._sliced.run(
                self._x1, *given, self._scratch, self._stores, self._totals, result.reshape(-1),
                first, last,
            )  # fmt: skip

    def _run_shared(
        self,
        function: SharedSliceFunction,
        images: NDArray[Any],
        tables: NDArray[Any],
        chosen: NDArray[np.int64],
        results: Images,
    ) -> None:
        """Some x1, whose numbers all lanes share."""
        given = self._column_table, self._constants, self._scratch, self._stores, self._totals
        for first, last in self._jobs():
            function(
                images, self._x2, tables, *given, results.reshape(len(results), -1), first, last,
                chosen,
            )  # fmt: skip


def check_pairs(
    found: Images,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    names: tuple[str, str],
    dtype: str,
) -> None:
    """Raise `ArrayError` for a value of a pair that is no number of the type, or none at all."""
    limit = float(np.finfo(dtype).max)
    if not found.size or max(found.max(), -found.min()) <= limit:  # false for NaN
        return
    lost = ~(np.abs(found) <= limit)
    row, column = (np.broadcast_to(side, found.shape)[lost][0] for side in (rows, columns))
    how = "lost to rounding in" if np.isnan(found[lost][0]) else "beyond the range of"
    raise ArrayError(
        f"the kernel of row {row} of {names[0]} and row {column} of {names[1]} is {how} "
        f"{dtype}: scale the inputs or choose smaller parameters"
    )


def entry_seconds(program: SliceProgram, sliced: Sliced) -> float:
    """Roughly what a group of pairs, a lane each, takes."""
    return max(sliced.entries * program.lanes * _ENTRY_SECONDS, 1e-9)


def pair_with_itself(
    program: SliceProgram,
    sliced: Sliced,
    side: Side,
    constants: NDArray[np.float64],
    threads: int,
) -> NDArray[np.float64]:
    """All results (n, R) of one function, for each input of a side with itself."""
    images, table = InputImages(program, side), Table(program, sliced, side, constants)
    found = np.empty((side.count, sliced.results))
    stop = threading.Event()
    tasks = [
        np.arange(start, min(start + program.lanes, side.count))
        for start in range(0, side.count, program.lanes)
    ]

    def make_worker() -> Callable[[NDArray[np.int64]], int]:
        worker = Worker(program, sliced, constants, (images, images), (table, table), stop)

        def work(chosen: NDArray[np.int64]) -> int:
            values = worker.pairs(chosen, chosen)
            found[chosen] = values[: sliced.results, : len(chosen)].T
            return 0

        return work

    run_tasks(tasks, make_worker, threads, None, stop)
    return found
