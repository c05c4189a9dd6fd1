"""soft_shrink."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.activations.base import number
from ntkc.ir.node import Node, function


class SoftShrink(Derived):
    """z - threshold above it, z + threshold below its negative, 0 between."""

    parameters = (number("threshold", 0.5, 0.2, 1.0, low=0.0, reason="it is a distance from 0"),)

    def function(self, z: Node, threshold: Node) -> Node:
        """The activation applied to `z`."""
        return function("max", z - threshold, 0.0) + function("min", z + threshold, 0.0)
