"""What an iterative solve says about itself, and the error for one that does not converge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..arrays import Array
from ..errors import PredictError

Reason: TypeAlias = Literal["converged", "iterations", "stagnated", "indefinite"]
"""Why an iteration ended: the tolerance is met; `max_iterations` are done; roundoff lets the true
residual fall no further; or the matrix has a direction with pᵀ(K + ridge)p ≤ 0."""

OnFailure: TypeAlias = Literal["raise", "report"]


@dataclass(frozen=True)
class IterativeReport:
    """How a system (K + ridge·I)x = b was solved by conjugate gradients.

    `reason`: why it ended. `residuals` (outputs,): ‖b − (K + ridge)x‖/‖b‖ of the result, computed
    from the matrix and not from the recursion (0 where b = 0). `tolerance`: what was asked for.
    `iterations`, and `multiplications` by K, which also count restarts, checks and a Nyström
    preconditioner. `rank`: of the preconditioner. `condition`: an upper bound of the condition
    number of K + ridge, infinite at ridge 0. `preconditioned_condition`: that of the system which
    was iterated on, estimated by Lanczos' method, from below. `history` (iterations + 1,): the
    largest relative residual among the outputs after each iteration, as the recursion has it.
    """

    reason: Reason
    ridge: float
    tolerance: float
    iterations: int
    multiplications: int
    residuals: Array
    preconditioner: str
    rank: int
    condition: float
    preconditioned_condition: float
    history: Array

    @property
    def converged(self) -> bool:
        """Whether every output's residual meets the tolerance."""
        return self.reason == "converged"


class ConvergenceError(PredictError, RuntimeError):
    """Conjugate gradients that ended before the tolerance was met.

    `report` tells how far they came; `solution` is x, of the targets' shape.
    """

    def __init__(self, message: str, report: IterativeReport, solution: Array) -> None:
        super().__init__(message)
        self.report = report
        self.solution = solution


def failure(report: IterativeReport) -> str:
    """What a person needs to know about a solve that did not converge."""
    reached = float(report.residuals.max(initial=0.0))
    told = {
        "iterations": f"max_iterations = {report.iterations} is not enough: use a larger number, a "
        "larger rank of the preconditioner or a larger ridge, or go on from a checkpoint",
        "stagnated": "roundoff lets the residual fall no further: use a larger ridge, a larger "
        "tolerance, or the matrix in float64",
        "indefinite": "the matrix is not positive definite to working precision: use a larger "
        "ridge, or the matrix in float64",
        "converged": "",
    }[report.reason]
    return (
        f"conjugate gradients ended after {report.iterations} iterations with the relative "
        f"residual {reached:.1e}, and not {report.tolerance:.1e}; {told}"
    )
