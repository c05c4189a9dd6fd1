"""What the pools have in common: sums over windows, or over all positions."""

from __future__ import annotations

from ntkc.ir.node import Node
from ntkc.layers.base.layer import Layer
from ntkc.layers.base.parameters import SizeParameter
from ntkc.layers.base.positions import known, mapped, needs_positions
from ntkc.layers.base.values import Covariance, Features, Shape
from ntkc.layers.base.windows import PADDING, SIZE, windows

INSTEAD = "leave it out"


class Linear(Layer):
    """A fixed linear map on positions, the same for every channel.

    What is Gaussian, independent, or of mean zero stays so.
    """

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Unchanged: channels are not mixed."""
        return inputs[0]


class Pool(Linear):
    """A sum or a mean over a window `k`; windows are `stride` apart, by default their size."""

    parameters = (SIZE, SizeParameter("stride", optional=True), PADDING)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """As many positions as there are windows."""
        (before,) = inputs
        needs_positions(self, before, INSTEAD)
        space = windows(self, len(before.space)).count(before.space)
        return Shape(space, before.channels, before.channels_from)

    def divisor(self) -> str:
        """What the sum over a window is divided by, as the operation `pool` says it."""
        return "none"

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Sums over a window at p and another one at p'."""
        (before,), space = inputs, shapes[0].space
        found = windows(self, len(space))
        out = found.count(space)
        divide, attributes = self.divisor(), found.attributes(space, out)

        def pooled(value: Node) -> Node:
            return mapped("pool", value, **attributes, divide=divide, out=known(out))

        return before.with_values(pooled(before.nngp), pooled(before.ntk))


class GlobalPool(Linear):
    """A sum or a mean over all positions."""

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """A vector of the channels."""
        (before,) = inputs
        needs_positions(self, before, INSTEAD)
        return Shape((), before.channels, before.channels_from)

    def divisor(self, before: Shape) -> int:
        """What the sum over all positions is divided by."""
        return 1

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Sums over all p and p'."""
        (before,) = inputs
        nngp, ntk = (mapped("sum_positions", k) for k in (before.nngp, before.ntk))
        pairs = self.divisor(shapes[0]) ** 2
        if pairs == 1:
            return before.with_values(nngp, ntk)
        return before.with_values(nngp / pairs, ntk / pairs)
