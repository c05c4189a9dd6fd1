"""Curves of a data set: loss against training time, and error against the number of rows.

Both are in the targets' units: mean squared errors over rows and outputs (for labels: of the
outputs that stand for classes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntkc import predict, theory
from ntkc.predict.arrays import gram

from .errors import DataError
from .fitting import Problem
from .inputs import Array
from .solve import choose_ridge, kernel_scale
from .targets import LabelCoding, NumberCoding, as_targets

Curve = dict[str, NDArray[Any]]
_TIMES = 60
_SIZES = 8


def dynamics(
    problem: Problem,
    x_test: object | None = None,
    y_test: object | None = None,
    *,
    learning_rate: float = 1.0,
    ridge: float = 0.0,
    times: ArrayLike | None = None,
) -> Curve:
    """Gradient flow on ½·mean squared loss: the mean squared errors at `times`.

    The problem's rows are trained on, from outputs at the targets' mean (for labels: at one for
    all classes). `x_test`, `y_test` are as `ntkc.fit` takes them. `ridge` is relative to the
    kernel's mean diagonal. Without `times`: 0, and 60 times from before the fastest mode moves
    until the slowest has settled. Columns: `time`, `train`, `test`, and for labels
    `train_error_rate`, `test_error_rate`. Raises `DataError` for test rows that do not fit, and as
    `predict.squared_loss_dynamics`.
    """
    x, y = problem.inputs, problem.encoded
    tested = None if x_test is None else problem.prepare(x_test)
    truth = None if tested is None else _encoded(problem, y_test, len(tested))
    k_train = problem.bound(x)
    found = predict.squared_loss_dynamics(
        k_train,
        y,
        None if tested is None else problem.bound(tested, x),
        learning_rate=learning_rate,
        ridge=ridge * kernel_scale(np.diagonal(k_train)),
    )
    at = _times(found.modes.shifted, learning_rate / y.size) if times is None else times
    path = found.flow(np.atleast_1d(np.asarray(at, np.float64)))
    sides = {"train": (path.train, y)}
    if path.test is not None and truth is not None:
        sides["test"] = (path.test, truth)
    curve = {"time": path.times}
    curve |= {name: _mse(problem, outputs, target) for name, (outputs, target) in sides.items()}
    if isinstance(problem.coding, LabelCoding):
        curve |= {f"{name}_error_rate": _wrong(*side) for name, side in sides.items()}
    return curve


def _encoded(problem: Problem, y: object, rows: int) -> Array:
    """Test targets as the training targets are coded; every label must be known."""
    found, coding = as_targets(y, rows, "y_test"), problem.coding
    if found.shape[1:] != problem.targets.shape[1:]:
        raise DataError(f"y_test has the shape {found.shape}, other outputs than y")
    if isinstance(coding, LabelCoding):
        if (found.dtype.kind == "U") != (coding.classes.dtype.kind == "U"):
            raise DataError("the test targets are of another type than the training targets")
        unknown = coding.unknown(found)
        if len(unknown):
            raise DataError(f"the label {unknown[0].item()!r} is in no training row")
    elif found.dtype.kind not in "iuf":
        raise DataError("the test targets are labels, and the training targets are numbers")
    return coding.encode(found)


def _times(values: Array, rate: float) -> Array:
    moving = values[values > 1e-8 * values.max(initial=0.0)]
    if not len(moving):
        return np.zeros(1)
    first, last = 0.1 / (rate * moving.max()), 10 / (rate * moving.min())
    return np.concatenate([[0.0], np.geomspace(first, last, _TIMES)])


@dataclass(frozen=True)
class LearningCurve:
    """Measured and forecast errors on rows left out, at `ridge` (relative) for every size.

    `columns`: `n`, `measured` (mean over repeats), `standard_error` (NaN for one repeat),
    `forecast`; for labels `error_rate` and `error_rate_standard_error`.
    """

    columns: Curve
    ridge: float


def learning_curve(
    problem: Problem,
    *,
    sizes: Sequence[int] | None = None,
    repeats: int = 10,
    ridge: float | str = "auto",
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> LearningCurve:
    """Train on random subsets of n rows, test on the others, `repeats` times; and the forecast.

    The forecast, `theory.pool_learning_curve`, is computed from the Gram matrix of all rows and
    draws nothing. `ridge` is relative to the kernel's mean diagonal; "auto" chooses it once, by the
    leave-one-out error of all rows. Raises `DataError` for impossible sizes or repeats,
    `SingularKernelError` at a ridge too small for the kernel, and `PredictError` where there is no
    forecast.
    """
    total = len(problem.inputs)
    chosen = _sizes(sizes, total)
    if repeats < 1:
        raise DataError(f"repeats must be at least 1, and is {repeats}")
    matrix, y = gram(problem.bound(problem.inputs), "k_train"), problem.encoded
    scale = kernel_scale(np.diagonal(matrix.values))
    relative = choose_ridge(matrix, y, scale)[0] if ridge == "auto" else float(ridge)
    rng = np.random.default_rng(seed)
    errors, wrong = np.empty((len(chosen), repeats)), np.empty((len(chosen), repeats))
    for i, n in enumerate(chosen):
        for j in range(repeats):
            order = rng.permutation(total)
            train, test = np.sort(order[:n]), np.sort(order[n:])
            k = matrix.values
            found = predict.regress(
                k[np.ix_(train, train)], y[train], k[np.ix_(test, train)], ridge=relative * scale
            )
            assert found.test is not None
            errors[i, j] = _mse(problem, found.test[None], y[test])[0]
            wrong[i, j] = _wrong(found.test[None], y[test])[0]
            if progress is not None:
                progress(i * repeats + j + 1, len(chosen) * repeats)
    columns = {
        "n": np.array(chosen),
        "measured": errors.mean(axis=1),
        "standard_error": _standard_error(errors),
        "forecast": theory.pool_learning_curve(
            matrix.values, y * _units(problem), chosen, ridge=relative * scale
        ).test_error,
    }
    if isinstance(problem.coding, LabelCoding):
        columns["error_rate"] = wrong.mean(axis=1)
        columns["error_rate_standard_error"] = _standard_error(wrong)
    return LearningCurve(columns, relative)


def _sizes(sizes: Sequence[int] | None, total: int) -> list[int]:
    if total < 3:
        raise DataError(f"a learning curve needs at least 3 rows, and there are {total}")
    if sizes is None:
        low, high = min(8, total // 3), max(1, int(0.8 * total))
        return sorted({int(n) for n in np.geomspace(max(low, 1), high, _SIZES)})
    for n in sizes:
        if not 1 <= n < total:
            raise DataError(f"sizes must be from 1 to {total - 1}, to leave rows to test on: {n}")
    return list(sizes)


def _units(problem: Problem) -> Array:
    """What one unit of each output is in the targets' units."""
    coding = problem.coding
    return coding.scale if isinstance(coding, NumberCoding) else np.ones(coding.outputs)


def _mse(problem: Problem, outputs: Array, y: Array) -> Array:
    """The mean squared error at each time; outputs (T, n, k), y (n, k)."""
    return np.asarray((((outputs - y) * _units(problem)) ** 2).mean(axis=(1, 2)))


def _wrong(outputs: Array, y: Array) -> Array:
    """The share of rows whose largest output is not their class."""
    return np.asarray((outputs.argmax(axis=2) != y.argmax(axis=1)).mean(axis=1))


def _standard_error(values: Array) -> Array:
    repeats = values.shape[1]
    if repeats < 2:
        return np.full(len(values), np.nan)
    return np.asarray(values.std(axis=1, ddof=1) / np.sqrt(repeats))
