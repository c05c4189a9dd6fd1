"""Whether a series is one of the formula that a program wrote, and not of a part of it.

A series knows a formula from its slope at the places of a quadrature. What lies between them, or
jumps, is not in it, but it is in E[f^2] and E[f'^2], which are found here on panels that are proved
to resolve the formula (`ntkc.symbolic.proof`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ntkc.ir.arithmetic import evaluate
from ntkc.symbolic.certify import CHECKED, SMALLEST, relative
from ntkc.symbolic.features import Features, both_norms
from ntkc.symbolic.hermite import Function
from ntkc.symbolic.interpolation import LARGEST_VARIANCE
from ntkc.symbolic.proof import NotResolvedError, Panels, norm, resolved
from ntkc.symbolic.uncertified import NotCertifiedError

if TYPE_CHECKING:
    from ntkc.symbolic.series import Formula

_SHARE = 0.01
"""Of the tolerance, or of the usual one where that is less, that integrals here are proved to."""
_USUAL = 1e-10


def confirm(
    formula: Formula, value: Function, slope: Function, features: Features, tolerance: float
) -> None:
    """See that a series has the norms of its formula. Raises `NotCertifiedError`."""
    variances = LARGEST_VARIANCE * CHECKED
    found = [x + 0.0 * variances for x in evaluate(both_norms(features), {"p": variances})]
    roots = (formula.function, formula.slope)
    for root, function, series in zip(roots, (value, slope), found, strict=True):
        sizes = np.maximum(series, SMALLEST * series.max() or 1.0)
        try:
            panels = resolved(root, variances, _SHARE * min(tolerance, _USUAL) * sizes)
        except NotResolvedError as problem:
            raise NotCertifiedError(formula.name, f"{_UNSEEN} {problem.place:.6g}") from None
        exact = np.array([norm(panels, function, float(p)) for p in variances])
        scale = np.maximum(exact, SMALLEST * exact.max() or 1.0)
        lost = float(relative(np.abs(series - exact), scale).max())
        if not lost <= tolerance:
            raise NotCertifiedError(formula.name, _lacking(panels, value, lost))


def _lacking(panels: Panels, value: Function, lost: float) -> str:
    """Why a series is not one of the whole formula."""
    lacks = f"its series lacks {lost:.1e} of it"
    small = panels.high - panels.low < _SMALL
    low = np.concatenate([panels.low, panels.low[small]])
    high = np.concatenate([panels.low, panels.high[small]])
    aside = 2.0 * np.maximum(high - low, _ASIDE * np.maximum(1.0, np.abs(low)))
    rises = np.abs(value(high + aside) - value(low - aside))
    usual = np.abs(value(low - aside) - value(low - 2.0 * aside)) + _ASIDE
    if (rises > _JUMP * usual).any():
        return f"it jumps at z = {_shown(low[np.argmax(rises / usual)])}: {lacks}"
    place, width = panels.narrowest
    if width < _STEEP:
        return f"it is too steep for a series at z = {_shown(place)}: {lacks}"
    return lacks


def _shown(place: float) -> str:
    return f"{float(place) + 0.0:.6g}"


_ASIDE = 1e-13
_SMALL = 1e-9
"""Panels are halved that far where a side changes."""
_JUMP = 100.0
"""A rise by this many times that of the panel's neighbour is no slope."""
_STEEP = 1e-3
_UNSEEN = "it is too steep for a series, or too long for a proof that it is not, next to z ="
