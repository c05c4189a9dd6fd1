"""elu."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.activations.base import number
from ntkc.ir.node import Node, function


class Elu(Derived):
    """z for z > 0, alpha (exp(z) - 1) for z <= 0. Clevert, Unterthiner & Hochreiter 2016."""

    parameters = (number("alpha", 1.0, 1.6732632423543772, 0.3),)
    folds_numbers = True

    def function(self, z: Node, alpha: Node) -> Node:
        """The activation applied to `z`."""
        return function("select", z, z, alpha * function("expm1", z))
