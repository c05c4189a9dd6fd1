"""Training dynamics on any loss, by an ODE solver.

    ḟ = −η Θ ∂L/∂f                               gradient flow
    f̈ = ((m − 1)/√η) ḟ − Θ ∂L/∂f, time √η·t      with heavy-ball momentum m

The unknowns are not the outputs but h = the displacement of the linearised network's parameters in
the span of the training gradients: with Θ = V Λ Vᵀ,

    f_train = f_0 + V Λ^(1/2) h,   f_test = f_0* + Θ* V Λ^(-1/2) h,   ḣ = −η Λ^(1/2) Vᵀ ∂L/∂f.

There are at most n·outputs of them however many test points there are, and Θ* V Λ^(-1/2) is bounded
(by the test points' own kernel), so the solver's tolerances carry over to both kinds of outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from .arrays import (
    Array,
    Targets,
    choice,
    cross,
    gram,
    momentum_factor,
    outputs_like,
    positive,
    targets,
)
from .dynamics import Trajectory
from .errors import InputError, IntegrationError
from .losses import Loss
from .modes import Modes, dynamics_modes
from .report import SolveReport
from .times import check_times

Method: TypeAlias = Literal["LSODA", "BDF", "Radau", "RK45", "RK23", "DOP853"]
METHODS: tuple[str, ...] = ("LSODA", "BDF", "Radau", "RK45", "RK23", "DOP853")


@dataclass(frozen=True)
class _Problem:
    """One flow in the coordinates h, shape (rank, outputs)."""

    loss: Loss
    calls: list[int]
    y: Targets
    f_train: Array
    basis: Array
    learning_rate: float
    momentum: float | None

    def outputs(self, h: Array) -> Array:
        return np.asarray(self.f_train + self.basis @ h)

    def force(self, state: Array) -> Array:
        h = state.reshape(self.basis.shape[1], self.y.outputs)
        gradient = self.loss.gradient(self.outputs(h), self.y.values)
        return np.asarray(-self.basis.T @ gradient).ravel()

    def derivative(self, time: float, state: Array) -> Array:
        self.calls[0] += 1
        if self.calls[0] > self.calls[1]:
            raise IntegrationError(
                f"the solver has used {self.calls[1]} evaluations (max_evaluations) and reached "
                f"the time {time:.6g} of its equation; a loss with a kink needs smoothing, a stiff "
                "equation a stiff method or a larger rtol and atol"
            )
        if self.momentum is None:
            return self.learning_rate * self.force(state)
        half = len(state) // 2
        friction = (1 - self.momentum) / np.sqrt(self.learning_rate)
        pull = self.force(state[:half]) - friction * state[half:]
        return np.concatenate([state[half:], pull])


def integrate(
    loss: Loss,
    k_train: ArrayLike,
    y_train: ArrayLike,
    times: ArrayLike,
    k_cross: ArrayLike | None = None,
    *,
    f_train: ArrayLike | None = None,
    f_test: ArrayLike | None = None,
    learning_rate: float = 1.0,
    momentum: float | None = None,
    method: Method = "LSODA",
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_evaluations: int = 200_000,
) -> Trajectory:
    """Outputs at finite `times` (a number or (T,), in any order) of training on `loss`.

    `k_train` (n, n) is the NTK, `y_train` (n,) or (n, outputs), `k_cross` (m, n), `f_train`,
    `f_test` the outputs at time 0 (default zero). `rtol` and `atol` bound the solver's local error
    in h. The default `method` changes by itself to an implicit one where the equation is stiff.

    Raises `InputError`, `InputTypeError`, `SingularKernelError` for a matrix that is not positive
    semi-definite, `IntegrationError` where the solver gives up, or needs more than
    `max_evaluations` gradients.
    """
    matrix = gram(k_train, "k_train")
    y = targets(y_train, "y_train", matrix.size)
    if matrix.size:
        loss.check(y.values)
    choice(method, "method", METHODS)
    if k_cross is None and f_test is not None:
        raise InputError("f_test is given without k_cross")
    modes = dynamics_modes(matrix, 0.0, "pseudo-inverse")
    problem = _Problem(
        loss,
        [0, _whole(max_evaluations)],
        y,
        outputs_like(f_train, "f_train", matrix.size, y),
        modes.vectors * np.sqrt(modes.values),
        positive(learning_rate, "learning_rate"),
        None if momentum is None else momentum_factor(momentum),
    )
    checked = check_times(times, infinite=False)
    tolerances = (positive(rtol, "rtol"), positive(atol, "atol"))
    displacements = _solve(problem, np.atleast_1d(checked), method, *tolerances)
    test = None
    if k_cross is not None:
        block = cross(k_cross, "k_cross", matrix.size)
        start = outputs_like(f_test, "f_test", len(block), y)
        test = start + block @ _test_basis(modes) @ displacements
    return _trajectory(problem, displacements, test, checked, modes.report)


def _trajectory(
    problem: _Problem,
    displacements: Array,
    test: Array | None,
    times: Array,
    report: SolveReport,
) -> Trajectory:
    """Outputs (T, rows, outputs) and losses in the shape of the times and targets."""
    y = problem.y
    train = problem.f_train + problem.basis @ displacements
    losses = np.array([problem.loss.value(f, y.values) if y.values.size else 0.0 for f in train])

    def shaped(values: Array) -> Array:
        return y.restore(values.reshape(times.shape + values.shape[1:]))

    return Trajectory(
        times,
        shaped(train),
        None if test is None else shaped(test),
        losses.reshape(times.shape),
        report,
    )


def _whole(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"max_evaluations must be a positive whole number, and is {value!r}")
    return int(value)


def _test_basis(modes: Modes) -> Array:
    return modes.vectors / np.sqrt(modes.values)


def _solve(problem: _Problem, times: Array, method: str, rtol: float, atol: float) -> Array:
    """h at each time, shape (T, rank, outputs)."""
    rank, outputs = problem.basis.shape[1], problem.y.outputs
    scale = 1.0 if problem.momentum is None else np.sqrt(problem.learning_rate)
    moments, place = np.unique(np.append(0.0, scale * times), return_inverse=True)
    found = np.zeros((len(moments), rank * outputs))
    if len(moments) > 1 and rank * outputs:
        states = rank * outputs * (1 if problem.momentum is None else 2)
        found = _run(problem.derivative, states, moments, method, rtol, atol)
    return found[place[1:], : rank * outputs].reshape(len(times), rank, outputs)


def _run(
    derivative: Callable[[float, Array], Array],
    states: int,
    moments: Array,
    method: str,
    rtol: float,
    atol: float,
) -> Array:
    result = solve_ivp(
        derivative,
        (0.0, moments[-1]),
        np.zeros(states),
        method=method,
        t_eval=moments,
        rtol=rtol,
        atol=atol,
    )
    if not result.success:
        raise IntegrationError(f"the solver {method} gave up: {result.message}")
    values = np.asarray(result.y.T, np.float64)
    if not np.isfinite(values).all():
        raise IntegrationError(f"the solver {method} left the range of floating-point numbers")
    return values
