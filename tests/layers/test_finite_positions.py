"""Wide random networks with positions tend to their kernels: NNGP of outputs, NTK of gradients."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ntkc.ir.interpret import interpret
from ntkc.layers.base import Layer
from ntkc.network.derive import derive
from ntkc.network.graph import Network
from tests.network.programs import resolve

pytestmark = pytest.mark.slow

Array = NDArray[Any]
WIDTH, DRAWS = 192, 24
TOLERANCE = 0.08
"""Entries fluctuate by some 1 / √(width · draws) = 1.5 %, and are biased by some 1 / width a layer;
errors of a formula, such as a wrong divisor or a missing term, are of the order of 1."""


def number(layer: Layer, name: str) -> float:
    return float(layer.number(name).attr("value"))


def sizes(layer: Layer, name: str, rank: int, default: Any = 1) -> tuple[int, ...]:
    value = layer.arguments.get(name)
    value = default if value is None else value
    return (value,) * rank if isinstance(value, int) else tuple(value)  # type: ignore[arg-type]


def cells(layer: Layer, space: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    """(windows, offsets): flat cells of a space, `prod(space)` for those outside."""
    rank = len(space)
    k = sizes(layer, "k", rank)
    stride, dilation = sizes(layer, "stride", rank, k), sizes(layer, "dilation", rank)
    mode = layer.word("padding")
    index = np.arange(prod(space)).reshape(space)
    widths = []
    for n, size, s, d in zip(space, k, stride, dilation, strict=True):
        missing = max((-(-n // s) - 1) * s + (size - 1) * d + 1 - n, 0) if mode != "valid" else 0
        widths.append((missing // 2, missing - missing // 2))
    if mode == "circular":
        index = np.pad(index, widths, mode="wrap")
    else:
        index = np.pad(index, widths, constant_values=prod(space))
    reach = tuple((size - 1) * d + 1 for size, d in zip(k, dilation, strict=True))
    views = np.lib.stride_tricks.sliding_window_view(index, reach)
    steps = tuple(slice(None, None, s) for s in stride)
    views = views[steps][(..., *(slice(None, None, d) for d in dilation))]
    return views.reshape(prod(views.shape[:rank]), -1), views.shape[:rank]


def gradients(network: Network, x: Array, seed: int) -> list[Array]:
    """Gradients of the output by all weights, the last layer's first, on one example.

    Values are (positions, channels). Weights follow from the seed and their layer's place, so that
    all examples of a draw share them.
    """
    space = x.shape[:-1]
    value = x.reshape(-1, x.shape[-1])
    backward: list[Callable[[Array], tuple[Array, list[Array]]]] = []
    for place, node in enumerate(network.nodes()):
        if node.layer is not None:
            rng = np.random.default_rng([seed, place])
            value, space, back = step(node.layer, value, space, rng)
            backward.append(back)
    gradient = np.ones_like(value)
    found: list[Array] = []
    for back in reversed(backward):
        gradient, more = back(gradient)
        found += more
    return found


def step(layer: Layer, x: Array, space: tuple[int, ...], rng: np.random.Generator) -> Any:
    """The layer's output, its space, and what takes a gradient back through it."""
    match layer.name:
        case "relu":
            return np.maximum(x, 0), space, lambda g: (g * (x > 0), [])
        case "flatten":
            return x.reshape(1, -1), (), lambda g: (g.reshape(x.shape), [])
        case "global_avg_pool" | "global_sum_pool":
            scale = 1 / len(x) if layer.name == "global_avg_pool" else 1.0
            return x.sum(0, keepdims=True) * scale, (), lambda g: (
                np.broadcast_to(g * scale, x.shape), [])  # fmt: skip
        case "avg_pool" | "sum_pool":
            table, out = cells(layer, space)
            matrix = indicator(table, len(x)).sum(axis=1)
            if layer.name == "avg_pool":
                matrix = matrix / matrix.sum(axis=1, keepdims=True)
            return matrix @ x, out, lambda g: (matrix.T @ g, [])
    return weighted(layer, x, space, rng)


def indicator(table: Array, positions: int) -> Array:
    """(windows, offsets, positions): which cell is under which offset."""
    return (table[:, :, None] == np.arange(positions)).astype(float)


def weighted(layer: Layer, x: Array, space: tuple[int, ...], rng: np.random.Generator) -> Any:
    units = 1 if layer.whole("units") == 1 else WIDTH
    if layer.name == "dense":
        taken, out = np.eye(len(x))[:, None, :], space
    elif layer.name == "conv_transpose":
        rank = len(space)
        stride, k = sizes(layer, "stride", rank), sizes(layer, "k", rank)
        dilation = sizes(layer, "dilation", rank)
        valid = layer.word("padding") == "valid"
        out = tuple(
            n * s + (max((size - 1) * d + 1 - s, 0) if valid else 0)
            for n, size, s, d in zip(space, k, stride, dilation, strict=True)
        )
        taken = np.moveaxis(indicator(cells(layer, out)[0], prod(out)), 0, -1).swapaxes(0, 1)
    else:
        table, out = cells(layer, space)
        taken = indicator(table, len(x))
    local = layer.name == "local_conv"
    windows, offsets, _ = taken.shape
    inputs = x.shape[1] * offsets
    patches = (taken.reshape(-1, len(x)) @ x).reshape(windows, inputs)
    w, b = number(layer, "w_std") / np.sqrt(inputs), number(layer, "b_std")
    shape = (windows if local else 1, inputs, units)
    weights, bias = rng.normal(size=shape), rng.normal(size=(windows if local else 1, units))
    value = w * np.einsum("pi,piu->pu", patches, np.broadcast_to(weights, (windows, inputs, units)))

    def back(g: Array) -> tuple[Array, list[Array]]:
        full = np.broadcast_to(weights, (windows, inputs, units))
        inner = w * np.einsum("pu,piu->pi", g, full).reshape(-1, x.shape[1])
        before = taken.reshape(-1, len(x)).T @ inner
        if local:
            return before, [w * np.einsum("pi,pu->piu", patches, g).ravel(), (b * g).ravel()]
        return before, [w * (patches.T @ g).ravel(), b * g.sum(0)]

    return value + b * bias, out, back


BODIES = [
    ("image[4, 3, 2]", "conv(3x2, padding = same, b_std = 0.5) -> relu -> flatten"),
    ("image[4, 3, 2]", "conv(2, stride = 2x1, padding = circular) -> relu -> global_avg_pool"),
    ("sequence[7, 2]", "conv(2, dilation = 3) -> relu -> conv(3) -> relu -> global_sum_pool"),
    ("image[4, 3, 2]", "conv(1) -> relu -> local_conv(2, b_std = 0.5) -> relu -> global_avg_pool"),
    ("sequence[3, 2]", "conv(1) -> relu -> conv_transpose(3, stride = 2, b_std = 0.3) -> relu"
     "-> global_avg_pool"),
    ("sequence[4, 2]", "conv_transpose(4, stride = 2, padding = same) -> relu -> flatten"),
    ("image[4, 3, 2]", "conv(2) -> relu -> avg_pool(2, stride = 1, padding = same) -> conv(2)"
     "-> relu -> flatten"),
    ("sequence[5, 2]", "conv(2) -> relu -> sum_pool(3, stride = 2, padding = same) -> flatten"),
    ("volume[2, 2, 3, 2]", "conv(2x1x2) -> relu -> avg_pool(1x2x1) -> flatten"),
    ("sequence[5, 2]", "conv(2) -> relu -> dense(b_std = 0.3) -> relu -> global_avg_pool"),
]  # fmt: skip


@pytest.mark.parametrize(("input", "body"), BODIES)
def test_the_limit(input: str, body: str) -> None:
    network = resolve(f"network net {{ input {input}\n{body} -> dense(units = 1)\n}}")
    x = np.random.default_rng(3).normal(size=(3, *[size or 1 for size in network.input.sizes]))
    limit = interpret(derive(network), x, x)
    nngp, ntk = np.zeros((3, 3)), np.zeros((3, 3))
    for draw in range(DRAWS):
        runs = [gradients(network, example, draw) for example in x]
        flat = np.stack([np.concatenate([g.ravel() for g in found]) for found in runs])
        ntk += flat @ flat.T / DRAWS
        # The readout's gradients are its inputs: their products are the outputs' covariance.
        readout = np.stack([found[0].ravel() for found in runs])
        nngp += readout @ readout.T / DRAWS
    for found, root in ((nngp, "nngp"), (ntk, "ntk")):
        scale = np.sqrt(np.diag(limit[root]))
        assert np.abs((found - limit[root]) / np.outer(scale, scale)).max() < TOLERANCE
