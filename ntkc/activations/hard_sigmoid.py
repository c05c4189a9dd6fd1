"""hard_sigmoid."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.ir.node import Node, function


class HardSigmoid(Derived):
    """z/6 + 1/2 held to [0, 1]."""

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("max", function("min", z + 3.0, 6.0), 0.0) / 6.0
