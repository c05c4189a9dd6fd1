"""The operation `octaves`: a polynomial for every part of every octave.

The numbers from 2^first on are cut into octaves, each octave into 2^bits equal parts, and each part
has a row of coefficients: the digits of x say which, and where in the part x lies, without a search
and without rounding. In generated loops the same is `ntkc.backends.octaves`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ntkc.ir.node import Node, make

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Octaves:
    """`rows[i][k]` times t^k, where t from -1/2 to 1/2 is the place in part i."""

    first: int
    bits: int
    rows: Rows

    @classmethod
    def of(cls, node: Node) -> Octaves:
        """What an operation says."""
        return cls(node.attr("first"), node.attr("bits"), node.attr("rows"))

    def at(self, x: Node) -> Node:
        """The operation."""
        return make("octaves", x, first=self.first, bits=self.bits, rows=self.rows)

    @property
    def low(self) -> float:
        """Where the first part begins."""
        return 2.0**self.first

    @property
    def end(self) -> float:
        """Where the last part ends."""
        octave, part = divmod(len(self.rows), self.parts)
        return 2.0 ** (self.first + octave) * (1.0 + part / self.parts)

    @property
    def parts(self) -> int:
        """In an octave."""
        return 1 << self.bits

    @property
    def width(self) -> int:
        """How many coefficients a row has."""
        return len(self.rows[0])

    @property
    def size(self) -> int:
        """How many coefficients there are."""
        return self.width * len(self.rows)

    def derivative(self) -> Octaves | None:
        """Part by part; None for 0."""
        if self.width == 1:
            return None
        rows = []
        for i, row in enumerate(self.rows):
            slope = 2.0 ** (self.bits - self.first - i // self.parts)  # of t by x
            rows.append(tuple(k * slope * a for k, a in enumerate(row))[1:])
        return Octaves(self.first, self.bits, tuple(rows))


def numpy_octaves(x: Any, first: int, bits: int, rows: Rows) -> Any:
    """Over arrays of any float type; what is outside, or no number, counts as the nearest part."""
    table, kind = Octaves(first, bits, rows), x.dtype.type
    low, high = kind(table.low), np.nextafter(kind(table.end), kind(0))
    x = np.where(x > low, np.minimum(x, high), low)
    fraction, exponent = np.frexp(x)
    place = (2 * fraction - 1) * kind(table.parts)
    part = np.floor(place)
    t = place - part - kind(0.5)
    row = (exponent - 1 - first) * table.parts + part.astype(int)
    found = np.asarray(rows, x.dtype)[row]
    value = found[..., -1]
    for k in range(table.width - 2, -1, -1):
        value = value * t + found[..., k]
    return value if np.ndim(value) else kind(value)


def mpmath_octaves(m: Any, x: Any, first: int, bits: int, rows: Rows) -> Any:
    """In a context of mpmath."""
    table = Octaves(first, bits, rows)
    x = min(max(x, m.mpf(table.low)), m.mpf(table.end))
    if x == table.end:
        row, t = len(rows) - 1, m.mpf(0.5)
    else:
        fraction, exponent = m.frexp(x)
        place = (2 * fraction - 1) * table.parts
        part = int(m.floor(place))
        row, t = (int(exponent) - 1 - first) * table.parts + part, place - part - m.mpf(0.5)
    return m.polyval([m.convert(a) for a in reversed(rows[row])], t)
