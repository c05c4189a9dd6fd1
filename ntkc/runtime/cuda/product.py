"""Inner products of two blocks of rows on a device: cuBLAS by CuPy, or a kernel of our own.

The own kernel adds features in one order whatever the blocks are, so its results do not depend on
how a matrix was cut. CuPy's do up to rounding, as those of any BLAS.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
from numba import cuda, float32, float64

EDGE, STEP, SIDE = 64, 16, 16
"""A block of threads makes EDGE x EDGE products, STEP features at a time; it is SIDE x SIDE."""
_COUNT = EDGE // SIDE
_TOTAL = _COUNT * _COUNT
_PADDED = EDGE + 1  # a column of the transposed block meets every bank once


def _made(number: Any) -> Any:
    @cuda.jit  # type: ignore[untyped-decorator]
    def product(x: Any, z: Any, values: Any, leading: Any) -> None:
        """values[i * leading + j] = x[i] . z[j], 16 of them a thread, in registers."""
        left = cuda.shared.array((STEP, _PADDED), number)
        right = cuda.shared.array((STEP, _PADDED), number)
        total = cuda.local.array(_TOTAL, number)
        tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
        top, first = cuda.blockIdx.y * EDGE, cuda.blockIdx.x * EDGE
        for n in range(_TOTAL):
            total[n] = number(0)
        for start in range(0, x.shape[1], STEP):
            k = start + tx
            for n in range(_COUNT):
                row, column = top + ty + SIDE * n, first + ty + SIDE * n
                inside = k < x.shape[1]
                left[tx, ty + SIDE * n] = x[row, k] if inside and row < x.shape[0] else number(0)
                right[tx, ty + SIDE * n] = (
                    z[column, k] if inside and column < z.shape[0] else number(0)
                )
            cuda.syncthreads()
            for step in range(STEP):
                for a in range(_COUNT):
                    for b in range(_COUNT):
                        total[a * _COUNT + b] += (
                            left[step, ty + SIDE * a] * right[step, tx + SIDE * b]
                        )
            cuda.syncthreads()
        for a in range(_COUNT):
            for b in range(_COUNT):
                row, column = top + ty + SIDE * a, first + tx + SIDE * b
                if row < x.shape[0] and column < z.shape[0]:
                    values[row * leading + column] = total[a * _COUNT + b]

    return product


PRODUCTS = {"float32": _made(float32), "float64": _made(float64)}


@cache
def cupy() -> Any:
    """CuPy, where it is installed and multiplies float32 as float32; else None."""
    from .devices import simulated

    if simulated() or os.environ.get("CUPY_TF32", "0") != "0":
        return None
    try:
        import cupy as found
    except Exception:  # not installed, or for another CUDA
        return None
    return found


def multiply(x: Any, z: Any, values: Any, stream: Any) -> None:
    """Queue `values[i * columns + j] = x[i] . z[j]`; all arrays are on the current device."""
    rows, columns = x.shape[0], z.shape[0]
    library = cupy()
    if library is not None and x.shape[1]:
        with library.cuda.ExternalStream(int(stream)):
            target = library.asarray(values)[: rows * columns].reshape(rows, columns)
            library.matmul(library.asarray(x), library.asarray(z).T, out=target)
        return
    grid = -(-columns // EDGE), -(-rows // EDGE)
    kernel = PRODUCTS[np.dtype(values.dtype).name]
    kernel[grid, (SIDE, SIDE), stream](x, z, values, columns)
