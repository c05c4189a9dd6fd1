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


@compiled(reassociate=True)
def position_squares(images: NDArray[Any], scale: float, squares: NDArray[Any]) -> None:
    """Put into `squares` (m, p) `scale` times the sums over channels of the squares of images
    (m, p, channels)."""
    for i in range(images.shape[0]):
        for p in range(images.shape[1]):
            found = 0.0
            for c in range(images.shape[2]):
                value = float(images[i, p, c])
                found += value * value
            squares[i, p] = scale * found


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
    (0, 1, 2, bound). `near` (rows,) receives each row's number of entries with |cos| above the
    bound, and their total is returned. With `triangular`, only entries with j > i count.
    """
    zero, one, two, bound = limits[0], limits[1], limits[2], limits[3]
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
            count = uint32(count + uint32(abs(one - complement) > bound))
        near[i] = count
        total += count
    return total


@compiled()
def complete_square(values: NDArray[Any], leading: int, diagonal: NDArray[Any]) -> None:
    """Give a flat tile on the Gram matrix's diagonal that diagonal and its lower triangle."""
    for i in range(diagonal.size):
        values[i * leading + i] = diagonal[i]
        for j in range(i):
            values[i * leading + j] = values[j * leading + i]


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
    sign: NDArray[Any],
) -> int:
    """List the entries of rows `first` to `last` with |cos| above the bound; return how many.

    `row_of` receives rows counted from `first`, `column_of` columns, `sign` 1 for a pair that
    is nearly coincident and -1 for one that is nearly opposite.
    """
    one, bound = limits[1], limits[3]
    count = 0
    for i in range(first, last):
        for j in range(i + 1 if triangular else 0, columns):
            cosine = one - values[i * leading + j]
            if abs(cosine) > bound:
                row_of[count] = i - first
                column_of[count] = j
                sign[count] = 1.0 if cosine > 0 else -1.0
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
    sign: NDArray[Any],
    count: int,
    total: NDArray[Any],
) -> None:
    """Add half the squared distance of a scaled row and `sign` times another, for each pair.

    `left` (m, d) and `right` (p, d) are float64, with one scale for each row; `column_of` holds
    rows of `right`. No contraction here: equal rows must give exactly 0.
    """
    for pair in range(count):
        i = row_of[pair]
        j = column_of[pair]
        x = left[i]
        z = right[j]
        x_scale = left_scale[i]
        z_scale = right_scale[j] * sign[pair]
        found = 0.0
        for k in range(x.size):
            difference = x[k] * x_scale - z[k] * z_scale
            found += difference * difference
        total[pair] += 0.5 * found


@compiled(reassociate=True)
def centre_rows(
    block: NDArray[Any], scale: NDArray[Any], middle: NDArray[Any], total: NDArray[Any]
) -> None:
    """Scale the rows of `block` (m, d) and subtract `middle` (d,), in place.

    What is left has its sums of squares added to `total` (m,).
    """
    for i in range(block.shape[0]):
        row = block[i]
        factor = scale[i]
        found = 0.0
        for k in range(row.size):
            value = factor * row[k] - middle[k]
            row[k] = value
            found += value * value
        total[i] += found


@compiled()
def settle(
    products: NDArray[Any],
    leading: int,
    left_squares: NDArray[Any],
    right_squares: NDArray[Any],
    accepted: float,
    row_of: NDArray[Any],
    column_of: NDArray[Any],
    sign: NDArray[Any],
    count: int,
    total: NDArray[Any],
) -> int:
    """Half squared distances from products of centred rows, where those keep enough digits.

    Those are pairs whose half squared distance is above `accepted` times the centred rows' own.
    The lists are reordered: the pairs left over come first, and their number is returned.
    """
    left_over = 0
    for pair in range(count):
        i, j = row_of[pair], column_of[pair]
        scale = 0.5 * (left_squares[i] + right_squares[j])
        found = scale - products[i * leading + j]
        kept_sign = sign[pair]
        if kept_sign > 0 and found > accepted * scale:
            total[pair] = found
            continue
        row_of[pair], row_of[left_over] = row_of[left_over], i
        column_of[pair], column_of[left_over] = column_of[left_over], j
        sign[pair], sign[left_over] = sign[left_over], kept_sign
        total[pair] = total[left_over]
        left_over += 1
    return left_over


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
