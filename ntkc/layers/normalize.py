"""`normalize`: every example scaled to mean square 1."""

from __future__ import annotations

from ntkc.ir.node import inv_sqrt
from ntkc.layers.base import Covariance, Features, Layer, LayerError, Shape, WordsParameter
from ntkc.layers.base.positions import over_axis, scaled


class Normalize(Layer):
    """Σ and Θ over √(k11 k22). It subtracts no mean; a zero example stays zero.

    With `axis = [space, channel]` an example is scaled as a whole: k11 and k22 are means over its
    positions. With `axis = channel` every position is scaled by itself.
    """

    parameters = (WordsParameter("axis", ("channel", "space"), ("space", "channel")),)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        if "channel" not in self.arguments["axis"]:  # type: ignore[operator]
            raise LayerError(
                "E0307",
                "`normalize` needs the axis `channel`",
                "the limit knows no single channel's mean square",
                help="write `axis = channel` or `axis = [space, channel]`",
            )
        return inputs[0]

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Unchanged: the scale is the same for every draw of the weights."""
        return inputs[0]

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Both are scaled by the inputs' root mean squares."""
        (before,) = inputs
        k11, k22 = over_axis(self, before.variances, shapes[0])
        scale = inv_sqrt(k11) * inv_sqrt(k22)
        return before.with_values(before.nngp * scale, scaled(before.ntk, scale))
