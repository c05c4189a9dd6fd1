"""softplus."""

from __future__ import annotations

from ntkc.activations._logistic import sigmoid, softplus
from ntkc.activations.base import Expanded
from ntkc.ir.node import Node


class Softplus(Expanded):
    """log(1 + exp(z)), a smooth rectifier."""

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return softplus(z)

    def slope(self, z: Node) -> Node:
        """The logistic function."""
        return sigmoid(z)
