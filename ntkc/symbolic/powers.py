"""Activations a z^n for z < 0 and b z^n for z > 0: one function of the angle serves all norms."""

from __future__ import annotations

from dataclasses import dataclass

from ntkc.activations._rectified import rectified, two_slopes
from ntkc.ir.module import DualForms
from ntkc.ir.node import Node, is_const, symbol
from ntkc.symbolic.algebra import ZERO, plus, raised, times
from ntkc.symbolic.pieces import pieces
from ntkc.symbolic.terms import NoRuleError, Terms

_RHO, _MU = symbol("rho"), symbol("mu")


@dataclass(frozen=True)
class Slopes:
    """The degree, and the coefficient on either side of 0."""

    degree: int
    below: Node
    above: Node


def one_power(terms: Terms) -> Slopes | None:
    """The coefficients, where the activation is of that kind and has a kink or jump at 0."""
    degrees = {t.power for t in terms}
    if len(degrees) != 1:
        return None
    flat = all(is_const(t.square, 0.0) and is_const(t.rate, 0.0) and not t.waves for t in terms)
    conditions = [t.condition for t in terms]
    at_zero = all(
        c is None or (not c.noise and is_const(c.threshold, 0.0) and is_const(c.slope))
        for c in conditions
    )
    if not (flat and at_zero and any(conditions)):
        return None
    (degree,) = degrees
    try:
        parts = pieces(terms)
    except NoRuleError:
        return None
    if len(parts) != 2:
        return None
    below, above = (p.terms[0].coefficient if p.terms else ZERO for p in parts)
    return Slopes(degree, below, above)


def kappa(slopes: Slopes) -> Node:
    """E[f(u) f(v)] at unit variances over `rho` and `mu` = 1 - |rho|.

    With P_n(rho) = E[u_+^n v_+^n]: (a^2 + b^2) P_n(rho) + 2 (-1)^n a b P_n(-rho), u and v on one
    side of 0 or on two.
    """
    n, a, b = slopes.degree, slopes.below, slopes.above
    if n == 1:
        return two_slopes(a, b, _RHO, _MU)
    same = times(plus(raised(a, 2), raised(b, 2)), rectified(n, _RHO, _MU))
    cross = times(2.0 * (-1.0) ** n, a, b)
    return same if is_const(cross, 0.0) else plus(same, times(cross, rectified(n, -_RHO, _MU)))


def power_forms(name: str, parameters: tuple[str, ...], slopes: Slopes, jumps: bool) -> DualForms:
    """Every form of the activation."""
    from ntkc.symbolic.derive import homogeneous_forms

    return homogeneous_forms(name, parameters, slopes.degree, kappa(slopes), jumps)
