"""`conv_transpose`: a transposed convolution."""

from __future__ import annotations

from ntkc.ir.node import Node
from ntkc.layers.base import Shape
from ntkc.layers.base.convolution import Convolution
from ntkc.layers.base.positions import Space, known, mapped
from ntkc.layers.base.windows import Windows


class ConvTranspose(Convolution):
    """Every input adds to all cells of its window `k`, by weights that all windows share.

    The windows lie in the output, `stride` apart. It is stride times as long as the input along
    every axis, and with `padding = valid` longer by what a window exceeds the stride, as in
    TensorFlow.
    Σ' = w² A(Σ) + b² and Θ' = Σ' + w² A(Θ), where A(K)[p, p'] sums K over the windows that have p
    and p' at the same offset, and divides by the window's cells.
    """

    def outside(self, windows: Windows, before: Shape) -> Space:
        """The space that the windows cover."""
        return windows.covered(before.space)

    def mean(self, value: Node, before: Shape) -> Node:
        """A: the adjoint of a sum over windows, over their cells."""
        found = self.windows_on(before)
        out = found.covered(before.space)
        return mapped("spread", value, **self.attributes(found, out, before.space), out=known(out))
