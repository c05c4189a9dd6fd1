"""Words that are known to be layers but have no file: not built yet, or without a limit."""

from __future__ import annotations

from typing import Final

PLANNED: Final = (
    "aggregate",
    "avg_pool",
    "conv",
    "conv_transpose",
    "global_avg_pool",
    "global_sum_pool",
    "local_conv",
    "resize",
    "rnn",
    "self_attention",
    "slice",
    "sum_pool",
)
"""Layers of the language that come later."""

WITHOUT_LIMIT: Final = {
    "batch_norm": (
        "its scale depends on the whole batch, so there is no kernel of two inputs",
        "use `layer_norm`, which normalises every example by itself",
    ),
    "max_pool": (
        "a maximum of correlated Gaussians has no covariance in closed form",
        "use `avg_pool`",
    ),
    "softmax": (
        "it couples all the features of an example, and tends to a constant as they grow",
        "leave it out: kernels are fitted to one-hot targets",
    ),
}
"""Layers that practice uses, why they have no kernel, and what to write instead."""

WORDS: Final = (
    "channel",
    "circular",
    "linear",
    "none",
    "ntk",
    "same",
    "space",
    "standard",
    "valid",
)
"""The words that are arguments of layers, and mean nothing elsewhere."""

INPUTS: Final = {"vector": 1, "sequence": 2, "image": 3, "volume": 4, "graph": 2}
"""The kinds of input and how many sizes each has."""
