"""`avg_pool`: means over windows."""

from __future__ import annotations

from ntkc.layers.base.pooling import Pool


class AvgPool(Pool):
    """The mean over the cells of a window `k`; windows are `stride` apart, by default their size.

    Σ'[p, p'] is the mean of Σ over the window at p and the window at p', and Θ' that of Θ. With
    `padding = same` a mean is over the cells inside of the image.
    """

    def divisor(self) -> str:
        """The cells of a window, those inside where it is cut off."""
        return "inside" if self.word("padding") == "same" else "size"
