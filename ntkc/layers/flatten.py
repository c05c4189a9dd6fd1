"""`flatten`: all positions become channels."""

from __future__ import annotations

from dataclasses import replace

from ntkc.layers.base import Covariance, Features, Layer, Shape
from ntkc.layers.base.positions import mapped
from ntkc.layers.base.values import NEVER


class Flatten(Layer):
    """Joins the spatial axes into the channels: Σ' and Θ' are the means over p = p'.

    A vector has no positions, and stays as it is.
    """

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """A vector of everything."""
        (before,) = inputs
        channels = before.channels
        for size in before.space:
            channels = None if channels is None or size is None else channels * size
        return Shape((), channels, before.channels_from)

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Not Gaussian processes that are alike: each position has a variance of its own."""
        (before,) = inputs
        if not shapes[0].space or before.raw:
            return before
        cause = self.origin("because this mixes features of different positions")
        return replace(
            before, gaussian=False, own=NEVER, cause=cause if before.gaussian else before.cause
        )

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Means over the same position."""
        (before,) = inputs
        if not shapes[0].space:
            return before
        return before.with_values(
            mapped("mean_diagonal", before.nngp), mapped("mean_diagonal", before.ntk)
        )
