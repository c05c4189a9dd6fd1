"""Tiles cover a matrix once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ntkc.runtime.tiles import count_tiles, gram_tiles, make_tiles, split, tile_shape

EDGES = st.sampled_from([1, 3, 16, 48, 100, 256])


@given(st.integers(0, 700), EDGES)
def test_split(size, edge):
    blocks = split(size, edge)
    assert [k for start, stop in blocks for k in range(start, stop)] == list(range(size))
    assert all(0 < stop - start <= edge for start, stop in blocks)


@given(st.integers(0, 300), EDGES.filter(lambda edge: edge > 2))
def test_gram_tiles(size, edge):
    count = np.zeros((size, size), int)
    for tile in gram_tiles(size, edge):
        count[tile.top : tile.bottom, tile.left : tile.right] += 1
        if tile.mirrored:
            count[tile.left : tile.right, tile.top : tile.bottom] += 1
            assert tile.bottom <= tile.left
        else:
            assert tile.triangular
            assert (tile.top, tile.bottom) == (tile.left, tile.right)
    assert (count == 1).all()
    assert sum(tile.entries for tile in gram_tiles(size, edge)) == size**2
    assert len(gram_tiles(size, edge)) <= count_tiles((size,), (edge, edge))


def test_narrow_matrices_get_long_tiles():
    assert tile_shape((3, 100_000), 384) == (16, 3072)
    assert tile_shape((100_000, 200), 256) == (315, 208)
    assert tile_shape((5, 7), 384) == (16, 16)
    assert tile_shape((100_000, 200_000), 384) == (384, 384)


@given(st.integers(1, 500), st.integers(1, 500), EDGES.filter(lambda edge: edge > 15))
def test_cross_tiles(rows, columns, edge):
    count = np.zeros((rows, columns), int)
    shape = tile_shape((rows, columns), edge)
    assert shape[0] * shape[1] <= edge * edge
    tiles = make_tiles((rows, columns), shape)
    assert len(tiles) <= count_tiles((rows, columns), shape)
    for tile in tiles:
        assert tile.bottom - tile.top <= shape[0]
        assert tile.right - tile.left <= shape[1]
        count[tile.top : tile.bottom, tile.left : tile.right] += 1
        assert not tile.mirrored
        assert not tile.triangular
    assert (count == 1).all()


def test_the_parts_written_at_one_time_are_compact():
    """Any 64 successive tiles off the diagonal stay within two super-blocks of the matrix."""
    tiles = [tile for tile in gram_tiles(16 * 64, 16) if tile.mirrored]
    for first in range(0, len(tiles) - 64, 64):
        rows = {tile.top // 128 for tile in tiles[first : first + 64]}
        columns = {tile.left // 128 for tile in tiles[first : first + 64]}
        assert len(rows) <= 2
        assert len(columns) <= 3
