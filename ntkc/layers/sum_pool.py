"""`sum_pool`: sums over windows."""

from __future__ import annotations

from ntkc.layers.base.pooling import Pool


class SumPool(Pool):
    """The sum over the cells of a window `k`; windows are `stride` apart, by default their size.

    Σ'[p, p'] is the sum of Σ over the window at p and the window at p', and Θ' that of Θ. Cells
    outside of the image count as 0.
    """
