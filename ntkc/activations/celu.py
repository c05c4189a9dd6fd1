"""celu."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.activations.base import number
from ntkc.ir.node import Node, function


class Celu(Derived):
    """z for z > 0, alpha (exp(z / alpha) - 1) for z <= 0: its slope has no jump. Barron 2017."""

    parameters = (
        number("alpha", 1.0, 2.0, 0.4, low=0.25, reason="its series does not reach further"),
    )
    folds_numbers = True

    def function(self, z: Node, alpha: Node) -> Node:
        """The activation applied to `z`."""
        return function("select", z, z, alpha * function("expm1", z / alpha))
