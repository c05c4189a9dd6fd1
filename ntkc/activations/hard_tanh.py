"""hard_tanh."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.ir.node import Node, function


class HardTanh(Derived):
    """z held to [-1, 1]."""

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("max", function("min", z, 1.0), -1.0)
