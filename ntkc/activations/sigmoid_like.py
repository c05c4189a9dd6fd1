"""sigmoid_like."""

from __future__ import annotations

import math

from ntkc.activations.base import Closed
from ntkc.ir.node import Node, const, function, sqrt

_SCALE = 2.4020563531719796


class SigmoidLike(Closed):
    """(erf(z / 2.4020563531719796) + 1) / 2, which looks like the logistic sigmoid."""

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`; IR has no erf of its own."""
        return None

    def dual(self, c: Node, p: Node, q: Node) -> Node:
        """1/4 and a quarter of the dual of erf(z / scale). Williams 1996."""
        square = const(2.0 / _SCALE**2)
        other_side = sqrt(1.0 + square * (p + q) + (square * square) * (p * q - c * c))
        return 0.25 + function("atan2", square * c, other_side) / (2.0 * math.pi)
