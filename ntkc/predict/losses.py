"""Losses with their gradients, for dynamics without a closed form.

A loss maps outputs f and targets y, both (n, outputs), to one number. Each is a *mean*: over rows
for `CrossEntropy`, over rows × outputs for the others. `gradient` is ∂L/∂f, shape (n, outputs).
Empty data have the loss 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import log_softmax, softmax

from .arrays import Array, non_negative, positive
from .errors import InputError

_SUM = 1e-6
"""How far a row of probabilities may sum from 1: room for labels rounded to float32."""


class Loss(Protocol):
    """What `integrate` needs of a loss."""

    def check(self, y: Array) -> None:
        """Raise `InputError` for targets (n, outputs) that the loss has no meaning for."""
        ...

    def value(self, f: Array, y: Array) -> float:
        """The loss of outputs f."""
        ...

    def gradient(self, f: Array, y: Array) -> Array:
        """∂L/∂f, shape (n, outputs)."""
        ...


@dataclass(frozen=True)
class SquaredError:
    """½ mean (f − y)² over rows and outputs."""

    def check(self, y: Array) -> None:
        """Any targets will do."""

    def value(self, f: Array, y: Array) -> float:
        """½ mean (f − y)²."""
        return float(((f - y) ** 2).sum()) / (2 * max(1, y.size))

    def gradient(self, f: Array, y: Array) -> Array:
        """(f − y)/N."""
        return (f - y) / max(1, y.size)


@dataclass(frozen=True)
class CrossEntropy:
    """Mean over rows of −Σ_j y_j log softmax(f)_j; each row of y is a distribution, or one-hot."""

    def check(self, y: Array) -> None:
        """Raise `InputError` unless rows are non-negative and sum to 1."""
        if y.shape[1] < 2:
            raise InputError("y_train must have one column a class for the cross-entropy")
        if (y < 0).any() or (np.abs(y.sum(axis=1) - 1) > _SUM).any():
            raise InputError("y_train must hold one distribution a row for the cross-entropy")

    def value(self, f: Array, y: Array) -> float:
        """−Σ y log softmax(f) / n."""
        return -float((y * log_softmax(f, axis=1)).sum()) / max(1, len(y))

    def gradient(self, f: Array, y: Array) -> Array:
        """(softmax(f) Σ_j y_j − y)/n."""
        total = y.sum(axis=1, keepdims=True)
        return np.asarray((softmax(f, axis=1) * total - y) / max(1, len(y)))


@dataclass(frozen=True)
class Hinge:
    """mean max(0, 1 − y f) over rows and outputs, targets ±1. At the kink the subgradient is 0.

    Outputs come to rest *on* the kink, where an ODE solver's steps shrink without end. For long
    times give `smoothing` = ε > 0: with z = 1 − y f, z²/(2ε) for 0 < z < ε and z − ε/2 beyond.
    """

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        non_negative(self.smoothing, "smoothing")

    def check(self, y: Array) -> None:
        """Raise `InputError` unless every target is −1 or 1."""
        if (np.abs(y) != 1).any():
            raise InputError("y_train must hold -1 and 1 only for the hinge loss")

    def value(self, f: Array, y: Array) -> float:
        """Mean of max(0, 1 − y f), smoothed."""
        gap = np.maximum(0.0, 1 - y * f)
        near = np.minimum(gap, self.smoothing)
        bend = near**2 / (2 * self.smoothing) - near / 2 if self.smoothing else 0.0 * near
        return float((gap - near / 2 + bend).sum()) / max(1, y.size)

    def gradient(self, f: Array, y: Array) -> Array:
        """−y/N where y f < 1, else 0; between them a ramp of the width `smoothing`."""
        gap = 1 - y * f
        share = np.clip(gap / self.smoothing, 0.0, 1.0) if self.smoothing else 1.0 * (gap > 0)
        return np.asarray(-y * share / max(1, y.size))


@dataclass(frozen=True)
class Huber:
    """Mean of e²/2 for |e| ≤ δ, δ(|e| − δ/2) beyond, e = f − y; `delta` in the targets' units."""

    delta: float = 1.0

    def __post_init__(self) -> None:
        positive(self.delta, "delta")

    def check(self, y: Array) -> None:
        """Any targets will do."""

    def value(self, f: Array, y: Array) -> float:
        """The mean of Huber's function."""
        size = np.abs(f - y)
        near = np.minimum(size, self.delta)
        return float((near * (size - near / 2)).sum()) / max(1, y.size)

    def gradient(self, f: Array, y: Array) -> Array:
        """clip(f − y, −δ, δ)/N."""
        return np.clip(f - y, -self.delta, self.delta) / max(1, y.size)


@dataclass(frozen=True)
class CustomLoss:
    """A user's loss: `value_of(f, y)` → number and `gradient_of(f, y)` → (n, outputs)."""

    value_of: Callable[[Array, Array], float]
    gradient_of: Callable[[Array, Array], Array]

    def check(self, y: Array) -> None:
        """Any targets will do."""

    def value(self, f: Array, y: Array) -> float:
        """What `value_of` says; `InputError` if it is not a finite number."""
        value = float(self.value_of(f, y))
        if not np.isfinite(value):
            raise InputError(f"value_of returned {value}")
        return value

    def gradient(self, f: Array, y: Array) -> Array:
        """What `gradient_of` says; `InputError` for another shape, NaN or infinity."""
        gradient = np.asarray(self.gradient_of(f, y), np.float64)
        if gradient.shape != f.shape:
            raise InputError(f"gradient_of returned the shape {gradient.shape}, not {f.shape}")
        if not np.isfinite(gradient).all():
            raise InputError("gradient_of returned NaN or infinity")
        return gradient
