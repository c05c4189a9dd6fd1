"""sigmoid."""

from __future__ import annotations

from ntkc.activations._logistic import falling, sigmoid
from ntkc.activations.base import Expanded
from ntkc.ir.node import Node


class Sigmoid(Expanded):
    """1 / (1 + exp(-z)), the logistic function."""

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return sigmoid(z)

    def slope(self, z: Node) -> Node:
        """exp(-|z|) / (1 + exp(-|z|))^2."""
        small = falling(z)
        return small / ((1.0 + small) * (1.0 + small))
