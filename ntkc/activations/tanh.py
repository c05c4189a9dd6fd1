"""tanh."""

from __future__ import annotations

from ntkc.activations._logistic import tanh
from ntkc.activations.base import Expanded
from ntkc.ir.node import Node


class Tanh(Expanded):
    """tanh z, the hyperbolic tangent."""

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return tanh(z)

    def slope(self, z: Node) -> Node:
        """1 - tanh^2."""
        value = tanh(z)
        return (1.0 - value) * (1.0 + value)
