"""relu."""

from __future__ import annotations

from ntkc.activations._rectified import rectified
from ntkc.activations.base import Homogeneous
from ntkc.ir.node import Node, function


class Relu(Homogeneous):
    """max(z, 0), the rectifier. Cho & Saul 2009: the arc-cosine kernel of degree 1."""

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("max", z, 0.0)

    def kappa(self, rho: Node, mu: Node) -> Node:
        """(pi rho_+ + K_1) / 2 pi."""
        return rectified(1, rho, mu)
