"""Which of a program's parameters vary, from where, and between which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isfinite, log, sqrt
from typing import Literal, TypeAlias

from ntkc.predict.errors import PredictError

Bounds: TypeAlias = tuple[float, float] | Literal["fixed"]

DECADE = 10.0
"""Without bounds of its own a parameter varies a decade either side of the program's value."""


class BoundsError(PredictError, ValueError):
    """Bounds or a start that cannot be used; the message names the parameter."""


@dataclass(frozen=True)
class Hyperparameter:
    """A positive parameter that varies on a logarithmic scale, low <= start <= high."""

    name: str
    start: float
    low: float
    high: float

    def at(self, logarithm: float) -> float:
        """The value there, within the bounds; the start and the bounds exactly."""
        for exact in (self.start, self.low, self.high):
            if logarithm == log(exact):
                return exact
        return min(max(exp(logarithm), self.low), self.high)

    def at_bound(self, value: float) -> Literal["lower", "upper"] | None:
        """Which bound a value lies on, to a millionth."""
        if value <= self.low * (1 + 1e-6):
            return "lower"
        return "upper" if value >= self.high * (1 - 1e-6) else None


def hyperparameters(
    defaults: Mapping[str, float],
    start: Mapping[str, float] | None = None,
    bounds: Mapping[str, Bounds] | Literal["fixed"] | None = None,
) -> tuple[Hyperparameter, ...]:
    """What varies, in the order of `defaults`, the parameters and values of a program.

    `start` overrides values, `bounds` gives (low, high) by name, or "fixed", or fixes all. Without
    bounds, a parameter that the program gives a positive value varies between a tenth of that and
    ten times that (further where the start lies outside); zero and negative values have no
    logarithm and stay fixed. A parameter with bounds whose value is not positive starts in their
    geometric middle.

    Raises `BoundsError` for unknown names, empty or non-positive bounds, and a start outside.
    """
    given: Mapping[str, Bounds] = (
        dict.fromkeys(defaults, "fixed") if bounds == "fixed" else (bounds or {})
    )
    values = {**defaults, **known(start or {}, defaults, "start")}
    known(given, defaults, "bounds")
    found = (_one(name, defaults[name], values[name], given.get(name)) for name in defaults)
    return tuple(each for each in found if each is not None)


def known(
    given: Mapping[str, object], defaults: Mapping[str, float], argument: str
) -> dict[str, float]:
    """`given` itself, or `BoundsError` where it names what is no parameter."""
    unknown = [name for name in given if name not in defaults]
    if unknown:
        has = ", ".join(defaults) or "none"
        raise BoundsError(f"{argument}: the network has no parameter {unknown[0]!r}; it has {has}")
    return dict(given)  # type: ignore[arg-type]


def bounds_of(name: str, default: float, given: Bounds | None) -> Bounds:
    """The bounds of one parameter: those given, or a decade either side of the program's value.

    Raises `BoundsError`.
    """
    if given is None:
        return (default / DECADE, default * DECADE) if default > 0 else "fixed"
    return "fixed" if given == "fixed" else checked_bounds(f"bounds[{name!r}]", given)


def _one(name: str, default: float, value: float, given: Bounds | None) -> Hyperparameter | None:
    bounds = bounds_of(name, default, given)
    if bounds == "fixed" or (given is None and not value > 0):
        return None
    low, high = bounds
    if given is None:
        return Hyperparameter(name, value, min(low, value), max(high, value))
    if not value > 0:
        value = sqrt(low) * sqrt(high)
    if not low <= value <= high:
        raise BoundsError(f"start: {name} = {value:g} is outside of its bounds {low:g} to {high:g}")
    return Hyperparameter(name, value, low, high)


def checked_bounds(argument: str, bounds: object) -> tuple[float, float]:
    """Two finite positive numbers in order. Raises `BoundsError`."""
    try:
        low, high = (float(bound) for bound in bounds)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise BoundsError(
            f"{argument}: expected two numbers (low, high) or 'fixed', got {bounds!r}"
        ) from None
    if not (0 < low <= high and isfinite(high)):
        raise BoundsError(f"{argument}: expected 0 < low <= high, got {bounds!r}")
    return low, high
