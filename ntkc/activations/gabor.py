"""gabor."""

from __future__ import annotations

from ntkc.activations.base import Closed
from ntkc.ir.node import Node, function, sqrt


class Gabor(Closed):
    """exp(-z^2) sin(z)."""

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("exp", -(z * z)) * function("sin", z)

    def dual(self, c: Node, p: Node, q: Node) -> Node:
        """exp(-(t + d + 2c)/2n) (exp(2c/n) - 1) / (2 sqrt(n)) with t = p + q,
        d = 4(pq - c^2), n = 1 + 2t + d.
        """
        t = p + q
        d = 4.0 * (p * q - c * c)
        n = 1.0 + 2.0 * t + d
        envelope = function("exp", (t + d + 2.0 * c) / (-2.0 * n))
        return envelope * function("expm1", 2.0 * c / n) / (2.0 * sqrt(n))
