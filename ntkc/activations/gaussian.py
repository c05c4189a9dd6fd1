"""gaussian."""

from __future__ import annotations

from ntkc.activations.base import Closed, number
from ntkc.ir.module import ENDLESS
from ntkc.ir.node import Node, function, sqrt


class Gaussian(Closed):
    """a exp(b z^2).

    For b > 0 the dual is finite only while 2 b (p + q) < 1 + 4 b^2 (pq - c^2): E[f^2] is infinite
    from a variance of 1/(4b) on, which a kernel refuses. For b <= 0 there is no limit.
    """

    parameters = (number("a", 1.0, 0.8), number("b", -1.0, -0.3, 0.0))

    def function(self, z: Node, a: Node, b: Node) -> Node:
        """The activation applied to `z`."""
        return a * function("exp", b * (z * z))

    def end(self, a: Node, b: Node) -> Node:
        """1 / (4b)."""
        return function("select", b, 0.25 / b, ENDLESS)

    def dual(self, c: Node, p: Node, q: Node, a: Node, b: Node) -> Node:
        """a^2 / sqrt((1 - 2bp)(1 - 2bq) - 4 b^2 c^2)."""
        b2 = 2.0 * b
        square = 1.0 - b2 * (p + q) + (b2 * b2) * (p * q - c * c)
        return a * a / sqrt(square)
