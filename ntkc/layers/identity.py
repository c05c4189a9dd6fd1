"""`identity`: what comes in goes out."""

from __future__ import annotations

from ntkc.layers.base import Covariance, Features, Layer, Shape


class Identity(Layer):
    """Leaves its input as it is: the branch of `add` that skips the others."""

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        return inputs[0]

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Unchanged."""
        return inputs[0]

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Unchanged."""
        return inputs[0]
