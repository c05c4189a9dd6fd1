"""From a tile's buffer to its places in a result that stays on the device."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

SIDE = 16
_PADDED = SIDE + 1


@cuda.jit  # type: ignore[untyped-decorator]
def place(
    values: Any,
    step: Any,
    start: Any,
    diagonal: Any,
    out: Any,
    top: Any,
    left: Any,
    rows: Any,
    columns: Any,
    triangular: Any,
    lost: Any,
) -> None:
    """out[top + i, left + j] = values[start + i * step + j]; of a triangular tile both halves.

    lost[0] becomes 1 where one of them is no finite number.
    """
    i = cuda.blockIdx.y * cuda.blockDim.y + cuda.threadIdx.y
    j = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if i >= rows or j >= columns:
        return
    if (not triangular or i < j) and not math.isfinite(values[start + i * step + j]):
        lost[0] = 1
    if not triangular:
        out[top + i, left + j] = values[start + i * step + j]
    elif i == j:
        out[top + i, left + j] = diagonal[top + i]
    elif i < j:
        out[top + i, left + j] = values[start + i * step + j]
        out[top + j, left + i] = values[start + i * step + j]


@cuda.jit  # type: ignore[untyped-decorator]
def place_mirrored(
    values: Any, step: Any, start: Any, out: Any, top: Any, left: Any, rows: Any, columns: Any
) -> None:
    """out[left + j, top + i] = values[start + i * step + j], transposed by way of shared memory."""
    block = cuda.shared.array((SIDE, _PADDED), values.dtype)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    first, across = cuda.blockIdx.y * SIDE, cuda.blockIdx.x * SIDE
    if first + ty < rows and across + tx < columns:
        block[ty, tx] = values[start + (first + ty) * step + across + tx]
    cuda.syncthreads()
    if across + ty < columns and first + tx < rows:
        out[left + across + ty, top + first + tx] = block[tx, ty]
