"""One thread's buffers for a tile: one plane for each root, as tile functions lay them out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Planes:
    """Room for tiles of up to `rows` rows of `leading` elements, in `count` planes.

    The first plane stands in `values`. The rows of the others take turns in `others`, so that a
    tile function needs one buffer and one stride for however many roots it has.
    """

    def __init__(self, count: int, rows: int, leading: int, dtype: np.dtype[Any]) -> None:
        self.leading = leading
        self.values = np.empty(rows * leading, dtype)
        self._turns = count - 1
        self._others = np.empty(max(1, self._turns * rows * leading), dtype)

    def from_row(self, row: int, column: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both buffers from an entry on, as tile functions take them."""
        start = row * self.leading
        if not self._turns:
            return self.values[start + column :], self._others
        return self.values[start + column :], self._others[start * self._turns + column :]

    def flat(self, plane: int) -> tuple[NDArray[Any], int]:
        """A plane as a flat buffer and the distance between its rows."""
        if plane == 0:
            return self.values, self.leading
        return self._others[(plane - 1) * self.leading :], self._turns * self.leading

    def view(self, plane: int, rows: int, columns: int) -> NDArray[Any]:
        """The tile (rows, columns) that a plane holds."""
        if plane == 0:
            return self.values[: rows * self.leading].reshape(rows, -1)[:, :columns]
        used = self._others[: rows * self._turns * self.leading]
        return used.reshape(rows, self._turns, self.leading)[:, plane - 1, :columns]
