"""mish."""

from __future__ import annotations

from ntkc.activations._logistic import falling, sigmoid
from ntkc.activations.base import Expanded
from ntkc.ir.node import Node, function


class Mish(Expanded):
    """z tanh(log(1 + exp(z))). Misra 2020, "Mish: a self regularized non-monotonic activation"."""

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return z * _gate(z)

    def slope(self, z: Node) -> Node:
        """g + z (1 - g^2) s with the gate g and the logistic function s."""
        gate = _gate(z)
        return gate + z * ((1.0 - gate) * (1.0 + gate) * sigmoid(z))


def _gate(z: Node) -> Node:
    """tanh(log(1 + exp z)) = n / (n + 2) with n = e^z (e^z + 2), over e^2z where z > 0."""
    small = falling(z)
    right = 1.0 + 2.0 * small
    left = small * (small + 2.0)
    above = right / (right + 2.0 * (small * small))
    return function("select", z, above, left / (left + 2.0))
