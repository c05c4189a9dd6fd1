"""`dense`: a fully connected layer."""

from __future__ import annotations

from ntkc.layers.base import Covariance, Shape
from ntkc.layers.base.weights import WEIGHTS, Weighted


class Dense(Weighted):
    """Every output is a weighted sum of all inputs, plus a bias.

    Σ' = w² Σ + b²; Θ' = Σ' + w² Θ, or with `parameterization = standard`, where the weights
    themselves have standard deviation w / √N for N inputs, Θ' = N Σ + [b > 0] + w² Θ.

    Where there are positions it acts on the channels of each, with the same weights.
    """

    parameters = WEIGHTS

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """As many channels as `units` says."""
        (before,) = inputs
        return self.with_units(before, before.space)

    def inputs_of(self, before: Shape) -> int:
        """The channels."""
        assert before.channels is not None
        return before.channels

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Σ and Θ of the output."""
        (before,) = inputs
        return self.weighed(before, before.nngp, before.ntk, shapes[0])
