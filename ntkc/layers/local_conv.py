"""`local_conv`: a convolution without shared weights."""

from __future__ import annotations

from ntkc.layers.base import Covariance, Shape
from ntkc.layers.base.convolution import Convolution
from ntkc.layers.base.positions import mapped


class LocalConv(Convolution):
    """Weights and biases on the cells of a window `k`, other ones for every window.

    Σ' and Θ' are those of `conv` where p = p', and 0 elsewhere: outputs of different windows are
    independent.
    """

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Those of `conv` at the same position."""
        shared = super().propagate(inputs, shapes)
        return shared.with_values(
            mapped("same_position", shared.nngp), mapped("same_position", shared.ntk)
        )
