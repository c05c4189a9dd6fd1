"""Kernels whose derivatives are known by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np


class Squared:
    """scale^2 exp(-|x - z|^2 / (2 length^2)), as a compiled kernel is called."""

    def __init__(self, **parameters: float) -> None:
        self.parameters: Mapping[str, float] = {"scale": 1.0, "length": 1.0, **parameters}
        self.calls = 0

    def __call__(
        self, x1: Any, get: str = "ntk", *, scale: float, length: float, **rest: Any
    ) -> Any:
        self.calls += 1
        distance = ((x1[:, None] - x1[None]) ** 2).sum(-1)
        return scale**2 * np.exp(-distance / (2 * length**2))

    def log_gradients(self, x: Any, scale: float, length: float) -> tuple[Any, Any]:
        distance = ((x[:, None] - x[None]) ** 2).sum(-1)
        k = self(x, scale=scale, length=length)
        return 2 * k, k * distance / length**2


class Differentiated(Squared):
    """The same, with derivatives of its own."""

    def value_and_gradient(self, x1: Any, *, get: str, wrt: tuple[str, ...], **params: Any) -> Any:
        made = self.log_gradients(x1, **params)
        slopes = dict(zip(("scale", "length"), made, strict=True))
        return self(x1, **params), {name: slopes[name] / params[name] for name in wrt}
