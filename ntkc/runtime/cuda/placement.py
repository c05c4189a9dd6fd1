"""Where a call's arrays lie, and which devices work on it with what means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numba import cuda

from ..threads import Reporter, run_tasks
from ..tiles import Tile

On = TypeVar("On")


@dataclass(frozen=True)
class Placement:
    """What the two kinds of networks have in common."""

    given: tuple[Any, ...]
    """The arguments where they lie on a device already, otherwise None."""
    outputs: Sequence[Any]
    devices: tuple[int, ...]
    """The numbers of the devices that work."""
    streams: int
    """Workers of a device: one computes while another's results travel."""
    budget: int
    """Bytes of each device that a call may take."""

    @property
    def staged(self) -> bool:
        """Whether the outputs are the host's, so that results travel."""
        return all(isinstance(output, np.ndarray) for output in self.outputs)

    def run(
        self,
        tiles: Sequence[Tile],
        make_resident: Callable[[], On],
        make_worker: Callable[[int, On], Callable[[Tile], int]],
        streams: int,
        reporter: Reporter,
    ) -> None:
        """Settle all tiles: on every device something resident, and so many workers with it."""
        residents: Mapping[int, On] = {n: _on(n, make_resident) for n in self.devices}
        waiting = iter([number for _ in range(streams) for number in self.devices])

        def make() -> Callable[[Tile], int]:
            number = next(waiting)  # one step of the interpreter: no two threads take the same
            return make_worker(number, residents[number])

        run_tasks(tiles, make, streams * len(self.devices), reporter)


def _on(number: int, make: Callable[[], On]) -> On:
    """What is made with a device current."""
    with cuda.gpus[number]:
        return make()
