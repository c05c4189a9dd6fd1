"""abrelu."""

from __future__ import annotations

from ntkc.activations._rectified import two_slopes
from ntkc.activations.base import Homogeneous, number
from ntkc.ir.node import Node, function


class ABRelu(Homogeneous):
    """a min(z, 0) + b max(z, 0)."""

    parameters = (number("a", None, -0.4, 0.5), number("b", None, 1.2, -0.8))

    def function(self, z: Node, a: Node, b: Node) -> Node:
        """The activation applied to `z`."""
        return a * function("min", z, 0.0) + b * function("max", z, 0.0)

    def kappa(self, rho: Node, mu: Node, a: Node, b: Node) -> Node:
        """(a - b)^2 K_1 / 2 pi + (a^2 + b^2) rho_+ / 2 - a b (-rho)_+."""
        return two_slopes(a, b, rho, mu)
