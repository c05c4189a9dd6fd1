"""One factorisation of a kernel matrix, for every solve that follows.

Cholesky where the matrix is positive definite to working precision; otherwise what the caller
chose. Both kinds of factor answer the same questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.linalg.lapack import dpocon, dtrtri

from .arrays import Array, Gram, choice
from .modes import pseudo_inverse_modes
from .report import ON_SINGULAR, OnSingular, SolveReport, jitter_ladder, singular


class Factor(Protocol):
    """A factorised M = K + (ridge + jitter)·I, shape (n, n), with `report`."""

    @property
    def report(self) -> SolveReport:
        """How M was factorised."""
        ...

    def solve(self, right: Array) -> Array:
        """M⁻¹ right, for right (n, k)."""
        ...

    def whiten(self, right: Array) -> Array:
        """W right with WᵀW = M⁻¹, so that rightᵀ M⁻¹ right is a product with its transpose."""
        ...


@dataclass(frozen=True)
class CholeskyFactor:
    """M = L Lᵀ; `lower` is L."""

    lower: Array
    report: SolveReport

    def solve(self, right: Array) -> Array:
        """M⁻¹ right by two triangular solves."""
        half = solve_triangular(self.lower, right, lower=True, check_finite=False)
        return _array(solve_triangular(self.lower, half, lower=True, trans="T", check_finite=False))

    def whiten(self, right: Array) -> Array:
        """L⁻¹ right."""
        return _array(solve_triangular(self.lower, right, lower=True, check_finite=False))

    def inverse(self) -> Array:
        """M⁻¹ itself, shape (n, n)."""
        root = inverse_lower(self.lower)
        return _array(root.T @ root)

    def inverse_diagonal(self) -> Array:
        """The diagonal of M⁻¹, shape (n,)."""
        root = inverse_lower(self.lower)
        return _array(np.einsum("ij,ij->j", root, root))

    def log_determinant(self) -> float:
        """log det M."""
        return 2.0 * float(np.log(np.diagonal(self.lower)).sum())


@dataclass(frozen=True)
class SpectralFactor:
    """The pseudo-inverse by eigenvectors (n, rank) and the eigenvalues (rank,) that were kept."""

    values: Array
    vectors: Array
    report: SolveReport

    def solve(self, right: Array) -> Array:
        """M⁺ right."""
        return _array((self.vectors / self.values) @ (self.vectors.T @ right))

    def whiten(self, right: Array) -> Array:
        """Λ^(-1/2) Vᵀ right, shape (rank, k)."""
        return _array((self.vectors / np.sqrt(self.values)).T @ right)


def factorise(
    matrix: Gram, ridge: float = 0.0, on_singular: OnSingular = "raise", name: str = "k_train"
) -> CholeskyFactor | SpectralFactor:
    """Factorise K + ridge·I (`ridge` in the kernel's units).

    Singular means that Cholesky's method fails, or that the estimated reciprocal condition number
    is below the noise of the matrix (`Gram.noise`): then `on_singular` decides. Raises
    `SingularKernelError` for "raise", where no jitter of the ladder helps, and where the matrix has
    an eigenvalue that is negative beyond roundoff (no kernel matrix has).
    """
    choice(on_singular, "on_singular", ON_SINGULAR)
    found = _attempt(matrix, ridge, 0.0)
    if isinstance(found, CholeskyFactor):
        return found
    if on_singular == "raise":
        raise singular(name, found)
    if on_singular == "pseudo-inverse":
        modes = pseudo_inverse_modes(matrix, ridge, name)
        return SpectralFactor(modes.shifted, modes.vectors, modes.report)
    for jitter in jitter_ladder(matrix):
        mended = _attempt(matrix, ridge, jitter)
        if isinstance(mended, CholeskyFactor):
            return mended
    raise singular(name, found, ", and no jitter up to 1e-4 of its mean diagonal mends it")


def factorise_definite(
    matrix: Gram, ridge: float = 0.0, on_singular: OnSingular = "raise", name: str = "k_train"
) -> CholeskyFactor:
    """As `factorise`, for results that need a true inverse: "pseudo-inverse" is no choice."""
    choice(on_singular, "on_singular", ON_SINGULAR[:2])
    factor = factorise(matrix, ridge, on_singular, name)
    assert isinstance(factor, CholeskyFactor)
    return factor


def _attempt(matrix: Gram, ridge: float, jitter: float) -> CholeskyFactor | float:
    """The factor, or the condition number for which it is refused."""
    n = matrix.size
    if n == 0:
        report = SolveReport("cholesky", ridge, jitter, 1.0, 0, 0.0)
        return CholeskyFactor(np.zeros((0, 0)), report)
    shifted = matrix.values.copy()
    shifted.flat[:: n + 1] += ridge + jitter
    norm = float(np.abs(shifted).sum(axis=0).max())
    try:
        lower = _array(cholesky(shifted, lower=True, overwrite_a=True, check_finite=False))
    except LinAlgError:
        return float("inf")
    reciprocal = float(dpocon(lower, norm, uplo="L")[0])
    if not reciprocal >= matrix.noise:
        return 1.0 / reciprocal if reciprocal > 0 else float("inf")
    dof = effective_dof(lower, ridge + jitter)
    return CholeskyFactor(lower, SolveReport("cholesky", ridge, jitter, 1.0 / reciprocal, n, dof))


def effective_dof(lower: Array, shift: float) -> float:
    """tr K(K + shift)⁻¹ = n − shift·tr(K + shift)⁻¹, from the Cholesky factor of K + shift."""
    if shift == 0:
        return float(len(lower))
    root = inverse_lower(lower)
    return max(0.0, len(lower) - shift * float(np.einsum("ij,ij->", root, root)))


def inverse_lower(lower: Array) -> Array:
    """L⁻¹ of a lower triangular matrix with a positive diagonal."""
    if len(lower) == 0:
        return lower
    return _array(dtrtri(lower, lower=1)[0])


def _array(value: object) -> Array:
    return np.asarray(value, np.float64)
