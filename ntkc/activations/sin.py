"""sin."""

from __future__ import annotations

from ntkc.activations._wave import wave
from ntkc.activations.base import Closed, number
from ntkc.ir.node import Node, function


class Sin(Closed):
    """a sin(b z + c)."""

    parameters = (
        number("a", 1.0, 0.8),
        number("b", 1.0, 0.7, -1.2),
        number("c", 0.0, 0.4, -1.0),
    )

    def function(self, z: Node, a: Node, b: Node, c: Node) -> Node:
        """The activation applied to `z`."""
        return a * function("sin", b * z + c)

    def dual(self, k: Node, p: Node, q: Node, a: Node, b: Node, c: Node) -> Node:
        """a^2/2 [exp(b^2 (k - (p+q)/2)) - cos(2c) exp(-b^2 (k + (p+q)/2))], regrouped by
        cos(2c) = cos(c)^2 - sin(c)^2.
        """
        odd, even = function("cos", c), function("sin", c)
        return a * a * wave(k, p, q, b, odd * odd, even * even)
