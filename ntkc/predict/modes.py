"""One eigendecomposition of the training kernel, which serves every time and every ridge.

With K = V Λ Vᵀ, all training dynamics of the squared loss are functions φ of Λ + ridge. Eigenvalues
below the noise of the matrix (`Gram.noise`) are set to zero: a positive semi-definite kernel has
k_cross·v = 0 for K·v = 0, so at finite times such modes neither move nor matter. At infinite time
they are what makes the limit a choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from .arrays import Array, Gram, choice
from .errors import SingularKernelError
from .report import ON_SINGULAR, OnSingular, SolveReport, jitter_ladder, singular

_INDEFINITE = 16.0
"""Multiples of the noise by which an eigenvalue may be negative before the matrix is called
indefinite: entries carry a few units of roundoff each, from a recursion through many layers."""


@dataclass(frozen=True)
class Modes:
    """Eigenvalues (rank,), ascending, and eigenvectors (n, rank) of the modes that are kept.

    `values` are those of K itself; `shifted` = values + ridge + jitter.
    """

    values: Array
    vectors: Array
    shifted: Array
    report: SolveReport

    def apply(self, function: Callable[[Array], Array], right: Array) -> Array:
        """V φ(Λ + ridge) Vᵀ right, for φ giving (..., rank) and right (n, k): (..., n, k)."""
        weights = function(self.shifted)
        return np.asarray(self.vectors @ (weights[..., None] * (self.vectors.T @ right)))


def spectrum(matrix: Gram, name: str) -> tuple[Array, Array]:
    """All eigenvalues (n,), ascending, and eigenvectors (n, n); noise is set to zero.

    Raises `SingularKernelError` for an eigenvalue that is negative beyond roundoff.
    """
    if matrix.size == 0:
        return np.zeros(0), np.zeros((0, 0))
    values, vectors = eigh(matrix.values, check_finite=False)
    largest = max(float(values[-1]), 0.0)
    if values[0] < -_INDEFINITE * matrix.noise * largest or largest == 0 > values[0]:
        raise SingularKernelError(
            f"{name} is no kernel matrix: it has the eigenvalue {values[0]:.3g} "
            f"(the largest is {values[-1]:.3g}), negative beyond roundoff",
            float("inf"),
        )
    return np.where(values <= matrix.noise * largest, 0.0, values), np.asarray(vectors)


def pseudo_inverse_modes(matrix: Gram, ridge: float, name: str) -> Modes:
    """The modes above the noise; a ridge is added to those that are kept, and to no other."""
    values, vectors = spectrum(matrix, name)
    return _kept(values, vectors, ridge, 0.0, True)


def dynamics_modes(
    matrix: Gram, ridge: float, on_singular: OnSingular, name: str = "k_train"
) -> Modes:
    """The modes for dynamics at finite times; for the limit ask `require_limit` too.

    Where K + ridge·I is singular to working precision, "jitter" adds to the diagonal and the other
    two choices leave out the modes below the noise.
    Raises `SingularKernelError` for a matrix that is not semi-definite, or beyond all jitter.
    """
    choice(on_singular, "on_singular", ON_SINGULAR)
    values, vectors = spectrum(matrix, name)
    if not _is_singular(values, ridge, matrix):
        return _kept(values, vectors, ridge, 0.0, False)
    if on_singular != "jitter":
        return _kept(values, vectors, ridge, 0.0, True)
    for jitter in jitter_ladder(matrix):
        if not _is_singular(values, ridge + jitter, matrix):
            return _kept(values, vectors, ridge, jitter, False)
    raise singular(name, float("inf"), ", and no jitter mends it")


def require_limit(modes: Modes, on_singular: OnSingular, name: str = "k_train") -> None:
    """Raise `SingularKernelError` if modes were left out and the caller did not choose that."""
    if on_singular == "raise" and modes.report.rank < len(modes.vectors):
        raise singular(name, float("inf"), ", and the limit of infinite time is asked for")


def _is_singular(values: Array, shift: float, matrix: Gram) -> bool:
    if len(values) == 0:
        return False
    return bool(values[0] + shift <= matrix.noise * (values[-1] + shift))


def _kept(values: Array, vectors: Array, ridge: float, jitter: float, drop: bool) -> Modes:
    keep = values > 0 if drop else np.ones(len(values), bool)
    kept, shift = values[keep], ridge + jitter
    shifted = kept + shift
    condition = float(shifted[-1] / shifted[0]) if len(shifted) else 1.0
    dof = float((kept / shifted).sum())
    report = SolveReport(
        "eigendecomposition" if keep.all() else "pseudo-inverse",
        ridge,
        jitter,
        condition,
        len(kept),
        dof,
    )
    return Modes(kept, vectors[:, keep], shifted, report)
