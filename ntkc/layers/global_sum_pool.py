"""`global_sum_pool`: the sum over all positions."""

from __future__ import annotations

from ntkc.layers.base.pooling import GlobalPool


class GlobalSumPool(GlobalPool):
    """Σ' and Θ' are the sums of Σ and Θ over all p and p'."""
