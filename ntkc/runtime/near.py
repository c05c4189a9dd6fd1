"""Pairs of nearly coincident or opposite rows: complements from differences, not products.

1 - cos(angle) from a product has the product's absolute error, a few units of roundoff, so it
loses its leading digits as the angle shrinks. Half the squared distance of the normalised rows
is the same number without the cancellation: its error is relative. Near the opposite end,
2 - complement is half the squared length of their sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .numeric import add_differences, centre_rows, list_near, settle
from .plan import Plan
from .sides import Side

THRESHOLDS = {np.dtype(np.float32): 2.0**-6, np.dtype(np.float64): 2.0**-8}
"""Complements (or 2 - complements) below are recomputed. Above, a product's roundoff is
magnified at most 64 and 256 times: a complement keeps 5 to 6 digits in float32, and 13 in
float64. Larger thresholds would cost time on data that has many pairs at moderate angles
(2^-6 is 10 degrees, 2^-8 is 5)."""

_TINY = 1e-300
"""What stands for 0 where a number's sign must not be lost."""

_DENSE = 0.25
"""Share of near pairs from which on one product of centred rows is cheaper than differences."""


def near_limits(dtype: np.dtype[Any]) -> NDArray[Any]:
    """(0, 1, 2, bound) in a dtype: pairs with |cos| above the bound are near."""
    return np.array([0.0, 1.0, 2.0, 1.0 - THRESHOLDS[dtype]], dtype)


class NearPairs:
    """The near pairs of one band of a tile, and one thread's buffers for them.

    After `find`, the first `count` elements of the arrays list the pairs: `row_of` counted from
    the band's first row, `column_of` from the tile's first column, and their complements.
    """

    def __init__(self, left: Side, right: Side, plan: Plan, opposites: bool = False) -> None:
        """With `opposites`, complements of nearly opposite pairs are given less 2."""
        self._opposites = opposites
        self._left = left
        self._right = right
        self._features = plan.near_features(left.rows.width)
        self._left_block = np.empty(plan.band * self._features)
        self._right_block = np.empty(plan.columns * self._features)
        pairs = plan.band * plan.columns
        self._products: list[NDArray[np.float64]] = []
        self._sign = np.empty(pairs)
        self.row_of = np.empty(pairs, np.int32)
        self.column_of = np.empty(pairs, np.int32)
        self.complements = np.empty(pairs)
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
        """List the near pairs of rows `band` of a flat tile that starts at `origin`."""
        lists = self.row_of, self.column_of, self._sign
        self.count = list_near(values, leading, *band, columns, limits, triangular, *lists)
        top, bottom = origin[0] + band[0], origin[0] + band[1]
        left_over = self.count
        if self.count > _DENSE * (bottom - top) * columns:
            left_over = self._from_centred(top, bottom, origin[1], origin[1] + columns)
        if left_over:
            self._from_differences(top, bottom, origin[1], left_over)
        found = self.complements[: self.count]
        opposite = self._sign[: self.count] < 0
        if self._opposites:
            np.maximum(found, _TINY, out=found, where=opposite)  # the sign tells
            np.negative(found, out=found, where=opposite)
            return
        np.minimum(found, 2.0, out=found)
        np.subtract(2.0, found, out=found, where=opposite)

    def _blocks(
        self, rows: slice, columns: Any, part: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Features `part` of rows of both sides, in float64; they are overwritten later."""
        blocks = []
        for side, chosen, buffer in (
            (self._left, rows, self._left_block),
            (self._right, columns, self._right_block),
        ):
            given = side.rows.array[chosen, part]
            block = buffer[: given.size].reshape(given.shape)
            block[...] = given
            blocks.append(block)
        return blocks[0], blocks[1]

    def _parts(self) -> list[slice]:
        """The features, cut to what the buffers take."""
        width = self._left.rows.width
        return [slice(k, min(k + self._features, width)) for k in range(0, width, self._features)]

    def _from_differences(self, top: int, bottom: int, first_column: int, count: int) -> None:
        """Half squared distances of the first `count` pairs, one by one."""
        used, position = np.unique(self.column_of[:count], return_inverse=True)
        used += first_column
        position = position.astype(np.int32)
        scales = self._left.inverse64[top:bottom], self._right.inverse64[used]
        self.complements[:count] = 0.0
        for part in self._parts():
            x, z = self._blocks(slice(top, bottom), used, part)
            lists = self.row_of, position, self._sign
            add_differences(x, z, *scales, *lists, count, self.complements)

    def _from_centred(self, top: int, bottom: int, first: int, last: int) -> int:
        """Half squared distances from products of rows minus one of them; how many are left.

        Where a batch lies within a narrow cone, products of what remains after subtracting a
        member of it are small, and so is their error.
        """
        if not self._products:
            self._products = [np.empty(self.complements.size) for _ in range(2)]
        shape = bottom - top, last - first
        products, partial = (
            buffer[: shape[0] * shape[1]].reshape(shape) for buffer in self._products
        )
        products[...] = 0.0
        squares = np.zeros(shape[0]), np.zeros(shape[1])
        scales = self._left.inverse64[top:bottom], self._right.inverse64[first:last]
        centre = self.row_of[0]
        for part in self._parts():
            x, z = self._blocks(slice(top, bottom), slice(first, last), part)
            middle = x[centre] * scales[0][centre]
            centre_rows(x, scales[0], middle, squares[0])
            centre_rows(z, scales[1], middle, squares[1])
            np.matmul(x, z.T, out=partial)
            products += partial
        lists = self.row_of, self.column_of, self._sign
        accepted = THRESHOLDS[np.dtype(np.float64)]
        flat = products.reshape(-1)
        return settle(flat, shape[1], *squares, accepted, *lists, self.count, self.complements)
