"""What is minimised: a number and its gradient, over logarithms of the hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ntkc.predict import leave_one_out, log_marginal_likelihood
from ntkc.predict.arrays import Array
from ntkc.predict.report import SolveReport

from .derivatives import TunableKernel, kernel_and_log_gradients
from .hyperparameters import Hyperparameter

Objective: TypeAlias = Literal["likelihood", "leave-one-out"]
OBJECTIVES: tuple[Objective, ...] = ("likelihood", "leave-one-out")

_LEAST_ERROR = 1e-300
"""An error of exactly zero has no logarithm."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation: `value` is what users are told, `cost` and `slope` what the search sees."""

    value: float
    cost: float
    slope: Array
    report: SolveReport
    source: str


@dataclass(frozen=True)
class Problem:
    """Data, kernel and objective; `varied` are the program's parameters, then the ridge."""

    kernel: TunableKernel
    x: Any
    y: ArrayLike
    get: str
    objective: Objective
    fixed: Mapping[str, float]
    varied: tuple[Hyperparameter, ...]
    ridge: Hyperparameter | float

    @property
    def names(self) -> tuple[str, ...]:
        """The program's parameters that vary."""
        return tuple(each.name for each in self.varied)

    @property
    def all_varied(self) -> tuple[Hyperparameter, ...]:
        """The coordinates of the search."""
        own = (self.ridge,) if isinstance(self.ridge, Hyperparameter) else ()
        return (*self.varied, *own)

    def settings(self, point: Array) -> tuple[dict[str, float], float]:
        """Every parameter and the ridge at a point of the search."""
        values = [each.at(float(z)) for each, z in zip(self.all_varied, point, strict=True)]
        params = {**self.fixed, **dict(zip(self.names, values, strict=False))}
        return params, values[-1] if isinstance(self.ridge, Hyperparameter) else self.ridge

    def evaluate(self, point: Array) -> Evaluation:
        """The objective there. Raises what kernels and solves raise."""
        params, ridge = self.settings(point)
        found = kernel_and_log_gradients(self.kernel, self.x, params, self.names, self.get)
        evaluate = _likelihood if self.objective == "likelihood" else _left_out
        value, cost, slope, ridge_slope, report = evaluate(
            found.value, self.y, ridge, found.gradients
        )
        if isinstance(self.ridge, Hyperparameter):
            slope = np.append(slope, ridge * ridge_slope)
        return Evaluation(value, cost, slope, report, found.source)


_Parts: TypeAlias = tuple[float, float, Array, float, SolveReport]


def _likelihood(k: Array, y: ArrayLike, ridge: float, gradients: tuple[Array, ...]) -> _Parts:
    """The log likelihood; the cost is its negative for each target, so that tolerances fit."""
    found = log_marginal_likelihood(k, y, noise=ridge, k_gradients=gradients)
    assert found.gradient is not None
    per = -1.0 / max(1, np.size(y))
    slope = per * found.gradient
    return found.value, per * found.value, slope, per * found.noise_gradient, found.report


def _left_out(k: Array, y: ArrayLike, ridge: float, gradients: tuple[Array, ...]) -> _Parts:
    """The mean squared error; the cost is its logarithm, so that small errors can get smaller."""
    found = leave_one_out(k, y, ridge=ridge, k_gradients=gradients)
    assert found.gradient is not None
    assert found.ridge_gradient is not None
    error = max(found.mean_squared_error, _LEAST_ERROR)
    slope, ridge_slope = found.gradient / error, found.ridge_gradient / error
    return found.mean_squared_error, log(error), slope, ridge_slope, found.report
