"""`layer_norm`: every example's features shifted and scaled to mean 0, variance 1."""

from __future__ import annotations

from ntkc.ir.node import inv_sqrt
from ntkc.layers.base import (
    Covariance,
    Features,
    Layer,
    LayerError,
    NumberParameter,
    Range,
    Shape,
    WordsParameter,
)
from ntkc.layers.base.positions import over_axis, scaled, weights
from ntkc.layers.base.values import NEVER


class LayerNorm(Layer):
    """Σ and Θ over √((k11 + eps) (k22 + eps)), for features of mean zero.

    With `axis = channel` that is at each position, with its own k11 and k22. With
    `[space, channel]` an example's positions are normalised together: k11 and k22 are means over
    the positions.
    """

    parameters = (
        WordsParameter("axis", ("channel", "space"), ("channel",)),
        NumberParameter("eps", 1e-12, Range(0.0, float("inf"), "it is added to a variance")),
    )

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        if "channel" not in self.arguments["axis"]:  # type: ignore[operator]
            raise LayerError(
                "E0307",
                "`layer_norm` needs the axis `channel`",
                "it has to average over infinitely many channels",
                help="write `axis = channel` or `axis = [space, channel]`",
            )
        return inputs[0]

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Unchanged: the variance it divides by is the same for every draw of the weights."""
        (before,) = inputs
        if before.centred == NEVER:
            cause = before.uncentred
            raise LayerError(
                "E0403",
                "`layer_norm` needs features of mean zero",
                "it would subtract a mean here, which Σ does not know",
                because=() if cause is None else (cause,),
                help=f"put it right after a {weights(shapes)} layer, or use `normalize`, which "
                "only scales",
            )
        return before

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Both are scaled by the inputs' standard deviations."""
        (before,) = inputs
        k11, k22 = over_axis(self, before.variances, shapes[0])
        eps = self.number("eps")
        scale = inv_sqrt(k11 + eps) * inv_sqrt(k22 + eps)
        return before.with_values(before.nngp * scale, scaled(before.ntk, scale))
