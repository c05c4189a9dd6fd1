"""abs."""

from __future__ import annotations

import math

from ntkc.activations.base import Homogeneous
from ntkc.ir.node import Node, function


class Abs(Homogeneous):
    """|z|."""

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("abs", z)

    def kappa(self, rho: Node, mu: Node) -> Node:
        """(2/pi)(sin(theta) + rho asin(rho)) = |rho| + (2/pi) K_1."""
        return function("abs", rho) + 2.0 / math.pi * function("kink", mu, degree=1)
