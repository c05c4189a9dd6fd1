"""erf."""

from __future__ import annotations

import math

from ntkc.activations.base import Closed, number
from ntkc.ir.node import Node, function, sqrt


class Erf(Closed):
    """a erf(b z) + c. Williams 1996, "Computing with infinite networks"."""

    parameters = (
        number("a", 1.0, 1.3, -0.7),
        number("b", 1.0, 0.6, -1.4),
        number("c", 0.0, 0.25, -0.5),
    )

    def function(self, z: Node, a: Node, b: Node, c: Node) -> Node | None:
        """The activation applied to `z`."""
        return a * function("erf", b * z) + c

    def dual(self, k: Node, p: Node, q: Node, a: Node, b: Node, c: Node) -> Node:
        """a^2 (2/pi) asin(2k' / sqrt((1 + 2p')(1 + 2q'))) + c^2, k' = b^2 k and so on.

        erf is odd, so the products of erf and c have mean 0. The arcsine is written as the
        angle of a right triangle's sides: near +-pi/2 the sine alone would lose digits.
        """
        square = b * b
        k, p, q = square * k, square * p, square * q
        other_side = sqrt(1.0 + 2.0 * (p + q) + 4.0 * (p * q - k * k))
        angle = function("atan2", 2.0 * k, other_side)
        return (a * a) * (2.0 / math.pi * angle) + c * c
