"""step."""

from __future__ import annotations

from ntkc.activations._rectified import rectified
from ntkc.activations.base import Homogeneous
from ntkc.ir.node import Node, function


class Step(Homogeneous):
    """1 for z > 0, else 0. Cho & Saul 2009: the arc-cosine kernel of degree 0.

    The derivative is a point mass, so there is no finite NTK: dual_dot is 0 by convention.
    At variance 0 the forms are the limits of vanishing variances.
    """

    distributional_derivative = True

    def homogeneity(self) -> int:
        """Degree 0: the kernel sees only the angle."""
        return 0

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("select", z, 1.0, 0.0)

    def kappa(self, rho: Node, mu: Node) -> Node:
        """(pi - theta) / 2 pi."""
        return rectified(0, rho, mu)
