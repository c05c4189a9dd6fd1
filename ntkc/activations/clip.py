"""clip."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.activations.base import number
from ntkc.ir.node import Node, function


class Clip(Derived):
    """z held to [low, high], an interval around 0."""

    parameters = (
        number("low", -1.0, -0.3, high=0.0, reason="the interval holds 0"),
        number("high", 1.0, 2.0, low=0.0, reason="the interval holds 0"),
    )

    def function(self, z: Node, low: Node, high: Node) -> Node:
        """The activation applied to `z`."""
        return z - function("max", z - high, 0.0) + function("max", low - z, 0.0)
