"""exp."""

from __future__ import annotations

from ntkc.activations.base import Closed, number
from ntkc.ir.node import Node, function


class Exp(Closed):
    """a exp(b z). Grows as exp(2 b^2 p) in the variance p: large variances overflow."""

    parameters = (number("a", 1.0, 0.8), number("b", 1.0, 0.5, -0.8))
    variances = (1e-6, 10.0)

    def function(self, z: Node, a: Node, b: Node) -> Node:
        """The activation applied to `z`."""
        return a * function("exp", b * z)

    def dual(self, c: Node, p: Node, q: Node, a: Node, b: Node) -> Node:
        """a^2 exp(b^2 ((p + q)/2 + c)), a lognormal mean."""
        return a * a * function("exp", (b * b) * ((p + q) * 0.5 + c))
