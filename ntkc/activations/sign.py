"""sign."""

from __future__ import annotations

import math

from ntkc.activations.base import Homogeneous
from ntkc.ir.node import Node, function


class Sign(Homogeneous):
    """1 for z > 0, -1 for z < 0, else 0. The arcsine law.

    The derivative is a point mass, so there is no finite NTK: dual_dot is 0 by convention.
    At variance 0 the forms are the limits of vanishing variances.
    """

    distributional_derivative = True

    def homogeneity(self) -> int:
        """Degree 0: the kernel sees only the angle."""
        return 0

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("select", z, 1.0, function("select", -z, -1.0, 0.0))

    def kappa(self, rho: Node, mu: Node) -> Node:
        """(2/pi) asin(rho), from the angle of |rho|."""
        positive = 1.0 - 2.0 / math.pi * function("kink", mu, degree=0)
        return function("select", rho, positive, -positive)
