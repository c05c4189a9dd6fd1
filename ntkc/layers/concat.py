"""`concat`: the features of branches side by side."""

from __future__ import annotations

from ntkc.ir.node import Node, total
from ntkc.layers.base import Covariance, Features, LayerError, Shape, WordParameter
from ntkc.layers.base.joining import BRANCHES, Joining, first_uncentred
from ntkc.layers.base.values import NEVER


class Concat(Joining):
    """Over channels: Σ and Θ are the branches' means, weighted by their channels."""

    parameters = (BRANCHES, WordParameter("axis", ("channel", "space"), "channel"))

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """All the channels."""
        if self.word("axis") == "space":
            raise LayerError(
                "E0307", "a vector has no axis `space`", "`concat` can only join channels here"
            )
        channels = 0
        for i, shape in enumerate(inputs):
            if shape.channels is None:
                origin = shape.channels_from
                raise LayerError(
                    "E0318",
                    "`concat` needs the number of channels of every branch",
                    "it weighs the branches by their channels",
                    because=(
                        self.branch(i, "how many channels this has is not known")
                        if origin is None
                        else origin,
                    ),
                    help="give `units` to the last layer with weights of every branch",
                )
            channels += shape.channels
        return Shape(inputs[0].space, channels, self.origin(f"{channels} channels together"))

    def features(self, inputs: tuple[Features, ...], level: int) -> Features:
        """Not Gaussian, for the channels of different branches are not alike.

        No independence is asked for: different branches are different channels.
        """
        return Features(
            gaussian=False,
            own=NEVER,
            centred=min(f.centred for f in inputs),
            raw=all(f.raw for f in inputs),
            cause=self.origin("because this mixes features of different distributions"),
            uncentred=first_uncentred(inputs),
        ).within(level)

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Weighted means."""
        channels = [shape.channels or 0 for shape in shapes]
        weights = [count / sum(channels) for count in channels]

        def mean(values: list[Node]) -> Node:
            return total(w * value for w, value in zip(weights, values, strict=True))

        return inputs[0].with_values(
            mean([branch.nngp for branch in inputs]), mean([branch.ntk for branch in inputs])
        )
