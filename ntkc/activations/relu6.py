"""relu6."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.ir.node import Node, function


class Relu6(Derived):
    """min(max(z, 0), 6)."""

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("min", function("max", z, 0.0), 6.0)
