"""Sine and cosine waves of a Gaussian."""

from __future__ import annotations

from ntkc.ir.node import Node, function


def wave(k: Node, p: Node, q: Node, b: Node, odd: Node, even: Node) -> Node:
    """exp(-b^2 (p + q)/2) [odd sinh(b^2 k) + even cosh(b^2 k)].

    With E = exp(-b^2 ((p + q)/2 - |k|)) and m = expm1(-2 b^2 |k|), both at most 1 in size,
    it is E/2 [even (2 + m) - sign(k) odd m]: nothing overflows, nothing cancels.
    """
    square = b * b
    size = function("abs", k)
    side = function("select", k, 1.0, -1.0)
    envelope = function("exp", -(square * ((p + q) * 0.5 - size)))
    fall = function("expm1", -2.0 * (square * size))
    return envelope * (even * (2.0 + fall) - side * (odd * fall)) * 0.5
