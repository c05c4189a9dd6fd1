"""silu."""

from __future__ import annotations

from ntkc.activations._logistic import sigmoid
from ntkc.activations.base import Expanded
from ntkc.ir.node import Node


class Silu(Expanded):
    """z / (1 + exp(-z)), the sigmoid linear unit, also called swish. Elfwing, Uchibe & Doya 2018;
    Ramachandran, Zoph & Le 2017.
    """

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return z * sigmoid(z)

    def slope(self, z: Node) -> Node:
        """s (1 + z (1 - s)) with the logistic function s."""
        value = sigmoid(z)
        return value * (1.0 + z * sigmoid(-z))
