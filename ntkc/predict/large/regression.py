"""Kernel regression by conjugate gradients, on a matrix that is given by tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, Targets, choice, cross, finite_result, non_negative, number, targets
from ..errors import InputError
from ..report import RidgeScale
from . import checkpoint as checkpoints
from .conjugate_gradients import State, System, begin, iterate, preconditioned_condition
from .preconditioner import (
    PRECONDITIONERS,
    Preconditioner,
    Preconditioning,
    precondition,
    usual_rank,
)
from .report import ConvergenceError, IterativeReport, OnFailure, Reason, failure
from .stored import probe
from .tiles import ArrayTiles, Progress, Tiles

TOLERANCE = 1e-8

OnIteration: TypeAlias = Callable[[int, float], object]
"""Called after each iteration with its number and the largest relative residual."""


@dataclass(frozen=True)
class IterativeRegression:
    """Kernel ridge regression by conjugate gradients.

    `train` and `dual` = (K + ridge)⁻¹y have the targets' shape; `train` is K·dual for the dual that
    was found, whatever its residual.
    """

    train: Array
    dual: Array
    report: IterativeReport

    def predict(self, k_cross: ArrayLike) -> Array:
        """k_cross · dual for test points (m, n), in one piece; `stream_predictions` takes tiles."""
        return np.asarray(cross(k_cross, "k_cross", len(self.dual)) @ self.dual)


def regress_iteratively(
    tiles: Tiles | ArrayLike,
    y_train: ArrayLike,
    *,
    ridge: float,
    ridge_scale: RidgeScale = "absolute",
    tolerance: float = TOLERANCE,
    max_iterations: int = 1000,
    preconditioner: Preconditioning = "cholesky",
    rank: int | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 10,
    on_iteration: OnIteration | None = None,
    progress: Progress | None = None,
    on_failure: OnFailure = "raise",
) -> IterativeRegression:
    """Solve (K + ridge·I) dual = y to a relative residual of `tolerance` for every output.

    `tiles` is a `Tiles` or an array (n, n), also memory-mapped; `y_train` (n,) or (n, outputs).
    `preconditioner` "cholesky" or "nystrom" has the `rank` given, by default n/50 and from 256 to
    1024; `seed` is that of its random choices. The state is saved to the file `checkpoint` every
    `checkpoint_every` iterations and when an exception (an interrupt, too) ends the call; a call
    that finds the file goes on from it. The file stays. `progress(done, total)` is called within
    each product with K, `on_iteration` after each iteration; what they raise ends the call.

    Raises `InputError` and `InputTypeError` for wrong arguments, for NaN in the matrix and for a
    checkpoint of another problem, and `ConvergenceError` where the tolerance is not met, unless
    `on_failure` is "report".
    """
    matrix = tiles if isinstance(tiles, Tiles) else ArrayTiles(tiles)
    y = targets(y_train, "y_train", matrix.size)
    choice(preconditioner, "preconditioner", PRECONDITIONERS)
    choice(on_failure, "on_failure", ("raise", "report"))
    most = _whole(max_iterations, "max_iterations", 0)
    size = usual_rank(matrix.size) if rank is None else _whole(rank, "rank", 0)
    every = _whole(checkpoint_every, "checkpoint_every", 1)
    allowed = number(tolerance, "tolerance", lambda v: 0 < v < 1, "between 0 and 1")
    problem = _problem(matrix, y, ridge, ridge_scale)
    path = None if checkpoint is None else Path(checkpoint)

    def build() -> Preconditioner:
        return precondition(matrix, preconditioner, size, problem.ridge, seed, progress)

    preconditioned, found = _start(path, problem, build)
    system = System(matrix, problem.ridge, y.values, preconditioned, allowed, progress)
    first = begin(system) if found is None else found
    keeper = _Keeper(path, every, problem, preconditioned, on_iteration, first)
    with keeper.keeping():
        keeper.last, residual, reason = iterate(system, first, most, keeper)
    report = _report(system, keeper.last, residual, reason, preconditioner)
    dual = finite_result(keeper.last.solution, "conjugate gradients")
    if not report.converged and on_failure == "raise":
        raise ConvergenceError(failure(report), report, y.restore(dual))
    train = y.values - residual - problem.ridge * dual
    return IterativeRegression(y.restore(train), y.restore(dual), report)


class _Keeper:
    """Receives every state, saves some of them, and the last one if the solve is cut short."""

    def __init__(
        self,
        path: Path | None,
        every: int,
        problem: checkpoints.Problem,
        preconditioner: Preconditioner,
        on_iteration: OnIteration | None,
        first: State,
    ) -> None:
        self._path, self._every, self._problem = path, every, problem
        self._preconditioner, self._on_iteration = preconditioner, on_iteration
        self.last = first
        self._saved: State | None = None

    def __call__(self, state: State) -> None:
        self.last = state
        if state.iterations % self._every == 0:
            self.save()
        if self._on_iteration is not None:
            self._on_iteration(state.iterations, float(state.history[-1]))

    def save(self) -> None:
        """Save the last state, unless it is saved already."""
        if self._path is None or self.last is self._saved:
            return
        checkpoints.save(self._path, self._problem, self._preconditioner, self.last)
        self._saved = self.last

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Save the last state at the end, however it comes."""
        try:
            yield
        finally:
            self.save()


def _start(
    path: Path | None, problem: checkpoints.Problem, build: Callable[[], Preconditioner]
) -> tuple[Preconditioner, State | None]:
    """What a checkpoint holds, or a new preconditioner."""
    if path is not None and path.exists():
        return checkpoints.load(path, problem)
    return build(), None


def _problem(tiles: Tiles, y: Targets, ridge: float, scale: RidgeScale) -> checkpoints.Problem:
    """The system to solve, with its ridge in the kernel's units."""
    choice(scale, "ridge_scale", ("absolute", "relative"))
    shift = non_negative(ridge, "ridge")
    found = probe(tiles)
    if not np.isfinite(found).all():
        row = int(np.argwhere(~np.isfinite(found))[0, 0])
        raise InputError(f"the kernel matrix is not finite in row {row}")
    if scale == "relative" and tiles.size:
        shift *= float(found[:, 0].mean())
    return checkpoints.Problem(y.values, shift, found, tiles.epsilon)


def _report(
    system: System, last: State, residual: Array, reason: Reason, kind: Preconditioning
) -> IterativeReport:
    ridge, found = system.ridge, system.preconditioner
    return IterativeReport(
        reason=reason,
        ridge=ridge,
        tolerance=system.tolerance,
        iterations=last.iterations,
        multiplications=last.multiplications + (kind == "nystrom" and found.rank > 0),
        residuals=system.relative(residual),
        preconditioner=kind,
        rank=found.rank,
        condition=(found.largest + ridge) / ridge if ridge > 0 else float("inf"),
        preconditioned_condition=preconditioned_condition(last),
        history=last.history,
    )


def _whole(value: object, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} must be a whole number, at least {least}, and is {value!r}")
    return int(value)
