"""Pairs of nearly coincident rows: their complements from differences instead of products.

1 - cos(angle) from a product has the product's absolute error, a few units of roundoff, so it
loses its leading digits as the angle shrinks. Half the squared distance of the normalised rows
is the same number without the cancellation: its error is relative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .budget import BAND, NEAR_FEATURES
from .numeric import add_differences, list_near
from .sides import Side

THRESHOLDS = {np.dtype(np.float32): 2.0**-6, np.dtype(np.float64): 2.0**-8}
"""Complements below are recomputed. Above, a product's roundoff is magnified at most 64 and 256
times: a complement keeps 5 to 6 digits in float32, and 13 in float64. Larger thresholds would
cost time on data that has many pairs at moderate angles (2^-6 is 10 degrees, 2^-8 is 5)."""


class NearPairs:
    """The nearly coincident pairs of one band of a tile; one thread's buffers for them."""

    def __init__(self, left: Side, right: Side, edge: int) -> None:
        self._left = left
        self._right = right
        features = min(NEAR_FEATURES, max(1, left.rows.width))
        self._features = features
        self._left_block = np.empty(BAND * features)
        self._right_block = np.empty(edge * features)
        self.row_of = np.empty(BAND * edge, np.int32)
        self.column_of = np.empty(BAND * edge, np.int32)
        self.complements = np.empty(BAND * edge)
        self.count = 0

    def find(
        self,
        values: NDArray[Any],
        leading: int,
        band: tuple[int, int],
        columns: int,
        limits: NDArray[Any],
        triangular: bool,
        origin: tuple[int, int],
    ) -> None:
        """List the pairs of rows `band` of a tile at `origin`, and compute their complements."""
        self.count = list_near(
            values, leading, *band, columns, limits, triangular, self.row_of, self.column_of
        )
        used, position = np.unique(self.column_of[: self.count], return_inverse=True)
        top = origin[0] + band[0]
        bottom = origin[0] + band[1]
        self._sum_differences(top, bottom, used + origin[1], position.astype(np.int32))

    def _sum_differences(
        self, top: int, bottom: int, columns: NDArray[Any], position: NDArray[np.int32]
    ) -> None:
        left, right = self._left, self._right
        found = self.complements[: self.count]
        found[:] = 0.0
        scales = right.inverse64[columns]
        for first in range(0, left.rows.width, self._features):
            part = slice(first, min(first + self._features, left.rows.width))
            features = part.stop - first
            x = self._left_block[: (bottom - top) * features].reshape(-1, features)
            x[...] = left.rows.array[top:bottom, part]
            z = self._right_block[: columns.size * features].reshape(-1, features)
            z[...] = right.rows.array[columns, part]
            add_differences(
                x, z, left.inverse64[top:bottom], scales, self.row_of, position, self.count, found
            )
        np.minimum(found, 2.0, out=found)
