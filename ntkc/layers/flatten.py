"""`flatten`: all positions become channels."""

from __future__ import annotations

from ntkc.layers.base import Covariance, Features, Layer, Shape


class Flatten(Layer):
    """Joins the spatial axes into the channels. A vector has none, and stays as it is."""

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """A vector of everything."""
        (before,) = inputs
        channels = before.channels
        for size in before.space:
            channels = None if channels is None or size is None else channels * size
        return Shape((), channels, before.channels_from)

    def features(self, inputs: tuple[Features, ...], level: int) -> Features:
        """Unchanged."""
        return inputs[0]

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Unchanged: a covariance between vectors has no positions to average."""
        return inputs[0]
