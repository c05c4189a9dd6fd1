"""`tune`: descents from several starts, over the logarithms of hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from ntkc.predict.arrays import Array, choice, non_negative, targets
from ntkc.predict.errors import InputError, InputTypeError, PredictError
from ntkc.runtime.errors import KernelError

from .derivatives import TunableKernel
from .hyperparameters import Bounds, Hyperparameter, checked_bounds, hyperparameters, known
from .objectives import OBJECTIVES, Evaluation, Objective, Problem
from .report import Restart, Setting, TuneReport

RIDGE_RANGE = (1e-6, 10.0)
"""The ridge's bounds where none are given, as parts of the kernel's mean diagonal at the start."""
_RIDGE_START = 0.01
_PENALTY = 1e3
"""What an evaluation that fails costs beyond the worst that succeeded, in nats a target or in
logarithms of an error: more than any step gains."""

_COST_TOLERANCE = 1e-12
_SLOPE_TOLERANCE = 1e-6
"""A descent ends where neither changes more. Costs are of order one, and flat for small ridges."""

_TIE = 1e-8
"""Descents that end within this of the best found the same place; the first of them is reported."""


class TuneError(PredictError, ValueError):
    """The objective could not be evaluated at any start."""


def tune(
    kernel: TunableKernel,
    x: Any,
    y: ArrayLike,
    *,
    objective: Objective = "likelihood",
    get: Literal["ntk", "nngp"] | None = None,
    start: Mapping[str, float] | None = None,
    bounds: Mapping[str, Bounds] | Literal["fixed"] | None = None,
    ridge: float | tuple[float, float] | None = None,
    restarts: int = 4,
    seed: int = 0,
    max_iterations: int = 100,
    progress: Callable[[int, int], object] | None = None,
) -> TuneReport:
    """Choose the parameters of `kernel`, and the ridge, by the training data x (n, …), y (n, …).

    `objective="likelihood"` maximises the log marginal likelihood, "leave-one-out" minimises the
    mean squared error of leave-one-out predictions; `y` is (n,) or (n, outputs). `get` is the
    kernel they use, by default "nngp" and "ntk" in turn. `start` and `bounds` as in
    `ntkc.tuning.hyperparameters`: by default every positive `param` varies a decade either way.
    `ridge` (the noise's variance, in the kernel's units) is a number to keep, or a pair of bounds;
    by default it varies from 1e-6 to 10 times the mean of the kernel's diagonal.

    Descents (L-BFGS-B on logarithms) begin at the starting values and at `restarts` points drawn
    uniformly on the logarithmic scale with `seed`. `progress(done, total)` follows each.

    Raises `InputError`, `InputTypeError`, `BoundsError`, what the kernel raises for `x`, and
    `TuneError` if no start can be evaluated.
    """
    for name, count, least in (("restarts", restarts, 0), ("max_iterations", max_iterations, 1)):
        if isinstance(count, bool) or not isinstance(count, Integral):
            raise InputTypeError(f"{name} must be a whole number, and is {count!r}")
        if count < least:
            raise InputError(f"{name} must be at least {least}, and is {count}")
    problem = _problem(kernel, x, y, objective, get, start, bounds, ridge)
    varied = problem.all_varied
    first = np.array([log(each.start) for each in varied])
    low = np.array([log(each.low) for each in varied])
    high = np.array([log(each.high) for each in varied])
    rng = np.random.default_rng(seed)
    points = [first, *(rng.uniform(low, high) for _ in range(restarts if varied else 0))]
    descents = []
    for number, point in enumerate(points, start=1):
        descents.append(_Descent(problem).run(point, low, high, max_iterations))
        if progress is not None:
            progress(number, len(points))
    return _report(problem, descents)


class _Descent:
    """One run of the optimiser; remembers the best evaluation, whatever it was looking at last."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.best: Evaluation | None = None
        self.end: Array | None = None
        self.worst = 0.0
        self.evaluations = 0
        self.infeasible = 0
        self.failure = ""
        self.restart: Restart | None = None
        self.last: tuple[bytes, tuple[float, Array]] | None = None

    def run(self, point: Array, low: Array, high: Array, max_iterations: int) -> _Descent:
        start = self._setting(point)
        self.cost(point)
        begun = self.best
        iterations, converged, message = 0, begun is not None, self.failure
        if begun is not None and point.size:
            found = minimize(
                self.cost,
                point,
                jac=True,
                method="L-BFGS-B",
                bounds=list(zip(low, high, strict=True)),
                options={
                    "maxiter": max_iterations,
                    "ftol": _COST_TOLERANCE,
                    "gtol": _SLOPE_TOLERANCE,
                },
            )
            iterations, converged, message = int(found.nit), bool(found.success), found.message
        self.restart = Restart(
            start,
            start if self.end is None else self._setting(self.end),
            None if begun is None else begun.value,
            None if self.best is None else self.best.value,
            self.evaluations,
            self.infeasible,
            iterations,
            converged,
            message.lower(),
        )
        return self

    def cost(self, point: Array) -> tuple[float, Array]:
        """The cost and its gradient; a high plateau where it cannot be evaluated."""
        if self.last is None or self.last[0] != point.tobytes():
            self.last = point.tobytes(), self._evaluated(point)
        return self.last[1]

    def _evaluated(self, point: Array) -> tuple[float, Array]:
        self.evaluations += 1
        try:
            found = self.problem.evaluate(point)
        except (PredictError, KernelError) as error:
            self.infeasible += 1
            self.failure = str(error)
            return self.worst + _PENALTY, np.zeros(len(point))
        self.worst = found.cost if self.best is None else max(self.worst, found.cost)
        if self.best is None or found.cost < self.best.cost:
            self.best, self.end = found, point.copy()
        return found.cost, found.slope

    def _setting(self, point: Array) -> Setting:
        return Setting(*self.problem.settings(point))


def _problem(
    kernel: TunableKernel,
    x: Any,
    y: ArrayLike,
    objective: Objective,
    get: str | None,
    start: Mapping[str, float] | None,
    bounds: Mapping[str, Bounds] | Literal["fixed"] | None,
    ridge: float | tuple[float, float] | None,
) -> Problem:
    choice(objective, "objective", OBJECTIVES)
    kind = get or ("nngp" if objective == "likelihood" else "ntk")
    choice(kind, "get", ("ntk", "nngp"))
    varied = hyperparameters(kernel.parameters, start, bounds)
    params = {**kernel.parameters, **known(start or {}, kernel.parameters, "start")}
    params |= {each.name: each.start for each in varied}
    # Evaluated once at the start, so that what is wrong with x or y is said as it is.
    gram = np.asarray(kernel(x, get=kind, **params), np.float64)
    if not len(gram):
        raise InputError("x must have at least one row")
    targets(y, "y", len(gram))
    scale = float(np.mean(np.diagonal(gram))) or 1.0
    return Problem(kernel, x, y, kind, objective, params, varied, _ridge(ridge, scale))


def _ridge(ridge: float | tuple[float, float] | None, scale: float) -> Hyperparameter | float:
    """What is searched, or the number that is kept."""
    if ridge is not None and np.ndim(ridge) == 0:
        return non_negative(ridge, "ridge")
    if ridge is None:
        low, high = RIDGE_RANGE[0] * scale, RIDGE_RANGE[1] * scale
    else:
        low, high = checked_bounds("ridge", ridge)
    return Hyperparameter("ridge", float(np.clip(_RIDGE_START * scale, low, high)), low, high)


def _report(problem: Problem, descents: list[_Descent]) -> TuneReport:
    """The best of the descents. Raises `TuneError` where none has begun."""
    costs = np.array([np.inf if each.best is None else each.best.cost for each in descents])
    best = int(np.flatnonzero(costs <= costs.min() + _TIE)[0])
    winner = descents[best]
    if winner.best is None or winner.end is None:
        raise TuneError(f"the objective could not be evaluated at any start: {winner.failure}")
    params, ridge = problem.settings(winner.end)
    ends = zip(problem.all_varied, winner.end, strict=True)
    sides = [(each, each.at_bound(each.at(float(z)))) for each, z in ends]
    return TuneReport(
        params=params,
        ridge=ridge,
        objective=problem.objective,
        kernel=problem.get,
        value=winner.best.value,
        rows=len(np.asarray(problem.y)),
        evaluations=sum(each.evaluations for each in descents),
        active=tuple(f"{each.name} at its {side} bound" for each, side in sides if side),
        restarts=tuple(each.restart for each in descents if each.restart is not None),
        best=best,
        varied=problem.varied,
        ridge_range=problem.ridge if isinstance(problem.ridge, Hyperparameter) else None,
        gradients=winner.best.source,
        solve=winner.best.report,
    )
