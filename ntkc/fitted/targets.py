"""Targets as the numbers that a kernel regression is fitted to, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import DataError
from .inputs import Array, mean_and_scale, require_finite, require_unmasked

Task: TypeAlias = Literal["regression", "classification"]
TASKS: tuple[str, ...] = ("regression", "classification")
FEW = 20
"""So few different whole numbers may have been meant as labels."""


@dataclass(frozen=True)
class NumberCoding:
    """Regression: (y − mean)/scale of each output; `flat` where targets came as (n,)."""

    mean: Array
    scale: Array
    flat: bool
    names: tuple[str, ...]
    task: Task = "regression"

    @property
    def outputs(self) -> int:
        """How many outputs a kernel regression has."""
        return len(self.mean)

    def encode(self, y: NDArray[Any]) -> Array:
        """Targets (n,) or (n, outputs) as (n, outputs)."""
        return (y.reshape(len(y), -1) - self.mean) / self.scale

    def decode(self, values: Array) -> NDArray[Any]:
        """Outputs (n, outputs) in the targets' units and shape."""
        result = values * self.scale + self.mean
        return result[:, 0] if self.flat else result

    def spread(self, std: Array) -> Array:
        """A standard deviation (n,) of every output, in the targets' units and shape."""
        result = std[:, None] * self.scale
        return result[:, 0] if self.flat else result

    def score(self, y: NDArray[Any], predicted: NDArray[Any]) -> tuple[str, float]:
        """The root mean squared error, in the targets' units."""
        errors = np.asarray(y, np.float64) - predicted
        return "root mean squared error", float(np.sqrt(np.mean(errors**2)))


@dataclass(frozen=True)
class LabelCoding:
    """Classification: one output a class, 1 − 1/classes for a row's own and −1/classes else."""

    classes: NDArray[Any]
    names: tuple[str, ...]
    task: Task = "classification"
    flat: bool = True

    @property
    def outputs(self) -> int:
        """How many outputs a kernel regression has."""
        return len(self.classes)

    def encode(self, y: NDArray[Any]) -> Array:
        """Labels (n,) as (n, classes). Every label must be known."""
        codes = np.searchsorted(self.classes, y)
        return np.eye(len(self.classes))[codes] - 1.0 / len(self.classes)

    def decode(self, values: Array) -> NDArray[Any]:
        """The label of the largest of the outputs (n, classes)."""
        return np.asarray(self.classes[np.argmax(values, axis=1)])

    def spread(self, std: Array) -> Array:
        """The standard deviation (n,) that every class's output has."""
        return std

    def unknown(self, y: NDArray[Any]) -> NDArray[Any]:
        """The labels among `y` that are no class of this model."""
        return np.setdiff1d(np.unique(y), self.classes)

    def score(self, y: NDArray[Any], predicted: NDArray[Any]) -> tuple[str, float]:
        """The share of rows whose label is predicted; an unknown label never is."""
        return "accuracy", float(np.mean(np.asarray(y) == predicted))


Coding: TypeAlias = NumberCoding | LabelCoding


def choose_task(y: NDArray[Any], asked: str) -> Task:
    """The task asked for, or that which the type of the targets suggests."""
    if asked not in (*TASKS, "auto"):
        raise DataError(f"task must be 'auto', 'regression' or 'classification', and is {asked!r}")
    if asked != "auto":
        return "regression" if asked == "regression" else "classification"
    return "classification" if y.dtype.kind in "bUS" else "regression"


def as_targets(y: object, rows: int, name: str = "y") -> NDArray[Any]:
    """Targets (n,) or (n, outputs) as an array of numbers, booleans or texts."""
    require_unmasked(y, name)
    array = np.asarray(y)
    if array.dtype == object:
        array = _typed(array, name)
    if array.dtype.kind not in "biufUS":
        raise DataError(f"{name} must hold numbers or labels, and has the type {array.dtype}")
    if array.ndim not in (1, 2) or len(array) != rows:
        raise DataError(
            f"{name} must have one entry for each of the {rows} rows, and has the shape "
            f"{array.shape}"
        )
    return array


def make_coding(y: NDArray[Any], task: Task, names: Sequence[str] | None = None) -> Coding:
    """The coding that suits the targets of a training set."""
    found = tuple(names) if names is not None else ()
    if task == "regression":
        if y.dtype.kind not in "iuf":
            raise DataError("the target holds labels, and regression needs numbers")
        values = y.astype(np.float64)
        require_finite(values, _called(found))
        mean, scale = mean_and_scale(values.reshape(len(values), -1))
        return NumberCoding(mean, scale, y.ndim == 1, found)
    if y.ndim != 1:
        raise DataError(f"labels must have one entry a row, and have the shape {y.shape}")
    if y.dtype.kind == "f":
        require_finite(y, _called(found))
        if (y != np.round(y)).any():
            raise DataError(
                f"{_called(found)} holds fractions such as {y[y != np.round(y)][0]}: "
                "these are no labels"
            )
    return LabelCoding(np.unique(y), found)


def remarks(y: NDArray[Any], coding: Coding, asked: str) -> list[str]:
    """What is unusual about the targets, for a person to know."""
    name = _called(coding.names)
    if isinstance(coding, LabelCoding):
        if len(coding.classes) == 1:
            return [f"{name} has one class only, {coding.classes[0]!s}: it is always predicted"]
        return []
    columns = y.reshape(len(y), -1)
    found = []
    if len(y) > 1 and (columns == columns[0]).all(axis=0).any():
        found.append(f"{name} is constant: it is always predicted")
    elif asked == "auto" and y.dtype.kind in "iu" and len(np.unique(y)) <= FEW < len(y):
        found.append(
            f"{name} holds {len(np.unique(y))} different whole numbers, taken as quantities; "
            "task 'classification' takes them as labels"
        )
    return found


def _typed(array: NDArray[Any], name: str) -> NDArray[Any]:
    """An array of Python objects as what they all are."""
    if all(isinstance(value, str) for value in array.flat):
        return array.astype(np.str_)
    if any(isinstance(value, str) for value in array.flat):
        raise DataError(f"{name} mixes texts and other things")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must hold numbers or labels") from None


def _called(names: tuple[str, ...]) -> str:
    return f"target {', '.join(map(repr, names))}" if names else "y"
