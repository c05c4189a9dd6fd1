"""How a call's working memory is laid out so that it stays under the budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from .errors import MemoryBudgetError
from .rows import BLOCK
from .sides import DIAGONAL_ROWS

BAND = 64
"""Rows of a tile that are refined together where pairs lie near coincidence."""
NEAR_FEATURES = 256
"""Features that differences are summed over at a time."""
PADDING = 64
"""Bytes by which a tile's rows are longer than needed: a stride that is a power of two would
map a whole column to few sets of the cache when the tile is transposed."""
_EDGES = (384, 320, 256, 192, 128, 96, 64, 48, 32, 16)
_FEATURES = (2048, 512, 128)  # converted at a time, where rows are neither views nor copies
_VIEW_FEATURES = 2**14  # so that one product does not hold up an interrupt for long
_SLACK = 160 * 2**10  # Python's own objects: tiles, arrays' headers, threads


@dataclass(frozen=True)
class Needs:
    """What the memory of a call depends on."""

    counts: tuple[int, ...]
    """Rows of each distinct argument."""
    width: int
    converted: tuple[bool, ...]
    """By argument: whether its rows must be converted for the products."""
    gathered: int
    """The largest item size of the arguments."""
    item: int
    outputs: int
    complement: bool
    table: int
    """K, the number of table rows."""
    scratch: int
    """Elements of scratch that a tile function needs."""

    @property
    def mixed(self) -> bool:
        """Whether float32 tiles go through float64 where pairs lie near coincidence."""
        return self.complement and self.item == 4


@dataclass(frozen=True)
class Plan:
    """Tile edge, threads, features at a time, and whether converted copies are kept."""

    edge: int
    threads: int
    features: int
    packed: bool


def make_plan(needs: Needs, budget: int, threads: int, edge: int) -> Plan:
    """The fastest plan within the budget: large tiles, then many threads.

    Raises `MemoryBudgetError`, stating the least budget, where there is none.
    """
    fixed = _fixed_bytes(needs)
    copies = sum(
        count * needs.width * needs.item
        for count, converted in zip(needs.counts, needs.converted, strict=True)
        if converted
    )
    packed = copies > 0 and fixed + 2 * copies <= budget
    least = 0
    width = max(1, needs.width)
    plans = _candidates(threads, edge, width, copies > 0 and not packed, packed)
    if packed:  # a last resort in a budget that the copies all but fill
        plans = chain(plans, _candidates(1, edge, width, True, False))
    for plan in plans:
        size = plan_bytes(needs, plan)
        if size <= budget:
            return plan
        least = min(least, size) if least else size
    raise MemoryBudgetError(
        f"memory: this call needs at least {least} bytes beyond its inputs and its result, "
        f"and the budget is {budget}"
    )


def _candidates(
    threads: int, edge: int, width: int, converted: bool, packed: bool
) -> Iterator[Plan]:
    """Plans from the fastest on; tiles too small for BLAS come after fewer threads.

    With `converted`, rows are converted for each tile, some features at a time.
    """
    features = [min(_VIEW_FEATURES, width)]
    if converted:
        features = [min(count, width) for count in _FEATURES]
    for limit in _halvings(threads):
        for count in features:
            for candidate in _EDGES:
                if candidate <= edge and (limit == 1 or candidate >= min(64, edge)):
                    yield Plan(candidate, limit, count, packed)


def _halvings(threads: int) -> list[int]:
    """threads, threads // 2, ... 1."""
    found = [threads]
    while found[-1] > 1:
        found.append(found[-1] // 2)
    return found


def plan_bytes(needs: Needs, plan: Plan) -> int:
    """An upper bound of what a call allocates beyond its inputs and its result."""
    copies = 0
    if plan.packed:
        copies = (
            needs.width
            * needs.item
            * sum(
                count
                for count, converted in zip(needs.counts, needs.converted, strict=True)
                if converted
            )
        )
    tiling = plan.threads * _thread_bytes(needs, plan)
    tiling += 200 * sum(needs.counts) // plan.edge * max(needs.counts, default=0) // plan.edge
    return _fixed_bytes(needs) + copies + max(tiling, plan.threads * BLOCK * 8)


def _fixed_bytes(needs: Needs) -> int:
    """Tables, diagonals and norms, and the temporaries of their computation."""
    row = 8 * (needs.table + 3)  # the table, both diagonals, squares
    row += 8 * 2  # mean squares and what checks compare
    if needs.item == 4:
        row += 4 * (needs.table + 2)
    row += needs.table + 2  # flags of values beyond the dtype
    if needs.complement:
        row += 8 + needs.item + 8
    block = min(DIAGONAL_ROWS, max(needs.counts, default=0))
    return sum(needs.counts) * row + block * 8 * (2 * needs.table + 8) + BLOCK * 8 + _SLACK


def _thread_bytes(needs: Needs, plan: Plan) -> int:
    """The buffers of one thread."""
    edge, item = plan.edge, needs.item
    tile = edge * (edge * item + PADDING)
    found = tile * (needs.outputs + (plan.features < needs.width))
    if any(needs.converted) and not plan.packed:
        found += 2 * edge * plan.features * item
    found += needs.scratch * item
    if needs.complement:
        features = min(NEAR_FEATURES, max(1, needs.width))
        found += edge * 4 + edge * BAND * (4 + 4 + 8 + 8 + 2 * 8 + 24)
        found += (BAND + edge) * (features * (8 + needs.gathered) + 32)
        if needs.mixed:
            found += needs.outputs * edge * BAND * 2 * 8 + needs.scratch * 8
    return found + 16 * 2**10
