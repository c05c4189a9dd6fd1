"""Kernel matrices and their derivatives along the logarithms of parameters, behind one function.

A kernel that differentiates itself is asked to; for any other, differences stand in: central ones
at steps h, h/2, h/4, … of log θ, extrapolated to h = 0 (Ridders, "Accurate computation of F'(x) and
F'(x) F''(x)", 1982), until two extrapolations agree or roundoff makes them worse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any, Literal, Protocol

import numpy as np

from ntkc.predict.arrays import Array
from ntkc.predict.errors import PredictError
from ntkc.runtime.errors import ArgumentError

FIRST_STEP = 1 / 8
STEPS = 6
ENOUGH = 1e-11
"""Where two extrapolations agree to this part of the largest entry, no more steps are taken."""
REFUSED = 1e-3
"""Where they do not even agree to this part, the kernel has no derivative to speak of."""


class GradientError(PredictError, ArithmeticError):
    """A kernel that has no derivative along a parameter, to the accuracy that is needed."""


class TunableKernel(Protocol):
    """What tuning needs of a kernel: a call with parameters as keywords, and their defaults."""

    @property
    def parameters(self) -> Mapping[str, float]:
        """The parameters and their defaults."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """kernel(x, get=…, **params): the Gram matrix of x (n, …)."""
        ...


@dataclass(frozen=True)
class Derivatives:
    """K (n, n) and ∂K/∂log θ (n, n) for each parameter asked for, in float64.

    `source` says who differentiated; `error` estimates the largest error of a derivative, as a part
    of the largest entry (0 for the compiler's, which are exact but for roundoff).
    """

    value: Array
    gradients: tuple[Array, ...]
    source: Literal["compiler", "differences"]
    error: float = 0.0


def kernel_and_log_gradients(
    kernel: TunableKernel,
    x: Any,
    params: Mapping[str, float],
    wrt: Sequence[str],
    get: str = "ntk",
) -> Derivatives:
    """The Gram matrix of `x` (n, …) at `params`, and its derivatives along log θ for θ in `wrt`.

    Raises what the kernel raises, and `GradientError` where differences do not settle.
    """
    differentiate = getattr(kernel, "value_and_gradient", None)
    if differentiate is None or not wrt:
        return _by_differences(kernel, x, params, wrt, get)
    try:
        value, found = differentiate(x, get=get, wrt=tuple(wrt), **params)
    except ArgumentError:
        # A kernel that was saved without derivatives; any other argument is refused again.
        return _by_differences(kernel, x, params, wrt, get)
    exact = tuple(params[name] * np.asarray(found[name], np.float64) for name in wrt)
    return Derivatives(np.asarray(value, np.float64), exact, "compiler")


def _by_differences(
    kernel: TunableKernel, x: Any, params: Mapping[str, float], wrt: Sequence[str], get: str
) -> Derivatives:
    value = np.asarray(kernel(x, get=get, **params), np.float64)
    gradients, error = [], 0.0
    for name in wrt:

        def shifted(step: float, name: str = name) -> Array:
            moved = {**params, name: params[name] * exp(step)}
            return np.asarray(kernel(x, get=get, **moved), np.float64)

        gradient, estimate = difference(shifted, value, name)
        gradients.append(gradient)
        error = max(error, estimate)
    return Derivatives(value, tuple(gradients), "differences", error)


def difference(shifted: Callable[[float], Array], value: Array, name: str) -> tuple[Array, float]:
    """The derivative of `shifted` at 0 and its estimated error, relative to the largest entry.

    `value` is shifted(0). A step at which the kernel refuses its parameter (outside of what a layer
    allows) is skipped. Raises `GradientError`, and the kernel's own error if it refuses every step.
    """
    refusal: ValueError | None = None
    row: list[Array] = []
    best, least = None, float("inf")
    for number in range(STEPS):
        step = FIRST_STEP / 2**number
        try:
            central = (shifted(step) - shifted(-step)) / (2 * step)
        except ValueError as error:
            refusal = error
            continue
        before, row = row, [central]
        for order, coarser in enumerate(before, start=1):
            row.append(row[-1] + (row[-1] - coarser) / (4**order - 1))
        if not before:
            continue
        error_now = max(_largest(row[-1] - row[-2]), _largest(row[-1] - before[-1]))
        if error_now < least:
            best, least = row[-1], error_now
        scale = max(_largest(value), _largest(row[-1]))
        if least <= ENOUGH * scale or error_now > 4 * least:
            break
    if best is None:
        raise refusal or GradientError(f"the kernel has no derivative along {name}")
    scale = max(_largest(value), _largest(best))
    relative = least / scale if scale > 0 else 0.0
    if not relative <= REFUSED:
        raise GradientError(
            f"the kernel's derivative along {name} cannot be found by differences: they "
            f"disagree by {relative:.1e} of its largest entry"
        )
    return best, relative


def _largest(array: Array) -> float:
    return float(np.abs(array).max()) if array.size else 0.0
