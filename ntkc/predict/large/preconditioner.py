"""Preconditioners for K + ridge·I from an approximation of low rank.

With the eigenpairs K ≈ U Λ Uᵀ of rank r,

    P⁻¹ = (λ_r + ridge) U (Λ + ridge)⁻¹ Uᵀ + (I − U Uᵀ)

maps the large eigenvalues to the smallest of those found, and leaves the others. Source: Frangella,
Tropp and Udell 2023 (arXiv:2110.02820), equation 5.3. Two ways lead to the approximation:

- partial Cholesky with pivots drawn in proportion to what remains of the diagonal (Chen, Epperly,
  Tropp and Webber, arXiv:2207.06503, in blocks): it evaluates r columns of K and nothing else;
- Nyström with Gaussian test vectors (Frangella et al., algorithm 2.1): one product with K.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.linalg import eigh, qr, svd

from ..arrays import Array
from .tiles import Progress, Tiles

Preconditioning: TypeAlias = Literal["cholesky", "nystrom", "none"]
PRECONDITIONERS: tuple[str, ...] = ("cholesky", "nystrom", "none")
_RANKS = (256, 1024)
"""The least and the largest rank by default; between them it is n/50. At n = 50 000 the vectors of
1000 take 400 MB, and making them takes about as long as an iteration does."""
_PIVOTS = 32
"""Pivots drawn at a time: columns are evaluated, or read from disk, together."""
_ROWS = 2048
"""Rows turned at a time."""
_NEGLIGIBLE = 1e-14
"""Relative to the largest: eigenvalues that a preconditioner does not need to know."""


@dataclass(frozen=True)
class Preconditioner:
    """Eigenvectors (n, r) with orthonormal columns, and eigenvalues (r,), descending, positive.

    `missed`: tr K − Σ values, which bounds the norm of what the approximation lacks.
    """

    vectors: Array
    values: Array
    ridge: float
    missed: float

    @property
    def rank(self) -> int:
        """r."""
        return len(self.values)

    @property
    def largest(self) -> float:
        """An upper bound of the largest eigenvalue of K."""
        return (float(self.values[0]) if self.rank else 0.0) + self.missed

    def solve(self, right: Array) -> Array:
        """P⁻¹ right, shape (n, k)."""
        if self.rank == 0:
            return right.copy()
        weights = (self.values[-1] + self.ridge) / (self.values + self.ridge) - 1.0
        return np.asarray(right + self.vectors @ (weights[:, None] * (self.vectors.T @ right)))


def usual_rank(size: int) -> int:
    """The rank by default, for a matrix of `size` rows."""
    least, most = _RANKS
    return min(max(size // 50, least), most)


def precondition(
    tiles: Tiles,
    kind: Preconditioning,
    rank: int,
    ridge: float,
    seed: int,
    progress: Progress | None = None,
) -> Preconditioner:
    """A preconditioner of K + ridge·I, the same for the same seed."""
    rng = np.random.default_rng(seed)
    diagonal = tiles.diagonal()
    trace = float(diagonal.sum())
    rank = min(rank, tiles.size)
    if kind == "none" or rank == 0 or trace <= 0:
        return Preconditioner(np.zeros((tiles.size, 0)), np.zeros(0), ridge, max(trace, 0.0))
    if kind == "cholesky":
        vectors, values = eigenpairs(partial_cholesky(tiles, diagonal, rank, rng))
    else:
        vectors, values = nystrom(tiles, rank, rng, progress)
    values = values[values > _NEGLIGIBLE * values.max(initial=0.0)]  # the first: they descend
    missed = max(trace - float(values.sum()), 0.0)
    return Preconditioner(vectors[:, : len(values)], values, ridge, missed)


def partial_cholesky(tiles: Tiles, diagonal: Array, rank: int, rng: np.random.Generator) -> Array:
    """F (n, r), r ≤ rank, with F Fᵀ ≤ K: fewer columns where K has no more to give."""
    left = np.maximum(diagonal, 0.0)
    enough = max(tiles.epsilon, 2.0**-52) * float(left.sum())
    factor = np.empty((tiles.size, rank), order="F")  # as LAPACK has it
    found = 0
    while found < rank and left.sum() > enough:
        count = min(_PIVOTS, rank - found, int((left > 0).sum()))
        pivots = np.sort(rng.choice(tiles.size, count, replace=False, p=left / left.sum()))
        rest = tiles.columns(pivots) - factor[:, :found] @ factor[pivots, :found].T
        values, vectors = eigh(rest[pivots])
        kept = values > 64 * max(tiles.epsilon, 2.0**-52) * max(values[-1], enough / tiles.size)
        if not kept.any():
            left[pivots] = 0.0
            continue
        new = rest @ (vectors[:, kept] / np.sqrt(values[kept]))
        factor[:, found : found + new.shape[1]] = new
        found += new.shape[1]
        left = np.maximum(left - (new**2).sum(axis=1), 0.0)
        left[pivots] = 0.0
    return factor[:, :found]


def eigenpairs(factor: Array) -> tuple[Array, Array]:
    """Eigenvectors and eigenvalues, descending, of F Fᵀ, without forming it.

    In the place of F where that is in Fortran's order: another (n, r) may not fit.
    """
    if factor.shape[1] == 0:
        return factor, np.zeros(0)
    vectors, small = qr(factor, overwrite_a=True, mode="economic", check_finite=False)
    left, singular, _ = svd(small, full_matrices=False, check_finite=False)
    for start in range(0, len(vectors), _ROWS):
        rows = slice(start, start + _ROWS)
        vectors[rows] = vectors[rows] @ left
    return vectors, np.asarray(singular) ** 2


def nystrom(
    tiles: Tiles, rank: int, rng: np.random.Generator, progress: Progress | None
) -> tuple[Array, Array]:
    """Eigenpairs of the randomised Nyström approximation, in one pass over the tiles."""
    test, _ = qr(rng.standard_normal((tiles.size, rank)), mode="economic", check_finite=False)
    test = np.ascontiguousarray(test)
    image = tiles.multiply(test, progress)
    shift = np.sqrt(tiles.size) * 2.0**-52 * float(np.linalg.norm(image))
    image += shift * test
    core = test.T @ image
    del test  # another (n, r)
    values, vectors = eigh((core + core.T) / 2, check_finite=False)
    kept = values > max(shift, tiles.epsilon * float(values[-1]))  # below: roundoff of K itself
    factor = np.asfortranarray(image @ (vectors[:, kept] / np.sqrt(values[kept])))
    found, squares = eigenpairs(factor)
    return found, np.maximum(squares - shift, 0.0)
