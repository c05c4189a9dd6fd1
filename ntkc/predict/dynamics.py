"""Training dynamics on ½·mean squared loss, in closed form at any time.

    L(f) = 1/(2N) Σ (f − y)²,   N = rows × outputs,   ḟ = −η Θ ∂L/∂f

A ridge r stands for the penalty r/(2N)·‖θ − θ_0‖² on the parameters, and goes to r/(r + Θ) of the
residual. One eigendecomposition Θ = V Λ Vᵀ serves all times, learning rates and momenta:

    f_train(t) = f_0 + Θ φ_t(Θ + r)(y − f_0),   f_test(t) = f_0* + Θ* φ_t(Θ + r)(y − f_0)

with φ_t as in `ntkc.predict.propagators`. Sources: Lee et al. 2019 (arXiv:1902.06720) for the
flow, Polyak 1964 for the heavy ball and its continuous form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from . import propagators
from .arrays import (
    Array,
    Gram,
    Targets,
    choice,
    cross,
    finite_result,
    gram,
    momentum_factor,
    outputs_like,
    positive,
    targets,
)
from .errors import DivergenceError, InputError
from .modes import Modes, dynamics_modes, require_limit
from .report import OnSingular, RidgeScale, SolveReport, absolute_ridge
from .times import check_steps, check_times


@dataclass(frozen=True)
class Trajectory:
    """Outputs along training.

    `times` as they were given (a number or (T,)); `train`, `test`: their shape followed by the
    targets' shape; `test` is None without a cross-kernel. `loss`: the loss on the training targets
    at `times`, without the ridge's penalty.
    """

    times: Array
    train: Array
    test: Array | None
    loss: Array
    report: SolveReport


@dataclass(frozen=True)
class SquaredLossDynamics:
    """The eigendecomposition and the arrays of one problem; `squared_loss_dynamics` makes it."""

    matrix: Gram
    y: Targets
    k_cross: Array | None
    f_train: Array
    f_test: Array | None
    learning_rate: float
    modes: Modes
    on_singular: OnSingular

    def flow(self, times: ArrayLike) -> Trajectory:
        """Gradient flow at `times` ≥ 0 (a number or (T,)), ∞ included: E = e^{−ηtΘ/N}.

        Raises `InputError` for impossible times, and at ∞ `SingularKernelError` for a singular
        matrix with `on_singular="raise"`.
        """
        rate = self.learning_rate / self.y.count
        return self._at(
            check_times(times), lambda values, t: propagators.flow(values, t, rate), "the flow"
        )

    def flow_with_momentum(self, times: ArrayLike, momentum: float) -> Trajectory:
        """The continuous heavy ball f̈ = ((m − 1)/√η) ḟ − Θ∂L/∂f, at rest at first.

        `times` are in units of the discrete algorithm's steps: the equation's own time is √η·t.
        """
        friction = (1 - momentum_factor(momentum)) / np.sqrt(self.learning_rate)
        scale, rate = np.sqrt(self.learning_rate), 1.0 / self.y.count
        return self._at(
            check_times(times),
            lambda values, t: propagators.damped_flow(values, scale * t, rate, friction),
            "the flow with momentum",
        )

    def descent(self, steps: ArrayLike) -> Trajectory:
        """Gradient descent after `steps` (whole numbers or ∞): E = (I − ηΘ/N)^steps.

        Raises `DivergenceError` where the outputs overflow, or at ∞ unless η < `max_learning_rate`.
        """
        return self.heavy_ball(steps, 0.0)

    def heavy_ball(self, steps: ArrayLike, momentum: float) -> Trajectory:
        """f_{k+1} = f_k − ηΘ∂L/∂f + m(f_k − f_{k−1}) after `steps`, f_{−1} = f_0.

        Raises as `descent` does.
        """
        m = momentum_factor(momentum)
        rate = self.learning_rate / self.y.count
        checked = check_steps(steps)
        if np.isinf(checked).any():
            self._require_stable(rate, m)

        def phi(values: Array, k: Array) -> Array:
            if m == 0:
                return propagators.descent(values, k, rate)
            return propagators.heavy_ball(values, k, rate, m)

        return self._at(checked, phi, "gradient descent")

    def _require_stable(self, rate: float, momentum: float) -> None:
        largest = float(self.modes.shifted[-1]) if len(self.modes.shifted) else 0.0
        if rate * largest >= 2 * (1 + momentum):
            most = 2 * (1 + momentum) * self.y.count / largest
            raise DivergenceError(
                f"gradient descent has no limit: learning_rate {self.learning_rate:.6g} is not "
                f"below {most:.6g}"
            )

    def _at(self, times: Array, phi: Callable[[Array, Array], Array], what: str) -> Trajectory:
        if np.isinf(times).any():
            require_limit(self.modes, self.on_singular)
        flat = np.atleast_1d(times)
        source = f"{what} (learning_rate {self.learning_rate:.6g})"
        weighted = self.modes.apply(
            lambda values: finite_result(phi(values, flat), source), self.y.values - self.f_train
        )
        train = finite_result(self.f_train + self.matrix.values @ weighted, source)
        with np.errstate(over="ignore"):
            squares = ((train - self.y.values) ** 2).sum(axis=(1, 2))
        loss = finite_result(squares / (2 * self.y.count), f"the loss of {source}")
        test = None
        if self.k_cross is not None and self.f_test is not None:
            test = finite_result(self.f_test + self.k_cross @ weighted, source)
            test = self._shaped(test, times)
        return Trajectory(
            times, self._shaped(train, times), test, loss.reshape(times.shape), self.modes.report
        )

    def _shaped(self, values: Array, times: Array) -> Array:
        return self.y.restore(values.reshape(times.shape + values.shape[1:]))


def squared_loss_dynamics(
    k_train: ArrayLike,
    y_train: ArrayLike,
    k_cross: ArrayLike | None = None,
    *,
    f_train: ArrayLike | None = None,
    f_test: ArrayLike | None = None,
    learning_rate: float = 1.0,
    ridge: float = 0.0,
    ridge_scale: RidgeScale = "absolute",
    on_singular: OnSingular = "raise",
) -> SquaredLossDynamics:
    """Decompose the training kernel once, for the dynamics of ½·mean squared loss.

    `k_train` (n, n) is the NTK, `y_train` (n,) or (n, outputs), `k_cross` (m, n), `f_train` and
    `f_test` the outputs at time 0 (default zero). At finite times a singular matrix is no trouble
    (its null modes do not move); in the limit `on_singular` decides.

    Raises `InputError`, `InputTypeError`, and `SingularKernelError` for a matrix that is not
    positive semi-definite.
    """
    matrix = gram(k_train, "k_train")
    y = targets(y_train, "y_train", matrix.size)
    choice(ridge_scale, "ridge_scale", ("absolute", "relative"))
    block = None if k_cross is None else cross(k_cross, "k_cross", matrix.size)
    if block is None and f_test is not None:
        raise InputError("f_test is given without k_cross")
    shift = absolute_ridge(ridge, ridge_scale, matrix)
    return SquaredLossDynamics(
        matrix,
        y,
        block,
        outputs_like(f_train, "f_train", matrix.size, y),
        None if block is None else outputs_like(f_test, "f_test", len(block), y),
        positive(learning_rate, "learning_rate"),
        dynamics_modes(matrix, shift, on_singular),
        on_singular,
    )


def max_learning_rate(
    k_train: ArrayLike, outputs: int = 1, *, momentum: float = 0.0, ridge: float = 0.0
) -> float:
    """The learning rate below which gradient descent on ½·mean squared loss converges.

    2(1 + m)N/(λ_max + ridge), N = n·`outputs`, λ_max the largest eigenvalue of `k_train` (n, n), m
    the heavy-ball momentum, `ridge` in the kernel's units. Infinite for a kernel that is zero.
    Raises `InputError` and `SingularKernelError` as the dynamics do.
    """
    matrix = gram(k_train, "k_train")
    m = momentum_factor(momentum)
    if isinstance(outputs, bool) or not isinstance(outputs, int | np.integer) or outputs < 1:
        raise InputError(f"outputs must be a positive whole number, and is {outputs!r}")
    shift = absolute_ridge(ridge, "absolute", matrix)
    modes = dynamics_modes(matrix, shift, "raise")
    largest = float(modes.shifted[-1]) if len(modes.shifted) else shift
    if largest == 0:
        return float("inf")
    return 2 * (1 + m) * max(1, matrix.size) * int(outputs) / largest
