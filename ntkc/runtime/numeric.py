"""The runtime's own loops: squared norms, complements, and differences of nearby rows.

They are generic over float32 and float64. Constants arrive in arrays, since a literal would
widen a float32 loop to float64.
"""

from __future__ import annotations

from typing import Any

from numba import uint32
from numpy.typing import NDArray

from .compiled import compiled


@compiled(reassociate=True)
def add_squares(block: NDArray[Any], scale: float, total: NDArray[Any]) -> None:
    """Add to `total` (m,) the sums of squares of the rows of `scale * block` (m, d)."""
    for i in range(block.shape[0]):
        row = block[i]
        found = 0.0
        for k in range(row.size):
            value = scale * row[k]
            found += value * value
        total[i] += found


@compiled()
def complements(
    values: NDArray[Any],
    leading: int,
    rows: int,
    columns: int,
    left: NDArray[Any],
    right: NDArray[Any],
    limits: NDArray[Any],
    triangular: bool,
    near: NDArray[Any],
) -> int:
    """Turn inner products, in place, into complements 1 - cos(angle), clipped to [0, 2].

    `values` is flat, entry (i, j) at `i * leading + j`; `left` (rows,) and `right` (columns,)
    hold reciprocal norms (0 for a row of zeros: complement 1); `limits` is
    (0, 1, 2, threshold). `near` (rows,) receives each row's number of entries under the
    threshold, and their total is returned. With `triangular`, only entries with j > i count.
    """
    zero, one, two, threshold = limits[0], limits[1], limits[2], limits[3]
    total = 0
    for i in range(rows):
        start = i + 1 if triangular else 0
        scale = left[i]
        row = values[i * leading + start : i * leading + columns]
        other = right[start:columns]
        count: Any = uint32(
            0
        )  # as wide as a float32 lane, so that counting vectorises with the rest
        for j in range(row.size):
            complement = one - row[j] * scale * other[j]
            complement = complement if complement > zero else zero
            complement = complement if complement < two else two
            row[j] = complement
            count = uint32(count + uint32(complement < threshold))
        near[i] = count
        total += count
    return total


@compiled()
def list_near(
    values: NDArray[Any],
    leading: int,
    first: int,
    last: int,
    columns: int,
    limits: NDArray[Any],
    triangular: bool,
    row_of: NDArray[Any],
    column_of: NDArray[Any],
) -> int:
    """List the entries of rows `first` to `last` under the threshold; return how many.

    `row_of` receives rows counted from `first`, `column_of` columns.
    """
    threshold = limits[3]
    count = 0
    for i in range(first, last):
        for j in range(i + 1 if triangular else 0, columns):
            if values[i * leading + j] < threshold:
                row_of[count] = i - first
                column_of[count] = j
                count += 1
    return count


@compiled(reassociate=True)
def add_differences(
    left: NDArray[Any],
    right: NDArray[Any],
    left_scale: NDArray[Any],
    right_scale: NDArray[Any],
    row_of: NDArray[Any],
    column_of: NDArray[Any],
    count: int,
    total: NDArray[Any],
) -> None:
    """Add half the squared distance of two scaled rows to `total`, for each pair listed.

    `left` (m, d) and `right` (p, d) are float64, with one scale for each row. No contraction
    here: equal rows must give exactly 0.
    """
    for pair in range(count):
        i = row_of[pair]
        j = column_of[pair]
        x = left[i]
        z = right[j]
        x_scale = left_scale[i]
        z_scale = right_scale[j]
        found = 0.0
        for k in range(x.size):
            difference = x[k] * x_scale - z[k] * z_scale
            found += difference * difference
        total[pair] += 0.5 * found


@compiled()
def gather(
    values: NDArray[Any],
    leading: int,
    first: int,
    row_of: NDArray[Any],
    column_of: NDArray[Any],
    count: int,
    taken: NDArray[Any],
) -> None:
    """Copy the entries listed from a flat tile to `taken`, rows counted from `first`."""
    for pair in range(count):
        taken[pair] = values[(first + row_of[pair]) * leading + column_of[pair]]


@compiled()
def scatter(
    values: NDArray[Any],
    leading: int,
    first: int,
    row_of: NDArray[Any],
    column_of: NDArray[Any],
    count: int,
    given: NDArray[Any],
) -> None:
    """Write `given`, rounded, to the entries listed of a flat tile, rows counted from `first`."""
    for pair in range(count):
        values[(first + row_of[pair]) * leading + column_of[pair]] = given[pair]
