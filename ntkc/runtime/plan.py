"""How a call's work is cut up: tiles and threads for speed, within the memory budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from .errors import MemoryBudgetError
from .rows import BLOCK
from .sides import DIAGONAL_ROWS
from .tiles import count_tiles, tile_shape

BAND = 64
"""Rows of a tile that are refined together where pairs lie near coincidence."""
NEAR_ELEMENTS = 256 * 384
"""Elements of a block of rows whose differences are summed: features are cut to suit."""
PADDING = 64
"""Bytes by which a tile's rows are longer than needed: a stride that is a power of two would
map a whole column to few sets of the cache when the tile is transposed."""

_EDGE = {1: 512, 2: 256, 3: 192}
"""By number of roots. For one root larger tiles measure better, up to where the last of them keeps
one thread waiting for another."""
_EDGE_OF_MANY = 128
_EDGES = (512, 384, 320, 256, 192, 128, 96, 64, 48, 32, 16)
_LEAST_EDGE = 96  # below this, products get slow
_TILES_PER_THREAD = 4
_SINGLE = 5e-4  # seconds of estimated work that are not worth a second thread
_FEATURE_SECONDS, _ENTRY_SECONDS = 2e-11, 5e-9  # rough cost of an entry, each feature and beside
_FEATURES = (2048, 512, 128)  # converted at a time, where rows are neither views nor copies
_VIEW_FEATURES = 2**14  # so that one product does not hold up an interrupt for long
_SLACK = 160 * 2**10  # Python's own objects: arrays' headers, threads
_TILE_BYTES = 200  # of a tile in the list


@dataclass(frozen=True)
class Needs:
    """What the plan of a call depends on."""

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

    @property
    def copies(self) -> int:
        """Bytes of converted copies of all arguments that need one."""
        pairs = zip(self.counts, self.converted, strict=True)
        return sum(count * self.width * self.item for count, converted in pairs if converted)


@dataclass(frozen=True)
class Plan:
    """The largest tile, threads, features at a time, and whether converted copies are kept."""

    rows: int
    columns: int
    threads: int
    features: int
    packed: bool

    @property
    def band(self) -> int:
        """Rows that are refined together."""
        return min(BAND, self.rows)

    def near_features(self, width: int) -> int:
        """Features that differences are summed over at a time."""
        return max(1, min(width, NEAR_ELEMENTS // self.columns))


def make_plan(needs: Needs, budget: int, threads: int) -> Plan:
    """The fastest plan within the budget.

    Raises `MemoryBudgetError`, stating the least budget, where there is none.
    """
    first, last = needs.counts[0], needs.counts[-1]
    if first * last * (_FEATURE_SECONDS * needs.width + _ENTRY_SECONDS) < _SINGLE:
        threads = 1
    edge = min(_EDGE.get(needs.outputs, _EDGE_OF_MANY), -(-max(first, last) // 16) * 16)
    while threads > 1 and edge > _LEAST_EDGE:
        if count_tiles(needs.counts, tile_shape(needs.counts, edge)) >= _TILES_PER_THREAD * threads:
            break
        edge -= 32
    packed = 0 < 2 * needs.copies <= budget - _fixed_bytes(needs)
    plans = _candidates(needs, threads, edge, packed)
    if packed:  # a last resort in a budget that the copies all but fill
        plans = chain(plans, _candidates(needs, 1, edge, False))
    least = 0
    for plan in plans:
        size = plan_bytes(needs, plan)
        if size <= budget:
            return plan
        least = min(least, size) if least else size
    raise MemoryBudgetError(
        f"memory: this call needs at least {least} bytes beyond its inputs and its result, "
        f"and the budget is {budget}"
    )


def _candidates(needs: Needs, threads: int, edge: int, packed: bool) -> Iterator[Plan]:
    """Plans from the fastest on: fewer features, smaller tiles, then fewer threads.

    Tiles too small for BLAS come after fewer threads.
    """
    sizes = (_VIEW_FEATURES,) if packed or not needs.copies else _FEATURES
    for limit in _halvings(threads):
        for features in sizes:
            for candidate in dict.fromkeys((edge, *_EDGES)):
                if candidate <= edge and (limit == 1 or candidate >= min(64, edge)):
                    shape = tile_shape(needs.counts, candidate)
                    count = max(1, min(features, needs.width))
                    yield Plan(*shape, min(limit, count_tiles(needs.counts, shape)), count, packed)


def _halvings(threads: int) -> list[int]:
    """threads, threads // 2, ... 1."""
    found = [threads]
    while found[-1] > 1:
        found.append(found[-1] // 2)
    return found


def plan_bytes(needs: Needs, plan: Plan) -> int:
    """An upper bound of what a call allocates beyond its inputs and its result."""
    tiling = plan.threads * _thread_bytes(needs, plan)
    tiling += _TILE_BYTES * count_tiles(needs.counts, (plan.rows, plan.columns))
    copies = needs.copies if plan.packed else 0
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
    block = min(DIAGONAL_ROWS, max(needs.counts))
    return sum(needs.counts) * row + block * 8 * (2 * needs.table + 8) + BLOCK * 8 + _SLACK


def _thread_bytes(needs: Needs, plan: Plan) -> int:
    """The buffers of one thread."""
    item = needs.item
    tile = plan.rows * (plan.columns * item + PADDING)
    found = tile * (needs.outputs + (plan.features < needs.width))
    if needs.copies and not plan.packed:
        found += (plan.rows + plan.columns) * plan.features * item
    found += needs.scratch * item
    if needs.complement:
        pairs = plan.band * plan.columns
        found += plan.rows * 4
        # Lists of pairs, their signs and complements, centred products, temporaries of sorting.
        found += pairs * (4 + 4 + 8 + 8 + 2 * 8 + 24)
        features = plan.near_features(needs.width)
        found += (plan.band + plan.columns) * (features * (8 + needs.gathered) + 32)
        if needs.mixed:
            found += needs.outputs * pairs * 2 * 8 + needs.scratch * 8
    return found + 16 * 2**10
