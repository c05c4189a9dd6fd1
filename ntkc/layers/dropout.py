"""`dropout`: features set to zero at random."""

from __future__ import annotations

from dataclasses import replace

from ntkc.ir.node import make
from ntkc.layers.base import (
    Covariance,
    Features,
    Layer,
    LayerError,
    NumberParameter,
    Range,
    Shape,
)
from ntkc.layers.base.positions import weights


class Dropout(Layer):
    """Each feature is dropped with probability `rate`, and scaled by 1 / (1 - rate) if kept.

    Σ and Θ of an input with itself are divided by 1 - rate; between two inputs, whose masks
    are independent, they stay.
    """

    parameters = (
        NumberParameter(
            "rate",
            range=Range(0.0, 1.0, "it is the part of the features that is dropped", True),
        ),
    )

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        return inputs[0]

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Not Gaussian: a part of the features is exactly zero. A mean of zero stays zero."""
        (before,) = inputs
        if before.raw:
            raise LayerError(
                "E0404",
                "`dropout` cannot act on the network's input",
                "there are no features to average over yet",
                because=() if before.cause is None else (before.cause,),
                help=f"put it after a {weights(shapes)} layer and its activation",
            )
        return replace(
            before,
            gaussian=False,
            cause=self.origin("because this sets features to zero"),
        )

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """The diagonals of both are divided by 1 - rate."""
        (before,) = inputs
        rate = self.number("rate")
        return before.with_values(
            make("dropout", before.nngp, rate), make("dropout", before.ntk, rate)
        )
