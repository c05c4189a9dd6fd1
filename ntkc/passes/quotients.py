"""Quotients of two sums, closest to values: linear least squares in extended precision.

P and Q are sums over the same functions, of which P has no constant and Q the constant 1. What is
linear in their coefficients is P - f Q, which is weighted by 1/Q of the step before (Sanathanan &
Koerner 1963, "Transfer function synthesis as a ratio of two complex polynomials"). The
coefficients of Q are then rounded to the number type, and those of P fitted once more for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

_STEPS = 4
_NOTHING = 1e-25
"""Pivots of columns of norm 1 that depend on those before."""


def basis(eta: Any, reach: float, order: int, dtype: str) -> Any:
    """sigma, eta, sigma eta, eta^2, ... as columns; powers of eta where `reach` is 0.

    sigma = sqrt(eta (2 reach - reach^2 eta)), with these constants as the number type has them.
    """
    if not reach:
        return eta[:, None] ** np.arange(1, order + 1)
    kind = np.dtype(dtype).type
    twice, square = (np.longdouble(kind(c)) for c in (2.0 * reach, reach**2))
    sine = np.sqrt(np.maximum(eta * (twice - square * eta), 0))
    powers = eta[:, None] ** (np.arange(1, order + 1) // 2)
    powers[:, ::2] *= sine[:, None]
    return powers


Coefficients = tuple[float, ...]


def quotients(columns: Any, values: Any, dtype: str) -> Iterator[tuple[Coefficients, Coefficients]]:
    """Coefficients of P and Q after each step of weighting, as numbers of the type."""
    order = columns.shape[1]
    weight = np.ones(len(values), np.longdouble)
    for _ in range(_STEPS):
        matrix = np.concatenate([columns, -values[:, None] * columns], axis=1)
        found = least_squares(matrix * weight[:, None], values * weight)
        below = found[order:]
        weight = 1 / np.abs(1 + columns @ below)
        below = below.astype(dtype)
        divided = columns / (1 + columns @ below.astype(np.longdouble))[:, None]
        above = least_squares(divided, values).astype(dtype)
        if np.isfinite(above).all() and np.isfinite(below).all():
            yield tuple(map(float, above)), tuple(map(float, below))


def least_squares(matrix: Any, values: Any) -> Any:
    """x for which |matrix x - values| is least, by Householder's reflections in extended precision.

    A column of zeros, and one that depends on those before it, has the coefficient 0.
    """
    norms = np.sqrt((matrix * matrix).sum(axis=0))
    norms[norms == 0] = 1
    system = np.concatenate([matrix / norms, values[:, None]], axis=1)
    count = matrix.shape[1]
    for k in range(count):
        mirror = system[k:, k].copy()
        norm = np.sqrt(mirror @ mirror)
        if norm <= _NOTHING:
            continue
        mirror[0] += norm if mirror[0] > 0 else -norm
        twice = mirror * (2 / (mirror @ mirror))
        system[k:, k:] -= np.outer(twice, mirror @ system[k:, k:])
    x = np.zeros(count, np.longdouble)
    for k in reversed(range(count)):
        if abs(system[k, k]) > _NOTHING:
            rest = system[k, count] - system[k, k + 1 : count] @ x[k + 1 :]
            x[k] = rest / system[k, k]
    return x / norms
