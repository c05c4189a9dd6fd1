"""What a network on positions needs of single inputs: computed once, and kept where it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rows import each_alone
from .slice_program import Images, Sliced, SliceProgram
from .threads import run_tasks

Work = tuple[int, Callable[[slice], None]]
"""How many inputs there are, and what is done with a part of them."""

_TOGETHER = 2**15
"""Positions of inputs that NumPy works on together: its temporaries stay in cache."""
_PARALLEL = 2**18
"""Positions from which on several threads do it: less is done before they take turns."""


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


def in_parts(program: SliceProgram, works: Sequence[Work], threads: int) -> None:
    """Some works, each on all of its inputs, a few at a time, on threads."""
    step = max(1, _TOGETHER // max(prod(program.space), 1))
    tasks = [
        (work, slice(start, min(start + step, count)))
        for count, work in works
        for start in range(0, count, step)
    ]

    def settle(task: tuple[Callable[[slice], None], slice]) -> int:
        work, part = task
        work(part)
        return int(part.stop - part.start)

    positions = sum(count for count, _ in works) * prod(program.space)
    run_tasks(tasks, lambda: settle, threads if positions >= _PARALLEL else 1)


class InputImages:
    """An argument's inputs, channel after channel (n, C * cells): some, or kept for all."""

    def __init__(self, program: SliceProgram, side: Side) -> None:
        self._program, self._inputs = program, side.inputs
        self._kept: NDArray[Any] | None = None
        self.width = prod(side.inputs.shape[1:])
        self.channels = side.inputs.shape[-1]

    @property
    def bytes(self) -> int:
        """What keeping them takes."""
        return int(len(self._inputs) * self.width * np.dtype(self._program.dtype).itemsize)

    def keep(self) -> Work:
        """Room for all inputs in that order, and what brings a part of them there."""
        self._kept = kept = np.empty((len(self._inputs), self.width), self._program.dtype)

        def fill(part: slice) -> None:
            kept[part] = self._ordered(self._inputs[part])

        return len(kept), fill

    def of(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """An array, and the rows of it that are the inputs chosen."""
        if self._kept is not None:
            return self._kept, chosen
        unique, places = np.unique(chosen, return_inverse=True)
        return self._ordered(self._inputs[unique]).astype(self._program.dtype), places

    def _ordered(self, inputs: NDArray[Any]) -> NDArray[Any]:
        return np.moveaxis(inputs, -1, 1).reshape(len(inputs), -1)


class Table:
    """What a function reads of single inputs: computed for those asked for, or kept for all."""

    def __init__(
        self, program: SliceProgram, sliced: Sliced, side: Side, constants: NDArray[np.float64]
    ) -> None:
        self._program, self._sliced, self._side = program, sliced, side
        self.name = side.name
        self._constants = constants
        self._kept: NDArray[Any] | None = None
        self._last: tuple[NDArray[np.int64], NDArray[Any], NDArray[np.int64]] | None = None

    @property
    def bytes(self) -> int:
        """What keeping it takes."""
        item = np.dtype(self._program.dtype).itemsize
        return int(self._side.count * self._sliced.width * item)

    def keep(self) -> Work:
        """Room for that of all inputs, and what computes a part of it."""
        shape = self._side.count, self._sliced.width
        self._kept = kept = np.empty(shape, self._program.dtype)

        def fill(part: slice) -> None:
            kept[part] = self._computed(np.arange(part.start, part.stop))

        return len(kept), fill

    def of(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """A table, and the rows of it that are those of the inputs chosen."""
        if self._kept is not None:
            return self._kept, chosen
        last = self._last  # an input with itself is asked for twice
        if last is None or last[0] is not chosen:
            unique, places = np.unique(chosen, return_inverse=True)
            table = self._computed(unique).astype(self._program.dtype)
            self._last = last = chosen, table, places
        return last[1], last[2]

    def _computed(self, chosen: NDArray[np.int64]) -> NDArray[Any]:
        side = self._side
        owned = [image[chosen] for image in side.owned]
        with each_alone(side.name, chosen):
            return self._sliced.table(side.mean_squares[chosen], self._constants, owned)
