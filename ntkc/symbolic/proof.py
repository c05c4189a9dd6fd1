"""Integrals of a stranger's formula, with a proof that nothing of it goes unseen.

E[f(sqrt(p) z)^2] and E[f'(sqrt(p) z)^2] by Gauss-Legendre rules on panels of the line, which are
halved until the error of all of them together is proved to be a hundredth of the tolerance. On a
panel on which f is analytic, and at most M in the ellipse with foci at its ends and semi-axes of
sum rho times its half width h, the n-point rule's error for an integral of f^2 is at most

    64/15 h M^2 rho^(-2n) / (1 - rho^(-2))

(Trefethen 2013, "Approximation Theory and Approximation Practice", theorem 19.3); M comes from
arithmetic on discs. Panels in which an `if` changes sides are halved until what is in them is
nothing: their width times what interval arithmetic allows f there.

So a box or a bell that is narrower than the distance of any points is found: panels around it are
halved until they resolve it. What is not: within 1e-12 of a place where the slope has no bound, as
that of abs(z)^4.5, whose derivative is made of a root's, has by this arithmetic at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ntkc.ir.node import Node
from ntkc.symbolic.discs import around, discs, inside
from ntkc.symbolic.intervals import Array, enclosed

Function = Callable[[Array], Array]

_ORDER = 20
_RHO = 3.0
_STRETCH = (_RHO + 1.0 / _RHO) / 2.0
_LOSS = 2.5 * 64.0 / 15.0 * _RHO ** (-2.0 * _ORDER) / (1.0 - _RHO**-2)
"""Of a panel, relative to M^2 and the Gaussian's mass on it; the density, too, is larger in an
ellipse than on its axis: by at most 2.5 for panels of a quarter of a standard deviation."""
_WIDEST = 0.25
_REACH = 13.5
_FIRST = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_MOST = 6000
_ROUNDS = 64
_NARROW = 1e-12


class NotResolvedError(ValueError):
    """A function that panels do not resolve: where."""

    def __init__(self, place: float) -> None:
        super().__init__(f"nothing bounds it next to z = {place:.6g}")
        self.place = place


@dataclass(frozen=True)
class Panels:
    """Intervals that cover the line, and bounds on a function in each."""

    low: Array
    high: Array
    loss: Array
    """What the squares' integral may lose, relative to the Gaussian's mass on the panel."""

    @property
    def narrow(self) -> Any:
        """Those that are halved no more."""
        return self.high - self.low <= _NARROW * np.maximum(1.0, np.abs(self.low))

    @property
    def narrowest(self) -> tuple[float, float]:
        """Where the panel is on which the function is hardest to resolve, and its width."""
        at = np.lexsort((np.abs(self.low), self.high - self.low))[0]
        return float(self.low[at]), float(self.high[at] - self.low[at])


def resolved(root: Node, variances: Array, budgets: Array) -> Panels:
    """Panels for E[f(sqrt(p) z)^2] of variances (P,), which lose no more than the budgets (P,).

    Raises `NotResolvedError`.
    """
    reach = _REACH * float(np.sqrt(variances.max()))
    ends = np.array([*(x for x in _FIRST if x < reach), reach])
    ends = np.unique(np.concatenate([-ends, ends]))
    panels = _bounded(root, ends[:-1], ends[1:])
    for _ in range(_ROUNDS):
        masses = _masses(panels, variances)
        lost = np.where(masses > 0.0, panels.loss[:, None] * masses, 0.0)
        lost[panels.narrow] = 0.0
        over = lost.sum(axis=0) > budgets
        split = (lost[:, over] > budgets[over] / (2.0 * len(lost))).any(axis=1)
        if not split.any():
            return panels
        if len(panels.low) > _MOST:
            break
        panels = _split(root, panels, split)
    raise NotResolvedError(float(min(panels.low[np.flatnonzero(split)], key=abs)) + 0.0)


def norm(panels: Panels, function: Function, variance: float) -> float:
    """E[f(sqrt(p) z)^2], on panels of no more than a quarter of a standard deviation."""
    deviation = math.sqrt(variance)
    steps = np.arange(-_REACH, _REACH + _WIDEST / 2, _WIDEST)
    ends = np.unique(np.concatenate([panels.low, panels.high, deviation * steps]))
    ends = ends[np.abs(ends) <= _REACH * deviation]
    points, weights = _rule()
    middle, half = 0.5 * (ends[1:] + ends[:-1]), 0.5 * (ends[1:] - ends[:-1])
    places = middle[:, None] + half[:, None] * points
    standard = places / deviation
    density = np.exp(-standard * standard / 2.0) / (math.sqrt(2.0 * math.pi) * deviation)
    values = function(places)
    return float((values * values * density * weights * half[:, None]).sum())


def _split(root: Node, panels: Panels, chosen: Any) -> Panels:
    low, high = panels.low[chosen], panels.high[chosen]
    middle = 0.5 * low + 0.5 * high
    halves = _bounded(root, np.concatenate([low, middle]), np.concatenate([middle, high]))
    kept = Panels(panels.low[~chosen], panels.high[~chosen], panels.loss[~chosen])
    joined = (np.concatenate([getattr(kept, n), getattr(halves, n)]) for n in _FIELDS)
    return Panels(*joined)


_FIELDS = ("low", "high", "loss")


def _bounded(root: Node, low: Array, high: Array) -> Panels:
    """What the rule, or leaving the panel out, loses at most."""
    within = inside(low, high, 1e-13)
    bounds = enclosed((root,), within.low, within.high)
    disc = discs((root,), around(low, high, _STRETCH), bounds)[root]
    with np.errstate(over="ignore", invalid="ignore"):
        loss = np.minimum(_LOSS * disc.size**2, bounds[root].size ** 2)
    return Panels(low, high, np.nan_to_num(loss, nan=np.inf, posinf=np.inf))


def _masses(panels: Panels, variances: Array) -> Array:
    """An upper bound of the Gaussian's mass on each panel, and a little beside it: (N, P)."""
    deviations = np.sqrt(variances)
    low, high = (x[:, None] / deviations for x in (panels.low, panels.high))
    nearest = np.where((low < 0) & (high > 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
    nearest = np.maximum(nearest - _WIDEST, 0.0)
    density = np.exp(-nearest * nearest / 2.0) / np.sqrt(2.0 * np.pi)
    masses: Array = np.minimum(density * (high - low), 1.0)
    return masses


@lru_cache(maxsize=1)
def _rule() -> tuple[Array, Array]:
    points, weights = np.polynomial.legendre.leggauss(_ORDER)
    return points, weights
