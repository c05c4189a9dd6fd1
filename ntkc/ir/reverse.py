"""Vector-Jacobian products of kernel IR by its inputs: reverse mode on the interpreter's terms.

A value's *slope* is the derivative of (cotangent * root).sum() by it. Slopes go from the root
to the inputs, node by node: through a scalar operation by its partial derivatives, which are the
rules of `ntkc.ir.rates` with one argument moving at a rate of 1; through a linear map on positions
by the map's transpose. Like the interpreter it holds whole arrays and has no cleverness: about
two arrays for each node.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.ir.arithmetic import numpy_arithmetic
from ntkc.ir.interpret import Interpreter, extended, same_place
from ntkc.ir.module import Module
from ntkc.ir.node import Node, Varies, const, topological
from ntkc.ir.positions import cells, position_axes, put, taken, twice
from ntkc.ir.rates import RULES

Array = NDArray[np.float64]


def pull_back(
    module: Module,
    root: Node,
    x1: Array,
    x2: Array,
    cotangent: Array,
    parameters: Mapping[str, float],
) -> tuple[Array, Array]:
    """The gradients of (cotangent * root).sum() by `x1` and `x2`, of their shapes.

    `root` is a CROSS value (n1, n2) of a module without `dual` operations, `cotangent` (n1, n2).
    """
    reverse = _Reverse(module, x1, x2, parameters, numpy_arithmetic(np.dtype(np.float64)))
    return reverse.gradients(root, cotangent)


def pull_back_own(
    module: Module, root: Node, x: Array, cotangent: Array, parameters: Mapping[str, float]
) -> Array:
    """The gradient of the sum over i of cotangent[i] root(x[i], x[i]), each of an input with
    itself: it moves in both places. `cotangent` is (n,).
    """
    found = np.zeros(x.shape)
    for i in range(len(x)):
        alone = x[i : i + 1]
        reverse = _Reverse(
            module, alone, alone, parameters, numpy_arithmetic(np.dtype(np.float64)), own=True
        )
        for part in reverse.gradients(root, cotangent[i].reshape(1, 1)):
            found[i] += part[0]
    return found


def bytes_of_pair(root: Node) -> int:
    """What `pull_back` holds for one pair of inputs, from above."""
    sizes = [
        8 * prod(node.space) ** (2 if node.varies is Varies.CROSS else 1)
        for node in topological((root,))
    ]
    return 2 * sum(sizes) + 8 * max(sizes)


_COINCIDENT = 8 * float(np.finfo(np.float64).eps)
"""Complements up to here are roundings, as in generated code: what coincides has no slope."""


class _Reverse(Interpreter):
    """The interpreter, and its transpose."""

    def _value(self, node: Node, args: list[Any]) -> Any:
        if node.op == "coincide":
            return np.where(args[0] > _COINCIDENT, args[0], 0.0)
        return super()._value(node, args)

    def gradients(self, root: Node, cotangent: Array) -> tuple[Array, Array]:
        """The slopes by both inputs."""
        values = self.run([root])
        order = list(topological((root,)))
        moving = _moving(order)
        found = tuple(np.zeros(x.shape) for x in self.inputs)
        slopes: dict[Node, Array] = {}
        if root in moving:
            ones = (1,) * (np.ndim(values[root]) - 2)
            slopes[root] = _reduced(cotangent.reshape(*cotangent.shape, *ones), values[root])
        with np.errstate(all="ignore"):
            for node in reversed(order):
                slope = slopes.pop(node, None)
                if slope is None:
                    continue
                if node.op in ("gram", "own"):
                    self._arrive(node, slope, found)
                    continue
                for arg, part in self._parts(node, slope, values, moving):
                    part = _reduced(part, values[arg])
                    slopes[arg] = slopes[arg] + part if arg in slopes else part
        return found[0], found[1]

    def _parts(
        self, node: Node, slope: Array, values: dict[Node, Any], moving: set[Node]
    ) -> Iterator[tuple[Node, Array]]:
        """What a node's slope comes to at each of its arguments that move."""
        transpose = TRANSPOSES.get(node.op)
        for place, arg in enumerate(node.args):
            if arg not in moving:
                continue
            if transpose is not None:
                yield arg, transpose(node, slope, self._full(arg, values[arg]).shape)
            elif node.op in ("carry", "within"):
                yield arg, slope
            elif node.op == "where_same":
                same = same_place(node.space)
                yield arg, np.where(same if place == 0 else ~same, slope, 0.0)
            elif node.op == "dropout":
                yield arg, slope * self._kept(node, extended(values[node.args[1]], 0))
            else:
                rates = [const(1.0) if k == place else None for k in range(len(node.args))]
                partial = RULES[node.op](node, *rates)
                if partial is not None:
                    yield arg, slope * self._partial(partial, values, len(node.space))

    def _partial(self, partial: Node, values: dict[Node, Any], rank: int) -> Any:
        """A partial derivative, made of nodes whose values are known and a few others."""
        local: dict[Node, Any] = {}
        for node in topological((partial,), values):
            args = [local[a] if a in local else values[a] for a in node.args]
            local[node] = self._value(node, [extended(a, len(node.space)) for a in args])
        return extended(local[partial] if partial in local else values[partial], rank)

    def _kept(self, node: Node, rate: Any) -> Any:
        """What dropout multiplies a value by."""
        one = np.ones((1, 1))
        if node.varies is not Varies.CROSS:
            return extended(one / (1.0 - rate), len(node.space))
        factor = self._with_own(node, extended(one, len(node.space)), lambda: 1.0 / (1.0 - rate))
        return np.asarray(factor)

    def _arrive(self, node: Node, slope: Array, found: tuple[Array, ...]) -> None:
        """Add the slope by what inputs enter through to those by the inputs."""
        x1, x2 = self.inputs
        rank = x1.ndim - 2
        if node.op == "own":
            self._arrive_alone(node, slope, found)
        elif node.attr("varies") == "CROSS":
            first = np.moveaxis(slope, 1, 1 + rank)  # (n1, *S, n2, *S)
            half = tuple(range(1 + rank, 2 + 2 * rank))
            others = tuple(range(1 + rank))
            found[0][...] += np.tensordot(first, x2, axes=(half, others)) / self.size
            found[1][...] += np.tensordot(first, x1, axes=(others, others)) / self.size
        else:
            side = 0 if node.attr("varies") == "ROW" else 1
            x = self.inputs[side]
            found[side][...] += 2.0 * slope.reshape(*x.shape[:-1], 1) * x / self.size

    def _arrive_alone(self, node: Node, slope: Array, found: tuple[Array, ...]) -> None:
        """Through the value of a pair, for each input with itself and p = p'."""
        (pair,), rank = node.args, len(node.space)
        side = 0 if node.attr("varies") == "ROW" else 1
        inputs = self.inputs[side]
        for i, row in enumerate(slope.reshape(len(inputs), *node.space)):
            x = inputs[i : i + 1]
            alone = _Reverse(self.module, x, x, self.given, self.arithmetic, own=True)
            spread = np.zeros((1, 1, *pair.space, *pair.space))
            for position in np.ndindex(*node.space):
                spread[twice(position)] = row[position]
            for part in alone.gradients(pair, spread if rank else row.reshape(1, 1)):
                found[side][i] += part[0]


def _moving(order: list[Node]) -> set[Node]:
    """The nodes that depend on inputs."""
    moving: set[Node] = set()
    for node in order:
        if node.op in ("gram", "own") or not moving.isdisjoint(node.args):
            moving.add(node)
    return moving


def _reduced(slope: Array, value: Any) -> Array:
    """The slope by a value that was broadcast: summed over the axes along which it was."""
    shape = np.shape(value)
    wide = shape if len(shape) == slope.ndim else (*shape, *(1,) * (slope.ndim - len(shape)))
    axes = tuple(k for k, size in enumerate(wide) if size == 1 and slope.shape[k] != 1)
    summed = slope.sum(axis=axes, keepdims=True) if axes else slope
    return np.broadcast_to(summed, wide).reshape(shape)


# --- transposes of the maps on positions ---------------------------------------------------


def _of_window(node: Node, slope: Array, shape: tuple[int, ...]) -> Array:
    space = node.args[0].space
    table = [cells(node, axis, size) for axis, size in enumerate(space)]
    result = np.zeros(shape)
    for offsets in itertools.product(*(range(t.shape[1]) for t in table)):
        part = slope
        for axes in position_axes(node.varies, len(space)):
            for axis, t, offset, size in zip(axes, table, offsets, space, strict=True):
                part = put(part, axis, t[:, offset], size)
        result += part
    return np.asarray(result / prod(node.attr("size")))


def _of_spread(node: Node, slope: Array, shape: tuple[int, ...]) -> Array:
    out = node.attr("out")
    table = [cells(node, axis, size) for axis, size in enumerate(out)]
    result = np.zeros(shape)
    for offsets in itertools.product(*(range(t.shape[1]) for t in table)):
        part = slope
        for axes in position_axes(node.varies, len(out)):
            for axis, t, offset in zip(axes, table, offsets, strict=True):
                part = taken(part, axis, t[:, offset])
        result += part
    return np.asarray(result / prod(node.attr("size")))


def _of_pool(node: Node, slope: Array, shape: tuple[int, ...]) -> Array:
    space = node.args[0].space
    for axes in position_axes(Varies.CROSS, len(space)):
        for axis, (target, size) in enumerate(zip(axes, space, strict=True)):
            table = cells(node, axis, size)
            divisors = np.ones(len(table))
            if node.attr("divide") == "inside":
                divisors = (table >= 0).sum(axis=1).astype(float)
            elif node.attr("divide") == "size":
                divisors[:] = table.shape[1]
            scale = [1] * slope.ndim
            scale[target] = len(table)
            slope = slope / divisors.reshape(scale)
            parts = (put(slope, target, table[:, o], size) for o in range(table.shape[1]))
            slope = np.sum(list(parts), axis=0)
    return slope


def _of_sum(node: Node, slope: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(slope.reshape(*slope.shape[:2], *(1,) * (len(shape) - 2)), shape)


def _of_mean_diagonal(node: Node, slope: Array, shape: tuple[int, ...]) -> Array:
    space = node.args[0].space
    wide = slope.reshape(*slope.shape[:2]) / prod(space)
    if node.varies is not Varies.CROSS:
        return np.broadcast_to(wide.reshape(*wide.shape, *(1,) * (len(shape) - 2)), shape)
    result = np.zeros(shape)
    for position in np.ndindex(*space):
        result[twice(position)] = wide
    return result


def _of_same_position(node: Node, slope: Array, shape: tuple[int, ...]) -> Array:
    if node.varies is not Varies.CROSS:
        return slope
    result = np.zeros(shape)
    for position in np.ndindex(*node.space):
        result[twice(position)] = np.broadcast_to(slope, shape)[twice(position)]
    return result


def _of_embed(node: Node, slope: Array, shape: tuple[int, ...]) -> Array:
    out = node.attr("out")
    for axes in position_axes(node.varies, len(out)):
        for axis, start in zip(axes, node.attr("start"), strict=True):
            slope = np.take(slope, start + np.arange(shape[axis]), axis=axis)
    return slope


TRANSPOSES = {
    "window": _of_window,
    "spread": _of_spread,
    "pool": _of_pool,
    "sum_positions": _of_sum,
    "mean_diagonal": _of_mean_diagonal,
    "same_position": _of_same_position,
    "embed": _of_embed,
}
