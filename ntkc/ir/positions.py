"""What the linear maps on positions mean, on whole arrays.

A value of a space S = (s₁, …, s_D) is held with its positions in the last axes: a CROSS value as
(n1, n2, *S, *S), a ROW value as (n1, 1, *S, 1, …, 1), a COL value as (1, n2, 1, …, 1, *S). Every
map is separable: it is applied axis by axis, by matrices of zeros and ones or by shifts.
Everything works on arrays of objects too, such as mpmath's numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.ir.node import Node, Space, Varies

Array = NDArray[Any]


def cells(node: Node, axis: int, size: int) -> Array:
    """The input cell under each offset of each window along an axis: (out, offsets), −1 outside.

    `node` is a `window`, `spread` (whose windows lie in its result) or `pool`; `size` is the
    axis's length where the windows lie.
    """
    stride, before = node.attr("stride")[axis], node.attr("before")[axis]
    dilation = node.attr("dilation")[axis] if node.op != "pool" else 1
    count = node.args[0].space[axis] if node.op == "spread" else node.attr("out")[axis]
    starts = np.arange(count)[:, None] * stride - before
    found = starts + np.arange(node.attr("size")[axis]) * dilation
    if node.attr("circular"):
        return np.asarray(found % size)
    return np.where((found >= 0) & (found < size), found, -1)


def position_axes(varies: Varies, rank: int) -> tuple[tuple[int, ...], ...]:
    """The axes of an array that hold positions: p, p', or both."""
    first, second = tuple(range(2, 2 + rank)), tuple(range(2 + rank, 2 + 2 * rank))
    if varies is Varies.CROSS:
        return first, second
    return (first,) if varies is Varies.ROW else (second,)


def window(node: Node, value: Array, number: Any) -> Array:
    """The mean over a window's offsets, the same for p and p'."""
    space = node.args[0].space
    table = [cells(node, axis, size) for axis, size in enumerate(space)]
    result: Any = None
    for offsets in itertools.product(*(range(t.shape[1]) for t in table)):
        part = value
        for axes in position_axes(node.varies, len(space)):
            for axis, t, offset in zip(axes, table, offsets, strict=True):
                part = taken(part, axis, t[:, offset])
        result = part if result is None else result + part
    return _array(result / number(prod(node.attr("size"))))


def spread(node: Node, value: Array, number: Any) -> Array:
    """The adjoint of `window`: each position's value goes to all cells of its window."""
    out = node.attr("out")
    table = [cells(node, axis, size) for axis, size in enumerate(out)]
    result: Any = None
    for offsets in itertools.product(*(range(t.shape[1]) for t in table)):
        part = value
        for axes in position_axes(node.varies, len(out)):
            for axis, t, offset, size in zip(axes, table, offsets, out, strict=True):
                part = put(part, axis, t[:, offset], size)
        result = part if result is None else result + part
    return _array(result / number(prod(node.attr("size"))))


def pool(node: Node, value: Array, number: Any) -> Array:
    """A sum or mean over a window at p and another at p'."""
    for axes in position_axes(Varies.CROSS, len(node.args[0].space)):
        for axis, source in enumerate(axes):
            value = _pooled(node, value, axis, source, number)
    return value


def _pooled(node: Node, value: Array, axis: int, source: int, number: Any) -> Array:
    table = cells(node, axis, node.args[0].space[axis])
    total: Any = sum(taken(value, source, table[:, o]) for o in range(table.shape[1]))
    divisors = np.ones(len(table))
    if node.attr("divide") == "inside":
        divisors = (table >= 0).sum(axis=1)
    elif node.attr("divide") == "size":
        divisors = np.full(len(table), table.shape[1])
    shape = [1] * value.ndim
    shape[source] = len(table)
    return _array(total / np.array([number(int(d)) for d in divisors]).reshape(shape))


def sum_positions(node: Node, value: Array, number: Any) -> Array:
    """The sum over all pairs of positions."""
    axes = tuple(range(2, value.ndim))
    return _array(value.sum(axis=axes))


def mean_diagonal(node: Node, value: Array, number: Any) -> Array:
    """The mean over p = p'."""
    space = node.args[0].space
    positions = number(prod(space))
    if node.varies is Varies.CROSS:
        total: Any = sum(value[twice(p)] for p in _positions(space))
        return _array(total / positions)
    shape = value.shape[:2]
    return _array(value.reshape(*shape, -1).sum(axis=2) / positions)


def same_position(node: Node, value: Array, number: Any) -> Array:
    """Values at p = p'; 0 elsewhere."""
    if node.varies is not Varies.CROSS:
        return value
    result: Array = value * number(0)
    for p in _positions(node.space):
        result[twice(p)] = value[twice(p)]
    return result


def embed(node: Node, value: Array, number: Any) -> Array:
    """The value in a larger space, with zeros around it."""
    out = node.attr("out")
    for axes in position_axes(node.varies, len(out)):
        for axis, start, size in zip(axes, node.attr("start"), out, strict=True):
            value = put(value, axis, start + np.arange(value.shape[axis]), size)
    return value


MAPS = {
    "window": window,
    "spread": spread,
    "pool": pool,
    "sum_positions": sum_positions,
    "mean_diagonal": mean_diagonal,
    "same_position": same_position,
    "embed": embed,
}


def same_positions(value: Array, rank: int) -> Array:
    """The values (n1, n2, *S) at p = p' of a CROSS value (n1, n2, *S, *S)."""
    space = value.shape[2 : 2 + rank]
    result = np.empty((*value.shape[:2], *space), value.dtype)
    for p in _positions(space):
        result[twice(p)[: 2 + rank]] = value[twice(p)]
    return result


def twice(position: tuple[int, ...]) -> Any:
    """The index of all pairs of inputs at p = p'."""
    return (slice(None), slice(None), *position, *position)


def _positions(space: Sequence[int] | Space) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, space))


def taken(value: Array, axis: int, index: Array) -> Array:
    """Entries `index` along an axis, 0 for −1."""
    taken = np.take(value, np.maximum(index, 0), axis=axis)
    shape = [1] * value.ndim
    shape[axis] = len(index)
    return _array(np.where((index >= 0).reshape(shape), taken, taken * 0))


def put(value: Array, axis: int, index: Array, size: int) -> Array:
    """Entries moved to `index` along an axis of the new size, and summed; dropped for −1."""
    shape = list(value.shape)
    shape[axis] = size
    result = np.zeros(shape, value.dtype)
    if value.dtype == object:
        result = result + value.flat[0] * 0
    moved, source = np.moveaxis(result, axis, 0), np.moveaxis(value, axis, 0)
    for i, target in enumerate(index):
        if target >= 0:
            moved[target] = moved[target] + source[i]
    return result


def _array(value: Any) -> Array:
    return np.asarray(value)
