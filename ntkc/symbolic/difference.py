"""Placeholder of the accurate complements."""

from __future__ import annotations

from ntkc.ir.node import Node, function, sqrt, substitute, symbol


def complement(dual: Node) -> Node:
    """1 - dual / sqrt(diagonal diagonal) over eta, p, q."""
    p, q, eta = map(symbol, ("p", "q", "eta"))
    f12 = substitute(dual, {"c": sqrt(p * q) * (1.0 - eta)})
    f11, f22 = (substitute(dual, {"c": x, "p": x, "q": x}) for x in (p, q))
    size = sqrt(f11 * f22)
    return function("select", size, function("max", 1.0 - f12 / size, 0.0), 1.0)


def homogeneous_complement(kappa: Node) -> Node:
    """1 - kappa(eta) / kappa(0)."""
    eta = symbol("eta")
    here = substitute(kappa, {"rho": 1.0 - eta, "mu": function("min", eta, 2.0 - eta)})
    there = substitute(kappa, {"rho": eta * 0.0 + 1.0, "mu": eta * 0.0})
    return function("max", 1.0 - here / there, 0.0)
