"""How a call's work is cut for devices: the tile's edge within a budget of device memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import MemoryBudgetError
from ..tiles import count_tiles, tile_shape

_EDGE = 4096  # 16 million pairs: seconds of work for no device, and long enough to fill any
_LEAST = 16
_PER_WORKER = 4  # tiles that each worker should find
STREAMS = 2
"""Workers of a device: one computes while the other's tile travels."""


@dataclass(frozen=True)
class Plan:
    """The largest tile, and whether the inputs stay on every device as a whole."""

    rows: int
    columns: int
    resident: bool


def make_plan(
    counts: Sequence[int],
    width: int,
    items: tuple[int, int],
    roots: int,
    complement: bool,
    fixed: int,
    budget: int,
    workers: int,
) -> Plan:
    """The largest tiles in the budget, enough of them for all workers.

    `items` are the bytes of a number in products and of one as given; `fixed` what the tables take.
    Raises `MemoryBudgetError`, stating the least budget, where there is none.
    """
    row = width * (items[0] + (items[1] if complement else 0))
    whole = sum(counts) * row
    edge = min(_EDGE, -(-max(counts) // _LEAST) * _LEAST)
    while edge > 256 and workers > 1:
        if count_tiles(counts, tile_shape(counts, edge)) >= _PER_WORKER * workers:
            break
        edge = max(256, edge // 2)
    least = 0
    while edge >= _LEAST:
        rows, columns = tile_shape(counts, edge)
        pairs = rows * columns * (items[0] * roots + (4 if complement else 0))
        for resident in (True, False):
            inputs = whole if resident else STREAMS * (rows + columns) * row
            least = fixed + inputs + STREAMS * pairs
            if least <= budget:
                return Plan(rows, columns, resident)
        edge = edge // 2 // _LEAST * _LEAST
    raise MemoryBudgetError(
        f"memory: this call needs at least {least} bytes on a device, and the budget is {budget}"
    )


@dataclass(frozen=True)
class SlicePlan:
    """How pairs of inputs with positions go to devices."""

    edge: int
    """Of a tile, in inputs."""
    batch: int
    """Pairs of a launch."""
    resident: bool
    """Whether all inputs stay on every device."""
    workers: int
    """Of each device."""


_MOST = 65536  # pairs of a batch
_ENTRIES = 10**11  # of a batch: some tenths of a second, so that an interrupt is heard
_FEW = 64  # pairs of a batch that are worth a stream of their own


def make_slice_plan(
    counts: Sequence[int],
    pair: int,
    each: int,
    entries: int,
    budget: int,
    streams: int,
    devices: int,
) -> SlicePlan:
    """The largest batches in the budget of a device.

    `pair` are the bytes of a pair in a batch, `each` those of an input, `entries` what a pair
    computes. Inputs stay on the device where that leaves room for batches; otherwise those of a
    tile are sent with it.

    Raises `MemoryBudgetError`, stating the least budget, where there is none.
    """
    pairs = counts[0] * counts[-1]
    wanted = max(1, min(_MOST, _ENTRIES // max(entries, 1), -(-pairs // (streams * devices))))
    for workers, least in ((streams, min(_FEW, wanted)), (1, 1)):
        batch = min(wanted, (budget - sum(counts) * each) // (workers * pair))
        if batch >= least:
            return SlicePlan(_edge_for(batch), batch, True, workers)
        edge = min(_EDGE, max(counts))
        while edge:
            batch = min(wanted, (budget // workers - 2 * edge * each) // pair)
            if batch >= least:
                return SlicePlan(edge, batch, False, workers)
            edge //= 2
    raise MemoryBudgetError(
        f"memory: one pair needs {pair + 2 * each} bytes of the device, and the budget is {budget}"
    )


def _edge_for(batch: int) -> int:
    """The edge of a tile that is about one batch."""
    return max(1, int(batch**0.5))
