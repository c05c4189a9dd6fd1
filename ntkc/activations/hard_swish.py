"""hard_swish."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.ir.node import Node, function


class HardSwish(Derived):
    """z times hard_sigmoid(z). Howard et al. 2019, "Searching for MobileNetV3"."""

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return z * function("max", function("min", z + 3.0, 6.0), 0.0) / 6.0
