"""The tiles that a Gram matrix or a cross-Gram matrix is cut into, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_ALIGNMENT = 16  # rows: a whole number of vectors in either dtype
_LONGEST = 8  # edges: how long a narrow tile gets
_SUPER = 8  # tiles: a super-block's input rows stay in the last-level cache


class Tile(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right`; `mirrored` where (j, i) is due too."""

    top: int
    bottom: int
    left: int
    right: int
    triangular: bool
    mirrored: bool

    @property
    def entries(self) -> int:
        """How many entries of the whole matrix this tile settles."""
        return (self.bottom - self.top) * (self.right - self.left) * (2 if self.mirrored else 1)


def split(size: int, edge: int) -> list[tuple[int, int]]:
    """Cut range(size) into blocks of equal, aligned length, at most `edge` where that is aligned.

    >>> split(100, 48)
    [(0, 48), (48, 96), (96, 100)]
    """
    if size == 0:
        return []
    parts = -(-size // edge)
    length = -(-size // parts)
    if edge % _ALIGNMENT == 0:
        length = -(-length // _ALIGNMENT) * _ALIGNMENT
    return [(start, min(start + length, size)) for start in range(0, size, length)]


def gram_tiles(size: int, edge: int) -> list[Tile]:
    """Tiles on and above the diagonal of a (size, size) matrix.

    Those above come first, super-block by super-block: a super-block and its mirror image are
    the only parts of the output being written, so a memory-mapped file is written page after
    page, once. The diagonal's tiles, which cost less, come last and even out the threads' ends.
    """
    blocks = split(size, edge)
    above = [(i, j) for i in range(len(blocks)) for j in range(i + 1, len(blocks))]
    above.sort(key=lambda ij: (ij[0] // _SUPER, ij[1] // _SUPER, ij))
    tiles = [Tile(*blocks[i], *blocks[j], triangular=False, mirrored=True) for i, j in above]
    return tiles + [Tile(*block, *block, triangular=True, mirrored=False) for block in blocks]


def cross_tiles(rows: int, columns: int, shape: tuple[int, int]) -> list[Tile]:
    """Tiles of at most `shape` of a (rows, columns) matrix without symmetry."""
    down, across = split(rows, shape[0]), split(columns, shape[1])
    pairs = [(i, j) for i in range(len(down)) for j in range(len(across))]
    pairs.sort(key=lambda ij: (ij[0] // _SUPER, ij[1] // _SUPER, ij))
    return [Tile(*down[i], *across[j], triangular=False, mirrored=False) for i, j in pairs]


def make_tiles(counts: Sequence[int], shape: tuple[int, int]) -> list[Tile]:
    """The tiles of a Gram matrix (one count) or a cross-Gram matrix (two)."""
    if len(counts) == 1:
        return gram_tiles(counts[0], shape[0])
    return cross_tiles(counts[0], counts[1], shape)


def count_tiles(counts: Sequence[int], shape: tuple[int, int]) -> int:
    """At most how many tiles `make_tiles` makes."""
    if len(counts) == 1:
        blocks = -(-counts[0] // shape[0])
        return blocks * (blocks + 1) // 2
    return -(-counts[0] // shape[0]) * -(-counts[1] // shape[1])


def tile_shape(counts: Sequence[int], edge: int) -> tuple[int, int]:
    """A tile's largest shape: square, or as large and elongated for a narrow cross-Gram matrix."""
    if len(counts) == 1:
        return edge, edge
    rows, columns = (min(edge, -(-count // _ALIGNMENT) * _ALIGNMENT) for count in counts)
    if rows < edge:
        columns = min(edge * edge // rows, _LONGEST * edge)
    elif columns < edge:
        rows = min(edge * edge // columns, _LONGEST * edge)
    return (
        min(rows, -(-counts[0] // _ALIGNMENT) * _ALIGNMENT),
        min(columns, -(-counts[1] // _ALIGNMENT) * _ALIGNMENT),
    )
