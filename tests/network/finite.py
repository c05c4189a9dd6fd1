"""Wide random networks, to see that the limit is what it is said to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.ir.node import Node
from ntkc.layers.base import Layer
from ntkc.network.graph import LayerNode, Network

Array = NDArray[np.float64]

_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda z: np.maximum(z, 0),
    "abs": np.abs,
    "sin": np.sin,
    "gaussian": lambda z: np.exp(-z * z),
}


def sample_nngp(network: Network, x: Array, width: int, draws: int) -> Array:
    """The mean over draws of f(x) f(x)ᵀ / width at the network's output."""
    rng = np.random.default_rng(7)
    total = np.zeros((len(x), len(x)))
    for _ in range(draws):
        features = _forward(network, x, width, rng)
        total += features @ features.T / features.shape[1]
    return total / draws


def _forward(network: Network, x: Array, width: int, rng: np.random.Generator) -> Array:
    known: dict[LayerNode, Array] = {}
    for node in network.nodes():
        inputs = [known[before] for before in node.inputs]
        known[node] = x if node.layer is None else _apply(node.layer, inputs, width, rng)
    return known[network.output]


def _number(layer: Layer, name: str) -> float:
    node: Node = layer.number(name)
    return float(node.attr("value"))


def _apply(layer: Layer, inputs: list[Array], width: int, rng: np.random.Generator) -> Array:
    x = inputs[0]
    match layer.name:
        case "dense":
            units = layer.whole("units")
            outputs = width if units is None else units * width
            weights = rng.normal(size=(x.shape[1], outputs)) / np.sqrt(x.shape[1])
            bias = rng.normal(size=outputs)
            return _number(layer, "w_std") * x @ weights + _number(layer, "b_std") * bias
        case "layer_norm":
            return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
        case "normalize":
            return x / np.sqrt((x * x).mean(1, keepdims=True))
        case "dropout":
            rate = _number(layer, "rate")
            return x * (rng.random(x.shape) >= rate) / (1 - rate)
        case "add":
            return np.sum(inputs, axis=0)
        case "multiply":
            return np.prod(inputs, axis=0)
        case "concat":
            return np.concatenate(inputs, axis=1)
        case "identity" | "flatten":
            return x
        case name:
            return _FUNCTIONS[name](x)


def relative_error(found: Array, expected: Any) -> float:
    """The largest error, relative to the sizes of the two inputs' features."""
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    return float(np.max(np.abs(found - expected) / scale))
