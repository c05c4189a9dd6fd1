"""gelu."""

from __future__ import annotations

import math

from ntkc.activations.base import Closed
from ntkc.ir.node import Node, function, sqrt


class Gelu(Closed):
    """z Phi(z), the Gaussian error linear unit. Tsuchida, Pearce, van der Heide, Roosta &
    Gallagher 2021, "Avoiding kernel fixed points".
    """

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return z * function("normal_cdf", z)

    def dual(self, c: Node, p: Node, q: Node) -> Node:
        """c/4 + [(c^2 + p q D^2)/((1+p)(1+q) D) + c atan2(c, D)] / 2 pi.

        D^2 = (1+p)(1+q) - c^2, summed so that large variances do not cancel.
        """
        square = 1.0 + (p + q) + (p * q - c * c)
        root = sqrt(square)
        tail = (c * c + p * q * square) / ((1.0 + p) * (1.0 + q) * root)
        return c / 4.0 + (tail + c * function("atan2", c, root)) / (2.0 * math.pi)
