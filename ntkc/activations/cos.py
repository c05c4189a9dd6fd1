"""cos."""

from __future__ import annotations

from ntkc.activations._wave import wave
from ntkc.activations.base import Closed, number
from ntkc.ir.node import Node, function


class Cos(Closed):
    """a cos(b z + c)."""

    parameters = (
        number("a", 1.0, 0.8),
        number("b", 1.0, 0.7, -1.2),
        number("c", 0.0, 0.4, -1.0),
    )

    def function(self, z: Node, a: Node, b: Node, c: Node) -> Node:
        """The activation applied to `z`."""
        return a * function("cos", b * z + c)

    def dual(self, k: Node, p: Node, q: Node, a: Node, b: Node, c: Node) -> Node:
        """`sin`'s with c + pi/2 for c."""
        odd, even = function("sin", c), function("cos", c)
        return a * a * wave(k, p, q, b, odd * odd, even * even)
