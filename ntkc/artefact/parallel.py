"""The parallel function that an artefact carries: its text, made for a program's tiles."""

from __future__ import annotations

from collections.abc import Sequence

_HEAD = '''\
"""The tiles of `kernel.py` on Numba's threads: one function for each set of kernels."""

import numpy as np
from {module} import {tiles}
from numba import njit, prange

from {runtime}.caching import keep_compiled
from {runtime}.numeric import complements, complete_square


@njit(error_model="numpy")
def mirror(values, leading, top, left, rows, columns):
    """Copy a tile of the flat matrix to its mirror image."""
    for j in range(columns):
        for i in range(rows):
            values[(left + j) * leading + top + i] = values[(top + i) * leading + left + j]
'''

_LOOP = '''

@njit(parallel=True, error_model="numpy")
def {loop}(
    values,
    second,
    leading,
    tiles,
    left_inverse,
    right_inverse,
    left_table,
    left_stride,
    right_table,
    right_stride,
    constants,
    limits,
    slots,
    diagonal,
    second_diagonal,
    near,
):
    """{roots} of tiles (top, bottom, left, right, triangular, mirrored), in place.

    `values` is the flat matrix, of inner products on entry. A tile with nearly coincident pairs
    is left alone, and their number is put into `near`.
    """
    for t in prange(tiles.shape[0]):
        top, bottom, left, right = tiles[t, 0], tiles[t, 1], tiles[t, 2], tiles[t, 3]
        triangular, mirrored = tiles[t, 4] != 0, tiles[t, 5] != 0
        rows, columns = bottom - top, right - left
        start = top * leading + left{complements}
        if near[t] == 0:
            scratch = np.empty(slots, values.dtype)
            {tile}(
                values[start:], second[start:], leading, rows, columns,
                left_table, left_stride, top, right_table, right_stride, left,
                constants, scratch, triangular,
            )
            if triangular:
                complete_square(values[start:], leading, diagonal[top:bottom]){square}
            if mirrored:
                mirror(values, leading, top, left, rows, columns){mirror}
'''

_COMPLEMENTS = '''
        counts = np.empty(rows, np.int32)
        near[t] = complements(
            values[start:], leading, rows, columns,
            left_inverse[top:bottom], right_inverse[left:right], limits, triangular, counts,
        )'''  # fmt: skip
_SQUARE = """
                complete_square(second[start:], leading, second_diagonal[top:bottom])"""
_MIRROR = """
                mirror(second, leading, top, left, rows, columns)"""


def parallel_source(
    digest: str, dtype: str, complement: bool, root_sets: Sequence[str], runtime: str
) -> str:
    """The text of `parallel.py`."""
    names = {roots: f"{roots.replace('+', '_')}_{dtype}_{digest}" for roots in root_sets}
    parts = [
        _HEAD.format(
            module=f"_ntkc_kernel_{digest}",
            tiles=", ".join(f"tile_{name}" for name in sorted(names.values())),
            runtime=runtime,
        )
    ]
    for roots, name in names.items():
        both = "+" in roots
        parts.append(
            _LOOP.format(
                loop=f"gram_{name}",
                tile=f"tile_{name}",
                roots=roots.replace("+", " and "),
                complements=_COMPLEMENTS if complement else "",
                square=_SQUARE if both else "",
                mirror=_MIRROR if both else "",
            )
        )
    entries = "".join(f'    "{roots}": gram_{name},\n' for roots, name in names.items())
    parts.append(f"\n\nLOOPS = {{\n{entries}}}\n\nfor loop in LOOPS.values():\n")
    parts.append("    keep_compiled(loop)\n")
    return "".join(parts)
