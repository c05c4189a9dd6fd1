"""What a solve says about itself, and the ways of meeting a singular matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .arrays import Gram, non_negative
from .errors import SingularKernelError

OnSingular: TypeAlias = Literal["raise", "jitter", "pseudo-inverse"]
"""What to do with a kernel matrix that is singular to working precision:

- `"raise"`: `SingularKernelError`;
- `"jitter"`: add the smallest of a ladder of multiples of the identity that mends it, and report;
- `"pseudo-inverse"`: an eigendecomposition in which eigenvalues below the noise are left out.
"""
ON_SINGULAR: tuple[str, ...] = ("raise", "jitter", "pseudo-inverse")
INVERTIBLE: tuple[str, ...] = ("raise", "jitter")

RidgeScale: TypeAlias = Literal["absolute", "relative"]
"""Whether a ridge is in the kernel's units, or a multiple of the mean of the training diagonal."""

JITTER_LEAST = 1e-10
JITTER_STEP = 10.0
JITTER_MOST = 1e-4
"""The ladder of jitter begins at 1e-10 times the mean of the diagonal (or at 4 times the noise, if
that is more): the roundoff of a null mode, divided by it, stays near 1e-6. It goes by factors of 10
and ends at 1e-4: beyond, it would be a ridge in disguise."""


@dataclass(frozen=True)
class SolveReport:
    """How a kernel matrix was solved.

    `method`: "cholesky", "eigendecomposition" or "pseudo-inverse". `ridge` and `jitter`: what was
    added to the diagonal, in the kernel's units. `condition`: the condition number of the matrix
    that was inverted, with ridge and jitter (for "cholesky" LAPACK's estimate in the 1-norm,
    otherwise the ratio of the extreme eigenvalues kept). `rank`: the number of eigenvalues kept.
    `effective_dof`: tr K(K + ridge + jitter)⁻¹, between 0 and n.
    """

    method: Literal["cholesky", "eigendecomposition", "pseudo-inverse"]
    ridge: float
    jitter: float
    condition: float
    rank: int
    effective_dof: float


def absolute_ridge(ridge: float, scale: RidgeScale, matrix: Gram, name: str = "ridge") -> float:
    """A ridge in the kernel's units."""
    factor = matrix.mean_diagonal if scale == "relative" else 1.0
    return non_negative(ridge, name) * factor


def jitter_ladder(matrix: Gram) -> list[float]:
    """The jitters to try, smallest first, in the kernel's units."""
    scale = matrix.mean_diagonal
    relative = max(JITTER_LEAST, 4 * matrix.noise)
    steps = []
    while relative <= JITTER_MOST:
        steps.append(relative * scale)
        relative *= JITTER_STEP
    return [step for step in steps if step > 0]


def singular(name: str, condition: float, more: str = "") -> SingularKernelError:
    """The error for a matrix that is singular to working precision."""
    return SingularKernelError(
        f"{name} is singular to working precision (condition about {condition:.1e}){more}; "
        "use a ridge, remove duplicate rows, or choose on_singular='jitter' or 'pseudo-inverse' "
        "where it is offered",
        condition,
    )
