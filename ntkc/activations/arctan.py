"""arctan."""

from __future__ import annotations

from ntkc.activations.base import Expanded
from ntkc.ir.node import Node, function


class Arctan(Expanded):
    """arctan z."""

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return function("atan2", z, 1.0)

    def slope(self, z: Node) -> Node:
        """1 / (1 + z^2)."""
        return 1.0 / (1.0 + z * z)
