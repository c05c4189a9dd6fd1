"""log_cosh."""

from __future__ import annotations

from ntkc.activations._logistic import falling, log1p, tanh
from ntkc.activations.base import Expanded
from ntkc.ir.node import Node, function


class LogCosh(Expanded):
    """log(cosh z), a smooth absolute value less log 2."""

    def function(self, z: Node) -> Node | None:
        """With e = exp(-|z|): log(1 + (1 - e)^2 / 2e) near 0, |z| + log((1 + e^2)/2) elsewhere."""
        size, small = function("abs", z), falling(z)
        gap = function("expm1", -size)
        near = log1p(gap * gap / (2.0 * function("max", small, 0.25)))
        far = size + function("log", 0.5 + 0.5 * (small * small))
        return function("select", 1.0 - size, near, far)

    def slope(self, z: Node) -> Node:
        """tanh z."""
        return tanh(z)
