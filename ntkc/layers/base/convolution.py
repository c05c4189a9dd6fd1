"""What the convolutions have in common: weights on windows."""

from __future__ import annotations

from math import prod

from ntkc.ir.node import Node
from ntkc.layers.base.positions import Space, known, mapped, needs_positions
from ntkc.layers.base.values import Covariance, Shape
from ntkc.layers.base.weights import WEIGHTS, Weighted
from ntkc.layers.base.windows import DILATION, PADDING, SIZE, STRIDE, Windows, windows


class Convolution(Weighted):
    """Every output is a weighted sum of the inputs' channels in a window, plus a bias."""

    parameters = (SIZE, STRIDE, PADDING, DILATION, *WEIGHTS)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """As many positions as there are windows, as many channels as `units` says."""
        (before,) = inputs
        needs_positions(self, before, "use `dense`")
        return self.with_units(before, self.outside(self.windows_on(before), before))

    def windows_on(self, before: Shape) -> Windows:
        """The windows, for an input of this shape."""
        return windows(self, len(before.space))

    def outside(self, windows: Windows, before: Shape) -> Space:
        """The space of the output."""
        return windows.count(before.space)

    def inputs_of(self, before: Shape) -> int:
        """The channels of all cells of a window."""
        assert before.channels is not None
        return before.channels * prod(self.windows_on(before).size)

    def mean(self, value: Node, before: Shape) -> Node:
        """A: the mean over a window's offsets, the same for both positions."""
        found = self.windows_on(before)
        out = found.count(before.space)
        return mapped("window", value, **self.attributes(found, before.space, out), out=known(out))

    def attributes(
        self, found: Windows, inside: Space, count: Space
    ) -> dict[str, bool | tuple[int, ...]]:
        """What the operations know of `count` windows inside of a space."""
        return {**found.attributes(inside, count), "dilation": found.dilation}

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Σ and Θ of the output."""
        (before,), (shape,) = inputs, shapes
        nngp, ntk = self.mean(before.nngp, shape), self.mean(before.ntk, shape)
        return self.weighed(before, nngp, ntk, shape)
