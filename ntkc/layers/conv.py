"""`conv`: a convolution."""

from __future__ import annotations

from ntkc.layers.base.convolution import Convolution


class Conv(Convolution):
    """Weights on the cells of a window `k`, the same for every window.

    With A(K)[p, p'] the mean of K[p + o, p' + o] over the window's offsets o (cells outside count
    as 0, and the mean divides by the full window at the border too): Σ' = w² A(Σ) + b² and
    Θ' = Σ' + w² A(Θ), or with `parameterization = standard` Θ' = N A(Σ) + [b > 0] + w² A(Θ), where
    N is the channels times the window's cells.
    """
