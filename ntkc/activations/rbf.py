"""rbf."""

from __future__ import annotations

import math

from ntkc.activations.base import Closed, number
from ntkc.ir.node import Node, const, function, sqrt


class Rbf(Closed):
    """sqrt(2) sin(sqrt(2 gamma) z + pi/4), whose dual is the Gaussian kernel.

    Rahimi & Recht 2007, "Random features for large-scale kernel machines".
    """

    parameters = (
        number("gamma", 1.0, 0.3, low=0.0, reason="a width's inverse square is not negative"),
    )

    def function(self, z: Node, gamma: Node) -> Node:
        """The activation applied to `z`."""
        phase = sqrt(2.0 * gamma) * z + math.pi / 4
        return const(math.sqrt(2.0)) * function("sin", phase)

    def dual(self, c: Node, p: Node, q: Node, gamma: Node) -> Node:
        """exp(-gamma (p + q - 2c))."""
        return function("exp", -(gamma * ((p - c) + (q - c))))
