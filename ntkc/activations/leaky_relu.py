"""leaky_relu."""

from __future__ import annotations

from ntkc.activations._rectified import two_slopes
from ntkc.activations.base import Homogeneous, number
from ntkc.ir.node import Node, const, function


class LeakyRelu(Homogeneous):
    """max(z, 0) + slope min(z, 0)."""

    parameters = (number("slope", 0.01, 0.3, -0.5),)

    def function(self, z: Node, slope: Node) -> Node:
        """The activation applied to `z`."""
        return function("max", z, 0.0) + slope * function("min", z, 0.0)

    def kappa(self, rho: Node, mu: Node, slope: Node) -> Node:
        """(1 - slope)^2 K_1 / 2 pi + (1 + slope^2) rho_+ / 2 - slope (-rho)_+."""
        return two_slopes(slope, const(1.0), rho, mu)
