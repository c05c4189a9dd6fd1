"""The spectrum of a kernel on data: eigenvalues of the Gram matrix, and condition against depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigvalsh

from ntkc.predict.arrays import Array, gram
from ntkc.predict.errors import InputError


@dataclass(frozen=True)
class EmpiricalSpectrum:
    """Eigenvalues of K/n, descending, shape (n,): estimates of the kernel operator's.

    `condition`: largest by smallest, infinite where the smallest is below the roundoff of the
    matrix. `trace`: their sum, the mean of K's diagonal. `effective_rank`: (Σλ)²/Σλ², between 1 and
    n.
    """

    eigenvalues: Array
    condition: float
    trace: float
    effective_rank: float


def empirical_spectrum(k_train: ArrayLike) -> EmpiricalSpectrum:
    """The spectrum of a Gram matrix (n, n), n ≥ 1.

    Raises `InputError` and `InputTypeError` for what is no kernel matrix.
    """
    matrix = gram(k_train, "k_train")
    if matrix.size == 0:
        raise InputError("k_train must have at least one row")
    values = np.asarray(eigvalsh(matrix.values, check_finite=False))[::-1] / matrix.size
    values = np.where(np.abs(values) <= matrix.noise * values[0], np.maximum(values, 0.0), values)
    squares = float((values**2).sum())
    singular = values[-1] <= matrix.noise * values[0]
    return EmpiricalSpectrum(
        values,
        float("inf") if singular else float(values[0] / values[-1]),
        matrix.mean_diagonal,
        float(values.sum()) ** 2 / squares if squares else 1.0,
    )


@dataclass(frozen=True)
class DepthScan:
    """The spectrum against depth, one entry a depth.

    `conditions`, `largest`, `smallest` (eigenvalues of K/n), `correlation` (the mean of
    k(x, z)/√(k(x, x) k(z, z)) over pairs x ≠ z: where it tends to 1, depth has made inputs alike).
    """

    depths: tuple[int, ...]
    conditions: Array
    largest: Array
    smallest: Array
    correlation: Array


def condition_against_depth(
    matrix_at: Callable[[int], ArrayLike], depths: Iterable[int]
) -> DepthScan:
    """Scan `depths`: `matrix_at(depth)` is the Gram matrix (n, n), n ≥ 2, of a kernel that deep.

    Raises `InputError` and `InputTypeError` for what is no kernel matrix.
    """
    found = tuple(depths)
    rows = []
    for depth in found:
        matrix = gram(matrix_at(depth), f"matrix_at({depth})")
        if matrix.size < 2:
            raise InputError(f"matrix_at({depth}) must have at least two rows")
        spectrum = empirical_spectrum(matrix.values)
        values = spectrum.eigenvalues
        rows.append((spectrum.condition, values[0], values[-1], _correlation(matrix.values)))
    table = np.array(rows).reshape(len(found), 4)
    return DepthScan(found, table[:, 0], table[:, 1], table[:, 2], table[:, 3])


def _correlation(matrix: Array) -> float:
    norms = np.sqrt(np.diagonal(matrix))
    safe = np.where(norms == 0, 1.0, norms)
    n = len(matrix)
    cosines = matrix / np.outer(safe, safe)
    return float(cosines.sum() - np.trace(cosines)) / (n * (n - 1))
