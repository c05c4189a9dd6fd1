"""`normalize`: every example scaled to mean square 1."""

from __future__ import annotations

from ntkc.ir.node import inv_sqrt
from ntkc.layers.base import Covariance, Features, Layer, Shape


class Normalize(Layer):
    """Σ and Θ over √(k11 k22). It subtracts no mean; a zero example stays zero."""

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        return inputs[0]

    def features(self, inputs: tuple[Features, ...], level: int) -> Features:
        """Unchanged: the scale is the same for every draw of the weights."""
        return inputs[0]

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Both are scaled by the inputs' root mean squares."""
        (before,) = inputs
        k11, k22 = before.variances
        scale = inv_sqrt(k11) * inv_sqrt(k22)
        return before.with_values(before.nngp * scale, before.ntk * scale)
