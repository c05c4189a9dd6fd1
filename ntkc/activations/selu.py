"""selu."""

from __future__ import annotations

from ntkc.activations._derived import Derived
from ntkc.ir.node import Node, function

_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772


class Selu(Derived):
    """1.0507 z for z > 0, 1.0507 * 1.6733 (exp(z) - 1) for z <= 0: variance 1 stays as it is.
    Klambauer, Unterthiner, Mayr & Hochreiter 2017.
    """

    folds_numbers = True

    def function(self, z: Node) -> Node:
        """The activation applied to `z`."""
        return function("select", z, _SCALE * z, (_SCALE * _ALPHA) * function("expm1", z))
