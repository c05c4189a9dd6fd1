"""The names that every program begins with: layers, activations, functions, words."""

from __future__ import annotations

from functools import cache

from ntkc import activations, layers
from ntkc.layers.base.known import AXES, PLANNED, WITHOUT_LIMIT, WORDS
from ntkc.network.numbers import CONSTANTS, FUNCTIONS


@cache
def all_names() -> frozenset[str]:
    """Every name that is known without being declared."""
    return frozenset(
        (
            *layers.names(),
            *PLANNED,
            *WITHOUT_LIMIT,
            *activations.names(),
            *WORDS,
            *axis_names(),
            *FUNCTIONS,
            *CONSTANTS,
        )
    )


@cache
def axis_names() -> frozenset[str]:
    """The names of spatial axes, which a definition hides without a warning."""
    return frozenset(name for names in AXES.values() for name in names)


@cache
def activation_names() -> frozenset[str]:
    """The activations that can be compiled."""
    return frozenset(activations.names())


def is_activation(name: str) -> bool:
    """Whether the language has an activation of that name."""
    return name in activation_names()


@cache
def layer_names() -> frozenset[str]:
    """The layers that can be compiled."""
    return frozenset(layers.names())


def what_is(name: str) -> str:
    """What a built-in name is, for a message."""
    if name in layer_names() or name in PLANNED or name in WITHOUT_LIMIT:
        return "layer"
    if is_activation(name):
        return "activation"
    if name in FUNCTIONS:
        return "function"
    return "constant" if name in CONSTANTS else "word"
