"""`global_avg_pool`: the mean over all positions."""

from __future__ import annotations

from ntkc.layers.base import Shape
from ntkc.layers.base.pooling import GlobalPool
from ntkc.layers.base.positions import positions


class GlobalAvgPool(GlobalPool):
    """Σ' and Θ' are the means of Σ and Θ over all p and p'."""

    def divisor(self, before: Shape) -> int:
        """The number of positions."""
        return positions(before)
