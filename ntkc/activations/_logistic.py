"""Hyperbolic and logistic functions from the operations of IR, to full relative accuracy."""

from __future__ import annotations

from ntkc.ir.node import Node, function


def falling(z: Node, rate: float = 1.0) -> Node:
    """exp(-rate |z|): never beyond 1."""
    return function("exp", -(rate * function("abs", z)))


def tanh(z: Node) -> Node:
    """tanh z = -m / (m + 2) with m = exp(-2|z|) - 1, times the sign of z."""
    lacking = function("expm1", -(2.0 * function("abs", z)))
    size = -lacking / (lacking + 2.0)
    return function("select", z, size, -size)


def sigmoid(z: Node) -> Node:
    """1 / (1 + exp(-z))."""
    small = falling(z)
    return function("select", z, 1.0, small) / (1.0 + small)


def log1p(x: Node) -> Node:
    """log(1 + x) = x log(w) / (w - 1) with w = 1 + x as it is rounded (Kahan)."""
    whole = 1.0 + x
    step = whole - 1.0
    ratio = function("log", whole) / function("select", function("abs", step), step, 1.0)
    return function("select", function("abs", step), x * ratio, x)


def softplus(z: Node) -> Node:
    """log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|))."""
    return function("max", z, 0.0) + log1p(falling(z))
