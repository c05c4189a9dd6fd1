"""One thread's work on pairs of inputs on positions: buffers, and what is done with a group."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import ArrayError
from .lanes import aligned, interleave, put_lane, spread_row
from .slice_program import Images, Sliced, SliceFunction, SliceProgram
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
        """Entries of the matrix that this settles; of `others` half, as in a group of theirs."""
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
    ) -> None:
        dtype, lanes = np.dtype(program.dtype), program.lanes
        self._program, self._sliced, self._stop = program, sliced, stop
        self.outputs: list[tuple[int, NDArray[Any]]] = []
        """(number among the results, array to write it to)."""
        self._images, self._tables = images, tables
        self._constants = constants.astype(dtype)
        self._limit = float(np.finfo(dtype).max)
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
        self._result = np.empty(max(1, sliced.results) * lanes)
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
            values = self.pairs(rows, columns)
            for place, output in self.outputs:
                found = values[place, : len(rows)]
                self._check(found, rows, columns)
                output[rows, columns] = found
                if group.mirrored:
                    output[columns, rows] = found

    def _settle_rows(self, group: Group) -> None:
        lanes, columns = self._program.lanes, group.columns
        across = slice(int(columns[0]), int(columns[-1]) + 1)
        self._take_columns(np.resize(columns, lanes))
        for start in range(0, len(group.rows), lanes):
            rows = group.rows[start : start + lanes]
            images, image_of = self._images[0].of(rows)
            tables, table_of = self._tables[0].of(rows)
            for row, image, table in zip(rows, image_of, table_of, strict=True):
                values = self._run_row(images[image], tables[table])
                for place, output in self.outputs:
                    found = values[place, : len(columns)]
                    self._check(found, [row] * len(columns), columns)
                    output[row, across] = found
                    if group.mirrored:
                        output[across, row] = found

    def _settle_with_others(self, group: Group, others: NDArray[np.int64]) -> None:
        columns = group.columns.copy()
        self._take_columns(columns)
        images, image_of = self._images[0].of(group.rows)
        tables, table_of = self._tables[0].of(group.rows)
        earlier = bool(others[0] < columns[0])  # then the pair of two rows of one number is theirs
        for lane, row in enumerate(group.rows):
            changed = lane - earlier
            if changed >= 0:
                columns[changed] = others[changed]
                self._take_columns(others[changed : changed + 1], changed)
            values = self._run_row(images[image_of[lane]], tables[table_of[lane]])
            for place, output in self.outputs:
                self._check(values[place], [row] * len(columns), columns)
                output[row, columns] = values[place]
                output[columns, row] = values[place]

    def _check(
        self, found: Images, rows: Sequence[int] | NDArray[np.int64], columns: NDArray[np.int64]
    ) -> None:
        """Raise `ArrayError` for a value of a pair beyond the range of the kernel's numbers."""
        if np.abs(found).max() <= self._limit:  # false for NaN
            return
        lane = int(np.flatnonzero(~(np.abs(found) <= self._limit))[0])
        raise ArrayError(
            f"the kernel of row {rows[lane]} of {self._tables[0].name} and row {columns[lane]} of "
            f"{self._tables[1].name} is beyond the range of {self._program.dtype}: scale the "
            "inputs or choose smaller parameters"
        )

    def pairs(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Images:
        """The results (R, lanes) of pairs, at most a lane each."""
        full = [np.resize(rows, self._program.lanes)]
        full.append(full[0] if columns is rows else np.resize(columns, self._program.lanes))
        interleave(*self._tables[0].of(full[0]), self._one, self._row_table)
        interleave(*self._images[0].of(full[0]), self._scale, self._x1)
        self._take_columns(full[1])
        return self._run(self._sliced.run, self._x1, self._row_table)

    def _run_row(self, image: NDArray[Any], table: NDArray[Any]) -> Images:
        """The results of one x1, divided by its channels so that products are means, with the
        columns taken.
        """
        shared = self._sliced.shared
        if shared is not None:
            scaled = np.multiply(image, self._scale, out=self._x1[: image.size])
            return self._run(shared, scaled, table)
        spread_row(table, self._program.lanes, self._one, self._row_table)
        spread_row(image, self._program.lanes, self._scale, self._x1)
        return self._run(self._sliced.run, self._x1, self._row_table)

    def _take_columns(self, chosen: NDArray[np.int64], lane: int | None = None) -> None:
        """Bring inputs of x2 to the lanes; a single one to the lane given."""
        table, places = self._tables[1].of(chosen)
        if self._sliced.columns is not None:
            table, places = table[places][:, self._sliced.columns], np.arange(len(chosen))
        self._bring(table, places, lane, self._column_table)
        images, places = self._images[1].of(chosen)
        if self._program.repeated:
            space = self._program.space
            apart = images[places].reshape(len(chosen), -1, *space)
            images = np.tile(apart, (1, 1, *(2,) * len(space))).reshape(len(chosen), -1)
            places = np.arange(len(chosen))
        self._bring(images, places, lane, self._x2)

    def _bring(
        self, rows: NDArray[Any], places: NDArray[np.int64], lane: int | None, out: NDArray[Any]
    ) -> None:
        if lane is None:
            interleave(rows, places, self._one, out)
        else:
            put_lane(rows[places[0]], lane, self._program.lanes, out)

    def _run(self, function: SliceFunction, x1: NDArray[Any], row_table: NDArray[Any]) -> Images:
        sliced = self._sliced
        self._totals.fill(0.0)
        for first in range(0, max(sliced.jobs, 1), self._step):
            if self._stop.is_set():
                raise StoppedError
            function(
                x1,
                self._x2,
                row_table,
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
