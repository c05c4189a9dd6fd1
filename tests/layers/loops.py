"""Σ and Θ by explicit loops over examples and positions, from the layers' definitions alone.

All examples stand side by side: Σ[i, p, j, q] for examples i, j and positions p, q, so a variance
is an entry, and neither projections nor kernel IR nor vectorised windows are used. It is slow, for
tiny sizes.
"""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from ntkc.layers.base import Layer
from ntkc.network.graph import LayerNode, Network

Array = NDArray[np.float64]
Space = tuple[int, ...]
Both = tuple[Array, Array]


def by_loops(network: Network, x: Array) -> Both:
    """Σ and Θ between all examples `x` (n, *space, channels), at the network's output: (n, n)."""
    known: dict[LayerNode, Both] = {}
    for node in network.nodes():
        if node.layer is None:
            known[node] = _input(x), np.zeros((len(x), *x.shape[1:-1]) * 2)
        else:
            shapes = [before.shape for before in node.inputs]
            known[node] = _apply(node.layer, [known[before] for before in node.inputs], shapes)
    return known[network.output]


def _input(x: Array) -> Array:
    n, *space, channels = x.shape
    result = np.zeros((n, *space) * 2)
    for at in np.ndindex(n, *space):
        for other in np.ndindex(n, *space):
            result[at + other] = sum(x[at] * x[other]) / channels
    return result


def _number(layer: Layer, name: str) -> float:
    return float(layer.number(name).attr("value"))


def _sizes(layer: Layer, name: str, rank: int, default: Space) -> Space:
    value = layer.arguments.get(name)
    if value is None:
        return default
    return (value,) * rank if isinstance(value, int) else tuple(value)  # type: ignore[arg-type]


class Window:
    """The cells of windows, read off the cells of a padded axis."""

    def __init__(self, layer: Layer, rank: int) -> None:
        self.size = _sizes(layer, "k", rank, ())
        self.stride = _sizes(layer, "stride", rank, self.size)
        self.dilation = _sizes(layer, "dilation", rank, (1,) * rank)
        self.padding = layer.word("padding")

    def axis(self, axis: int, n: int) -> list[list[int | None]]:
        """For every window along an axis the cell under each offset, None outside."""
        k, s, d = self.size[axis], self.stride[axis], self.dilation[axis]
        reach = (k - 1) * d + 1
        padded: list[int | None] = list(range(n))
        if self.padding != "valid":
            missing = max((-(-n // s) - 1) * s + reach - n, 0)
            low = missing // 2
            high = missing - low
            ring = self.padding == "circular"
            before = [(i % n if ring else None) for i in range(-low, 0)]
            after = [(i % n if ring else None) for i in range(n, n + high)]
            padded = [*before, *padded, *after]
        starts = range(0, len(padded) - reach + 1, s)
        return [[padded[start + o * d] for o in range(k)] for start in starts]

    def all(self, space: Space) -> list[list[tuple[Space, Space | None]]]:
        """Per axis windows combined: for every window its offsets and their cells."""
        axes = [self.axis(axis, n) for axis, n in enumerate(space)]
        found = []
        for windows in product(*axes):
            cells = []
            for offset in product(*(range(k) for k in self.size)):
                cell = tuple(w[o] for w, o in zip(windows, offset, strict=True))
                cells.append((offset, None if None in cell else cell))
            found.append(cells)
        return found  # type: ignore[return-value]

    def counts(self, space: Space) -> Space:
        """How many windows there are along every axis."""
        return tuple(len(self.axis(axis, n)) for axis, n in enumerate(space))


def _space(value: Array) -> Space:
    return value.shape[1 : value.ndim // 2]


def _over_windows(value: Array, layer: Layer, divide: bool) -> Array:
    """The mean over one offset for both windows (a convolution), cells outside being 0."""
    space, n = _space(value), len(value)
    window = Window(layer, len(space))
    out = window.counts(space)
    all_windows = dict(zip(np.ndindex(*out), window.all(space), strict=True))
    result = np.zeros((n, *out) * 2)
    for i, p, j, q in product(range(n), all_windows, range(n), all_windows):
        for (offset, a), (same, b) in zip(all_windows[p], all_windows[q], strict=True):
            assert offset == same
            if a is not None and b is not None:
                result[(i, *p, j, *q)] += value[(i, *a, j, *b)]
    return result / prod(window.size) if divide else result


def _transposed(value: Array, layer: Layer, out: Space) -> Array:
    """Every pair of inputs added to the cells of their windows in the output."""
    space, n = _space(value), len(value)
    window = Window(layer, len(space))
    assert window.counts(out) == space
    windows = dict(zip(np.ndindex(*space), window.all(out), strict=True))
    result = np.zeros((n, *out) * 2)
    for i, p, j, q in product(range(n), windows, range(n), windows):
        for (_, a), (_, b) in zip(windows[p], windows[q], strict=True):
            if a is not None and b is not None:
                result[(i, *a, j, *b)] += value[(i, *p, j, *q)] / prod(window.size)
    return result


def _pooled(value: Array, layer: Layer, mean: bool) -> Array:
    space, n = _space(value), len(value)
    window = Window(layer, len(space))
    out = window.counts(space)
    windows = dict(zip(np.ndindex(*out), window.all(space), strict=True))
    result = np.zeros((n, *out) * 2)
    for i, p, j, q in product(range(n), windows, range(n), windows):
        first = [cell for _, cell in windows[p] if cell is not None]
        second = [cell for _, cell in windows[q] if cell is not None]
        total = sum(value[(i, *a, j, *b)] for a in first for b in second)
        result[(i, *p, j, *q)] = total / (len(first) * len(second)) if mean else total
    return result


def _variances(value: Array) -> Array:
    space = _space(value)
    result = np.zeros((len(value), *space))
    for at in np.ndindex(*result.shape):
        result[at] = value[at + at]
    return result


def _scaled(both: Both, variances: Array) -> Both:
    """Both over the square roots of the variances of the two sides."""
    result = tuple(np.zeros_like(value) for value in both)
    for at in np.ndindex(*variances.shape):
        for other in np.ndindex(*variances.shape):
            scale = np.sqrt(variances[at] * variances[other])
            for new, old in zip(result, both, strict=True):
                new[at + other] = old[at + other] / scale if scale > 0 else 0.0
    return result[0], result[1]


def _erf(both: Both) -> Both:
    nngp, ntk = both
    variances = _variances(nngp)
    result = np.zeros_like(nngp), np.zeros_like(ntk)
    for at in np.ndindex(*variances.shape):
        for other in np.ndindex(*variances.shape):
            c, d = nngp[at + other], (1 + 2 * variances[at]) * (1 + 2 * variances[other])
            result[0][at + other] = 2 / np.pi * np.arcsin(2 * c / np.sqrt(d))
            result[1][at + other] = ntk[at + other] * 4 / np.pi / np.sqrt(d - 4 * c * c)
    return result


def _weighted(layer: Layer, mean: Both, inputs: int) -> Both:
    w2, b2 = _number(layer, "w_std") ** 2, _number(layer, "b_std") ** 2
    nngp = w2 * mean[0] + b2
    own = nngp
    if layer.word("parameterization") == "standard":
        own = inputs * mean[0] + (b2 > 0)
    rate = _number(layer, "learning_rate") if layer.flag("trainable") else 0.0
    return nngp, rate * own + w2 * mean[1]


def _same_position(value: Array) -> Array:
    space, n = _space(value), len(value)
    result = np.zeros_like(value)
    for i, j in product(range(n), range(n)):
        for p in np.ndindex(*space):
            result[(i, *p, j, *p)] = value[(i, *p, j, *p)]
    return result


def _flattened(value: Array) -> Array:
    space, n = _space(value), len(value)
    result = np.zeros((n, n))
    for i, j in np.ndindex(n, n):
        result[i, j] = np.mean([value[(i, *p, j, *p)] for p in np.ndindex(*space)])
    return result


def _blocks(values: list[Array], axis: int) -> Array:
    n = len(values[0])
    spaces = [_space(value) for value in values]
    out = list(spaces[0])
    out[axis] = sum(space[axis] for space in spaces)
    result, start = np.zeros((n, *out, n, *out)), 0
    for value, space in zip(values, spaces, strict=True):
        for i, p, j, q in product(range(n), np.ndindex(*space), range(n), np.ndindex(*space)):
            a, b = list(p), list(q)
            a[axis] += start
            b[axis] += start
            result[(i, *a, j, *b)] = value[(i, *p, j, *q)]
        start += space[axis]
    return result


def _apply(layer: Layer, inputs: list[Both], shapes: list) -> Both:  # type: ignore[type-arg]
    both, space = inputs[0], _space(inputs[0][0])
    positions = tuple(range(1, 1 + len(space)))
    axes = (*positions, *(1 + len(space) + axis for axis in positions))
    match layer.name:
        case "dense":
            return _weighted(layer, both, shapes[0].channels or 0)
        case "conv" | "local_conv":
            mean = tuple(_over_windows(value, layer, True) for value in both)
            count = (shapes[0].channels or 0) * prod(Window(layer, len(space)).size)
            made = _weighted(layer, mean, count)  # type: ignore[arg-type]
            if layer.name == "conv":
                return made
            return _same_position(made[0]), _same_position(made[1])
        case "conv_transpose":
            window = Window(layer, len(space))
            out = []
            for n, k, s, d in zip(space, window.size, window.stride, window.dilation, strict=True):
                extra = max((k - 1) * d + 1 - s, 0) if window.padding == "valid" else 0
                out.append(n * s + extra)
            mean = tuple(_transposed(value, layer, tuple(out)) for value in both)
            count = (shapes[0].channels or 0) * prod(window.size)
            return _weighted(layer, mean, count)  # type: ignore[arg-type]
        case "avg_pool" | "sum_pool":
            mean_of = layer.name == "avg_pool"
            return _pooled(both[0], layer, mean_of), _pooled(both[1], layer, mean_of)
        case "global_avg_pool":
            return both[0].mean(axes), both[1].mean(axes)
        case "global_sum_pool":
            return both[0].sum(axes), both[1].sum(axes)
        case "flatten":
            return _flattened(both[0]), _flattened(both[1])
        case "layer_norm" | "normalize":
            variances = _variances(both[0])
            if "space" in layer.arguments["axis"]:  # type: ignore[operator]
                variances = variances * 0 + variances.mean(positions, keepdims=True)
            eps = 1e-12 if layer.name == "layer_norm" else 0.0
            return _scaled(both, variances + eps)
        case "dropout":
            keep = 1 - _number(layer, "rate")
            for value in (result := (both[0].copy(), both[1].copy())):
                for at in np.ndindex(len(value), *space):
                    value[at + at] /= keep
            return result
        case "identity":
            return both
        case "add":
            return sum(b[0] for b in inputs), sum(b[1] for b in inputs)  # type: ignore[return-value]
        case "multiply":
            nngp, ntk = both
            for other in inputs[1:]:
                nngp, ntk = nngp * other[0], ntk * other[0] + nngp * other[1]
            return nngp, ntk
        case "concat":
            word = layer.word("axis")
            if word == "channel":
                weights = np.array([shape.channels for shape in shapes], float)
                weights /= weights.sum()
                return tuple(  # type: ignore[return-value]
                    sum(w * b[i] for w, b in zip(weights, inputs, strict=True)) for i in (0, 1)
                )
            names = {1: ["length"], 2: ["height", "width"], 3: ["depth", "height", "width"]}
            axis = 0 if word == "space" else names[len(space)].index(word)
            return _blocks([b[0] for b in inputs], axis), _blocks([b[1] for b in inputs], axis)
        case "erf":
            return _erf(both)
    raise AssertionError(layer.name)
