"""Words that are known to be layers but have no file: not built yet, or without a limit."""

from __future__ import annotations

from typing import Final

PLANNED: Final = (
    "aggregate",
    "resize",
    "rnn",
    "self_attention",
    "slice",
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

AXES: Final = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""The names of the spatial axes of a sequence, an image and a volume.

They are words of the language too, but a program may well have a width or a depth of its own: a
definition hides them without a warning.
"""

MAX_POSITIONS: Final = 2**24
"""How many positions a layer's output, or an input, can have: each is work, or a table's entry."""

INPUTS: Final = {"vector": 1, "sequence": 2, "image": 3, "volume": 4, "graph": 2}
"""The kinds of input and how many sizes each has."""
