"""Wide random networks with positions tend to their kernels: NNGP of outputs, NTK of gradients."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from ntkc.ir.interpret import interpret
from ntkc.layers.base import Layer
from ntkc.layers.base.known import AXES
from ntkc.network.derive import derive
from ntkc.network.graph import LayerNode, Network
from ntkc.passes.diagonals import diagonals
from tests.network.programs import resolve

pytestmark = pytest.mark.slow

Array = NDArray[Any]
Value = tuple[Array, tuple[int, ...]]
"""(positions, channels) and the space."""
Back = Callable[[Array], tuple[list[Array], list[Array]]]
"""From a gradient by an output to those by the inputs, and by the layer's weights."""
JOINS = ("add", "multiply", "concat")
WIDTH, DRAWS = 128, 64
TOLERANCE = 0.08
"""Entries fluctuate by some 1 / √(width · draws) = 1.1 %, and are biased by some 1 / width a layer;
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
    all examples of a draw share them; masks of `dropout` follow from the example too.
    """
    nodes = list(network.nodes())
    found: dict[LayerNode, Value] = {}
    backward: dict[LayerNode, Back] = {}
    example = int(abs(x.ravel()[0]) * 1e9)
    for place, node in enumerate(nodes):
        if node.layer is None:
            found[node] = x.reshape(-1, x.shape[-1]), x.shape[:-1]
            continue
        rng = np.random.default_rng([seed, place])
        before = [found[each] for each in node.inputs]
        if node.layer.name in JOINS:
            value, space, backward[node] = joined(node.layer, before)
        else:
            if node.layer.name == "dropout":
                rng = np.random.default_rng([seed, place, example])
            value, space, back = step(node.layer, *before[0], rng)
            backward[node] = _of_one(back)
        found[node] = value, space
    flowing = {network.output: np.ones_like(found[network.output][0])}
    gradient: list[Array] = []
    for node in reversed(nodes):
        if node in backward and node in flowing:
            parts, more = backward[node](flowing[node])
            gradient += more
            for each, part in zip(node.inputs, parts, strict=True):
                flowing[each] = flowing[each] + part if each in flowing else part
    return gradient


def _of_one(back: Callable[[Array], tuple[Array, list[Array]]]) -> Back:
    def alone(g: Array) -> tuple[list[Array], list[Array]]:
        before, more = back(g)
        return [before], more

    return alone


def joined(layer: Layer, before: list[Value]) -> tuple[Array, tuple[int, ...], Back]:
    """Branches together: value, space, and what takes a gradient back to each of them."""
    values, spaces = [value for value, _ in before], [space for _, space in before]
    if layer.name == "add":
        return sum(values), spaces[0], lambda g: ([g] * len(values), [])  # type: ignore[return-value]
    if layer.name == "multiply":
        first, second = values
        return first * second, spaces[0], lambda g: ([g * second, g * first], [])
    word = layer.word("axis")
    axis = len(spaces[0]) if word == "channel" else AXES[len(spaces[0])].index(word)
    shaped = [v.reshape(*space, v.shape[1]) for v, space in zip(values, spaces, strict=True)]
    whole = np.concatenate(shaped, axis)
    ends = np.cumsum([part.shape[axis] for part in shaped])[:-1]

    def back(g: Array) -> tuple[list[Array], list[Array]]:
        parts = np.split(g.reshape(whole.shape), ends, axis)
        return [part.reshape(v.shape) for part, v in zip(parts, values, strict=True)], []

    return whole.reshape(-1, whole.shape[-1]), whole.shape[:-1], back


def scaled(layer: Layer, x: Array, space: tuple[int, ...]) -> Any:
    """`layer_norm` and `normalize`: over channels, or over positions and channels."""
    axes = (0, 1) if "space" in layer.arguments["axis"] else (1,)  # type: ignore[operator]
    centred = layer.name == "layer_norm"
    mean = x.mean(axes, keepdims=True) if centred else 0.0
    size = np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True))
    value = (x - mean) / size

    def back(g: Array) -> tuple[Array, list[Array]]:
        along = value * (g * value).mean(axes, keepdims=True)
        shared = g.mean(axes, keepdims=True) if centred else 0.0
        return (g - shared - along) / size, []

    return value, space, back


def step(layer: Layer, x: Array, space: tuple[int, ...], rng: np.random.Generator) -> Any:
    """The layer's output, its space, and what takes a gradient back through it."""
    match layer.name:
        case "relu":
            return np.maximum(x, 0), space, lambda g: (g * (x > 0), [])
        case "erf":
            slope = 2 / np.sqrt(np.pi) * np.exp(-x * x)
            return special.erf(x), space, lambda g: (g * slope, [])
        case "identity":
            return x, space, lambda g: (g, [])
        case "dropout":
            kept = (rng.random(x.shape) >= number(layer, "rate")) / (1 - number(layer, "rate"))
            return x * kept, space, lambda g: (g * kept, [])
        case "layer_norm" | "normalize":
            return scaled(layer, x, space)
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
    declared = layer.whole("units")
    units = WIDTH if declared is None else 1 if declared == 1 else declared * WIDTH // 4
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
    ("image[3, 3, 2]", "conv(2, @) -> erf -> conv(2, b_std = 0.3) -> erf -> flatten"),
    ("image[3, 3, 2]", "conv(2) -> add(relu -> conv(2, @), identity) -> relu -> global_avg_pool"),
    ("sequence[5, 2]", "conv(2) -> add(relu -> conv(2, stride = 2), conv(1, stride = 2)) -> relu"
     "-> flatten"),
    ("sequence[4, 2]", "conv(2) -> multiply(relu -> conv(2, @), identity) -> global_avg_pool"),
    ("sequence[4, 2]", "concat(conv(2, units = 3), conv(2, units = 5, w_std = 2)) -> conv(2)"
     "-> relu -> flatten"),
    ("image[3, 3, 2]", "concat(conv(2, b_std = 0.3), conv(3x2), axis = height) -> relu -> conv(2)"
     "-> relu -> global_avg_pool"),
    ("image[3, 2, 2]", "conv(2, @) -> layer_norm -> relu -> conv(2) -> relu -> flatten"),
    ("image[3, 2, 2]", "conv(2, @) -> layer_norm(axis = [space, channel]) -> relu"
     "-> global_avg_pool"),
    ("image[3, 2, 2]", "conv(2, @) -> relu -> normalize -> conv(2) -> relu -> flatten"),
    ("image[3, 2, 2]", "conv(2, @) -> relu -> normalize(axis = channel) -> conv(2) -> relu"
     "-> global_avg_pool"),
    ("sequence[4, 2]", "conv(2) -> relu -> dropout(0.3) -> conv(2) -> relu -> global_avg_pool"),
    ("volume[2, 3, 2, 2]", "local_conv(1x2x2) -> relu -> conv_transpose(2x1x1, stride = 2x1x1)"
     "-> relu -> global_sum_pool"),
]  # fmt: skip


@pytest.mark.parametrize(("input", "body"), BODIES)
def test_the_limit(input: str, body: str) -> None:
    body = body.replace("@", "padding = same")
    network = resolve(f"network net {{ input {input}\n{body} -> dense(units = 1)\n}}")
    x = np.random.default_rng(3).normal(size=(3, *[size or 1 for size in network.input.sizes]))
    limit = interpret(diagonals(derive(network)), x, x)
    for root in ("nngp", "ntk"):  # with `dropout`, an example has its mask in common with itself
        np.fill_diagonal(limit[root], limit[f"{root}_diagonal"])
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
