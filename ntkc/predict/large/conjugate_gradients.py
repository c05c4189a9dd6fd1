"""Preconditioned conjugate gradients for several right-hand sides that share each product with K.

The columns are independent iterations; one that has converged leaves the product. The residual of
the recursion drifts from the true one by roundoff, so a solve ends only by the true residual:
where that is too large yet, the iteration starts again from it. Source: Saad, Iterative Methods
for Sparse Linear Systems, 2003, algorithm 9.1, and section 6.7.3 for Lanczos' tridiagonal matrix.

A state is a value: each iteration makes a new one, so an interrupt at any point leaves the last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh_tridiagonal

from ..arrays import Array
from .preconditioner import Preconditioner
from .report import Reason
from .tiles import Progress, Tiles

_GAIN = 0.5
"""A restart from the true residual is worth while if it at least halves it."""


@dataclass(frozen=True)
class State:
    """After some iterations on b (n, k): the solution, and what the next iteration needs.

    `solution`, `residual`, `direction` (n, k); `rz` (k,): residualᵀP⁻¹residual. `steps`, `ratios`
    (iterations, k): the coefficients α and β, NaN for columns at rest. `starts`: the iterations
    at which the recursion began anew. `history` (iterations + 1,). `checked`: the largest true
    relative residual at the last check, infinite before. `multiplications` by K.
    """

    solution: Array
    residual: Array
    direction: Array
    rz: Array
    steps: Array
    ratios: Array
    starts: Array
    history: Array
    checked: float
    multiplications: int

    @property
    def iterations(self) -> int:
        """How many iterations were done."""
        return len(self.steps)


@dataclass(frozen=True)
class System:
    """(K + ridge·I)x = b with b (n, k), its preconditioner, and when a residual is small."""

    tiles: Tiles
    ridge: float
    right: Array
    preconditioner: Preconditioner
    tolerance: float
    inner: Progress | None

    def apply(self, vectors: Array) -> Array:
        """(K + ridge) vectors."""
        product = self.tiles.multiply(np.ascontiguousarray(vectors), self.inner)
        return product + self.ridge * vectors

    def relative(self, residual: Array) -> Array:
        """‖residual‖/‖b‖ of each column; 0 where b = 0."""
        norms, scale = np.linalg.norm(residual, axis=0), np.linalg.norm(self.right, axis=0)
        return np.asarray(np.divide(norms, scale, out=np.zeros_like(norms), where=scale > 0))


def begin(system: System) -> State:
    """The state at x = 0."""
    n, k = system.right.shape
    none = np.zeros((0, k))
    blank = State(
        np.zeros((n, k)), system.right, system.right, np.zeros(k), none, none,
        np.zeros(0), np.zeros(0), float("inf"), 0,
    )  # fmt: skip
    started = _restart(system, blank, system.right)
    return replace(started, history=np.array([system.relative(system.right).max(initial=0.0)]))


def iterate(
    system: System,
    state: State,
    max_iterations: int,
    after: Callable[[State], object],
) -> tuple[State, Array, Reason]:
    """Iterate until the true residuals are small, or as long as it is of use.

    `after` is called with every new state. Returns the last one, its true residual (n, k), and why
    it is the last.
    """
    while True:
        state, stopped = _cycle(system, state, max_iterations, after)
        true = system.right - system.apply(state.solution)
        reached, before = float(system.relative(true).max(initial=0.0)), state.checked
        state = replace(state, checked=reached, multiplications=state.multiplications + 1)
        if reached <= system.tolerance:
            return state, true, "converged"
        if stopped is not None:
            return state, true, stopped
        if reached > _GAIN * before:
            return state, true, "stagnated"
        state = _restart(system, state, true)
        after(state)


def _cycle(
    system: System, state: State, max_iterations: int, after: Callable[[State], object]
) -> tuple[State, Reason | None]:
    """Iterate until the recursion's residuals are small; a reason where it stops before."""
    while True:
        active = np.flatnonzero(system.relative(state.residual) > system.tolerance)
        if not active.size:
            return state, None
        if state.iterations >= max_iterations:
            return state, "iterations"
        advanced = _advance(system, state, active)
        if advanced is None:
            return state, "indefinite"
        state = advanced
        after(state)


def _advance(system: System, state: State, active: NDArray[np.intp]) -> State | None:
    """One iteration of the active columns; None where the matrix shows itself indefinite."""
    direction = state.direction[:, active]
    image = system.apply(direction)
    curvature = np.einsum("ij,ij->j", direction, image)
    if not (curvature > 0).all():
        return None
    step = state.rz[active] / curvature
    solution, residual = state.solution.copy(), state.residual.copy()
    solution[:, active] += step * direction
    residual[:, active] -= step * image
    scaled = system.preconditioner.solve(residual[:, active])
    rz, whole = state.rz.copy(), state.direction.copy()
    rz[active] = np.einsum("ij,ij->j", residual[:, active], scaled)
    ratio = rz[active] / state.rz[active]
    whole[:, active] = scaled + ratio * direction
    worst = float(system.relative(residual).max(initial=0.0))
    return replace(
        state,
        solution=solution,
        residual=residual,
        direction=whole,
        rz=rz,
        steps=_append(state.steps, active, step),
        ratios=_append(state.ratios, active, ratio),
        history=np.append(state.history, worst),
        multiplications=state.multiplications + 1,
    )


def _restart(system: System, state: State, residual: Array) -> State:
    """Begin anew at the state's solution, from a residual computed directly."""
    direction = system.preconditioner.solve(residual)
    return replace(
        state,
        residual=residual,
        direction=direction,
        rz=np.einsum("ij,ij->j", residual, direction),
        starts=np.append(state.starts, float(state.iterations)),
    )


def _append(table: Array, active: NDArray[np.intp], values: Array) -> Array:
    row = np.full((1, table.shape[1]), np.nan)
    row[0, active] = values
    return np.concatenate([table, row])


def preconditioned_condition(state: State) -> float:
    """λ_max/λ_min of P⁻¹(K + ridge) as the iteration has seen it: an estimate from below.

    Of the longest run without a restart, from the column that took part in it longest.
    """
    bounds = [int(start) for start in state.starts] + [state.iterations]
    runs = [slice(a, b) for a, b in pairwise(bounds)]
    longest = max(runs, key=lambda run: run.stop - run.start, default=slice(0, 0))
    steps, ratios = state.steps[longest], state.ratios[longest]
    if not steps.size:
        return 1.0
    column = int(np.argmax(np.isfinite(steps).sum(axis=0)))
    used = np.isfinite(steps[:, column])
    alpha, beta = steps[used, column], ratios[used, column]
    diagonal = 1 / alpha
    diagonal[1:] += beta[:-1] / alpha[:-1]
    ritz = eigvalsh_tridiagonal(diagonal, np.sqrt(beta[:-1]) / alpha[:-1])
    return float(ritz[-1] / ritz[0]) if ritz[0] > 0 else float("inf")
