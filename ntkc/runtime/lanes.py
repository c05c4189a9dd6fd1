"""Interleaving: from arrays a row an input to arrays a lane an input."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .compiled import compiled


@compiled()
def interleave(rows: NDArray[Any], chosen: NDArray[Any], out: NDArray[Any]) -> None:
    """out[k * lanes + l] = rows[chosen[l], k], in the dtype of `out`."""
    lanes = chosen.size
    for first in range(0, rows.shape[1], 16):
        last = min(first + 16, rows.shape[1])
        for lane in range(lanes):
            row = chosen[lane]
            for k in range(first, last):
                out[k * lanes + lane] = rows[row, k]


@compiled()
def spread_row(row: NDArray[Any], lanes: int, out: NDArray[Any]) -> None:
    """out[k * lanes + l] = row[k]: one input in every lane."""
    for k in range(row.size):
        value = row[k]
        for lane in range(lanes):
            out[k * lanes + lane] = value
