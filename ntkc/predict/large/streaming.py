"""Predictions without a cross-Gram matrix: its tiles are computed, used and dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Array, finite_result, positive, targets
from ..blocks import Kernel
from .tiles import Progress

_TILE_BYTES = 64 * 2**20
_WIDTH = 8192


def stream_predictions(
    kernel: Kernel,
    x_test: NDArray[Any],
    x_train: NDArray[Any],
    dual: ArrayLike,
    *,
    get: str = "ntk",
    tile_bytes: int = _TILE_BYTES,
    progress: Progress | None = None,
    **options: Any,
) -> Array:
    """k(x_test, x_train) · dual, tile by tile: (m,) or (m, outputs), as `dual` is.

    `dual` is (n,) or (n, outputs). No tile of the cross-Gram matrix takes more than `tile_bytes`;
    `options` are passed to the kernel. `progress(done, total)` counts entries.
    """
    weights = targets(dual, "dual", len(x_train))
    allowed = int(positive(tile_bytes, "tile_bytes"))
    wide = min(max(len(x_train), 1), _WIDTH)
    tall = max(1, allowed // (8 * wide))
    result = np.zeros((len(x_test), weights.outputs))
    total = len(x_test) * len(x_train)
    for top in range(0, len(x_test), tall):
        rows = slice(top, min(top + tall, len(x_test)))
        for left in range(0, len(x_train), wide):
            columns = slice(left, min(left + wide, len(x_train)))
            tile = kernel(x_test[rows], x_train[columns], get=get, **options)
            result[rows] += np.asarray(tile, np.float64) @ weights.values[columns]
        if progress is not None:
            progress(rows.stop * len(x_train), total)
    return weights.restore(finite_result(result, "the predictions"))
