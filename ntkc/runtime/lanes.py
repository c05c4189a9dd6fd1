"""Buffers of vectors, and interleaving: from arrays a row an input to arrays a lane an input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .compiled import compiled

_VECTOR = 64


def aligned(size: int, dtype: DTypeLike) -> NDArray[Any]:
    """Zeros, from an address that is a multiple of 64 bytes: no vector lies across a cache line."""
    kind = np.dtype(dtype)
    memory = np.zeros(size * kind.itemsize + _VECTOR, np.uint8)
    first = -memory.ctypes.data % _VECTOR
    return memory[first : first + size * kind.itemsize].view(kind)


@compiled()
def interleave(rows: NDArray[Any], chosen: NDArray[Any], scale: Any, out: NDArray[Any]) -> None:
    """out[k * lanes + l] = scale * rows[chosen[l], k]."""
    lanes = chosen.size
    for first in range(0, rows.shape[1], 16):
        last = min(first + 16, rows.shape[1])
        for lane in range(lanes):
            row = chosen[lane]
            for k in range(first, last):
                out[k * lanes + lane] = scale * rows[row, k]


@compiled()
def spread_row(row: NDArray[Any], lanes: int, out: NDArray[Any]) -> None:
    """out[k * lanes + l] = row[k]: one input in every lane."""
    for k in range(row.size):
        value = row[k]
        for lane in range(lanes):
            out[k * lanes + lane] = value


@compiled()
def put_lane(row: NDArray[Any], lane: int, lanes: int, scale: Any, out: NDArray[Any]) -> None:
    """out[k * lanes + lane] = scale * row[k]."""
    for k in range(row.size):
        out[k * lanes + lane] = scale * row[k]
