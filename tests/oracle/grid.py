"""Where activations are held to the oracle: pairs of inputs that are known exactly.

A row has the coordinates (2a, 0, 0, 0) or (2b cos, 2b sin, 0, 0), each a float64, and a network
begins with `dense` on four numbers, so that variances and covariances are sums of products of
floats over 4: the oracle takes them exactly, and no rounding of an input is part of an error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

VARIANCES = (1e-6, 1e-3, 0.3, 1.0, 1.1, 9.0, 40.0, 100.0)
PAIRS = ((0, 0), (0, 3), (1, 7), (2, 4), (3, 3), (5, 6), (7, 7))
"""Equal and unequal, as places in `VARIANCES`."""
COSINES = ("0", "0.5", "0.99", "1-1e-12", "1")
RHOS = (*COSINES, "-0.5", "-0.99", "-1+1e-12", "-1")
GAP = 1e-12


@dataclass(frozen=True)
class Point:
    """A pair of variances and a correlation, by their names in the data."""

    pair: int
    rho: str

    @property
    def rows(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The first two coordinates of both inputs; the others are 0."""
        first, second = (math.sqrt(VARIANCES[k]) for k in PAIRS[self.pair])
        cosine, sine = _direction(self.rho)
        return (2.0 * first, 0.0), (2.0 * (second * cosine), 2.0 * (second * sine))

    def exact(self, mp: Any) -> tuple[Any, Any, Any, Any]:
        """(p, q, |c|, the angle whose cosine is |c|/sqrt(pq)) in the digits of `mp`."""
        (x, _), (y, z) = (tuple(map(mp.mpf, row)) for row in self.rows)
        return x * x / 4, (y * y + z * z) / 4, abs(x * y) / 4, mp.atan2(z, abs(y))

    @property
    def negative(self) -> bool:
        """Whether the covariance is below 0."""
        return self.rho.startswith("-")


def _direction(rho: str) -> tuple[float, float]:
    sign = -1.0 if rho.startswith("-") else 1.0
    if rho.endswith("1e-12"):
        return sign * (1.0 - GAP), math.sqrt(GAP * (2.0 - GAP))
    cosine = float(rho)
    return cosine, math.sqrt((1.0 - cosine) * (1.0 + cosine))


POINTS = tuple(Point(pair, rho) for pair in range(len(PAIRS)) for rho in RHOS)
